"""Driver counters of a running DPDK program, read from outside: the same way for ours and for a peer."""

import contextlib
import dataclasses
import json
import os
import pathlib
import re
import socket
import time

PATIENCE_SECONDS = 20.0
POLL_SECONDS = 0.01
# A slower answer does not tell precisely enough when the count was taken.
QUICK_ANSWER_SECONDS = 0.002
TRIES = 20
# EAL names the thread of lcore 1 rte-worker-1; from DPDK 23.07 on, dpdk-worker1.
WORKER_THREAD = re.compile(r"-worker-?\d+$")


@dataclasses.dataclass(frozen=True)
class Sample:
    when: float
    received: int
    sent: int
    worker_cpu_seconds: float
    main_cpu_seconds: float


def runtime_folder():
    return pathlib.Path("/var/run" if os.geteuid() == 0 else os.environ["XDG_RUNTIME_DIR"], "dpdk")


class Telemetry:
    """A client of EAL's telemetry socket."""

    def __init__(self, process, file_prefix):
        self._process = process
        self._path = runtime_folder() / file_prefix / "dpdk_telemetry.v2"
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._socket.settimeout(PATIENCE_SECONDS)
        self.greeting = process.wait_for(self._connected, "telemetry socket")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._socket.close()

    def _connected(self):
        with contextlib.suppress(OSError):
            self._socket.connect(str(self._path))
            return json.loads(self._socket.recv(4096))
        return None

    def ask(self, command):
        try:
            self._socket.send(command.encode())
            return json.loads(self._socket.recv(self.greeting["max_output_len"]))[command.split(",")[0]]
        except (OSError, ValueError) as error:
            # If the program ended, its own error message is more useful than that of the socket.
            self._process.wait_for(lambda: None, "answer to " + command, timeout=1)
            raise AssertionError(f"no answer to {command}: {error}") from error

    def sample(self):
        """The counts of port 0, timestamped halfway between request and answer."""
        for _ in range(TRIES):
            asked = time.monotonic()
            counts = self.ask("/ethdev/stats,0")
            answered = time.monotonic()
            if answered - asked < QUICK_ANSWER_SECONDS:
                break
        workers, main = cpu_seconds(self._process.pid())
        return Sample((asked + answered) / 2, counts["ipackets"], counts["opackets"], workers, main)

    @staticmethod
    def clock():
        return time.monotonic()

    def wait_until_frames_pass(self, frames=10_000):
        self._process.wait_for(lambda: self.ask("/ethdev/stats,0")["opackets"] >= frames, f"{frames} echoed frames")


def cpu_seconds(pid):
    """CPU time of all worker lcores, and of the main lcore."""
    workers = main = 0.0
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        try:
            name = (task / "comm").read_text().strip()
            seconds = int((task / "schedstat").read_text().split()[0]) / 1e9
        except (OSError, IndexError):  # the thread has just ended
            continue
        if int(task.name) == pid:
            main = seconds
        elif WORKER_THREAD.search(name):
            workers += seconds
    return workers, main


def rate_between(first, second):
    """Frames sent per second of wall-clock time, and of CPU time that the workers actually got."""
    seconds = second.when - first.when
    sent = second.sent - first.sent
    cpu = second.worker_cpu_seconds - first.worker_cpu_seconds
    return {"frames_per_second": sent / seconds,
            "frames_per_cpu_second": sent / cpu if cpu > 0 else None,
            "worker_cpus": cpu / seconds,
            "main_cpu_share": (second.main_cpu_seconds - first.main_cpu_seconds) / seconds,
            "seconds": seconds, "received": second.received - first.received, "sent": sent}
