"""What the program reports to the service manager that started it, as systemd does."""

import os
import re
import signal
import socket
import time

import pytest

from tests.harness.program_under_test import LIBC, NO_NIC, STOP_SECONDS, two_workers

WATCHDOG_SECONDS = 0.4
PTRACE_ATTACH, PTRACE_DETACH = 16, 17


class Manager:
    """The manager's end of the notify socket."""

    def __init__(self, address):
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(address)
        self._socket.settimeout(10)

    def close(self):
        path = self._socket.getsockname()
        self._socket.close()
        if isinstance(path, str):
            os.unlink(path)

    def message(self):
        """The next message, as a dictionary."""
        return dict(line.split("=", 1) for line in self._socket.recv(65536).decode().splitlines())

    def messages_until(self, key):
        messages = []
        while not messages or key not in messages[-1]:
            messages.append(self.message())
        return messages

    def arrivals(self, key, seconds):
        """How often the key arrives within this time."""
        end, count = time.monotonic() + seconds, 0
        while (left := end - time.monotonic()) > 0:
            self._socket.settimeout(left)
            try:
                count += key in self.message()
            except (TimeoutError, BlockingIOError):
                pass
        self._socket.settimeout(10)
        return count


@pytest.fixture
def address(request, tmp_path):
    return getattr(request, "param", f"{tmp_path}/notify")


@pytest.fixture
def manager(address, monkeypatch):
    manager = Manager(address.replace("@", "\0"))
    monkeypatch.setenv("NOTIFY_SOCKET", address)
    yield manager
    manager.close()


@pytest.fixture
def echo(start, l2_multi_echo):
    def start_it(*options, device="net_null0,no-rx=1"):
        return start(l2_multi_echo, *NO_NIC, f"--vdev={device}", "--lcores", two_workers(), "--", "--format", "json",
                     *options)

    return start_it


@pytest.mark.parametrize("address", ["@l2echo-test", "/tmp/l2echo-test-notify"], indirect=True)
def test_ready_comes_after_the_start_and_stopping_before_the_end(echo, manager):
    process = echo()
    states = manager.messages_until("READY")
    assert [list(message) for message in states] == [["STATUS", "EXTEND_TIMEOUT_USEC"], ["READY", "STATUS"]]
    process.wait_until_ready()
    process.stop(signal.SIGTERM)
    assert any("STOPPING" in message for message in manager.messages_until("STOPPING"))


def test_ready_is_not_reported_by_a_failed_start(echo, manager):
    process = echo("--ports", "7")
    assert process.wait(STOP_SECONDS * 10) == 1
    assert manager.arrivals("READY", 0.1) == 0


def test_status_has_rates_and_links(echo, manager):
    echo(device="net_null0")
    manager.messages_until("READY")
    status = manager.message()["STATUS"]
    assert re.fullmatch(r"received [\d.]+ Mframes/s, echoed 0 frames/s, 1 of 1 link up", status)


def test_watchdog_is_fed_while_the_workers_turn(echo, manager, monkeypatch):
    monkeypatch.setenv("WATCHDOG_USEC", str(int(WATCHDOG_SECONDS * 1e6)))
    echo()
    manager.messages_until("READY")
    assert manager.arrivals("WATCHDOG", 2) >= 2 / WATCHDOG_SECONDS


@pytest.mark.parametrize("idle", ["sleep=10ms", "poll"])
def test_watchdog_stops_while_one_worker_is_held(echo, manager, monkeypatch, idle):
    monkeypatch.setenv("WATCHDOG_USEC", str(int(WATCHDOG_SECONDS * 1e6)))
    process = echo("--idle", idle)
    manager.messages_until("WATCHDOG")
    thread = next(task for task in os.listdir(f"/proc/{process.pid()}/task")
                  if "worker" in open(f"/proc/{process.pid()}/task/{task}/comm", encoding="utf-8").read())
    assert LIBC.ptrace(PTRACE_ATTACH, int(thread), 0, 0) == 0
    os.waitpid(int(thread), 0x40000000)  # __WALL: a thread
    try:
        manager.arrivals("WATCHDOG", WATCHDOG_SECONDS)  # one may have been sent before
        assert manager.arrivals("WATCHDOG", 3 * WATCHDOG_SECONDS) == 0
        process.wait_for_line(r"warning: lcore [12] has not ended a turn")
    finally:
        LIBC.ptrace(PTRACE_DETACH, int(thread), 0, 0)
    manager.messages_until("WATCHDOG")


def test_watchdog_of_another_process_is_left_alone(echo, manager, monkeypatch):
    monkeypatch.setenv("WATCHDOG_USEC", "100000")
    monkeypatch.setenv("WATCHDOG_PID", "1")
    echo()
    manager.messages_until("READY")
    assert manager.arrivals("WATCHDOG", 0.5) == 0


def test_manager_that_does_not_read_holds_nothing_up(echo, manager, monkeypatch, address):
    filler = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    filler.setblocking(False)
    filler.connect(address.replace("@", "\0"))
    with pytest.raises(BlockingIOError):
        while True:
            filler.send(b"STATUS=full")
    process = echo().wait_until_ready()
    process.wait_for_line("warning: the service manager does not read its notify socket")
    assert any("READY" in message for message in manager.messages_until("READY")), "sent when there is room again"
    process.stop(signal.SIGTERM)


@pytest.mark.parametrize("value, reason", [("/nowhere/notify", "No such file"), ("relative", "Invalid argument"),
                                           ("/" + "x" * 200, "Invalid argument"), ("vsock:2:1", "Invalid argument")])
def test_socket_that_cannot_be_used_is_a_warning(echo, monkeypatch, value, reason):
    monkeypatch.setenv("NOTIFY_SOCKET", value)
    process = echo().wait_until_ready()
    assert reason in process.wait_for_line("warning: NOTIFY_SOCKET=.*")[0]
    process.stop()
