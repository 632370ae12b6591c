"""Output that cannot be written is never lost silently, and a closed descriptor never receives other data."""

import contextlib
import fcntl
import json
import os
import pathlib
import resource
import signal
import subprocess
import threading
import time
import tty

import pytest

from test_metrics import Endpoint
from tests.harness.program_under_test import (FAILURE, NO_NIC, START_SECONDS, STOP_SECONDS, assert_fails,
                                              error_line, one_lcore, one_worker, wait_until)

NET_NULL = "--vdev=net_null0,no-rx=1"
TAP = "dtap0"
ROOT = pathlib.Path(__file__).resolve().parents[2]
SHORT_RUN = ("--count", "10", "--drain", "1ms", "--format", "json")


@pytest.fixture
def programs(l2_echo, l2_multi_echo, l2_probe):
    """Commands that print to stdout, by the kind of their output."""
    eal = (*NO_NIC, "--no-telemetry", NET_NULL)
    return {
        "help": (l2_multi_echo, "--help"),
        "version": (l2_probe, "--version"),
        "config": (l2_multi_echo, "--", "--print-config"),
        "result": (l2_probe, *eal, "--lcores", one_lcore(0), "--", *SHORT_RUN),
        "report": (l2_multi_echo, *eal, "--lcores", one_worker(), "--", "--duration", "100ms"),
        "search": (l2_probe, *eal, "--lcores", one_lcore(0), "--", "--search", "ndr", "--trial", "10ms", "--drain",
                   "1ms", "--rate", "1kpps"),
        "balance": (l2_echo, *eal, "--lcores", one_lcore(0)),
    }


OUTPUTS = ("help", "version", "config", "result", "report", "search", "balance")


def end_of(process, what):
    """The exit status; l2_echo must first be stopped by a signal."""
    if what == "balance":
        process.wait_for_line("Ready: ")
        process.send_signal(signal.SIGINT)
    return process.wait(START_SECONDS)


@pytest.mark.parametrize("what", OUTPUTS)
def test_full_disk_is_reported(start, programs, what):
    with open("/dev/full", "wb") as full:
        process = start(*programs[what], stdout=full)
    assert end_of(process, what) == FAILURE
    assert "No space left on device" in error_line(process)


@pytest.mark.parametrize("what", OUTPUTS)
def test_closed_stdout_is_reported(start, programs, what):
    process = start(*programs[what], preexec=lambda: os.close(1))
    assert end_of(process, what) == FAILURE
    assert "Bad file descriptor" in error_line(process)


@pytest.mark.parametrize("what", OUTPUTS)
def test_reader_that_has_left_ends_help_silently_and_fails_a_result(start, programs, what):
    reader, writer = os.pipe()
    os.close(reader)
    process = start(*programs[what], stdout=writer)
    os.close(writer)
    if what in ("help", "version", "config"):
        assert process.wait(START_SECONDS) == -signal.SIGPIPE
        assert process.stderr() == ""
    else:
        assert end_of(process, what) == FAILURE
        assert "Broken pipe" in error_line(process)


@pytest.mark.parametrize("what", ("config", "result", "report"))
def test_file_size_limit_is_reported(start, programs, what, tmp_path):
    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))

    with open(tmp_path / "out", "wb") as out:
        process = subprocess.Popen(programs[what], stdout=out, stderr=subprocess.PIPE, preexec_fn=limit, text=True)
        errors = process.communicate(timeout=START_SECONDS)[1]
    assert process.returncode == FAILURE
    assert "File too large" in errors.splitlines()[-1]


def test_slow_reader_of_a_non_blocking_pipe_gets_everything(start, programs):
    reader, writer = os.pipe()
    fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, 4096)
    filler = os.write(writer, bytes(2000))
    os.set_blocking(writer, False)
    process = start(*programs["config"], stdout=writer)
    os.close(writer)
    with open(reader, "rb", buffering=0) as pipe:
        assert process.is_running()
        text = b"".join(iter(lambda: pipe.read(100), b""))
    assert process.wait(START_SECONDS) == 0
    assert text[filler:] == subprocess.check_output(programs["config"]) and len(text) > 4096


@pytest.mark.parametrize("what", ("wrong usage", "failed start"))
def test_exit_status_is_right_if_the_error_cannot_be_written(l2_multi_echo, what):
    arguments = ("--", "--frob") if what == "wrong usage" else (*NO_NIC, "--vdev=none_such0", "--")
    with open("/dev/full", "wb") as full:
        status = subprocess.run((l2_multi_echo, *arguments), stderr=full, stdout=subprocess.DEVNULL, check=False,
                                timeout=START_SECONDS).returncode
    assert status == (2 if what == "wrong usage" else 1)


def test_terminal_that_disappears_does_not_end_the_probe(start, l2_probe):
    ours, theirs = os.openpty()
    process = start(l2_probe, *NO_NIC, NET_NULL, "--lcores", one_lcore(0), "--", "--duration", "2s", "--rate", "1kpps",
                    "--drain", "1ms", "--format", "json", stderr=theirs)
    os.close(theirs)
    wait_until(lambda: b"sent" in os.read(ours, 4096), "progress")
    os.close(ours)
    assert process.wait(START_SECONDS) == 0
    assert process.reports()[0]["sent"] > 1500


@pytest.mark.parametrize("closed", [(2,), (0, 1, 2)], ids=str)
def test_port_gets_no_standard_descriptor(start_echo, closed):
    """A tap on descriptor 2 would send each log line as a frame."""
    def close():
        for descriptor in closed:
            os.close(descriptor)

    process = start_echo("net_tap0", "--stats-interval", "100ms", preexec=close)
    wait_until(lambda: os.path.exists(f"/sys/class/net/{TAP}"), TAP)
    for descriptor in closed:
        target = os.readlink(f"/proc/{process.pid()}/fd/{descriptor}")
        assert target == "/dev/null", (descriptor, target)
    process.send_signal(signal.SIGTERM)
    process.wait(START_SECONDS)


def test_histogram_in_a_missing_folder_is_reported_before_start_up(start_probe, tmp_path):
    process = start_probe("--histogram", str(tmp_path / "none" / "file"), device="net_null0")
    assert_fails(process, FAILURE, "--histogram: .*/none/file: No such file", "name a file in a folder")
    assert "EAL" not in process.stderr()


def test_histogram_on_stdout_follows_the_result(start_probe, tmp_path):
    with open(tmp_path / "out", "wb") as out:
        start_probe(*SHORT_RUN, "--histogram", "/dev/stdout", device=NET_NULL.removeprefix("--vdev="),
                    stdout=out).end_cleanly(START_SECONDS)
    result, histogram = (tmp_path / "out").read_text().split("\n", 1)
    assert json.loads(result)["sent"] == 10 and "Percentile" in histogram


class Stalled:
    """A pipe or terminal whose buffer fills up; nobody reads it until read_on() is called."""

    def __init__(self, kind):
        self._reader, self.writer = os.openpty() if kind == "terminal" else os.pipe()
        if kind == "terminal":
            tty.setraw(self.writer)
        else:
            fcntl.fcntl(self.writer, fcntl.F_SETPIPE_SZ, 4096)
        self._text = b""
        self._thread = threading.Thread(target=self._read, daemon=True)

    def _read(self):
        try:
            while piece := os.read(self._reader, 4096):
                self._text += piece
        except OSError:  # a terminal's end of file
            pass

    def read_on(self):
        self._thread.start()

    def whole_text(self):
        os.close(self.writer)
        self._thread.join()
        return self._text.decode()


@pytest.fixture(params=("pipe", "terminal"))
def stalled(request):
    return Stalled(request.param)


def test_stalled_reader_costs_only_reports(start_echo, stalled):
    """The reporter continues, reports that are delivered are complete, and their intervals cover the whole run."""
    process = start_echo("net_null0", "--raw", "--stats-interval", "5ms", stdout=stalled.writer)
    process.wait_for_line("warning: stdout is not being read: reports are dropped")
    stalled.read_on()
    process.send_signal(signal.SIGTERM)
    assert process.wait(START_SECONDS) == 0
    assert int(process.wait_for_line(r"(\d+) reports? dropped")[1]) > 0
    *reports, final = map(json.loads, stalled.whole_text().splitlines())
    assert final["type"] == "final" and len(reports) > 1
    times = [0, *(report["elapsed_seconds"] for report in reports)]
    for begin, report in zip(times, reports):
        assert report["elapsed_seconds"] - begin == pytest.approx(report["interval_seconds"], abs=1e-4)


def fill(descriptor):
    """Fills twice, because the kernel moves a terminal's output to its reader asynchronously."""
    os.set_blocking(descriptor, False)
    for _ in range(2):
        with contextlib.suppress(BlockingIOError):
            while True:
                os.write(descriptor, b"\n")
        time.sleep(0.05)
    os.set_blocking(descriptor, True)


@pytest.mark.parametrize("what", ("echo", pytest.param("probe", marks=pytest.mark.long)))
@pytest.mark.parametrize("kind", ("pipe", pytest.param("terminal", marks=pytest.mark.long)))
def test_stop_does_not_wait_for_a_stalled_reader(start_echo, start, l2_probe, what, kind):
    stalled = Stalled(kind)
    fill(stalled.writer)
    if what == "echo":
        process = start_echo("net_null0", "--raw", "--stats-interval", "5ms", stdout=stalled.writer)
        process.wait_for_line("reports are dropped")
    else:
        process = start(l2_probe, *NO_NIC, NET_NULL, "--lcores", one_lcore(0), "--", "--duration", "60s", "--rate",
                        "1kpps", stdout=stalled.writer)
        process.wait_for_line("Probing")
    process.send_signal(signal.SIGTERM)
    assert process.wait(START_SECONDS) == FAILURE
    assert "could not be written to stdout: its reader took nothing for 5 s" in error_line(process)


@pytest.mark.parametrize("kind", ("pipe", "terminal"))
def test_stalled_reader_of_the_log_blocks_nothing(start, l2_multi_echo, l2_probe, kind):
    """Covers the start-up log, the progress line and the final error."""
    log = Stalled(kind)
    fill(log.writer)
    eal = (*NO_NIC, "--no-telemetry", NET_NULL)
    echo = start(l2_multi_echo, *eal, "--lcores", one_worker(), "--", "--duration", "100ms", stderr=log.writer)
    probe = start(l2_probe, *eal, "--lcores", one_lcore(0), "--", "--duration", "1s", "--rate", "1kpps", "--drain",
                  "1ms", "--require-loss", "0", "--format", "json", stderr=log.writer)
    assert echo.wait(START_SECONDS) == 0 and "received" in echo.stdout()
    assert probe.wait(START_SECONDS) == FAILURE and probe.reports()[0]["sent"] > 0


def test_shared_descriptor_keeps_its_mode(start, programs):
    """O_NONBLOCK on the caller's open file description would make its next write fail."""
    reader, writer = os.pipe()
    process = start(*programs["report"], stdout=writer, stderr=writer)
    assert process.wait(START_SECONDS) == 0
    assert os.get_blocking(writer)
    os.close(writer)
    os.close(reader)


def test_early_report_signal_does_not_end_the_program(start, programs):
    """Sends SIGUSR1 as soon as the program runs, which is before EAL has started."""
    process = start(*programs["report"])
    wait_until(lambda: "l2_multi_echo" in os.readlink(f"/proc/{process.pid()}/exe"), "the program")
    time.sleep(0.01)
    while process.is_running():
        process.send_signal(signal.SIGUSR1)
        time.sleep(0.002)
    assert process.wait(START_SECONDS) == 0


def test_histogram_in_a_mounted_file(start_probe, tmp_path):
    """A container may mount a single file, which cannot be replaced by renaming."""
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    ours.touch()
    theirs.write_text("old and longer than nothing")
    mounted = ("unshare", "--mount", "bash", "-euc", f'mount --bind {ours} {theirs}; exec "$@"', "mounted")
    start_probe(*SHORT_RUN, "--histogram", str(theirs), device=NET_NULL.removeprefix("--vdev="),
                before=mounted).end_cleanly(START_SECONDS)
    assert ours.read_text().startswith(" ") and "Percentile" in ours.read_text()
    assert {path.name for path in tmp_path.iterdir()} == {"ours", "theirs"}


def test_counts_that_cannot_be_written_do_not_end_l2_echo(start, programs):
    with open("/dev/full", "wb") as full:
        process = start(*programs["balance"], stdout=full)
    process.wait_for_line("Ready: ")
    process.send_signal(signal.SIGUSR1)
    process.wait_for_line("warning: the counts could not be written to stdout")
    assert process.is_running()
    process.send_signal(signal.SIGTERM)
    assert process.wait(START_SECONDS) == FAILURE


def test_disk_that_is_full_for_a_while_costs_reports_and_not_their_form(start_echo, tmp_path):
    folder = tmp_path / "small"
    folder.mkdir()
    subprocess.run(("mount", "-t", "tmpfs", "-o", "size=16k", "none", folder), check=True)
    try:
        with open(folder / "reports", "wb") as reports:
            process = start_echo("net_null0", "--raw", "--stats-interval", "5ms", "--metrics", "127.0.0.1:0",
                                 stdout=reports)
        process.wait_for_line("warning: the report cannot be written to stdout: No space")
        endpoint = Endpoint(process)
        dropped = process.wait_for(lambda: endpoint.metrics()["l2echo_dropped_reports_total"], "dropped reports")
        process.wait_for(lambda: endpoint.metrics()["l2echo_dropped_reports_total"] > dropped, "more of them")
        subprocess.run(("mount", "-o", "remount,size=1m", folder), check=True)
        process.send_signal(signal.SIGTERM)
        assert process.wait(START_SECONDS) == FAILURE
        assert "reports before the final one could not be written" in error_line(process)
        *_, final = map(json.loads, (folder / "reports").read_text().splitlines())
        assert final["type"] == "final"
    finally:
        subprocess.run(("umount", folder), check=True)


def test_trace_that_is_cut_short_fails(start_echo, tmp_path):
    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))

    process = start_echo("net_null0", "--trace", "1000", "--trace-file", str(tmp_path / "trace"), "--duration", "500ms",
                         stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, preexec=limit)
    assert process.wait(START_SECONDS) == FAILURE


def test_signal_ends_a_long_drain(start, l2_probe):
    process = start(l2_probe, *NO_NIC, NET_NULL, "--lcores", one_lcore(0), "--", "--count", "10", "--drain", "1h",
                    "--format", "json")
    process.wait_for_line("Probing")
    time.sleep(0.2)
    process.send_signal(signal.SIGTERM)
    assert process.wait(STOP_SECONDS + 1) == FAILURE
    assert process.reports()[0]["sent"] == 10


@pytest.mark.parametrize("script", [("scripts/host-setup", "--json", "--only", "cpus"),
                                    ("scripts/host-setup", "--help"), ("scripts/plot", "--help")], ids=" ".join)
@pytest.mark.parametrize("stdout", ["full", "closed"])
def test_script_reports_that_stdout_is_lost(script, stdout):
    with open("/dev/full", "wb") as full:
        done = subprocess.run(("/usr/bin/python3", ROOT / script[0], *script[1:]), check=False, timeout=START_SECONDS,
                              stdout=full, stderr=subprocess.PIPE, text=True,
                              preexec_fn=(lambda: os.close(1)) if stdout == "closed" else None)
    assert done.returncode == 1, done.stderr
    assert "could not be written to stdout" in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr
