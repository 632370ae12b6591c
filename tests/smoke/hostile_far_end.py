"""A far end on a kernel interface that misbehaves as a test demands."""

import errno
import threading

from tests.harness.kernel_peer import KernelPeer, PeerError, swapped

POLL_SECONDS = 0.05


class HostileFarEnd:
    """Calls fate(number, frame) for each frame that goes to `destination` and sends the returned frames in order.

    Frames are numbered from 0 in order of arrival. The thread ends with the `with` block, which re-raises errors of
    fate().
    """

    def __init__(self, interface, destination, fate):
        self._peer = KernelPeer(interface)
        self._destination = destination
        self._fate = fate
        self._end = threading.Event()
        self._error = None
        self._thread = threading.Thread(target=self._run)
        self.received = 0

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._end.set()
        self._thread.join()
        self._peer.__exit__()
        if self._error:
            raise self._error

    def _run(self):
        try:
            while not self._end.is_set():
                self._turn_unless_down()
        except Exception as error:  # re-raised in the test's thread
            self._error = error

    def _turn_unless_down(self):
        try:
            self._turn()
        except PeerError as error:
            if error.__cause__.errno != errno.ENETDOWN:
                raise

    def _turn(self):
        frame = self._peer.receive(POLL_SECONDS)
        if frame is None or frame[:6] != self._destination:
            return
        for answer in self._fate(self.received, frame):
            while not self._peer.send(answer) and not self._end.is_set():
                pass
        self.received += 1


def echo(_, frame):
    return [swapped(frame)]


class KnownFaults:
    """One fault of each kind in every hundred frames; all other frames are returned correctly."""

    LOST, DUPLICATED, HELD, WRONG_BYTE, WRONG_STAMP, FOREIGN, CUT = range(10, 80, 10)
    HELD_FOR = 3  # frames
    GARBAGE = bytes.fromhex("020000000001020000000002") + b"\x90\x00" + bytes(50)

    def __init__(self, stamp_offset):
        self._stamp_offset = stamp_offset
        self._held = None

    def __call__(self, number, frame):
        place = number % 100
        answer = swapped(frame)
        if place == self.LOST:
            return []
        if place == self.DUPLICATED:
            return [answer, answer]
        if place == self.HELD:
            self._held = answer
            return []
        if place == self.HELD + self.HELD_FOR:
            return [answer, self._held]
        if place == self.WRONG_BYTE:
            return [answer[:-1] + bytes([answer[-1] ^ 1])]
        if place == self.WRONG_STAMP:
            at = self._stamp_offset
            return [answer[:at] + bytes([answer[at] ^ 1]) + answer[at + 1:]]
        if place == self.FOREIGN:
            return [answer, self.GARBAGE]
        if place == self.CUT:
            return [answer[:-1]]
        return [answer]
