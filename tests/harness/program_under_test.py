"""Programs under test: started, observed by bounded polling, and always ended with the test."""

import ctypes
import json
import os
import pathlib
import re
import signal
import subprocess
import tempfile
import time

# Needs no root, hugepages or NIC, and shares no files with other DPDK processes.
NO_NIC = ("--no-huge", "-m", "256", "--no-pci", "--no-shconf")

# Options for a far end whose peer shares a CPU with it: retries on a full TX queue.
PATIENT = ("--link-wait", "0", "--tx-full", "retry=1000000")

FAILURE, USAGE = 1, 2  # exit statuses
READY = r"L2ECHO: Ready: echoing on \d+ ports?"
STOP_SECONDS = 1.0  # the product's promise: maximum time from the signal to the exit
START_SECONDS = 20.0
POLL_SECONDS = 0.01
PR_SET_PDEATHSIG = 1
LIBC = ctypes.CDLL(None)


def wait_until(probe, what, timeout=START_SECONDS):
    """Polls probe() and returns its first true value."""
    deadline = time.monotonic() + timeout
    while True:
        value = probe()
        if value:
            return value
        assert time.monotonic() < deadline, f"no {what} within {timeout:g} s"
        time.sleep(POLL_SECONDS)


def usable_cpus():
    return sorted(os.sched_getaffinity(0))


def one_lcore(index):
    """Lcore 0 on the usable CPU with this index."""
    cpus = usable_cpus()
    return f"0@{cpus[index % len(cpus)]}"


def one_worker():
    """A single lcore, which is the worker."""
    return f"0@{usable_cpus()[0]}"


def two_workers():
    """A main lcore and two workers on the first two CPUs; the main lcore needs hardly any CPU time."""
    first, second = (usable_cpus() * 2)[:2]
    return f"0@{first},1@{first},2@{second}"


def die_with_parent():
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


class ProgramUnderTest:
    def __init__(self, command, *, stdin=subprocess.DEVNULL, stdout=None, stderr=None, preexec=None):
        self._folder = tempfile.TemporaryDirectory(prefix="l2echo-smoke-")
        self._stdout = pathlib.Path(self._folder.name, "stdout")
        self._stderr = pathlib.Path(self._folder.name, "stderr")

        def prepare():
            die_with_parent()
            if preexec:
                preexec()

        with open(self._stdout, "wb") as stdout_file, open(self._stderr, "wb") as stderr_file:
            self._process = subprocess.Popen(command, stdin=stdin, stdout=stdout or stdout_file,
                                             stderr=stderr or stderr_file, preexec_fn=prepare)

    def close(self):
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        if self._process.stdin:
            self._process.stdin.close()
        self._folder.cleanup()

    def stdout(self):
        return self._stdout.read_text(errors="replace")

    def stderr(self):
        return self._stderr.read_text(errors="replace")

    def write_line(self, text):
        """Writes to the program's stdin, which must be a pipe."""
        self._process.stdin.write(text.encode() + b"\n")
        self._process.stdin.flush()

    def pid(self):
        return self._process.pid

    def cpu_seconds(self, thread):
        """CPU time of the thread whose name starts with `thread`; EAL names the thread of lcore 1 rte-worker-1."""
        for task in pathlib.Path(f"/proc/{self.pid()}/task").iterdir():
            if (task / "comm").read_text().startswith(thread):
                fields = (task / "stat").read_text().rsplit(")", 1)[1].split()
                return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
        raise AssertionError(f"no thread {thread}")

    def is_running(self):
        return self._process.poll() is None

    def wait_for(self, probe, what, timeout=START_SECONDS):
        """Like wait_until, but fails at once with the end of stderr if the program ends."""

        def value_or_end():
            running = self.is_running()  # checked first: output printed before the end still counts
            return probe() or not running and self._fail(f"exit status {self._process.returncode} before {what}")

        try:
            return wait_until(value_or_end, what, timeout)
        except AssertionError as error:
            self._fail(str(error))

    def _fail(self, message):
        raise AssertionError(f"{message}; the end of stderr:\n" + "\n".join(self.stderr().splitlines()[-25:]))

    def wait_for_line(self, pattern, timeout=START_SECONDS):
        """The match of the first line on stderr that matches the pattern."""
        return self.wait_for(lambda: re.search(pattern, self.stderr(), re.MULTILINE), f"line '{pattern}'", timeout)

    def wait_until_ready(self):
        self.wait_for_line(READY)
        return self

    def wait_for_report(self, is_expected, what, timeout=START_SECONDS):
        """The first JSON object printed after this call for which is_expected() is true."""
        seen = len(self.reports())
        return self.wait_for(lambda: next(filter(is_expected, self.reports()[seen:]), None), what, timeout)

    def wait_until_received(self, frames):
        return self.wait_for_report(lambda report: report["totals"]["received"] >= frames,
                                    f"report of {frames} received frames")

    def send_signal(self, number):
        self._process.send_signal(number)

    def wait(self, timeout):
        """The exit status; negative if a signal killed the program."""
        try:
            return self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            self._fail(f"still running after {timeout:g} s")

    def end_cleanly(self, timeout):
        if (status := self.wait(timeout)) != 0:
            self._fail(f"exit status {status}")

    def stop(self, number=signal.SIGINT):
        """Stops the program with a signal, checks that it ends in time, and returns the final report."""
        self.send_signal(number)
        self.end_cleanly(STOP_SECONDS)
        return self.final()

    def reports(self):
        """All complete lines of stdout; each must be a JSON object."""
        return [json.loads(line) for line in self.stdout().splitlines(keepends=True) if line.endswith("\n")]

    def final(self):
        reports = self.reports()
        assert [report["type"] for report in reports] == ["interval"] * (len(reports) - 1) + ["final"]
        return reports[-1]


def error_line(process):
    """The one line that says why a program failed; it must be the last line on stderr."""
    lines = process.stderr().splitlines()
    errors = [line for line in lines if re.match(r"l2_(echo|multi_echo|probe): error: ", line)]
    assert len(errors) == 1 and lines[-1] == errors[0], process.stderr()
    return errors[0]


def assert_fails(process, status, *words):
    """The program ends by itself with the status, one error line that matches all words, and empty stdout."""
    assert process.wait(START_SECONDS) == status, process.stderr()
    line = error_line(process)
    for word in words:
        assert re.search(word, line), f"{word!r} is not in: {line}"
    assert process.stdout() == ""


def assert_balanced(report):
    """Every received frame is counted under exactly one verdict, and all views of the counts agree."""
    totals, workers, ports = report["totals"], report["workers"], report["ports"]
    for counts in (totals, *workers):
        fates = sum(counts[name] for name in ("echoed", "answered", "refused", "dropped"))
        assert counts["received"] == fates, counts
        assert counts["refused"] == sum(counts["refused_by"].values()), counts
    for name in ("received", "received_bytes", "echoed", "echoed_bytes", "answered", "refused", "dropped", "tx_retries",
                 "checks_sent"):
        assert totals[name] == sum(worker[name] for worker in workers), name
    for name in ("received", "echoed", "answered", "refused", "dropped"):
        assert totals[name] == sum(port[name] for port in ports), name
    for port in ports:
        assert port["received"] == sum(queue["received"] for queue in port["queues"]), port


def run_to_end(process, timeout):
    """The final report of a program that ends by itself."""
    process.end_cleanly(timeout)
    return process.final()
