"""The loop over a burst alone, without a driver: ours and its peers in one program, over real mbufs."""

import json
import shlex
import statistics

from comparison import Comparison, Contender, Metric
from programs import running

GROUP = "burst"
LOOPS = {"raw": "swap_burst, --raw", "default": "swap_burst, default rules",
         "default-many": "swap_burst, default rules, no two sources alike", "testpmd-pattern": "testpmd's pattern",
         "copies": "scalar swap, no prefetch", "read": "prefetches, only reads", "nothing": "touches nothing"}
PAIRS = [("raw", "testpmd-pattern"), ("default", "testpmd-pattern"), ("default-many", "testpmd-pattern"),
         ("raw", "copies"), ("default", "copies"),
         ("default", "raw"), ("raw", "read"), ("raw", "nothing")]
WORKING_SETS = {32: "32 frames, in the cache", 8192: "8192 frames at random", 65536: "65536 frames at random"}
METRICS = (Metric("cycles_per_frame", "TSC cycles per frame", "cycles", more_is_better=False),)
MEBIBYTES = 400
REPETITIONS, QUICK_REPETITIONS = 5, 3  # of each loop within one run of the program, shuffled
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
    """One run of the program serves each contender once: they take turns inside of it."""

    def __init__(self, run):
        self._run = run
        self._left = {}

    def of(self, key):
        if key not in self._left:
            self._left = self._run()
        return self._left.pop(key)


def run_program(lab, frames, loops):
    memory, pages = lab.hugepages.eal_arguments_or_less(MEBIBYTES)
    repetitions = QUICK_REPETITIONS if lab.quick else REPETITIONS
    command = [lab.program("tests/bench/burst_loops_bench"), *memory, f"--file-prefix={lab.file_prefix()}",
               "--lcores", f"0@{lab.echo_cpu}", "--", f"--benchmark_filter=^({'|'.join(loops)})/{frames}$",
               "--benchmark_format=json",
               f"--benchmark_repetitions={repetitions}", "--benchmark_enable_random_interleaving=true",
               f"--benchmark_min_time={0.02 if lab.quick else 0.1}"]
    with running(command) as process:
        process.end_cleanly(RUN_SECONDS)
        return values_of(json.loads(process.stdout()), loops, shlex.join(command), pages)


def values_of(found, loops, command, pages):
    """The median of each loop's repetitions."""
    runs = {}
    for key in loops:
        repetitions = [run for run in found["benchmarks"]
                       if run["run_type"] == "iteration" and run["name"].split("/")[0] == key]
        assert repetitions and not any(run.get("error_occurred") for run in repetitions), repetitions
        runs[key] = {"values": {"cycles_per_frame": statistics.median(run["cycles_per_frame"] for run in repetitions)},
                     "checks": {"swapped_as_expected": True, "pages": pages, "repetitions": len(repetitions)},
                     "command": command}
    return runs
