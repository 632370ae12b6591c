"""A result that cannot be written is never lost without a word, and a closed descriptor gets nobody else's bytes."""

import fcntl
import json
import os
import resource
import signal
import subprocess

import pytest

from tests.harness.program_under_test import (FAILURE, NO_NIC, START_SECONDS, assert_fails, error_line, one_lcore,
                                              one_worker, wait_until)

NET_NULL = "--vdev=net_null0,no-rx=1"
TAP = "dtap0"
SHORT_RUN = ("--count", "10", "--drain", "1ms", "--format", "json")


@pytest.fixture
def programs(l2_echo, l2_multi_echo, l2_probe):
    """What prints to stdout, by what it prints."""
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
    """l2_echo runs until a signal."""
    if what == "balance":
        process.wait_for_line("Ready: ")
        process.send_signal(signal.SIGINT)
    return process.wait(START_SECONDS)


@pytest.mark.parametrize("what", OUTPUTS)
def test_full_disk_is_told(start, programs, what):
    with open("/dev/full", "wb") as full:
        process = start(*programs[what], stdout=full)
    assert end_of(process, what) == FAILURE
    assert "No space left on device" in error_line(process)


@pytest.mark.parametrize("what", OUTPUTS)
def test_closed_stdout_is_told(start, programs, what):
    process = start(*programs[what], preexec=lambda: os.close(1))
    assert end_of(process, what) == FAILURE
    assert "Bad file descriptor" in error_line(process)


@pytest.mark.parametrize("what", ("config", "result", "report"))
def test_limit_of_a_file_is_told(start, programs, what, tmp_path):
    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))

    with open(tmp_path / "out", "wb") as out:
        process = subprocess.Popen(programs[what], stdout=out, stderr=subprocess.PIPE, preexec_fn=limit, text=True)
        errors = process.communicate(timeout=START_SECONDS)[1]
    assert process.returncode == FAILURE
    assert "File too large" in errors.splitlines()[-1]


def test_slow_reader_of_a_pipe_that_does_not_block_gets_all(start, programs):
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
def test_error_that_cannot_be_written_is_still_a_status(l2_multi_echo, what):
    arguments = ("--", "--frob") if what == "wrong usage" else (*NO_NIC, "--vdev=none_such0", "--")
    with open("/dev/full", "wb") as full:
        status = subprocess.run((l2_multi_echo, *arguments), stderr=full, stdout=subprocess.DEVNULL, check=False,
                                timeout=START_SECONDS).returncode
    assert status == (2 if what == "wrong usage" else 1)


def test_terminal_that_goes_away_does_not_end_the_probe(start, l2_probe):
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
    """A tap that is descriptor 2 would send each line of the log as a frame."""
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


def test_histogram_in_a_missing_folder_is_told_before_the_start(start_probe, tmp_path):
    process = start_probe("--histogram", str(tmp_path / "none" / "file"), device="net_null0")
    assert_fails(process, FAILURE, "--histogram: .*/none/file: No such file", "name a file in a folder")
    assert "EAL" not in process.stderr()


def test_histogram_on_stdout_follows_the_result(start_probe, tmp_path):
    with open(tmp_path / "out", "wb") as out:
        start_probe(*SHORT_RUN, "--histogram", "/dev/stdout", device=NET_NULL.removeprefix("--vdev="),
                    stdout=out).end_cleanly(START_SECONDS)
    result, histogram = (tmp_path / "out").read_text().split("\n", 1)
    assert json.loads(result)["sent"] == 10 and "Percentile" in histogram
