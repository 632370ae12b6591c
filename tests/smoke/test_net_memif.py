"""Two DPDK processes and no kernel between them: dpdk-testpmd sends, l2_multi_echo returns."""

import re
import signal
import subprocess

import pytest

from tests.harness.program_under_test import NO_NIC, assert_balanced, one_worker, two_workers

ENOUGH_FRAMES = 20000
RING_ENTRIES = 1024  # what may still wait in each of testpmd's RX rings when it stops polling


@pytest.fixture
def sender(start, testpmd):
    """testpmd as the client of a memif socket; its prompt waits for commands."""

    def start_sender(device, queues):
        # As many queues as the server has: the driver lets one without a partner read another one's ring.
        # By default testpmd takes more mbufs than there is memory for.
        return start("stdbuf", "--output=L", testpmd, *NO_NIC, "--lcores", two_workers(), f"--vdev={device}", "--",
                     "--interactive", "--forward-mode=flowgen", "--port-topology=loop", "--total-num-mbufs=16384",
                     f"--rxq={queues}", f"--txq={queues}", f"--nb-cores={queues}", stdin=subprocess.PIPE)

    return start_sender


def ask(peer, command, answer):
    """Types a command at testpmd's prompt; what it printed so far, once the answer is there."""
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
    final = echo.stop(signal.SIGTERM)  # before its peer: the driver cannot bear a peer that leaves while it is polled
    assert_balanced(final)
    totals = final["totals"]
    assert (totals["received"], totals["refused"]) == (sent, 0)
    assert all(worker["received"] > 0 for worker in final["workers"])
    assert totals["echoed"] - queues * RING_ENTRIES <= returned <= totals["echoed"]
    peer.write_line("quit")
    assert peer.wait(10) == 0
