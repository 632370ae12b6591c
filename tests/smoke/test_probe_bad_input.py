"""l2_probe over a kernel interface, against far ends and links that misbehave in known ways."""

import json
import os
import random
import signal
import time

import pytest

from hostile_far_end import HostileFarEnd, KnownFaults, echo
from tests.harness.kernel_interfaces import ip, veth_pair
from tests.harness.program_under_test import (FAILURE, NO_NIC, PATIENT, USAGE, assert_fails, error_line, usable_cpus,
                                              wait_until)

RUN_SECONDS = 60
PROBE_END, FAR_END = "veth-probe", "veth-far"
TAP = "dtap0"
DESTINATION = bytes.fromhex("02005e005301")
HEADERS = 14 + 20 + 8
DOWN_SECONDS = 0.5


@pytest.fixture
def wire():
    with veth_pair(PROBE_END, FAR_END):
        yield


@pytest.fixture
def start_probe(start, l2_probe):
    def start_on(device, *options):
        return start(l2_probe, *NO_NIC, f"--vdev={device}", "--lcores", f"0@{usable_cpus()[-1]}", "--", "--format",
                     "json", *options)

    return start_on


@pytest.fixture
def probe(start_probe, wire):
    return lambda *options: start_probe(f"net_af_packet0,iface={PROBE_END}", *options)


def result_of(process):
    process.end_cleanly(RUN_SECONDS)
    return json.loads(process.stdout())


def test_known_faults_of_every_kind_are_counted_exactly(probe):
    hundreds = 20
    with HostileFarEnd(FAR_END, DESTINATION, KnownFaults(HEADERS)) as far_end:
        result = result_of(probe("--count", str(100 * hundreds), "--rate", "2kpps", "--size", "128", "--drain", "2s"))
    assert far_end.received == result["sent"] == 100 * hundreds
    found = {name: result[name] for name in
             ("lost", "duplicated", "reordered", "largest_distance", "corrupted", "foreign", "late", "returned")}
    assert found == {
        "lost": hundreds, "duplicated": hundreds, "reordered": hundreds, "largest_distance": KnownFaults.HELD_FOR,
        "corrupted": 3 * hundreds, "foreign": hundreds, "late": 0,
        "returned": 97 * hundreds,  # all except the lost frames and the two kinds whose stamp is unreadable
    }
    assert result["round_trip_ns"]["count"] == 96 * hundreds  # also without those that have a wrong byte
    assert result["complete"] is True


@pytest.mark.alone
def test_random_garbage_is_foreign_and_everything_is_lost(probe):
    choice = random.Random(4)
    with HostileFarEnd(FAR_END, DESTINATION, lambda *_: [choice.randbytes(choice.randint(14, 1514))]):
        result = result_of(probe("--count", "1000", "--rate", "2kpps", "--drain", "500ms"))
    assert (result["sent"], result["lost"], result["foreign"]) == (1000, 1000, 1000)
    assert (result["returned"], result["corrupted"]) == (0, 0)


def test_flapping_link_is_reported_and_the_run_continues(start_probe):
    process = start_probe("net_tap0", "--duration", "6s", "--rate", "1kpps", "--drain", "500ms")
    process.wait_for(lambda: os.path.exists(f"/sys/class/net/{TAP}"), TAP)
    with HostileFarEnd(TAP, DESTINATION, echo) as far_end:
        wait_until(lambda: far_end.received > 500, "frames before the flap")
        ip("link", "set", TAP, "down")
        process.wait_for_line(r"warning: port 0 \(net_tap0\): link DOWN after .* the run continues")
        down = time.monotonic()
        wait_until(lambda: time.monotonic() > down + DOWN_SECONDS, "end of the outage")
        ip("link", "set", TAP, "up")
        process.wait_for_line(r"port 0 \(net_tap0\): link up again after ")
        before = far_end.received
        wait_until(lambda: far_end.received > before + 100, "frames after the flap")
        result = result_of(process)
    assert result["complete"] is True
    assert result["lost"] + result["returned"] == result["sent"]
    assert [result[name] for name in ("corrupted", "duplicated", "reordered", "late")] == [0, 0, 0, 0]
    assert result["link_changes"] >= 2
    assert result["rate"]["tx_full"] > 0  # a tap that is down accepts no frames
    assert result["returned"] > 1000


@pytest.fixture
def stalled(start_probe, start_echo, tmp_path):
    """(start, far_end): start(OPTIONS...) runs a probe whose far end has stopped emptying its ring."""
    socket = f"socket={tmp_path}/memif.sock,socket-abstract=no"
    far_end = start_echo(f"net_memif0,role=server,{socket}", *PATIENT,
                         lcores=f"0@{usable_cpus()[0]}").wait_until_ready()

    def start_stalled(*options):
        process = start_probe(f"net_memif0,role=client,{socket}", *options)
        far_end.wait_until_received(500)
        far_end.send_signal(signal.SIGSTOP)
        return process

    yield start_stalled, far_end
    far_end.send_signal(signal.SIGCONT)


def test_full_tx_ring_ends_a_counted_run_and_is_reported(stalled):
    start_stalled, _ = stalled
    process = start_stalled("--count", "100000", "--rate", "2kpps", "--drain", "100ms")
    assert process.wait(RUN_SECONDS) == FAILURE
    assert "the run is not complete: the TX queue took nothing for 5 s" in error_line(process)
    result = json.loads(process.stdout())
    assert result["ended"] == "gave-up"
    assert "TX queue took nothing any more: gave up after" in process.stderr()
    assert result["complete"] is False
    assert result["rate"]["tx_full"] > 0
    assert result["lost"] + result["returned"] == result["sent"] < 100_000


@pytest.mark.long
def test_full_tx_ring_delays_a_timed_run_and_loses_nothing(stalled):
    start_stalled, far_end = stalled
    process = start_stalled("--duration", "11s", "--rate", "5kpps", "--drain", "3s")
    stopped = time.monotonic()
    wait_until(lambda: time.monotonic() > stopped + 7, "end of the stall")  # the ring holds 0.2 s, the sender waits 5 s
    far_end.send_signal(signal.SIGCONT)
    result = result_of(process)
    assert result["complete"] is True
    assert result["rate"]["tx_full"] > 0
    assert result["rate"]["send_delay_ns"]["max"] > 3e9  # planned times do not move
    assert result["seconds"] > 7.5
    assert result["sent"] == result["returned"]


def test_rate_beyond_the_sender_is_reported_as_its_limit(start_probe):
    result = result_of(start_probe("net_null0,no-rx=1", "--duration", "300ms", "--rate", "100Gpps", "--drain", "1ms"))
    assert result["rate"]["sender_limited"] is True
    assert result["queue_pairs"][0]["sender_limited"] is True
    assert 0 < result["rate"]["sent_per_second"] < 100e9


def test_rate_beyond_the_link_is_a_usage_error(start_probe):
    assert_fails(start_probe("net_null0,no-rx=1", "--rate", "200%"), USAGE, "--rate", "200%", "at most 100%")


@pytest.mark.parametrize("rate", ["10pps", "5kbps"])
def test_trials_without_frames_are_rejected(start_probe, rate):
    process = start_probe("net_null0,no-rx=1", "--search", "ndr", "--rate", rate, "--trial", "50ms")
    assert_fails(process, USAGE, "--trial: 0.05 s at .* sends no frame; give trials of ")


def test_trials_that_send_no_frame_at_any_rate_are_refused(start_probe):
    process = start_probe("net_null0,no-rx=1", "--search", "ndr", "--trial", "0.000000001", "--drain", "1ms")
    assert_fails(process, USAGE, r"--trial: 1e-09 s at .* sends no frame; give trials of ")


@pytest.mark.parametrize("what", ["search", "sweep"])
def test_link_that_goes_down_ends_a_search(start_probe, tmp_path, what):
    wanted = ("--search", "ndr") if what == "search" else ("--sweep", str(tmp_path / "sweep"), "--size", "64")
    process = start_probe("net_tap0", *wanted, "--rate", "1kpps", "--trial", "300ms", "--drain", "1ms")
    process.wait_for_line("L2ECHO: Trial at ")
    ip("link", "set", TAP, "down")
    assert process.wait(RUN_SECONDS) == FAILURE
    assert f"the {what} is not complete: " in error_line(process)
    assert "the link was down at the end" in error_line(process)
    result = json.loads(process.stdout())
    assert (result["complete"], result["ended"]) == (False, "link-down")
