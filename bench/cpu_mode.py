"""How far apart the two CPUs are at the moment. In a virtual machine that changes within minutes, and with it all that
passes from one CPU to the other; so runs are compared only with runs of the same mode."""

import subprocess

MILLISECONDS = 20
FAST, SLOW = "fast", "slow"
MIXED = "mixed"  # it changed during the run
ANY = "any"  # one CPU does all the work, so it does not matter
# Seen there and back: 48 to 65 ns and 309 to 351 ns on two EPYC CPUs, 58 to 199 ns on two Xeon CPUs, which had one
# mode.
FAST_BELOW_NS = 250


def cache_line_round_trip(program, cpus):
    """In nanoseconds."""
    command = (program, *map(str, cpus), str(MILLISECONDS))
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    return float(done.stdout)


def mode_of(run):
    """By the round trips before and after it."""
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
    """The pairs that may be compared: both of their runs were of one mode."""
    if not two_cpus:
        return {ANY: pairs}
    modes = {}
    for pair in pairs:
        found = {mode_of(run) for run in pair}
        if len(found) == 1 and MIXED not in found:
            modes.setdefault(found.pop(), []).append(pair)
    return modes
