#!/usr/bin/python3
"""The kernel's end of the wire: sends numbered frames on a kernel interface and checks each frame that returns.

A returned frame is correct if its MAC addresses are swapped and every other byte is unchanged.
"""

import argparse
import dataclasses
import errno
import fcntl
import json
import os
import random
import select
import socket
import struct
import sys
import time
import zlib

DEFAULT_SIZES = (60, 128, 512, 1024, 1514)
PEER_MAC = bytes.fromhex("02edc0ffee01")
ETHERNET_HEADER, VLAN_TAG, IPV4_HEADER, UDP_HEADER = 14, 4, 20, 8
SMALLEST_SIZE = 60
TPID_8021Q, TPID_8021AD = 0x8100, 0x88A8

# From linux/if_packet.h and linux/sockios.h; the socket module does not define all of these.
SOL_PACKET, PACKET_AUXDATA, PACKET_IGNORE_OUTGOING = 263, 8, 23
PACKET_ADD_MEMBERSHIP, PACKET_MR_PROMISC = 1, 1
SO_RCVBUFFORCE = 33
ETH_P_ALL = 3
AUXDATA = struct.Struct("=IIIHHHH")  # status, len, snaplen, mac, net, vlan_tci, vlan_tpid
TP_STATUS_VLAN_VALID, TP_STATUS_VLAN_TPID_VALID = 1 << 4, 1 << 6
SIOCGIFFLAGS, SIOCSIFFLAGS, SIOCGIFMTU, SIOCGIFHWADDR = 0x8913, 0x8914, 0x8921, 0x8927
IFF_UP, IFF_RUNNING = 0x1, 0x40

RECEIVE_BUFFER_BYTES = 32 << 20
LINGER_SECONDS = 0.2  # how long to listen for duplicates after the last frame
MAX_STALLS = 3  # Stop sending after this many timeouts in which nothing returned.


class PeerError(Exception):
    pass


class KernelInterface:
    """The settings of one network interface that the peer reads and changes."""

    def __init__(self, name):
        self.name = name
        self._control = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)

    def _request(self, code, value=b""):
        request = struct.pack("16s", self.name.encode()) + value.ljust(24, b"\0")
        try:
            return fcntl.ioctl(self._control, code, request)[16:]
        except OSError as error:
            raise PeerError(f"interface {self.name}: {error.strerror}") from error

    def flags(self):
        return struct.unpack_from("=H", self._request(SIOCGIFFLAGS))[0]

    def mtu(self):
        return struct.unpack_from("=i", self._request(SIOCGIFMTU))[0]

    def mac(self):
        return self._request(SIOCGIFHWADDR)[2:8]

    def silence_ipv6(self):
        """Keeps the kernel's own router solicitations and MLD reports off the wire."""
        switch = f"/proc/sys/net/ipv6/conf/{self.name}/disable_ipv6"
        if os.path.exists(switch):
            with open(switch, "r+", encoding="ascii") as file:
                if file.read().strip() == "0":
                    file.write("1")

    def bring_up(self, timeout):
        """Brings the interface up and waits for its carrier: frames sent earlier are lost."""
        flags = self.flags()
        if not flags & IFF_UP:
            self._request(SIOCSIFFLAGS, struct.pack("=H", flags | IFF_UP))
        deadline = time.monotonic() + timeout
        while not self.flags() & IFF_RUNNING:
            if time.monotonic() > deadline:
                raise PeerError(f"interface {self.name}: no carrier after {timeout:g} s")
            time.sleep(0.01)

    def close(self):
        self._control.close()


def ones_complement(data):
    """The internet checksum (RFC 1071): a big-endian number modulo 65535 equals the sum of its 16-bit words."""
    data += b"\0" * (len(data) % 2)
    return 0xFFFF - int.from_bytes(data, "big") % 0xFFFF


def ipv4_header(payload_length, protocol, source, destination):
    fields = (0x45, 0, IPV4_HEADER + payload_length, 0, 0x4000, 64, protocol, 0, source, destination)
    header = bytearray(struct.pack("!BBHHHBBH4s4s", *fields))
    struct.pack_into("!H", header, 10, ones_complement(bytes(header)))
    return bytes(header)


def udp_datagram(source_port, destination_port, payload, source, destination):
    length = UDP_HEADER + len(payload)
    pseudo_header = struct.pack("!4s4sBBH", source, destination, 0, socket.IPPROTO_UDP, length)
    ports = struct.pack("!HHH", source_port, destination_port, length)
    checksum = ones_complement(pseudo_header + ports + b"\0\0" + payload)
    return ports + struct.pack("!H", checksum) + payload


def vlan_tags(outer, sequence):
    """Tags in rotation: none, one, two; every PCP and DEI value occurs over time."""
    kind = sequence % 3
    tci = (sequence // 3 % 16) << 12 | (100 + sequence % 50)
    if kind == 0:
        return b""
    if kind == 1:
        return struct.pack("!HH", TPID_8021Q, tci)
    return struct.pack("!HHHH", outer, tci, TPID_8021Q, 0xB000 | 7)


class NumberedPayload:
    """UDP payloads with a token of this run, a sequence number, and a checksum over both and the filler."""

    HEADER = struct.Struct("!8sII")  # token, sequence, CRC-32 of everything else

    def __init__(self):
        self._token = b"l2ep" + os.urandom(4)
        self._filling = random.Random(1).randbytes(65536)

    def build(self, sequence, length):
        start = sequence % 4096
        filling = self._filling[start : start + length - self.HEADER.size]
        head = self._token + struct.pack("!I", sequence)
        return head + struct.pack("!I", zlib.crc32(head + filling)) + filling

    def is_in(self, frame):
        return self._token in frame

    def sequence_in(self, frame):
        """The sequence number of a frame of this run, or None if its payload is damaged."""
        start = frame.find(self._token)
        if len(frame) - start < self.HEADER.size:
            return None
        _, sequence, check = self.HEADER.unpack_from(frame, start)
        end_of_head = start + self.HEADER.size
        content = frame[start : end_of_head - 4] + frame[end_of_head:]
        return sequence if zlib.crc32(content) == check else None


class FrameMaker:
    SOURCE_IP, DESTINATION_IP = (socket.inet_aton(ip) for ip in ("198.18.0.1", "198.19.0.1"))  # RFC 2544
    FIRST_PORT, DESTINATION_PORT = 49152, 7

    def __init__(self, source, destination, mtu, *, flows, sizes, outer_tag):
        self.payload = NumberedPayload()
        self._addresses = destination + source
        self._mtu = mtu
        self._flows = flows
        self._sizes = sizes
        self._outer_tag = outer_tag
        self._choice = random.Random(2)

    def build(self, sequence):
        tags = vlan_tags(self._outer_tag, sequence) if self._outer_tag else b""
        size = self._fitted(self._choice.choice(self._sizes) + len(tags), tags)
        flow = self._choice.randrange(self._flows)
        length = size - ETHERNET_HEADER - len(tags) - IPV4_HEADER - UDP_HEADER
        datagram = udp_datagram(
            self.FIRST_PORT + flow, self.DESTINATION_PORT, self.payload.build(sequence, length),
            self.SOURCE_IP, self.DESTINATION_IP,
        )
        header = ipv4_header(len(datagram), socket.IPPROTO_UDP, self.SOURCE_IP, self.DESTINATION_IP)
        return self._addresses + tags + b"\x08\x00" + header + datagram

    def _fitted(self, size, tags):
        """The kernel sends up to MTU + 14 bytes, and 4 more if the outermost tag is 802.1Q."""
        room = VLAN_TAG if tags[:2] == struct.pack("!H", TPID_8021Q) else 0
        return min(size, self._mtu + ETHERNET_HEADER + room)


def swapped(frame):
    return frame[6:12] + frame[0:6] + frame[12:]


@dataclasses.dataclass
class Result:
    sent: int = 0
    returned: int = 0
    lost: int = 0
    duplicated: int = 0
    corrupted: int = 0

    def is_clean(self):
        return self.lost == self.duplicated == self.corrupted == 0

    def __str__(self):
        return (f"sent {self.sent} frames, {self.returned} returned swapped, {self.lost} lost, "
                f"{self.duplicated} duplicated, {self.corrupted} corrupted")


class KernelPeer:
    """A raw socket on one interface. Not for interfaces with other traffic: it disables their IPv6."""

    def __init__(self, interface, *, destination=None, source=PEER_MAC, timeout=5.0):
        self._interface = KernelInterface(interface)
        self._timeout = timeout
        self._interface.silence_ipv6()
        self._interface.bring_up(timeout)
        self.source = source
        self.destination = destination or self._interface.mac()
        self._socket = self._open()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._socket.close()
        self._interface.close()

    def _open(self):
        # No protocol until the options are set, so that nothing is queued earlier.
        packet_socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        packet_socket.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, RECEIVE_BUFFER_BYTES)
        packet_socket.setsockopt(SOL_PACKET, PACKET_AUXDATA, 1)
        packet_socket.setsockopt(SOL_PACKET, PACKET_IGNORE_OUTGOING, 1)
        packet_socket.bind((self._interface.name, ETH_P_ALL))
        index = socket.if_nametoindex(self._interface.name)
        membership = struct.pack("=IHH8s", index, PACKET_MR_PROMISC, 0, b"")
        packet_socket.setsockopt(SOL_PACKET, PACKET_ADD_MEMBERSHIP, membership)
        packet_socket.setblocking(False)
        return packet_socket

    def send(self, frame):
        """False if the interface has no room for the frame now."""
        try:
            self._socket.send(frame)
        except OSError as error:
            if error.errno in (errno.ENOBUFS, errno.EAGAIN):
                return False
            raise PeerError(f"sending on {self._interface.name}: {error.strerror}") from error
        return True

    def receive(self, timeout):
        """The next received frame with its stripped VLAN tag restored, or None after the timeout."""
        if not select.select([self._socket], [], [], timeout)[0]:
            return None
        try:
            frame, ancillary, _, address = self._socket.recvmsg(65536, socket.CMSG_SPACE(AUXDATA.size))
        except BlockingIOError:
            return None
        except OSError as error:
            raise PeerError(f"receiving on {self._interface.name}: {error.strerror}") from error
        if address[2] == socket.PACKET_OUTGOING:
            return self.receive(timeout)
        return with_vlan_tag(frame, ancillary)

    def exchange(self, frames=1000, *, flows=64, sizes=DEFAULT_SIZES, vlan=False, outer_tag=TPID_8021AD, window=256):
        """Sends the frames, with at most `window` of them in flight, and returns the result.

        vlan: rotate through untagged, 802.1Q and double-tagged frames; outer_tag is the outer TPID of double-tagged
        frames.
        """
        maker = FrameMaker(self.source, self.destination, self._interface.mtu(), flows=flows, sizes=sizes,
                           outer_tag=outer_tag if vlan else None)
        return Exchange(self, maker, frames, window, self._timeout).run()


def with_vlan_tag(frame, ancillary):
    """Restores the outer VLAN tag, which the kernel delivers as ancillary data."""
    for level, kind, data in ancillary:
        if (level, kind) != (SOL_PACKET, PACKET_AUXDATA):
            continue
        status, _, _, _, _, tci, tpid = AUXDATA.unpack_from(data)
        if status & TP_STATUS_VLAN_VALID:
            tpid = tpid if status & TP_STATUS_VLAN_TPID_VALID else TPID_8021Q
            return frame[:12] + struct.pack("!HH", tpid, tci) + frame[12:]
    return frame


class Exchange:
    """One run: sends frames within the window and compares returned frames with the expected ones."""

    def __init__(self, peer, maker, frames, window, timeout):
        self._peer = peer
        self._maker = maker
        self._frames = frames
        self._window = window
        self._timeout = timeout
        self._expected = {}  # sequence -> the frame that must return
        self._overdue = {}  # the same, for frames no longer waited for; they are lost unless they arrive late
        self._unsent = None
        self._result = Result()

    def run(self):
        stalls = 0
        while self._may_send() or self._expected:
            self._fill_window()
            if self._take(self._timeout):
                continue
            self._stop_waiting_for_expected()
            stalls += 1
            if stalls == MAX_STALLS:
                break
        while self._take(LINGER_SECONDS):
            pass
        self._stop_waiting_for_expected()
        self._result.lost = len(self._overdue)
        return self._result

    def _may_send(self):
        return self._result.sent < self._frames

    def _fill_window(self):
        while self._may_send() and len(self._expected) < self._window:
            sequence = self._result.sent
            frame = self._unsent or self._maker.build(sequence)
            self._unsent = None
            if not self._peer.send(frame):
                self._unsent = frame
                return
            self._expected[sequence] = swapped(frame)
            self._result.sent += 1

    def _take(self, timeout):
        """False if nothing arrived within the timeout. Frames of other senders do not count."""
        deadline = time.monotonic() + timeout
        while (remaining := deadline - time.monotonic()) > 0:
            frame = self._peer.receive(remaining)
            if frame is not None and self._maker.payload.is_in(frame):
                self._judge(frame)
                return True
        return False

    def _judge(self, frame):
        sequence = self._maker.payload.sequence_in(frame)
        if sequence is None or sequence >= self._result.sent:
            self._result.corrupted += 1
            return
        expected = self._expected.pop(sequence, None) or self._overdue.pop(sequence, None)
        if expected is None:
            self._result.duplicated += 1
        elif expected == frame:
            self._result.returned += 1
        else:
            self._result.corrupted += 1

    def _stop_waiting_for_expected(self):
        self._overdue.update(self._expected)
        self._expected.clear()


def parse_mac(text):
    try:
        mac = bytes.fromhex(text.replace(":", ""))
    except ValueError:
        mac = b""
    if len(mac) != 6 or mac[0] & 1:
        raise argparse.ArgumentTypeError(f"{text} is not a unicast MAC address")
    return mac


def parse_sizes(text):
    sizes = tuple(int(size) for size in text.split(","))
    if min(sizes) < SMALLEST_SIZE:
        raise argparse.ArgumentTypeError(f"sizes start at {SMALLEST_SIZE}")
    return sizes


def parse_positive(text):
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is less than 1")
    return number


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--interface", required=True, help="the kernel interface, for example dtap0")
    parser.add_argument("--frames", type=parse_positive, default=1000, help="frames to send (%(default)s)")
    parser.add_argument("--flows", type=parse_positive, default=64, help="number of UDP source ports (%(default)s)")
    parser.add_argument("--sizes", type=parse_sizes, default=DEFAULT_SIZES, metavar="BYTES,...",
                        help="frame sizes without FCS and VLAN tags, up to what the interface takes "
                             f"({','.join(map(str, DEFAULT_SIZES))})")
    parser.add_argument("--vlan", action="store_true", help="rotate through untagged, 802.1Q and double-tagged frames")
    parser.add_argument("--outer-tag", choices=("0x88a8", "0x8100"), default="0x88a8",
                        help="outer EtherType of double-tagged frames (%(default)s)")
    parser.add_argument("--window", type=parse_positive, default=256, help="maximum frames in flight (%(default)s)")
    parser.add_argument("--timeout", type=float, default=5.0, metavar="SECONDS",
                        help="how long to wait for a frame before it counts as lost (%(default)s)")
    parser.add_argument("--destination", type=parse_mac, metavar="MAC", help="(the interface's own MAC)")
    parser.add_argument("--json", action="store_true", help="print the result as a JSON object")
    return parser.parse_args()


def main():
    arguments = parse_arguments()
    try:
        with KernelPeer(arguments.interface, destination=arguments.destination, timeout=arguments.timeout) as peer:
            result = peer.exchange(
                arguments.frames, flows=arguments.flows, sizes=arguments.sizes, vlan=arguments.vlan,
                outer_tag=int(arguments.outer_tag, 16), window=arguments.window,
            )
    except (PeerError, PermissionError) as error:
        print(f"kernel_peer: error: {error}", file=sys.stderr)
        return 1
    print(json.dumps(dataclasses.asdict(result)) if arguments.json else result)
    return 0 if result.is_clean() else 1


if __name__ == "__main__":
    sys.exit(main())
