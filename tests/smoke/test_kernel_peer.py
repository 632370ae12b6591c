"""Tests the peer itself: it must detect a reflector that loses, duplicates and damages frames."""

import json
import subprocess
import sys
import threading

import pytest

from tests.harness import kernel_peer
from tests.harness.kernel_interfaces import veth_pair
from tests.harness.kernel_peer import KernelPeer, swapped

NEAR, FAR = "veth-near", "veth-far"
FRAMES = 200
EVERY = 10
DAMAGED = FRAMES // EVERY


@pytest.fixture(autouse=True)
def veth():
    with veth_pair(NEAR, FAR):
        yield


class Reflector:
    """Echoes each frame on the far end; every tenth frame is replaced by what `answers` returns for it."""

    def __init__(self, answers):
        self._answers = answers
        self._stop = threading.Event()
        self._peer = KernelPeer(FAR)
        self._thread = threading.Thread(target=self._reflect, daemon=True)

    def __enter__(self):
        self._thread.start()

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join(5)
        self._peer.__exit__()

    def _reflect(self):
        count = 0
        while not self._stop.is_set():
            frame = self._peer.receive(0.02)
            if frame is None:
                continue
            count += 1
            for answer in self._answers(frame) if count % EVERY == 0 else [swapped(frame)]:
                self._peer.send(answer)


def with_byte_changed(frame, index):
    changed = bytearray(frame)
    changed[index] ^= 0x01
    return bytes(changed)


def exchange(answers):
    with Reflector(answers), KernelPeer(NEAR, timeout=0.5) as peer:
        result = peer.exchange(FRAMES, vlan=True, window=32, sizes=(60, 777, 1400))
    assert result.sent == FRAMES
    return result.returned, result.lost, result.duplicated, result.corrupted


def test_correct_reflector_passes():
    assert exchange(lambda frame: [swapped(frame)]) == (FRAMES, 0, 0, 0)


@pytest.mark.parametrize("answers, expected", [
    (lambda frame: [], (FRAMES - DAMAGED, DAMAGED, 0, 0)),
    (lambda frame: [swapped(frame)] * 2, (FRAMES, 0, DAMAGED, 0)),
    (lambda frame: [frame], (FRAMES - DAMAGED, 0, 0, DAMAGED)),
    (lambda frame: [with_byte_changed(swapped(frame), 14)], (FRAMES - DAMAGED, 0, 0, DAMAGED)),
    (lambda frame: [swapped(frame) + b"x"], (FRAMES - DAMAGED, DAMAGED, 0, DAMAGED)),
    (lambda frame: [with_byte_changed(swapped(frame), -1)], (FRAMES - DAMAGED, DAMAGED, 0, DAMAGED)),
    (lambda frame: [swapped(frame), b"\2" * 60], (FRAMES, 0, 0, 0)),
], ids=["lost", "twice", "unswapped", "changed header or tag", "longer", "changed payload", "extra foreign frame"])
def test_faults_are_detected(answers, expected):
    assert exchange(answers) == expected


def test_frames_that_never_return_are_lost_after_bounded_time():
    with KernelPeer(NEAR, timeout=0.2) as peer:
        result = peer.exchange(1000, window=16)
    assert (result.returned, result.lost, result.sent) == (0, 48, 48)
    assert not result.is_clean()


def run_program(*arguments):
    return subprocess.run((sys.executable, kernel_peer.__file__, *arguments), capture_output=True, text=True,
                          check=False, timeout=20)


def test_program_reports_the_result_in_a_sentence():
    with Reflector(lambda frame: [swapped(frame)]):
        result = run_program("--interface", NEAR, "--frames", "20", "--flows", "3", "--sizes", "60,1514", "--vlan")
    assert result.returncode == 0, result.stderr
    assert result.stdout == "sent 20 frames, 20 returned swapped, 0 lost, 0 duplicated, 0 corrupted\n"


def test_program_fails_if_frames_are_lost():
    result = run_program("--interface", NEAR, "--frames", "5", "--timeout", "0.1", "--json")
    assert result.returncode == 1
    assert json.loads(result.stdout) == {"sent": 5, "returned": 0, "lost": 5, "duplicated": 0, "corrupted": 0}


def test_program_names_the_missing_interface():
    result = run_program("--interface", "no-such-if")
    assert (result.returncode, result.stdout) == (1, "")
    assert "no-such-if" in result.stderr
