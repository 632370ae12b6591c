"""Two DPDK processes without the kernel in between: dpdk-testpmd sends, l2_multi_echo returns."""

import os
import re
import signal
import subprocess
import sys

import pytest

from tests.harness.program_under_test import (FAILURE, NO_NIC, PATIENT, START_SECONDS, assert_balanced, assert_fails,
                                              one_lcore, one_worker, two_workers, usable_cpus, wait_until)

ENOUGH_FRAMES = 20000
RING_ENTRIES = 1024  # maximum frames left in each of testpmd's RX rings when it stops polling


@pytest.fixture
def sender(start, testpmd):
    """testpmd as the client of a memif socket, waiting at its prompt."""

    def start_sender(device, queues):
        # Use as many queues as the server: the driver lets an unmatched queue read another queue's ring.
        # By default testpmd needs more mbufs than fit into this memory.
        return start("stdbuf", "--output=L", testpmd, *NO_NIC, "--lcores", two_workers(), f"--vdev={device}", "--",
                     "--interactive", "--forward-mode=flowgen", "--port-topology=loop", "--total-num-mbufs=16384",
                     f"--rxq={queues}", f"--txq={queues}", f"--nb-cores={queues}", stdin=subprocess.PIPE)

    return start_sender


def ask(peer, command, answer):
    """Types a command at testpmd's prompt and waits until its output matches; returns the match."""
    peer.write_line(command)
    return peer.wait_for(lambda: re.search(answer, peer.stdout(), re.DOTALL), f"answer to '{command}'")


@pytest.mark.parametrize("queues, lcores", [(1, one_worker()), (2, two_workers())], ids=["one worker", "two workers"])
def test_testpmd_gets_back_what_it_sends(start_echo, sender, tmp_path, queues, lcores):
    socket = f"socket={tmp_path}/memif.sock,socket-abstract=no"
    echo = start_echo(f"net_memif0,role=server,{socket}", "--link-wait", "0", "--stats-interval", "100ms",
                      lcores=lcores).wait_until_ready()
    peer = sender(f"net_memif0,role=client,{socket}", queues)
    echo.wait_for_report(lambda report: report["ports"][0]["link"]["up"], "link")

    peer.write_line("start")
    echo.wait_until_received(ENOUGH_FRAMES)
    ask(peer, "stop", r"Done\.")
    statistics = ask(peer, "show port stats 0", r"NIC statistics.*RX-packets:\s+(\d+).*TX-packets:\s+(\d+)\s+TX-errors")
    returned, sent = map(int, statistics.groups())

    echo.wait_until_received(sent)
    final = echo.stop(signal.SIGTERM)
    assert_balanced(final)
    totals = final["totals"]
    assert (totals["received"], totals["refused"]) == (sent, 0)
    assert all(worker["received"] > 0 for worker in final["workers"])
    assert totals["echoed"] - queues * RING_ENTRIES <= returned <= totals["echoed"]
    peer.write_line("quit")
    assert peer.wait(10) == 0


@pytest.fixture
def busy_cpus(start):
    """Keeps both CPUs busy, so that lcores are preempted in the middle of a burst."""
    for cpu in usable_cpus()[:2]:
        start(sys.executable, "-c", f"import os\nos.sched_setaffinity(0, [{cpu}])\nwhile True: pass")


@pytest.fixture
def two_queues(start, l2_probe, wire):
    """two_queues() starts a probe that sends for a long time on two queue pairs."""
    return lambda: start(l2_probe, *NO_NIC, f"--vdev=net_memif0,role=client,{wire}", "--lcores", two_workers(),
                         "--", "--queues", "2", "--flows", "2", "--rate", "100kpps", "--duration", "60s")


ROUNDS = [1, pytest.param(10, marks=[pytest.mark.long, pytest.mark.alone])]


@pytest.mark.parametrize("rounds", ROUNDS)
def test_peer_that_exits_while_frames_flow_does_no_harm(start_echo, two_queues, busy_cpus, wire, rounds):
    echo = start_echo(f"net_memif0,role=server,{wire}", *PATIENT, "--stats-interval", "20ms").wait_until_ready()
    received = 0
    for number in range(rounds):
        probe = two_queues()
        echo.wait_until_received(received + 1000)
        probe.send_signal(signal.SIGKILL if number % 2 else signal.SIGTERM)
        probe.wait(20)
        echo.wait_for_report(lambda report: not report["ports"][0]["link"]["up"], "link that is down")
        received = echo.reports()[-1]["totals"]["received"]
    assert_balanced(echo.stop())


@pytest.mark.parametrize("rounds", ROUNDS)
def test_far_end_that_exits_while_frames_flow_does_no_harm(start_echo, two_queues, busy_cpus, wire, rounds):
    for number in range(rounds):
        echo = start_echo(f"net_memif0,role=server,{wire}", *PATIENT, "--stats-interval", "20ms").wait_until_ready()
        probe = two_queues()
        echo.wait_until_received(1000)
        echo.send_signal(signal.SIGKILL if number % 2 else signal.SIGTERM)
        echo.wait(20)
        probe.send_signal(signal.SIGTERM)
        assert probe.wait(20) == 1, probe.stderr()
        wire_socket = wire.split("socket=")[1].split(",")[0]
        if os.path.exists(wire_socket):
            os.unlink(wire_socket)


@pytest.mark.parametrize("program", ["echo", "probe"])
def test_client_reports_that_it_does_not_reconnect(echo, start_echo, start_probe, wire, program):
    if program == "echo":
        client = start_echo(f"net_memif0,role=client,{wire}", lcores=one_lcore(1)).wait_until_ready()
    else:
        client = start_probe("--duration", "30s", "--rate", "100pps")
        echo.wait_until_received(1)
    echo.stop()
    client.wait_for_line("(?i)link (is )?down.*; a memif client does not connect again: .* start this program again")


SERVERS = {"memif": "net_memif0,role=server,socket={},socket-abstract=no", "vhost": "net_vhost0,iface={}"}


@pytest.mark.parametrize("device", SERVERS.values(), ids=SERVERS)
def test_driver_socket_is_replaced_only_after_its_process_was_killed(start_echo, tmp_path, device):
    path = tmp_path / "server.sock"

    def start_server():
        return start_echo(device.format(path), "--link-wait", "0", lcores=one_worker())

    first = start_server().wait_until_ready()
    assert_fails(start_server(), FAILURE, "--vdev net_", str(path), "another process")
    assert path.is_socket() and first.is_running()
    first.send_signal(signal.SIGKILL)
    first.wait(5)
    assert path.is_socket()
    start_server().wait_until_ready().stop()


def test_socket_of_a_driver_that_waited_for_its_client_is_gone(start_echo, tmp_path):
    """virtio_user's driver waits in the middle of the start, and leaves its socket."""
    path = tmp_path / "server.sock"
    process = start_echo(f"net_virtio_user0,path={path},server=1")
    wait_until(path.is_socket, "the socket")
    process.send_signal(signal.SIGTERM)
    assert process.wait(START_SECONDS) == FAILURE
    assert not path.exists()
