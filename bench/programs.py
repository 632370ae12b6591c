"""The compared programs: their command lines, their start, one measured interval, and a checked end."""

import contextlib
import functools
import itertools
import os
import re
import shlex
import shutil
import signal

from bench import cpu_mode
from bench.build import NO_LOOP_CHECK, REPORT_IN_JSON
from bench.comparison import Comparison, Metric, NotMeasured, SharingContender
from bench.telemetry import Telemetry, rate_between
from tests.harness.program_under_test import NO_NIC, ProgramUnderTest, assert_balanced, usable_cpus

BURST, DESCRIPTORS, MEMPOOL_CACHE = 32, 1024, 256
# The pool size that l2_multi_echo chooses for one queue pair (see its log); testpmd gets the same.
MBUFS_PER_QUEUE_PAIR = 2 * DESCRIPTORS + BURST + 3 * MEMPOOL_CACHE
MEBIBYTES = 256
CPU_RATE = (Metric("frames_per_cpu_second", "frames per CPU second", "frames/s"),)
END_SECONDS = 10.0
ROUND_TRIP = "bench/cache_line_round_trip"
TESTPMD_TOTALS = re.compile(r"Accumulated forward statistics.*?RX-packets: (\d+)"
                            r".*?TX-packets: (\d+)\s+TX-dropped: (\d+)", re.DOTALL)


def end_as_on_ctrl_c():
    """SIGTERM and SIGHUP end a measurement as Ctrl-C does: what was borrowed or made is given back. A SIGHUP that nohup
    ignores stays ignored."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, signal.default_int_handler)


class Lab:
    """The paths of the programs, the CPU of each, and the length of an interval."""

    def __init__(self, build, *, quick, output, scratch, hugepages, pairs=None):
        self.build = build
        self.quick = quick
        self.output = output
        self.scratch = scratch
        self.hugepages = hugepages
        self.pairs = pairs or (3 if quick else 9)
        self.cpu_seconds_each = 0.15 if quick else 0.4  # per turn, for contenders that share a CPU
        cpus = usable_cpus()
        if len(cpus) < 2:
            raise SystemExit("bench: error: one CPU is not enough: the echo and the measuring program need one each; "
                             f"this process may use CPU {cpus[0]} only")
        self.cpus = cpus
        self.echo_cpu, self.other_cpu = cpus[0], cpus[-1]
        self._numbers = itertools.count()

    def program(self, name):
        return self.build.program(name)

    def cache_line_round_trip(self):
        """The round trip between the two CPUs in nanoseconds."""
        return cpu_mode.cache_line_round_trip(self.program(ROUND_TRIP), (self.echo_cpu, self.other_cpu))

    def file_prefix(self):
        return f"l2echo-bench-{os.getpid()}-{next(self._numbers)}"

    def memory(self, programs=1):
        """EAL's memory arguments for isolated programs: hugepages, as with a NIC, if they are available."""
        return self.hugepages.eal_arguments_or_less(MEBIBYTES // programs, programs)[0]

    def lcores(self, workers=1, main_cpu=None):
        """A main lcore with its own CPU if possible, and workers from the first CPU on."""
        places = [self.cpus[number % len(self.cpus)] for number in range(workers)]
        if main_cpu is None:
            main_cpu = self.other_cpu if workers < len(self.cpus) else self.cpus[0]
        return ",".join(f"{lcore}@{cpu}" for lcore, cpu in enumerate([main_cpu, *places]))


def echo_command(lab, device, *options, lcores=None, workers=1, memory=NO_NIC, burst=BURST, cache=MEMPOOL_CACHE,
                 loop_check=True, build=None):
    """build: this build unless another one is given."""
    build = build or lab.build
    loop_checks = () if loop_check else build.spelled(NO_LOOP_CHECK)
    return [build.program("l2_multi_echo"), *memory, f"--vdev={device}", "--lcores", lcores or lab.lcores(workers),
            "--", "--burst", str(burst), "--rx-descriptors", str(DESCRIPTORS),
            "--tx-descriptors", str(DESCRIPTORS), "--mempool-cache", str(cache), "--link-wait", "0",
            *build.spelled(REPORT_IN_JSON), *loop_checks, *options]


def testpmd_command(lab, device, mode, *options, lcores=None, workers=1, memory=NO_NIC):
    path = shutil.which("dpdk-testpmd")
    if not path:
        raise NotMeasured("dpdk-testpmd is not installed; scripts/install-dependencies --test installs it")
    return [path, *memory, f"--vdev={device}", "--lcores", lcores or lab.lcores(workers), "--",
            f"--forward-mode={mode}", "--port-topology=loop", f"--burst={BURST}", f"--rxd={DESCRIPTORS}",
            f"--txd={DESCRIPTORS}", f"--mbcache={MEMPOOL_CACHE}",
            f"--total-num-mbufs={workers * MBUFS_PER_QUEUE_PAIR}", f"--rxq={workers}", f"--txq={workers}",
            f"--nb-cores={workers}", "--stats-period=1", *options]


def pattern_command(lab, device, memory):
    """The loop that replaces testpmd in places where testpmd cannot run."""
    return [lab.program("bench/testpmd_pattern"), *memory, f"--vdev={device}", "--lcores", lab.lcores()]


def is_testpmd(command):
    return any(word.endswith("dpdk-testpmd") for word in command)


def with_file_prefix(command, prefix):
    return [command[0], f"--file-prefix={prefix}", *command[1:]]


@contextlib.contextmanager
def running(command, *, network=None, cpus=None):
    """A program that is always ended afterwards."""
    if network:
        command = ["ip", "netns", "exec", network, *command]
    process = ProgramUnderTest(command, preexec=(lambda: os.sched_setaffinity(0, cpus)) if cpus else None)
    try:
        yield process
    finally:
        process.close()


def end(process, command):
    """Stops it with a signal and returns its frame counts. Our counts must always balance; some of testpmd's come
    from the driver, which may have lost them if its peer exited first."""
    process.send_signal(signal.SIGINT)
    process.end_cleanly(END_SECONDS)
    if is_testpmd(command):
        return testpmd_counts(process)
    if command[0].endswith("testpmd_pattern"):
        return {"answered": 0, "refused": 0, **process.reports()[-1]}
    return echo_counts(process)


def echo_counts(process):
    final = process.final()
    assert_balanced(final)
    counts = {key: final["totals"][key] for key in ("received", "echoed", "answered", "refused", "dropped")}
    return counts | {"cycles_per_frame": cycles_per_frame(final["workers"])}


def cycles_per_frame(workers):
    """Busy TSC cycles per frame over all workers; None if no frames were received."""
    received = sum(worker["received"] for worker in workers)
    busy = sum(worker["cycles_per_frame"] * worker["received"] for worker in workers)
    return busy / received if received else None


def testpmd_counts(process):
    found = TESTPMD_TOTALS.search(process.stdout())
    assert found, "testpmd printed no forward statistics"
    received, sent, dropped = map(int, found.groups())
    return {"received": received, "echoed": sent, "answered": 0, "refused": 0, "dropped": dropped}


class EndlessEcho(contextlib.ExitStack):
    """A program whose device generates frames endlessly, and its driver's counts between two points in time."""

    def __init__(self, lab, command):
        super().__init__()
        self._arguments = command
        self.command = shlex.join(command)
        self._prefix = lab.file_prefix()

    def __enter__(self):
        with contextlib.ExitStack() as undo:
            undo.push(self)
            self._process = self.enter_context(running(with_file_prefix(self._arguments, self._prefix)))
            self._telemetry = self.enter_context(Telemetry(self._process, self._prefix))
            self._telemetry.wait_until_frames_pass()
            undo.pop_all()
        return self

    def sample(self):
        return self._telemetry.sample()

    def values_since(self, sample):
        return rate_between(sample, self.sample())

    def wait_until(self, when):
        self._process.wait_for(lambda: self._telemetry.clock() >= when, "the end of the interval")

    def end(self):
        """The final counts, which must balance."""
        counts = end(self._process, self._arguments)
        assert 0 < counts["echoed"] == counts["received"] - counts["dropped"], counts
        return counts


def measure_rate(lab, command, seconds):
    """Frames per second during one interval, from the driver's own counters."""
    with EndlessEcho(lab, command) as echo:
        first = echo.sample()
        echo.wait_until(first.when + seconds)
        values = echo.values_since(first)
        return {"values": values, "checks": echo.end(), "command": echo.command}


def sharing_a_cpu(lab, group, key, title, commands, pairs):
    """commands: {key: (title, function of EAL's memory arguments)}."""
    memory = functools.cache(lambda: lab.memory(len(commands)))
    contenders = [SharingContender(name, words, lambda make=make: EndlessEcho(lab, make(memory())))
                  for name, (words, make) in commands.items()]
    return Comparison(group, key, title, CPU_RATE, contenders, pairs, len(commands) * lab.cpu_seconds_each)
