"""Only the loop over a burst, without a driver: ours and its peers in one program, over real mbufs."""

import json
import re
import shlex
import statistics

from bench.comparison import Comparison, Contender, Metric
from bench.programs import running

GROUP = "burst"
LOOPS = {"raw": "swap_burst, --raw", "default": "swap_burst, default rules",
         "default-many": "swap_burst, default rules, many sources", "testpmd-pattern": "testpmd's pattern",
         "copies": "scalar swap, no prefetch", "read": "prefetches, only reads", "nothing": "touches nothing"}
PAIRS = [("raw", "testpmd-pattern"), ("default", "testpmd-pattern"), ("default-many", "testpmd-pattern"),
         ("raw", "copies"), ("default", "copies"),
         ("default", "raw"), ("raw", "read"), ("raw", "nothing")]
WORKING_SETS = {32: "32 frames, in the cache", 8192: "8192 frames at random", 65536: "65536 frames at random"}
METRICS = (Metric("cycles_per_frame", "TSC cycles per frame", "cycles", more_is_better=False),)
MEBIBYTES = 400
REPETITIONS, QUICK_REPETITIONS = 5, 3  # of each loop within one run of the program, in random order
RUN_SECONDS = 300


def comparisons(lab):
    for frames, title in WORKING_SETS.items():
        yield Comparison(GROUP, f"burst-{frames}", f"burst of 32 out of {title}", METRICS,
                         contenders_of(lab, frames, LOOPS), pairs=PAIRS)


def contenders_of(lab, frames, loops):
    """loops: title by key."""
    shared = SharedRun(lambda: run_program(lab, frames, loops))
    return [Contender(key, title, lambda key=key: shared.of(key)) for key, title in loops.items()]


class SharedRun:
    """One run of the program serves each contender once, because it interleaves them itself."""

    def __init__(self, run):
        self._run = run
        self._left = {}

    def of(self, key):
        if key not in self._left:
            self._left = self._run()
        return self._left.pop(key)


def run_program(lab, frames, loops, build=None):
    memory, pages = lab.hugepages.eal_arguments_or_less(MEBIBYTES)
    command = [(build or lab.build).program("bench/burst_loops_bench"), *memory, f"--file-prefix={lab.file_prefix()}",
               "--lcores", f"0@{lab.echo_cpu}", "--", *benchmark_options(lab, loops, frames)]
    medians = run_benchmark(command)
    repetitions = QUICK_REPETITIONS if lab.quick else REPETITIONS
    return {key: {"values": {"cycles_per_frame": medians[key]},
                  "checks": {"swapped_as_expected": True, "pages": pages, "repetitions": repetitions},
                  "command": shlex.join(command)} for key in loops}


def benchmark_options(lab, names, frames):
    """Arguments of Google Benchmark."""
    names = "|".join(re.sub(r"([+().])", r"\\\1", name) for name in names)  # re.escape() escapes too much
    return [f"--benchmark_filter=^({names})/{frames}$", "--benchmark_format=json",
            f"--benchmark_repetitions={QUICK_REPETITIONS if lab.quick else REPETITIONS}",
            "--benchmark_enable_random_interleaving=true", f"--benchmark_min_time={0.02 if lab.quick else 0.1}"]


def run_benchmark(command):
    """Cycles per frame by benchmark name: the median of its repetitions."""
    with running(command) as process:
        process.end_cleanly(RUN_SECONDS)
        found = json.loads(process.stdout())
    repetitions = {}
    for run in found["benchmarks"]:
        if run["run_type"] == "iteration":
            assert not run.get("error_occurred"), run
            repetitions.setdefault(run["name"].split("/")[0], []).append(run["cycles_per_frame"])
    return {name: statistics.median(cycles) for name, cycles in repetitions.items()}
