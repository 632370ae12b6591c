"""What scraping /metrics costs a worker: a thousand scrapes per second against none."""

import contextlib
import os
import socket
import threading
import time

from bench.comparison import Comparison, Contender, Metric
from bench.net_null import DEVICE
from bench.programs import CPU_RATE, EndlessEcho, echo_command

GROUP = "scrapes"
PER_SECOND = 1000
SECONDS, QUICK_SECONDS = 2.2, 1.1
METRICS = (*CPU_RATE, Metric("frames_per_second", "frames per second", "frames/s"),
           Metric("scrapes_per_second", "scrapes answered", "per second", compared=False))
REQUEST = b"GET /metrics HTTP/1.1\r\nHost: l2echo\r\nAccept: application/openmetrics-text\r\n\r\n"


def comparisons(lab):
    contenders = [Contender("scraped", f"{PER_SECOND} scrapes per second", lambda: measure(lab, PER_SECOND)),
                  Contender("quiet", "--metrics, but nobody scrapes", lambda: measure(lab, 0))]
    yield Comparison(GROUP, GROUP, "net_null, one worker, /metrics", METRICS, contenders)


def measure(lab, per_second):
    path = os.path.join(lab.scratch, f"{lab.file_prefix()}.sock")
    command = echo_command(lab, DEVICE, "--raw", "--metrics", f"unix:{path}", memory=lab.memory())
    with EndlessEcho(lab, command) as echo:
        with Scraper(path, lab.other_cpu, per_second) as scraper:
            first, scraped = echo.sample(), scraper.count
            echo.wait_until(first.when + (QUICK_SECONDS if lab.quick else SECONDS))
            values = echo.values_since(first)
            values["scrapes_per_second"] = (scraper.count - scraped) / values["seconds"]
        return {"values": values, "checks": echo.end(), "command": echo.command}


class Scraper(contextlib.AbstractContextManager):
    """Scrapes on a thread of its own, away from the worker's CPU."""

    def __init__(self, path, cpu, per_second):
        self.count = 0
        self._path, self._cpu, self._per_second = path, cpu, per_second
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join()

    def _run(self):
        if not self._per_second:
            return
        os.sched_setaffinity(0, {self._cpu})  # of this thread
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(self._path)
            due = time.monotonic()
            while not self._stop.is_set():
                self._scrape(client)
                self.count += 1
                due = max(due + 1 / self._per_second, time.monotonic() - 0.1)
                time.sleep(max(0, due - time.monotonic()))

    @staticmethod
    def _scrape(client):
        client.sendall(REQUEST)
        received = b""
        while not received.endswith(b"# EOF\n"):
            data = client.recv(1 << 16)
            assert data, "the program closed the connection"
            received += data
        assert received.startswith(b"HTTP/1.1 200 OK"), received[:80]
