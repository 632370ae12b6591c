"""The probe at one end, an echo at the other: measures the returned frames and checks that they are right."""

import dataclasses
import json
import shlex
import signal

from bench.comparison import Metric
from bench.programs import end, is_testpmd, running
from tests.harness.program_under_test import NO_NIC

WARM_UP_FRAMES = 5000  # exceeds the entries of every ring here
PROBE_SECONDS = 120  # timeout for runs that take a few seconds
# When the probe exits, memif's driver (DPDK 22.11) may crash in testpmd, and in l2echo versions without
# include/l2echo/dpdk/polling_lcore.hpp.
CRASHING_DRIVER, SEGFAULT, MAX_ATTEMPTS = "net_memif", "exit status -11", 5

RETURNED = (Metric("returned_per_second", "returned frames/s", "frames/s"),)
ROUND_TRIPS = (Metric("p50", "round trip, median", "ns", more_is_better=False),
               Metric("p99", "round trip, 99th percentile", "ns", more_is_better=False))
# Under overload, round trips only show the queue lengths; lost frames do not appear in them.
QUEUEING = tuple(dataclasses.replace(metric, compared=False) for metric in ROUND_TRIPS)
# At `max`, the probe is the bottleneck as often as the echo; only the echo's cycles per frame tell echoes apart.
CYCLES = (Metric("cycles_per_frame", "busy cycles per frame of the echo", "cycles", more_is_better=False),)
LOST = (Metric("lost_share", "frames lost", "share", more_is_better=False, compared=False),)


@dataclasses.dataclass(frozen=True)
class Load:
    """The frames that the probe sends."""

    key: str
    title: str
    rate: str
    seconds: float
    quick_seconds: float

    def metrics(self):
        return (*RETURNED, *CYCLES, *QUEUEING, *LOST) if self.rate == "max" else (*ROUND_TRIPS, *LOST)


MAX = Load("max", "at full speed", "max", 1.5, 0.7)
LOADS = (MAX,
         Load("10k", "10 000 frames/s", "10kpps", 2, 1),
         Load("100", "100 frames/s", "100pps", 3, 1.5),
         Load("1M", "1 000 000 frames/s", "1Mpps", 1.5, 0.7))


@dataclasses.dataclass
class Ends:
    """The devices of both ends."""

    echo_command: list | None  # None: the kernel echoes
    probe_device: str
    memory: tuple = NO_NIC
    echo_network: str | None = None
    probe_network: str | None = None
    preparation: tuple = ()  # command lines that ran before


def two_end_lcores(lab):
    """The probe has the last CPU to itself; with only two CPUs, the echo's main lcore and worker share one."""
    return lab.lcores(main_cpu=lab.cpus[-2])


def wait_until_ready(process, command):
    if is_testpmd(command):
        process.wait_for(lambda: "forwards packets on" in process.stdout(), "testpmd's forwarding")
    else:
        process.wait_for_line("Ready: ")


def probe_command(lab, ends, load, histogram):
    seconds = load.quick_seconds if lab.quick else load.seconds
    warm_up = WARM_UP_FRAMES if load.rate != "100pps" else 10
    return [lab.program("l2_probe"), *ends.memory, f"--file-prefix={lab.file_prefix()}",
            f"--vdev={ends.probe_device}", "--lcores", f"0@{lab.other_cpu}", "--", "--size", "64", "--flows", "16",
            "--rate", load.rate, "--duration", f"{seconds * 1000:.0f}ms", "--warm-up", str(warm_up),
            "--histogram", str(histogram), "--format", "json"]


def measure(lab, make_ends, load, name, watch=None, attempt=1):
    """make_ends: a context manager that yields the Ends. `name` identifies comparison and contender in the
    histogram's file name. watch(echo) is called while the probe sends, and returns additional values."""
    with make_ends() as ends:
        try:
            return run_once(lab, ends, load, name, watch) | {"attempt": attempt}
        except AssertionError as error:
            if CRASHING_DRIVER not in ends.probe_device or SEGFAULT not in str(error) or attempt == MAX_ATTEMPTS:
                raise
    return measure(lab, make_ends, load, name, watch, attempt + 1)


def run_once(lab, ends, load, name, watch):
    histogram = lab.output / "histograms" / f"{name}.hgrm"
    histogram.parent.mkdir(exist_ok=True)
    histogram.unlink(missing_ok=True)
    probe_line = probe_command(lab, ends, load, histogram)
    counts, watched = None, {}
    if ends.echo_command is None:
        found = run_probe(lab, ends, probe_line, lambda: None)
    else:
        with running(ends.echo_command, network=ends.echo_network, cpus={*lab.cpus[:-1]}) as echo:
            wait_until_ready(echo, ends.echo_command)
            found = run_probe(lab, ends, probe_line, lambda: watched.update(watch(echo)) if watch else None)
            counts = end_of(echo, ends.echo_command)
    times = found["round_trip_ns"]
    values = {"returned_per_second": found["rate"]["returned_per_second"],
              **{key: times[key] for key in ("min", "p50", "p99", "p99_9", "max")},
              "sent": found["sent"], "returned": found["returned"], "lost": found["lost"],
              "lost_share": found["lost"] / found["sent"],
              "sender_limited": found["rate"]["sender_limited"],
              "cycles_per_frame": (counts or {}).get("cycles_per_frame"), **watched}
    checks = {key: found[key] for key in ("duplicated", "reordered", "corrupted", "foreign", "late")}
    assert found["returned"] > 0, f"none of {found['sent']} frames returned; the echo's counts: {json.dumps(counts)}"
    assert not any(checks.values()), f"returned frames differ from the frames sent: {json.dumps(checks)}"
    return {"values": values, "checks": checks | {"echo": counts}, "histogram": str(histogram.relative_to(lab.output)),
            "command": "; ".join(shlex.join(line) for line in (*ends.preparation, ends.echo_command, probe_line)
                                 if line)}


def run_probe(lab, ends, command, meanwhile):
    with running(command, network=ends.probe_network, cpus={lab.other_cpu}) as probe:
        meanwhile()
        probe.end_cleanly(PROBE_SECONDS)
        return probe.reports()[-1]


def end_of(process, command):
    if "socket_echo" not in command[0]:
        return end(process, command)
    process.send_signal(signal.SIGINT)
    process.end_cleanly(5)
    counts = process.reports()[-1]
    assert counts["received"] == counts["echoed"] + counts["dropped"], counts
    return counts
