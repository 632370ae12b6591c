"""A running far end: reloads while frames flow, the watchdog, the journal, metrics, full disks."""

import ctypes
import json
import os
import pathlib
import re

import pytest

from tests.harness.program_under_test import wait_until

MEMIF, PROBE = "l2echo@memif.service", "l2echo-probe@long.service"
RELOADS = 100  # at least, and until MIN_SECONDS are over
MIN_SECONDS = 15  # of 100,000 frames each, so that a million are sent although the machine has other work
WATCHDOG_SECONDS = 4  # instead of 10, so that the test takes less time
PTRACE_DETACH, PTRACE_SEIZE, PTRACE_INTERRUPT = 17, 0x4206, 0x4207
WALL = 0x40000000  # __WALL: waitpid() for a thread of another process
LIBC = ctypes.CDLL(None, use_errno=True)


def host_pid(instance):
    """The pid outside of the container of the far end with this instance."""
    for folder in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if words[0].endswith(b"/l2_multi_echo") and instance.encode() in words:
            return int(folder.name)
    raise AssertionError(f"no far end {instance}")


def worker_of(pid):
    """A thread that polls: the main lcore where it is the only one."""
    tasks = {int(task.name): (task / "comm").read_text().strip()
             for task in pathlib.Path(f"/proc/{pid}/task").iterdir()}
    return next((tid for tid, name in tasks.items() if "worker" in name), pid)


def release(thread):
    """Releases what this process holds by ptrace: a killed thread remains until its tracer has waited for it."""
    try:
        while not os.WIFSIGNALED(os.waitpid(thread, WALL)[1]):
            LIBC.ptrace(PTRACE_DETACH, thread, 0, 0)
    except ChildProcessError:
        pass  # it is held no more


def test_no_frame_is_lost_during_a_hundred_reloads(host, far_end):
    far_end("memif")
    host.run("sed -e 's/^count.*/duration = \"5min\"/' -e 's/^rate.*/rate = \"100kpps\"/' "
             "/etc/l2echo/probe-memif.toml >/etc/l2echo/probe-long.toml && cp /etc/l2echo/memif.toml /tmp/before.toml")
    host.run(f"systemctl start --no-block {PROBE}")
    host.wait_for(PROBE, "SubState", "start")
    # systemctl takes 0.1 to 0.4 s for what the unit's command does in 4 ms, so it runs that command once in ten times.
    reloads = int(host.run(f"""number=0 end=$(($(date +%s) + {MIN_SECONDS}))
      while [ $number -lt {RELOADS} ] || [ $(date +%s) -lt $end ]; do
        number=$((number + 1))
        cp /tmp/before.toml /etc/l2echo/memif.toml
        [ $((number % 2)) = 0 ] || echo 'match = ["echo"]' >>/etc/l2echo/memif.toml
        if [ $((number % 10)) = 0 ]; then systemctl reload {MEMIF}
        else l2echo-control --socket /run/l2echo/memif/control reload >/dev/null; fi || exit 1
      done; echo $number"""))
    assert host.show(PROBE, "ActiveState") == "activating", "every reload came while frames flowed"
    host.run(f"systemctl stop {PROBE}")
    result = json.loads([line for line in host.journal(PROBE).splitlines() if line.startswith("{")][-1])
    assert result["sent"] >= 1_000_000 and (result["lost"], result["corrupted"]) == (0, 0)
    assert host.journal(MEMIF).count("Reloaded: --match changed") == reloads >= RELOADS


def test_held_worker_stops_the_watchdog_and_is_restarted(host, far_end):
    assert "WatchdogSec=10\n" in host.run(f"systemctl cat {MEMIF}")
    host.write(f"/run/systemd/system/{MEMIF}.d/watchdog.conf", f"[Service]\nWatchdogSec={WATCHDOG_SECONDS}\n")
    host.run("systemctl daemon-reload")
    unit = far_end("memif")
    first = host.show(unit, "MainPID")
    held = worker_of(host_pid("memif"))
    assert LIBC.ptrace(PTRACE_SEIZE, held, 0, 0) == 0, os.strerror(ctypes.get_errno())
    assert LIBC.ptrace(PTRACE_INTERRUPT, held, 0, 0) == 0
    try:
        assert json.loads(host.run("l2echo-control --socket /run/l2echo/memif/control status"))["ok"] is True
        wait_until(lambda: "has not ended a turn" in host.journal(unit), "warning of the watchdog", 60)
        wait_until(lambda: "Killing process" in host.journal(unit), "end by the watchdog", 60)
    finally:
        release(held)
    host.wait_for(unit, "NRestarts", "1", 60)
    host.wait_for(unit, "ActiveState", "active")
    assert host.show(unit, "MainPID") != first
    assert "has not ended a turn since the last watchdog notification" in host.journal(unit)
    host.run(f"rm -r /run/systemd/system/{MEMIF}.d && systemctl daemon-reload")


def test_journal_has_each_line_once_with_its_priority(host, far_end):
    host.run("journalctl --rotate && journalctl --vacuum-time=1s >/dev/null 2>&1")
    unit = far_end("memif")
    lines = [json.loads(line) for line in host.journal(unit, "json").splitlines()]
    ready = [line for line in lines if re.search("Ready: echoing", str(line["MESSAGE"]))]
    assert [line["PRIORITY"] for line in ready] == ["6"]
    host.write("/etc/l2echo/memif.toml.fault", "accept = 7\n")
    host.run("cp /etc/l2echo/memif.toml /tmp/good.toml && cp /etc/l2echo/memif.toml.fault /etc/l2echo/memif.toml")
    assert host.try_run(f"systemctl reload {unit}")[0] != 0
    host.run("cp /tmp/good.toml /etc/l2echo/memif.toml && rm /etc/l2echo/memif.toml.fault")

    def warnings():
        journal = [json.loads(line) for line in host.journal(unit, "json").splitlines()]
        return [line["PRIORITY"] for line in journal if "warning: reload: " in str(line["MESSAGE"])]

    assert wait_until(warnings, "warning in the journal") == ["4"]


@pytest.mark.parametrize("path, status", [("metrics", 200), ("readyz", 503), ("livez", 200)])
def test_metrics_are_served_on_a_unix_socket(host, far_end, path, status):
    far_end("memif", **{"/etc/l2echo/memif.env": "L2ECHO_OPTIONS=--metrics unix:/run/l2echo/memif/metrics\n"})
    script = ("import socket, sys; s = socket.socket(socket.AF_UNIX); s.connect('/run/l2echo/memif/metrics'); "
              f"s.sendall(b'GET /{path} HTTP/1.0\\r\\n\\r\\n'); sys.stdout.write(s.makefile().read())")
    answer = host.run(f'python3 -c "{script}"')
    host.run("rm /etc/l2echo/memif.env")
    assert f" {status} " in answer.splitlines()[0]
    assert path != "readyz" or "link" in answer, "nothing is connected to the memif"
    assert path != "metrics" or "l2echo_received_frames_total{" in answer


SMALL = "/var/lib/l2echo"
FULL = ('eal = ["--no-huge", "-m", "64", "--no-pci", "--lcores", "0@0", "--vdev", "net_null0"]\n'
        'raw = true\nidle = "sleep"\nformat = "json"\nstats-interval = "20ms"\n'
        'metrics = "unix:/run/l2echo/full/metrics"\n')
REPORTS, TRACE = f"{SMALL}/reports.json", f"{SMALL}/trace.pcapng"


@pytest.fixture
def full_disk(host):
    """A disk of 64 KiB for what the service writes: its reports, and a trace."""
    drop_in = "/etc/systemd/system/l2echo@full.service.d/state.conf"
    host.write(drop_in, f"[Service]\nStateDirectory=l2echo\nStandardOutput=append:{REPORTS}\n"
                        "StandardError=journal\n")
    host.run(f"mkdir -p {SMALL} && mount -t tmpfs -o size=64k tmpfs {SMALL} && systemctl daemon-reload")
    yield host
    host.run(f"umount {SMALL}; rm -rf {os.path.dirname(drop_in)} {SMALL} /etc/l2echo/full.*; systemctl daemon-reload")


def samples_of(host, socket):
    text = host.run(f"curl --silent --unix-socket {socket} http://far-end/metrics")
    return {name: float(value) for name, value in
            (line.rsplit(" ", 1) for line in text.splitlines() if line and not line.startswith("#"))}


def test_full_disk_costs_reports_and_not_the_service(full_disk, far_end):
    host = full_disk
    unit = far_end("full", **{"/etc/l2echo/full.toml": FULL})

    def sample(name):
        return samples_of(host, "/run/l2echo/full/metrics")[name]

    dropped = wait_until(lambda: sample("l2echo_dropped_reports_total"), "dropped reports", 60)
    warning = "warning: the report cannot be written to stdout: No space left on device"
    assert host.journal(unit).count(warning) == 1
    echoed = sample('l2echo_echoed_frames_total{port="0",queue="0",lcore="0"}')
    wait_until(lambda: sample("l2echo_dropped_reports_total") > dropped, "more of them")
    assert sample('l2echo_echoed_frames_total{port="0",queue="0",lcore="0"}') > echoed
    assert [host.show(unit, name) for name in ("ActiveState", "NRestarts")] == ["active", "0"]

    host.run(f"mount -o remount,size=1m {SMALL}")
    size = int(host.run(f"stat --format=%s {REPORTS}"))
    wait_until(lambda: int(host.run(f"stat --format=%s {REPORTS}")) > size, "reports on the disk that was freed")
    assert host.try_run(f"systemctl stop {unit}")[0] == 0
    assert host.show(unit, "ExecMainStatus") == "1", "the end says that reports are missing"
    reports = [json.loads(line) for line in host.run(f"cat {REPORTS}").splitlines()]
    assert reports[-1]["type"] == "final" and reports[-1]["totals"]["received"] > 0
    assert "reports before the final one could not be written to stdout" in host.journal(unit)


def test_full_disk_ends_a_trace_and_not_the_service(full_disk, far_end):
    host = full_disk
    host.run("sed -i '/^StandardOutput/d' /etc/systemd/system/l2echo@full.service.d/state.conf && "
             "systemctl daemon-reload")
    unit = far_end("full", **{"/etc/l2echo/full.toml": FULL, "/etc/l2echo/full.env":
                              f"L2ECHO_OPTIONS=--trace 2000 --trace-file {TRACE} --stats-interval 0\n"})
    warning = f"{TRACE} cannot be written any more: No space left on device"
    wait_until(lambda: warning in host.journal(unit), "warning", 60)
    assert [host.show(unit, name) for name in ("ActiveState", "NRestarts")] == ["active", "0"]
    assert json.loads(host.run("l2echo-control --socket /run/l2echo/full/control status"))["ok"] is True
    host.run(f"systemctl stop {unit}")
    assert host.show(unit, "ExecMainStatus") == "1"
    assert f"{TRACE}: the trace is cut short: No space left on device" in host.journal(unit)
