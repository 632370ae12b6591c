"""The distance between the two CPUs. In a virtual machine it changes within minutes, and with it the cost of
everything that passes between the CPUs. Therefore only runs of the same mode are compared."""

import subprocess

MILLISECONDS = 20
FAST, SLOW = "fast", "slow"
MIXED = "mixed"  # changed during the run
ANY = "any"  # irrelevant, because one CPU does all the work
# Observed round trips: 48 to 65 ns and 309 to 351 ns on two EPYC CPUs; 58 to 199 ns on two Xeon CPUs, which had a
# single mode.
FAST_BELOW_NS = 250


def cache_line_round_trip(program, cpus):
    """The round trip in nanoseconds."""
    command = (program, *map(str, cpus), str(MILLISECONDS))
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    return float(done.stdout)


def mode_of(run):
    """The mode according to the round trips before and after the run."""
    fast = [time < FAST_BELOW_NS for time in run["cache_line_ns"]]
    return FAST if all(fast) else MIXED if any(fast) else SLOW


def runs_by_mode(runs, two_cpus):
    if not two_cpus:
        return {ANY: runs} if runs else {}
    modes = {}
    for run in runs:
        modes.setdefault(mode_of(run), []).append(run)
    return modes


def pairs_by_mode(pairs, two_cpus):
    """The turns whose runs may be compared, by mode: both runs had the same mode."""
    if not two_cpus:
        return {ANY: pairs}
    modes = {}
    for pair in pairs:
        found = {mode_of(run) for run in pair}
        if len(found) == 1 and MIXED not in found:
            modes.setdefault(found.pop(), []).append(pair)
    return modes
