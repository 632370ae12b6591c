"""Test sessions: echoing stops, starts and stops again while the process runs, by expiry and by the control socket."""

import os
import pathlib
import re
import signal
import socket
import stat

import pytest

import captures
from control_client import ControlClient
from tests.harness.program_under_test import FAILURE, NO_NIC, USAGE, assert_balanced, assert_fails

INTERVAL = ("--stats-interval", "50ms")
MAX_CLIENTS, MAX_LINE_LENGTH = 16, 4096
BURST = 32
PORT = {"port": 0, "name": "net_pcap0"}


@pytest.fixture
def endless_traffic(tmp_path):
    """A port that receives valid frames endlessly, as fast as it is polled, and discards what it sends."""
    captures.write_capture(tmp_path / "endless.pcap", captures.frames_of_length(60))
    return f"net_pcap0,rx_pcap={tmp_path}/endless.pcap,infinite_rx=1"


@pytest.fixture
def path(tmp_path):
    return tmp_path / "control.sock"


@pytest.fixture
def controlled(start_echo, endless_traffic, path):
    return start_echo(endless_traffic, *INTERVAL, "--control-socket", str(path)).wait_until_ready()


def session(report):
    return report["ports"][0]["session"]


def wait_for_state(process, state):
    return process.wait_for_report(lambda report: session(report)["state"] == state, f"session that is {state}")


def assert_echoes(process):
    before = process.wait_for_report(lambda _: True, "report")["totals"]["echoed"]
    process.wait_for_report(lambda report: report["totals"]["echoed"] > before, "echoed frames")


def assert_silent(process, reason):
    """Frames arrive, and all are refused for this reason."""
    before = process.wait_for_report(lambda report: session(report)["state"] == reason, reason)["totals"]

    def totals_after(earlier):
        return process.wait_for_report(lambda report: report["totals"]["received"] > earlier["received"],
                                       "report of more frames")["totals"]

    first = totals_after(before)  # the current burst may still have been echoed
    last = totals_after(first)
    assert last["echoed"] == first["echoed"]
    assert last["checks_sent"] == first["checks_sent"], "a port that does not echo needs no loop check"
    refused = last["refused_by"][reason] - first["refused_by"][reason]
    assert refused == pytest.approx(last["received"] - first["received"], abs=2 * BURST)  # frames in flight


def test_expiry_stops_echoing_and_not_the_process(start_echo, endless_traffic):
    process = start_echo(endless_traffic, *INTERVAL, "--expire", "1500ms").wait_until_ready()
    remaining = [session(process.wait_for_report(lambda report: session(report)["state"] == "armed", "session"))
                 ["remaining_seconds"] for _ in range(3)]
    assert 1.5 >= remaining[0] > remaining[1] > remaining[2] > 0
    assert session(wait_for_state(process, "expired"))["remaining_seconds"] is None
    assert_silent(process, "expired")
    assert process.is_running()
    final = process.stop()
    assert_balanced(final)
    assert final["totals"]["echoed"] > 0


def test_session_without_expiry_has_no_remaining_time(controlled, path):
    assert session(wait_for_state(controlled, "armed"))["remaining_seconds"] is None
    with ControlClient(path) as client:
        assert client.ask("status") == {"ok": True, "ports": [{**PORT, "state": "armed", "remaining_seconds": None}]}


def test_disarmed_start_waits_for_the_socket(start_echo, endless_traffic, path):
    process = start_echo(endless_traffic, *INTERVAL, "--disarmed", "--control-socket", str(path))
    process.wait_for_line(r"L2ECHO: Ready: ")
    assert_silent(process, "disarmed")
    with ControlClient(path) as client:
        assert client.ask("status")["ports"] == [{**PORT, "state": "disarmed", "remaining_seconds": None}]
        assert client.ask("arm")["ports"] == [{**PORT, "state": "armed", "remaining_seconds": None}]
        assert_echoes(process)
        assert client.ask("disarm")["ports"] == [{**PORT, "state": "disarmed", "remaining_seconds": None}]
        assert_silent(process, "disarmed")
    assert_balanced(process.stop())


def test_start_up_reports_whether_it_echoes(start_echo, endless_traffic, path):
    process = start_echo(endless_traffic, "--disarmed", "--control-socket", str(path))
    assert "echoing" not in process.wait_for_line(r"L2ECHO: Ready: .*")[0]


def test_rearming_restarts_the_time(controlled, path):
    with ControlClient(path) as client:
        first = client.ask("arm 1s")["ports"][0]
        assert first["state"] == "armed" and 0.5 < first["remaining_seconds"] <= 1
        second = client.ask("arm 300s")["ports"][0]
        assert 290 < second["remaining_seconds"] <= 300
        client.ask("arm 100ms")
        assert_silent(controlled, "expired")
        assert client.ask("status")["ports"] == [{**PORT, "state": "expired", "remaining_seconds": None}]
        client.ask("arm 2min")
        assert_echoes(controlled)
    assert_balanced(controlled.stop())


def test_arming_without_a_time_uses_that_of_start_up(start_echo, endless_traffic, path):
    start_echo(endless_traffic, "--expire", "5min", "--control-socket", str(path)).wait_until_ready()
    with ControlClient(path) as client:
        client.ask("arm 1s")
        assert 290 < client.ask("arm")["ports"][0]["remaining_seconds"] <= 300
        client.ask("disarm")
        assert client.ask("status")["ports"][0]["remaining_seconds"] is None


def test_every_port_has_its_state(start, l2_multi_echo, path):
    start(l2_multi_echo, *NO_NIC, "--vdev=net_null0,no-rx=1", "--vdev=net_null1,no-rx=1", "-l", "0", "--",
          "--control-socket", str(path)).wait_until_ready()
    with ControlClient(path) as client:
        assert [port["state"] for port in client.ask("disarm")["ports"]] == ["disarmed"] * 2


def test_help_lists_commands_that_work(start_echo, endless_traffic, path, tmp_path):
    (tmp_path / "empty.toml").touch()
    start_echo(endless_traffic, *INTERVAL, "--control-socket", str(path), "--config",
               str(tmp_path / "empty.toml")).wait_until_ready()
    with ControlClient(path) as client:
        commands = client.ask("help")["commands"]
        for command in commands:
            answer = client.ask(command.replace("[TIME]", "5min").replace(" N", " 0"))
            assert answer["ok"] is True, command
    readme = (pathlib.Path(__file__).parents[2] / "README.md").read_text()
    line = re.search(r"# also: (.*)", readme)[1]
    assert set(line.split(", ")) | {"arm [TIME]"} == set(commands)


MISTAKES = {
    "": "empty",
    "   ": "empty",
    "fire": "unknown",
    "ARM": "unknown",
    "status now": "status",
    "disarm 5s": "disarm",
    "arm soon": "soon",
    "arm 5s 6s": "arm",
    "arm -1": "-1",
    "arm 0": "arm",
    "trace": "number",
    "trace many": "number",
    "trace -1": "number",
    "trace 1 2": "trace",
    "trace 99999999999999999999": "number",
}


@pytest.mark.parametrize("command, word", MISTAKES.items(), ids=repr)
def test_mistakes_are_explained_and_change_nothing(controlled, path, command, word):
    with ControlClient(path) as client:
        before = client.ask("status")
        answer = client.ask(command)
        assert answer["ok"] is False and word in answer["error"], answer
        assert client.ask("status") == before
    assert_echoes(controlled)


@pytest.mark.parametrize("line", [b"\0\0arm\n", b"\xff\xfe\x80\n", b"arm \xc3\n", "über\n".encode()], ids=repr)
def test_bytes_that_are_not_a_command_are_answered(controlled, path, line):
    with ControlClient(path) as client:
        client.write(line)
        assert client.answer()["ok"] is False


def test_lines_may_arrive_in_parts_or_together(controlled, path):
    with ControlClient(path) as client:
        client.write(b"disarm\nstatus\r\n  arm   5min \nsta")
        assert [client.answer()["ports"][0]["state"] for _ in range(3)] == ["disarmed", "disarmed", "armed"]
        client.write(b"tus\n")
        assert client.answer()["ok"] is True


def test_incomplete_line_is_not_a_command(controlled, path):
    with ControlClient(path) as client:
        client.write(b"disarm")
    with ControlClient(path) as client:
        assert client.ask("status")["ports"][0]["state"] == "armed"


def test_overlong_line_ends_the_connection(controlled, path):
    with ControlClient(path) as client:
        client.write(b"x" * MAX_LINE_LENGTH * 2)
        assert client.is_closed()
    assert_echoes(controlled)


def test_many_clients_are_served_and_the_next_one_waits(controlled, path):
    clients = [ControlClient(path) for _ in range(MAX_CLIENTS)]
    assert all(client.ask("status")["ok"] for client in clients)
    with ControlClient(path) as waiting:
        waiting.write(b"status\n")
        assert clients[0].ask("status")["ok"]
        clients.pop().close()
        assert waiting.answer()["ok"]
    for client in clients:
        client.close()


def test_client_that_does_not_read_blocks_no_other(controlled, path):
    with ControlClient(path) as deaf, ControlClient(path) as other:
        with pytest.raises(OSError):
            for _ in range(100_000):  # until its unread answers fill the socket and it is disconnected
                deaf.write(b"help\n" * 100)
        assert other.ask("status")["ok"]
    assert_echoes(controlled)


def test_disconnected_client_frees_its_slot(controlled, path):
    for _ in range(3 * MAX_CLIENTS):
        ControlClient(path).close()
    with ControlClient(path) as client:
        assert client.ask("status")["ok"]


def test_socket_is_private_to_its_owner_and_removed_at_the_end(controlled, path):
    assert stat.S_ISSOCK(path.stat().st_mode)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    controlled.stop()
    assert not path.exists()


def test_mode_does_not_depend_on_the_umask(start_echo, path):
    start_echo("net_null0,no-rx=1", "--control-socket", str(path), preexec=lambda: os.umask(0)).wait_until_ready()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_killed_process_leaves_a_replaceable_socket_and_no_session(controlled, start_echo, endless_traffic, path):
    with ControlClient(path) as client:
        client.ask("disarm")
    controlled.send_signal(signal.SIGKILL)
    controlled.wait(5)
    assert path.exists()
    second = start_echo(endless_traffic, *INTERVAL, "--control-socket", str(path)).wait_until_ready()
    with ControlClient(path) as client:
        assert client.ask("status")["ports"][0]["state"] == "armed"
    assert_echoes(second)
    second.stop()
    assert not path.exists()


def test_path_in_use_is_left_to_its_process(controlled, start_echo, path):
    assert_fails(start_echo("net_null0", "--control-socket", str(path)), FAILURE, "--control-socket", str(path),
                 "another process", "another path")
    with ControlClient(path) as client:
        assert client.ask("status")["ok"]


@pytest.mark.parametrize("make", [pathlib.Path.touch, pathlib.Path.mkdir, lambda path: path.symlink_to("/dev/null")],
                         ids=["file", "folder", "link"])
def test_non_socket_is_left_alone(start_echo, path, make):
    make(path)
    assert_fails(start_echo("net_null0", "--control-socket", str(path)), FAILURE, str(path), "not a socket")
    assert os.path.lexists(path) and not stat.S_ISSOCK(path.lstat().st_mode)


def test_path_that_is_too_long(start_echo, tmp_path):
    longest = 107  # sockaddr_un, including the terminating zero
    name = str(tmp_path / "x") + "x" * longest
    assert_fails(start_echo("net_null0", "--control-socket", name), FAILURE, "--control-socket", str(longest))
    folder = tmp_path / "f"
    folder.mkdir()
    fitting = str(folder / "x").ljust(longest, "x")
    if len(fitting) > longest:
        pytest.skip("the temporary folder's name is too long")
    start_echo("net_null0,no-rx=1", "--control-socket", fitting).wait_until_ready()
    with ControlClient(fitting) as client:
        assert client.ask("status")["ok"]


def test_missing_folder(start_echo, tmp_path):
    assert_fails(start_echo("net_null0", "--control-socket", str(tmp_path / "none" / "socket")), FAILURE,
                 "--control-socket", "No such file")


@pytest.mark.parametrize("options, words", [
    (("--disarmed",), ("--disarmed", "--control-socket")),
    (("--expire", "soon"), ("--expire", "soon")),
    (("--expire", "0"), ("--expire",)),
    (("--expire=-1s",), ("--expire",)),
], ids=lambda value: " ".join(value))
def test_useless_session_options_are_usage_errors(start_echo, options, words):
    assert_fails(start_echo("net_null0,no-rx=1", *options), USAGE, *words)


def test_live_socket_of_another_type_is_left_alone(start_echo, path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as other:
        other.bind(str(path))
        assert_fails(start_echo("net_null0,no-rx=1", "--control-socket", str(path)), FAILURE, str(path),
                     "another process")
        assert pathlib.Path(path).is_socket()


def test_bound_socket_that_does_not_listen_yet_is_left_alone(start_echo, path):
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(str(path))
        assert_fails(start_echo("net_null0,no-rx=1", "--control-socket", str(path)), FAILURE, str(path),
                     "another process")
        assert pathlib.Path(path).is_socket()


def test_socket_that_replaced_ours_is_not_removed(controlled, path):
    with socket.socket(socket.AF_UNIX) as other:
        path.unlink()
        other.bind(str(path))
        controlled.stop()
        assert path.is_socket()
