"""l2echo-control: the answer on stdout, an exit status that is the command's, and no wait without an end."""

import contextlib
import json
import os
import re
import socket
import subprocess
import threading

import pytest

from tests.harness.program_under_test import FAILURE, USAGE

SECONDS = 10


@pytest.fixture
def path(tmp_path):
    return tmp_path / "control.sock"


@pytest.fixture
def control(pytestconfig, path):
    """control(WORDS...) runs it on the path; options go before."""
    program = f"{pytestconfig.getoption('build_dir')}/l2echo-control"

    def run(*words, options=("--socket", path), **settings):
        return subprocess.run((program, *options, *words), text=True, check=False, timeout=SECONDS,
                              **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **settings})

    return run


@pytest.fixture
def echo(start_echo, path):
    process = start_echo("net_null0,no-rx=1", "--disarmed", "--control-socket", str(path))
    process.wait_for_line("Ready: disarmed")
    return process


@contextlib.contextmanager
def server(path, answer):
    """Accepts one client, reads its line and sends this; None: keeps the connection and says nothing."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(str(path))
        listener.listen(1)

        def serve():
            client, _ = listener.accept()
            with client:
                client.recv(100)
                if answer is None:
                    client.recv(1)
                else:
                    client.sendall(answer)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield
        thread.join(SECONDS)


def assert_fails(done, status, *words):
    assert done.returncode == status
    lines = done.stderr.splitlines()
    assert len(lines) == 1 and lines[0].startswith("l2echo-control: error: "), done.stderr
    assert all(word in lines[0] for word in words), lines[0]


@pytest.mark.usefixtures("echo")
def test_answer_and_exit_status_are_the_commands(control, path):
    done = control("arm", "10s")
    assert (done.returncode, done.stderr) == (0, "")
    port = json.loads(done.stdout)["ports"][0]
    assert (port["port"], port["name"], port["state"]) == (0, "net_null0", "armed")
    assert json.loads(control("disarm").stdout)["ports"][0]["state"] == "disarmed"
    refused = control("arm", "soon")
    assert_fails(refused, FAILURE, "soon")
    assert refused.stdout == "", "the error is printed once"
    assert_fails(control("frobnicate"), FAILURE, "unknown command", "help lists them")
    by_variable = control("status", options=("--timeout=2s",), env={**os.environ, "L2ECHO_CONTROL_SOCKET": str(path)})
    assert by_variable.returncode == 0


@pytest.mark.usefixtures("echo")
def test_help_of_the_server_lists_the_commands_that_it_knows(control, l2_multi_echo):
    commands = json.loads(control("help").stdout)["help"]
    text = subprocess.check_output((l2_multi_echo, "--help"), text=True, timeout=SECONDS)
    listed = dict(line.strip().split("  ", maxsplit=1) for line in text[text.index("Commands of"):].splitlines()[1:])
    assert {name: help_text.strip() for name, help_text in listed.items()} == commands


@pytest.mark.usefixtures("echo")
def test_help_on_a_terminal_is_a_table(control):
    ours, theirs = os.openpty()
    assert control("help", stdout=theirs).returncode == 0
    os.close(theirs)
    lines = os.read(ours, 4096).decode().splitlines()
    os.close(ours)
    assert re.fullmatch(r"arm \[TIME\]  \S.*", lines[1]) and "{" not in lines[1], lines
    column = lines[1].index("]") + 3
    assert all(line[column - 1] == " " != line[column] for line in lines), lines


WRONG_USAGE = (((), "no command"), (("--frob", "status"), "unknown option --frob"), (("--socket",), "--socket needs"),
               (("--socket=", "status"), "--socket: the value is empty"), (("--timeout", "soon", "status"), "soon"),
               (("status",), "which socket"), (("--socket", "/none", "a\nb"), "one line"))


@pytest.mark.parametrize("words, error", WRONG_USAGE, ids=str)
def test_wrong_usage(control, words, error):
    environment = {name: value for name, value in os.environ.items() if name != "L2ECHO_CONTROL_SOCKET"}
    assert_fails(control(*words, options=(), env=environment), USAGE, error)


@pytest.mark.parametrize("kind, error", [("none", "no such socket"), ("dead", "no process listens there"),
                                         ("file", "no process listens there"), ("datagram", "not a control socket"),
                                         ("long", "107 bytes at most")])
def test_path_without_a_server(control, path, kind, error):
    with contextlib.ExitStack() as stack:
        if kind == "file":
            path.touch()
        elif kind in ("dead", "datagram"):
            kind_of_socket = socket.SOCK_DGRAM if kind == "datagram" else socket.SOCK_STREAM
            other = stack.enter_context(socket.socket(socket.AF_UNIX, kind_of_socket))
            other.bind(str(path))
        given = path if kind != "long" else "/tmp/" + "x" * 200
        assert_fails(control("status", options=("--socket", given)), FAILURE, str(given), error)


def test_socket_of_another_user(control, path):
    with server(path, b""):
        path.chmod(0o600)
        path.parent.chmod(0o755)
        others = {"user": 65534, "group": 65534, "extra_groups": []}
        assert_fails(control("status", **others), FAILURE, str(path), "another user", "sudo")
        control("status")


@pytest.mark.parametrize("answer, error", [(b"", "ended before the answer"), (b'{"ok":tr', "ended before the answer"),
                                           (b"SSH-2.0-OpenSSH\n", "not a control socket"), (b"[]\n", "not a control")])
def test_answer_that_is_none(control, path, answer, error):
    with server(path, answer):
        assert_fails(control("status"), FAILURE, error)


def test_server_that_says_nothing_is_not_waited_for(control, path):
    with server(path, None):
        assert_fails(control("--timeout", "100ms", "status"), FAILURE, "no answer in time")


def test_server_that_accepts_nobody_is_not_waited_for(control, path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(str(path))
        listener.listen(0)
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as first:
            first.connect(str(path))
            assert_fails(control("--timeout", "100ms", "status"), FAILURE, "accepts no connection")


@pytest.mark.usefixtures("echo")
def test_answer_that_cannot_be_written_is_a_failure(control):
    with open("/dev/full", "w", encoding="ascii") as full:
        assert_fails(control("status", stdout=full), FAILURE, "No space left on device")
