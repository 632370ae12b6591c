"""Reload: options of the file are applied to the running echo, as a whole or not at all."""

import json
import os
import signal
import socket
import time

import pytest

import captures
from control_client import ControlClient
from test_metrics import Endpoint
from tests.harness.program_under_test import (NO_NIC, PATIENT, USAGE, assert_balanced, assert_fails, one_lcore,
                                              one_worker, wait_until)

INTERVAL = ("--stats-interval", "50ms")


@pytest.fixture
def path(tmp_path):
    return tmp_path / "control.sock"


@pytest.fixture
def config(tmp_path):
    return tmp_path / "far_end.toml"


@pytest.fixture
def echo(start_echo, config, path, tmp_path):
    """Echoes endless frames, with a configuration file, without a controlling terminal."""
    captures.write_capture(tmp_path / "endless.pcap", captures.frames_of_length(60))

    def start_it(content, *options):
        config.write_text(content)
        return start_echo(f"net_pcap0,rx_pcap={tmp_path}/endless.pcap,infinite_rx=1", *INTERVAL, "--config",
                          str(config), "--control-socket", str(path), *options, preexec=os.setsid).wait_until_ready()

    return start_it


def reload(path):
    with ControlClient(path) as client:
        return client.ask("reload")


def changed(path, *options):
    assert reload(path) == {"ok": True, "changed": list(options)}


def refused_by(process):
    """What one report counts as refused more than the one before it, by reason."""
    first, second = (process.wait_for_report(lambda _: True, "report")["totals"]["refused_by"] for _ in range(2))
    return {reason for reason, count in second.items() if count > first[reason]}


def test_rules_are_applied_to_the_running_echo(echo, config, path):
    process = echo("")
    assert refused_by(process) == set()
    config.write_text('only-from = "02:00:00:00:00:99"\n')
    changed(path, "--only-from")
    process.wait_for_report(lambda _: True, "report")
    assert refused_by(process) == {"not-from-tester"}
    config.write_text("")
    changed(path, "--only-from")
    process.wait_for_report(lambda _: True, "report")
    assert refused_by(process) == set()
    assert_balanced(process.stop())


EACH = {
    "accept": ('accept = "own"', "not-own"),
    "swap": ('swap = "mac+ip+port"', "not-swappable"),
    "match": ('match = ["refuse,ethertype=0x0800", "echo"]', "unmatched"),
    "max-rate": ('max-rate = "100pps"', "over-rate"),
}


@pytest.mark.parametrize("key", EACH)
def test_each_rule_reloads(echo, config, path, key):
    process = echo("")
    line, reason = EACH[key]
    config.write_text(line + "\n")
    changed(path, f"--{key}")
    process.wait_for_report(lambda _: True, "report")
    assert refused_by(process) == {reason}
    assert_balanced(process.stop())


def test_rate_is_that_of_the_new_file(echo, config, path):
    process = echo('max-rate = "1kpps"\n')
    config.write_text('max-rate = "2kpps"\n')
    changed(path, "--max-rate")
    process.wait_for_report(lambda _: True, "report")
    first = process.wait_for_report(lambda _: True, "report")
    last = process.wait_for_report(lambda report: report["elapsed_seconds"] > first["elapsed_seconds"] + 1, "report")
    rate = ((last["totals"]["echoed"] - first["totals"]["echoed"]) /
            (last["elapsed_seconds"] - first["elapsed_seconds"]))
    assert rate == pytest.approx(2000, rel=0.2)


def test_interval_of_the_reports_is_applied(start_echo, config, path):
    config.write_text('stats-interval = "1h"\n')
    process = start_echo("net_null0", "--config", str(config), "--control-socket", str(path)).wait_until_ready()
    config.write_text('stats-interval = "50ms"\n')
    changed(path, "--stats-interval")
    for _ in range(3):
        process.wait_for_report(lambda _: True, "report")


def test_metrics_say_whether_the_last_reload_succeeded(echo, config, path):
    before = time.time()
    process = echo("", "--metrics", "127.0.0.1:0")
    endpoint = Endpoint(process)

    def shown():
        samples = endpoint.metrics()
        return (samples["l2echo_config_last_reload_successful"],
                samples["l2echo_config_last_reload_success_timestamp_seconds"])

    succeeded, started = shown()
    assert succeeded == 1 and before < started < time.time()
    config.write_text("accept = 7\n")
    assert not reload(path)["ok"]
    wait_until(lambda: shown() == (0, started), "a failed reload")
    config.write_text('accept = "own"\n')
    before = time.time()
    changed(path, "--accept")
    wait_until(lambda: shown()[0] == 1, "a reload that succeeded")
    assert before <= shown()[1] <= time.time()


def test_reload_without_a_file_is_no_failed_reload(start_echo, path):
    process = start_echo("net_null0", "--control-socket", str(path), "--metrics", "127.0.0.1:0").wait_until_ready()
    assert not reload(path)["ok"]
    assert Endpoint(process).metrics()["l2echo_config_last_reload_successful"] == 1


def test_hang_up_reloads_without_a_terminal(echo, config):
    process = echo("")
    config.write_text('accept = "own"\n')
    process.send_signal(signal.SIGHUP)
    process.wait_for_line("L2ECHO: Reloaded: --accept changed")
    process.send_signal(signal.SIGHUP)
    process.wait_for_line("L2ECHO: Reloaded: nothing has changed")
    config.write_text("accept = 7\n")
    process.send_signal(signal.SIGHUP)
    process.wait_for_line("warning: reload: .*far_end.toml.*; nothing was changed")
    assert_balanced(process.stop())


BAD = {
    "syntax": ("accept = ", "far_end.toml"),
    "unknown key": ("acept = \"own\"", "acept"),
    "bad value": ("max-rate = \"fast\"", "max-rate"),
    "half good": ("only-from = \"02:00:00:00:00:99\"\nmatch = [\"nonsense\"]", "nonsense"),
    "restart": ("only-from = \"02:00:00:00:00:99\"\nburst = 64", "far_end.toml:2:9: burst needs a restart"),
    "contradiction": ("raw = true\naccept = \"own\"", "--raw"),
}


@pytest.mark.parametrize("what", BAD)
def test_file_with_a_fault_changes_nothing(echo, config, path, what):
    process = echo("")
    content, reason = BAD[what]
    config.write_text(content + "\n")
    answer = reload(path)
    assert answer["ok"] is False and reason in answer["error"], answer
    process.wait_for_line("warning: reload: .*; nothing was changed")
    process.wait_for_report(lambda _: True, "report")
    assert refused_by(process) == set()
    config.write_text("")
    changed(path)
    assert_balanced(process.stop())


def test_each_option_that_needs_a_restart_is_named_with_its_line(echo, config, path):
    echo("burst = 64\n")
    config.write_text("\nburst = 32\nidle = \"sleep\"\n")
    assert reload(path)["error"] == f"{config}:2:9: burst needs a restart; {config}:3:8: idle needs a restart"
    config.write_text("")
    assert reload(path)["error"] == f"{config}: to leave out burst needs a restart"


def test_missing_file_changes_nothing(echo, config, path):
    echo("")
    config.unlink()
    answer = reload(path)
    assert answer["ok"] is False and str(config) in answer["error"]


def test_without_a_file_there_is_nothing_to_reload(start_echo, path):
    start_echo("net_null0", "--control-socket", str(path)).wait_until_ready()
    answer = reload(path)
    assert answer["ok"] is False and "without --config" in answer["error"]


def test_command_line_still_takes_precedence(echo, config, path):
    echo("", "--accept", "any")
    config.write_text('accept = "own"\n')
    changed(path)


def test_service_manager_hears_of_a_reload_whether_it_succeeds_or_not(echo, config, path, tmp_path, monkeypatch):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(f"{tmp_path}/notify")
        manager.settimeout(10)
        monkeypatch.setenv("NOTIFY_SOCKET", f"{tmp_path}/notify")
        echo("")

        def until(key):
            while key not in (message := manager.recv(65536).decode()):
                pass
            return dict(line.split("=", 1) for line in message.splitlines())

        until("READY")
        for content, ok in (('accept = "own"\n', True), ("accept = 7\n", False)):
            config.write_text(content)
            assert reload(path)["ok"] is ok
            assert int(until("RELOADING")["MONOTONIC_USEC"]) > 0
            assert ("failed" in until("READY")["STATUS"]) is not ok


@pytest.mark.parametrize("content, status", [("accept = \"own\"\n", 0), ("accept = \"mine\"\n", USAGE)])
@pytest.mark.parametrize("program", ["l2_multi_echo", "l2_probe"])
def test_check_config_says_whether_the_file_is_valid(request, start, config, program, content, status):
    content = content if program == "l2_multi_echo" else content.replace("accept", "format").replace("own", "json")
    config.write_text(content)
    process = start(request.getfixturevalue(program), "--", "--check-config", "--config", str(config))
    if status:
        assert_fails(process, status, "far_end.toml")
    else:
        process.end_cleanly(5)
        assert process.stdout() == "The configuration is valid.\n"


def test_check_config_also_checks_options_against_each_other(start, l2_multi_echo, config):
    config.write_text("disarmed = true\n")
    assert_fails(start(l2_multi_echo, "--", "--check-config", "--config", str(config)), USAGE, "--disarmed")


RELOADS = 100
#: Frames and frames per second: slow enough that rings do not overflow while a busy machine takes a CPU away.
TRAFFIC = [(60_000, 20_000), pytest.param(1_000_000, 250_000, marks=[pytest.mark.long, pytest.mark.alone])]


@pytest.mark.parametrize("frames, rate", TRAFFIC)
def test_no_frame_is_lost_while_rules_are_replaced(start, start_echo, l2_probe, config, path, tmp_path, frames, rate):
    contents = ('match = ["ethertype=0x0800"]\n', 'accept = "any"\nmax-rate = "100Gbps"\n')
    config.write_text(contents[0])
    wire = f"socket={tmp_path}/memif.sock,socket-abstract=no"
    process = start_echo(f"net_memif0,role=server,{wire}", *PATIENT, "--config", str(config), "--control-socket",
                         str(path), lcores=one_worker()).wait_until_ready()
    probe = start(l2_probe, *NO_NIC, f"--vdev=net_memif0,role=client,{wire}", "--lcores", one_lcore(1), "--",
                  "--count", str(frames), "--rate", f"{rate}pps", "--drain", "5s", "--require-loss", "0", "--format",
                  "json")
    probe.wait_for_line("Probing: ")
    with ControlClient(path) as client:
        for number in range(1, RELOADS + 1):
            config.write_text(contents[number % 2])
            assert client.ask("reload")["changed"] == ["--match", "--max-rate"]
    assert probe.is_running(), "every reload came while frames flowed"
    probe.wait(60)
    final = process.stop()
    assert_balanced(final)
    totals = {key: final["totals"][key] for key in ("refused", "dropped", "tx_retries", "missed", "no_mbuf")}
    assert totals["refused"] == totals["dropped"] == 0, totals
    result = json.loads(probe.stdout())
    assert (result["returned"], result["lost"], result["corrupted"]) == (frames, 0, 0), result
