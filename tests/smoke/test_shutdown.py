"""What ends the program, how soon, and what does not end it."""

import fcntl
import os
import signal
import subprocess
import termios

import pytest

import captures
from tests.harness.hugepages import free_hugepages, hugepages
from tests.harness.kernel_peer import KernelPeer
from tests.harness.program_under_test import STOP_SECONDS, assert_balanced, one_worker, run_to_end, two_workers

SMALLEST_PIPE = 4096
AT_ONCE_SECONDS = 0.3


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("device", ["net_null0", "net_tap0"])
def test_signal_stops_within_a_second(start_echo, device, number):
    process = start_echo(device, "--raw").wait_until_ready()
    assert_balanced(process.stop(number))


def test_signal_stops_while_frames_flow(start_echo):
    process = start_echo("net_tap0", "--stats-interval", "50ms").wait_until_ready()
    with KernelPeer("dtap0", timeout=0.3) as peer:
        assert peer.exchange(500).is_clean()
        for _ in range(1000):
            peer.send(b"\x02" + b"\x06" * 11 + b"\x08\x00" + bytes(46))
        assert_balanced(process.stop())


def test_worker_without_a_queue_stops_too(start_echo, tmp_path):
    capture = tmp_path / "empty.pcap"
    captures.write_capture(capture, [])
    process = start_echo(f"net_pcap0,rx_pcap={capture},tx_pcap={tmp_path}/out.pcap").wait_until_ready()
    final = process.stop()
    assert_balanced(final)
    assert [len(worker["queue_pairs"]) for worker in final["workers"]] == [1, 0]


def test_signal_during_start_up_ends_it(start_echo):
    process = start_echo("net_tap0")
    process.wait_for_line("EAL: Detected")
    process.send_signal(signal.SIGTERM)
    assert process.wait(STOP_SECONDS) in (0, -signal.SIGTERM)


@pytest.mark.alone
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_no_files_remain_in_hugetlbfs(start, l2_multi_echo, tmp_path, number):
    with hugepages(64, tmp_path):
        before = free_hugepages()
        process = start(l2_multi_echo, "--no-pci", f"--huge-dir={tmp_path}", "--file-prefix=ends", "-m", "96",
                        "--vdev=net_null0,no-rx=1", "--lcores", two_workers(), "--", "--rx-descriptors", "64",
                        "--tx-descriptors", "64").wait_until_ready()
        assert free_hugepages() < before
        process.send_signal(number)
        assert process.wait(STOP_SECONDS) == (0 if number == signal.SIGTERM else -number)
        assert list(tmp_path.iterdir()) == []
        assert free_hugepages() == before


def memif_without_peer(folder):
    """A device whose link stays down."""
    return f"net_memif0,role=server,socket={folder}/memif.sock,socket-abstract=no"


def test_signal_ends_the_wait_for_a_link(start_echo, tmp_path):
    process = start_echo(memif_without_peer(tmp_path), "--link-wait", "60s")
    process.wait_for_line(r"L2ECHO: Port 0: .*MAC")
    process.send_signal(signal.SIGTERM)
    process.end_cleanly(STOP_SECONDS)


def test_wait_for_a_link_times_out(start_echo, tmp_path):
    process = start_echo(memif_without_peer(tmp_path), "--link-wait", "500ms")
    process.wait_for_line(r"L2ECHO: warning: .*link", timeout=10)
    process.wait_until_ready()
    assert_balanced(process.stop())


def test_duration_ends_the_run(start_echo):
    final = run_to_end(start_echo("net_null0,no-rx=1", "--duration", "500ms"), 10)
    assert 0.5 <= final["elapsed_seconds"] < 1.5


def full_pipe():
    """A full pipe that nobody reads: a program that writes a report to it blocks."""
    read_end, write_end = os.pipe()
    room = fcntl.fcntl(write_end, fcntl.F_SETPIPE_SZ, SMALLEST_PIPE)
    os.write(write_end, bytes(room))
    return read_end, write_end


def test_second_signal_ends_a_blocked_program(start_echo):
    read_end, write_end = full_pipe()
    process = start_echo("net_null0", "--raw", stdout=write_end).wait_until_ready()
    process.send_signal(signal.SIGINT)
    with pytest.raises(AssertionError, match="still running"):
        process.wait(STOP_SECONDS)
    process.send_signal(signal.SIGTERM)
    assert process.wait(AT_ONCE_SECONDS) == -signal.SIGTERM
    os.close(write_end)
    os.close(read_end)


def open_stdin(kind):
    """The descriptor to pass as stdin, and the function to call in the child."""
    if kind == "null":
        return subprocess.DEVNULL, None
    if kind == "closed":
        return None, lambda: os.close(0)
    read_end, write_end = os.pipe()
    os.close(write_end)
    return read_end, None


@pytest.mark.parametrize("kind", ["null", "closed", "ended-pipe"])
def test_stdin_does_not_end_it(start_echo, kind):
    stdin, preexec = open_stdin(kind)
    process = start_echo("net_null0", "--raw", "--stats-interval", "100ms", stdin=stdin, preexec=preexec)
    process.wait_until_ready()
    for _ in range(3):
        process.wait_for_report(lambda report: report["type"] == "interval", "report")
    assert_balanced(process.stop())


def test_stdin_is_not_read(start_echo):
    read_end, write_end = os.pipe()
    os.write(write_end, b"stop\nquit\n")
    process = start_echo("net_null0", "--raw", "--stats-interval", "100ms", stdin=read_end).wait_until_ready()
    process.wait_for_report(lambda report: report["type"] == "interval", "report")
    process.stop()
    assert os.read(read_end, 64) == b"stop\nquit\n"


def own_session_with_terminal(terminal):
    """For the child: makes this terminal the controlling terminal of a new session."""
    def begin():
        os.setsid()
        signal.signal(signal.SIGHUP, signal.SIG_DFL)  # undoes any nohup that the tests were started with
        fcntl.ioctl(terminal, termios.TIOCSCTTY, 0)
    return begin


def test_terminal_hang_up_ends_the_run_with_a_report(start_echo):
    ours, theirs = os.openpty()
    process = start_echo("net_null0", "--raw", preexec=own_session_with_terminal(theirs)).wait_until_ready()
    os.close(theirs)
    os.close(ours)
    process.end_cleanly(STOP_SECONDS)
    assert_balanced(process.final())


def test_hang_up_without_a_terminal_is_ignored(start_echo):
    process = start_echo("net_null0", "--raw", preexec=os.setsid).wait_until_ready()
    process.send_signal(signal.SIGHUP)
    process.send_signal(signal.SIGUSR1)
    process.wait_for_report(lambda report: report["type"] == "interval", "report after the SIGHUP")
    assert_balanced(process.stop())


def test_report_signal_prints_one_report_immediately(start_echo):
    process = start_echo("net_null0", "--raw", "--stats-interval", "0", lcores=one_worker()).wait_until_ready()
    for _ in range(2):
        process.send_signal(signal.SIGUSR1)
        report = process.wait_for_report(lambda _: True, "report")
        assert report["type"] == "interval" and report["schema"] == "l2echo.report/1"
    assert_balanced(process.stop())
    assert len(process.reports()) == 3
