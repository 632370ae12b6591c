"""l2_echo: one lcore, one queue pair, no options except its report's."""

import re
import signal

from tests.harness.kernel_peer import KernelPeer
from tests.harness.program_under_test import NO_NIC, STOP_SECONDS, assert_fails, usable_cpus


def test_every_frame_comes_back_and_is_counted(start, l2_echo):
    process = start(l2_echo, "-l", str(usable_cpus()[0]), *NO_NIC, "--vdev=net_tap0")
    process.wait_for_line(r"L2ECHO: Ready")
    with KernelPeer("dtap0") as peer:
        result = peer.exchange(5000, vlan=True)
    assert result.is_clean() and result.returned == 5000, result
    process.send_signal(signal.SIGINT)
    process.end_cleanly(STOP_SECONDS)
    assert re.search(r"\b5[ ,']?000\b", process.stdout()), process.stdout()


def test_report_signal_prints_the_counts_so_far(start, l2_echo):
    process = start(l2_echo, "-l", str(usable_cpus()[0]), *NO_NIC, "--vdev=net_null0,no-rx=1")
    process.wait_for_line(r"L2ECHO: Ready")
    process.send_signal(signal.SIGUSR1)
    process.wait_for(lambda: process.stdout().count("\n") == 1, "line of counts")
    process.send_signal(signal.SIGINT)
    process.end_cleanly(STOP_SECONDS)
    first, last = process.stdout().splitlines()
    assert first == last and "received" in first


def test_option_of_the_other_program_is_a_usage_error(start, l2_echo):
    assert_fails(start(l2_echo, *NO_NIC, "--vdev=net_null0", "--", "--raw"), 2, "--raw")


def test_missing_port_is_an_error(start, l2_echo):
    assert_fails(start(l2_echo, "-l", str(usable_cpus()[0]), *NO_NIC), 1, "port", "--vdev")
