"""Frames that another core has just written, as a NIC does: the echo runs on one lcore, the far end on another."""

import json
import shlex

from bench.burst_function import METRICS
from bench.comparison import Comparison, Contender
from bench.programs import running

GROUP = "cross_wire"
LOOPS = {"default": "EchoPair::poll, default rules", "raw": "EchoPair::poll, --raw",
         "testpmd-pattern": "testpmd's pattern"}
PAIRS = [("default", "testpmd-pattern"), ("raw", "testpmd-pattern"), ("default", "raw")]
# The default size of an RX ring; more than the second-level cache holds; far more.
WORKING_SETS, QUICK_WORKING_SETS = (1024, 8192, 32768), (8192,)
FRAMES, QUICK_FRAMES = 10_000_000, 2_000_000  # in rounds over the whole working set
MEBIBYTES = 200
RUN_SECONDS = 120


def comparisons(lab):
    for frames in QUICK_WORKING_SETS if lab.quick else WORKING_SETS:
        contenders = [Contender(loop, title, lambda loop=loop, frames=frames: run_loop(lab, loop, frames))
                      for loop, title in LOOPS.items()]
        yield Comparison(GROUP, f"cross_wire-{frames}", f"crossed rings, {frames} frames written by another core",
                         METRICS, contenders, pairs=PAIRS, two_cpus=True)


def run_loop(lab, loop, frames):
    memory, pages = lab.hugepages.eal_arguments_or_less(MEBIBYTES)
    rounds = (QUICK_FRAMES if lab.quick else FRAMES) // frames
    command = [lab.program("bench/cross_wire"), *memory, f"--file-prefix={lab.file_prefix()}", "--lcores",
               lab.lcores(), "--", "--loop", loop, "--frames", str(frames), "--rounds", str(rounds)]
    with running(command) as process:
        process.end_cleanly(RUN_SECONDS)
        found = json.loads(process.stdout())
    checks = {key: found[key] for key in ("lost", "reordered", "corrupted")}
    assert not any(checks.values()), checks
    if echo := found.get("echo"):
        assert echo["received"] == frames * (rounds + 1) == echo["echoed"], echo
    values = {key: found[key] for key in ("cycles_per_frame", "lower_quartile", "upper_quartile", "rounds", "tsc_hz")}
    return {"values": values, "checks": checks | {"pages": pages, "echo": echo}, "command": shlex.join(command)}
