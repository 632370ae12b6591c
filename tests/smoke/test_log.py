"""The log on stderr: as JSON, and as the systemd journal reads it."""

import json
import os
import socket
import subprocess

import pytest

from tests.harness.program_under_test import NO_NIC, START_SECONDS, one_lcore, one_worker

EAL = (*NO_NIC, "--no-telemetry", "--vdev=net_null0")
ERROR, WARNING, INFO = 3, 4, 6


def journal_of(*command):
    """Exit status and log of a program whose stderr is the journal's socket."""
    ours, journal = socket.socketpair()
    status = os.fstat(journal.fileno())
    environment = os.environ | {"JOURNAL_STREAM": f"{status.st_dev}:{status.st_ino}"}
    with ours, subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=journal, env=environment) as process:
        journal.close()
        text = b"".join(iter(lambda: ours.recv(4096), b"")).decode()
        return process.wait(START_SECONDS), text.splitlines()


def priorities(lines):
    assert all(line[0] == "<" and line[2] == ">" for line in lines), lines
    return {int(line[1]): line[3:] for line in lines}


def test_the_journal_gets_each_line_once_with_its_priority(l2_multi_echo):
    status, lines = journal_of(l2_multi_echo, *EAL, "--lcores", one_worker(), "--", "--duration", "100ms")
    assert status == 0
    ready = [line for line in lines if "Ready: " in line]
    assert [line[:3] for line in ready] == [f"<{INFO}>"]
    assert len(lines) == len(set(lines))
    assert "EAL: " in "".join(lines)
    assert set(priorities(lines)) >= {INFO}


def test_the_journal_gets_errors_as_errors(l2_probe):
    status, lines = journal_of(l2_probe, *EAL, "--lcores", one_lcore(0), "--", "--ports", "7")
    assert status == 1
    assert "l2_probe: error: " in priorities(lines)[ERROR]


def test_the_journal_gets_warnings_as_warnings(l2_multi_echo):
    _, lines = journal_of(l2_multi_echo, *EAL, "--lcores", one_worker(), "--", "--duration", "100ms", "--rss", "ip",
                          "--rss-key", "00" * 40)
    assert "L2ECHO: warning: " in priorities(lines)[WARNING]


@pytest.mark.parametrize("arguments", [("--duration", "100ms"), ("--ports", "7")])
def test_every_line_of_a_json_log_is_an_object(l2_multi_echo, arguments):
    finished = subprocess.run([l2_multi_echo, *EAL, "--lcores", one_worker(), "--", "--log-format", "json", *arguments],
                              stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, timeout=START_SECONDS)
    entries = [json.loads(line) for line in finished.stderr.splitlines()]
    assert all(set(entry) == {"time", "level", "source", "message"} for entry in entries)
    assert {entry["source"] for entry in entries} >= {"EAL", "L2ECHO"}
    levels = {entry["level"] for entry in entries}
    assert "info" in levels
    assert ("error" in levels) == (finished.returncode != 0)


def test_a_journal_that_is_not_read_does_not_delay_the_end(l2_multi_echo):
    ours, journal = socket.socketpair()
    journal.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    status = os.fstat(journal.fileno())
    environment = os.environ | {"JOURNAL_STREAM": f"{status.st_dev}:{status.st_ino}"}
    command = [l2_multi_echo, *EAL, "--lcores", one_worker(), "--log-level", "*:debug", "--", "--duration", "100ms"]
    with ours, journal:
        finished = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=journal, env=environment,
                                  timeout=START_SECONDS)
    assert finished.returncode == 0
