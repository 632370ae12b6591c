"""The host's end of a guest NIC's wire: a tap or a socket pair, and frames through it."""

import errno
import fcntl
import os
import select
import socket
import struct

from tests.harness.kernel_peer import PEER_MAC, Exchange, FrameMaker, KernelPeer, DEFAULT_SIZES

# linux/if_tun.h
TUNSETIFF, TUNSETQUEUE = 0x400454CA, 0x400454D9
IFF_TAP, IFF_MULTI_QUEUE, IFF_NO_PI, IFF_VNET_HDR = 0x2, 0x100, 0x1000, 0x4000
IFF_ATTACH_QUEUE = 0x200
MTU = 1500
TIMEOUT_SECONDS = 10.0


class TapWire:
    """A tap with as many queues as the NIC; it disappears when its file descriptors are closed."""

    def __init__(self, name, mac, queues):
        self.name = name
        self.mac = mac
        self.file_descriptors = [self._open_queue() for _ in range(queues)]

    def _open_queue(self):
        queue = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
        flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR | IFF_MULTI_QUEUE
        fcntl.ioctl(queue, TUNSETIFF, struct.pack("16sH22x", self.name.encode(), flags))
        return queue

    def make_ready(self):
        """Call before each guest: the previous guest, or a killed QEMU, may have disabled queues."""
        for queue in self.file_descriptors:
            try:
                fcntl.ioctl(queue, TUNSETQUEUE, struct.pack("16sH22x", b"", IFF_ATTACH_QUEUE))
            except OSError as error:
                if error.errno != errno.EINVAL:  # EINVAL: the queue is already enabled
                    raise

    def netdev(self, identifier):
        return f"tap,id={identifier},vhost=off,fds={':'.join(map(str, self.file_descriptors))}"

    def peer(self):
        return KernelPeer(self.name, destination=bytes.fromhex(self.mac.replace(":", "")), timeout=TIMEOUT_SECONDS)

    def close(self):
        for queue in self.file_descriptors:
            os.close(queue)


class SocketWire:
    """A pair of datagram sockets, one frame per datagram: needs no interface and no privileges."""

    def __init__(self, mac):
        self.mac = mac
        self._ours, self._qemus = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._ours.setblocking(False)
        self.file_descriptors = [self._qemus.fileno()]

    def make_ready(self):
        """Does nothing: sockets keep their state."""

    def netdev(self, identifier):
        return f"dgram,id={identifier},local.type=fd,local.str={self._qemus.fileno()}"

    def peer(self):
        return SocketPeer(self._ours, bytes.fromhex(self.mac.replace(":", "")))

    def close(self):
        self._ours.close()
        self._qemus.close()


class SocketPeer:
    """Like KernelPeer, on a SocketWire."""

    def __init__(self, wire, destination):
        self._wire = wire
        self.source = PEER_MAC
        self.destination = destination

    def __enter__(self):
        while self.receive(0):  # discards frames that arrived earlier
            pass
        return self

    def __exit__(self, *_):
        pass

    def send(self, frame):
        try:
            self._wire.send(frame)
        except OSError as error:
            if error.errno in (errno.ENOBUFS, errno.EAGAIN):
                return False
            raise
        return True

    def receive(self, timeout):
        if not select.select([self._wire], [], [], timeout)[0]:
            return None
        return self._wire.recv(65536)

    def exchange(self, frames=1000, *, flows=64, sizes=DEFAULT_SIZES, vlan=False, window=256):
        maker = FrameMaker(self.source, self.destination, MTU, flows=flows, sizes=sizes,
                           outer_tag=0x88A8 if vlan else None)
        return Exchange(self, maker, frames, window, TIMEOUT_SECONDS).run()
