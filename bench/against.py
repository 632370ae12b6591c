"""Compares this build with the build of another commit: each uses its own echo and benchmarks; the probe is this
build's."""

import contextlib
import functools
import shlex

from bench import burst_function
from bench.burst_function import WORKING_SETS
from bench.compare.measured_path import LINKS, memif_cable
from bench.comparison import Comparison, Contender, Metric
from bench.far_end import LOADS, MAX, Ends, measure, two_end_lcores
from bench.net_null import DEVICE
from bench.net_pcap import endless_device
from bench.programs import echo_command, sharing_a_cpu, testpmd_command

# testpmd's pattern is the same code in both builds, so the distance of its ratio from 1 shows how far to trust the
# others.
LOOPS = {"raw": "swap_burst, --raw", "default": "swap_burst, default rules",
         "default-many": "swap_burst, default rules, many sources",
         "testpmd-pattern": "testpmd's pattern, the same code in both"}
RULES = {"match rule": "swap_burst, a match rule", "match rule, mac+ip+port": "swap_burst, a match rule, mac+ip+port"}
BURST_METRICS = tuple(Metric(key, title, "cycles", more_is_better=False) for key, title in (LOOPS | RULES).items())
SIZES, QUICK_SIZES = (64, "imix"), (64,)


def comparisons(lab, other):
    """other: the build of the other commit."""
    builds = {"this": lab.build, other.name: other}
    for frames, title in WORKING_SETS.items():
        yield of_burst(lab, builds, frames, title)
    yield of_echo(lab, builds, "net_null", "net_null", "net_null, --raw", lambda: DEVICE, "--raw")
    for size in QUICK_SIZES if lab.quick else SIZES:
        title = "net_pcap, IMIX" if size == "imix" else f"net_pcap, {size} bytes"
        device = functools.partial(endless_device, lab, size)  # writes the file on demand
        yield of_echo(lab, builds, "net_pcap", f"net_pcap-{size}", f"{title}, default rules", device)
        yield of_echo(lab, builds, "net_pcap", f"net_pcap-{size}-raw", f"{title}, --raw", device, "--raw")
    for load in LOADS:
        if load is MAX or load.key != "100" and not lab.quick:
            yield of_memif(lab, builds, load)


def of_burst(lab, builds, frames, title):
    contenders = [Contender(name, name, lambda build=build: run_burst(lab, build, frames))
                  for name, build in builds.items()]
    return Comparison("burst", f"burst-{frames}", f"burst of 32 out of {title}", BURST_METRICS, contenders)


def run_burst(lab, build, frames):
    loops = burst_function.run_program(lab, frames, LOOPS, build)
    # The benchmark manages its own memory and runs on the first CPU.
    rules = [build.program("bench/swap_burst_bench"), *burst_function.benchmark_options(lab, RULES, frames)]
    first = loops["raw"]
    return {"values": {key: run["values"]["cycles_per_frame"] for key, run in loops.items()} |
                      burst_function.run_benchmark(rules),
            "checks": first["checks"], "command": f"{first['command']}; {shlex.join(rules)}"}


def of_echo(lab, builds, group, key, title, device, *options):
    """On one worker, with testpmd as a reference for both."""
    def echo(build):
        return lambda memory: echo_command(lab, device(), *options, memory=memory, build=build)

    commands = {name: (name, echo(build)) for name, build in builds.items()}
    commands["testpmd-macswap"] = ("testpmd macswap",
                                   lambda memory: testpmd_command(lab, device(), "macswap", memory=memory))
    this, other = builds
    return sharing_a_cpu(lab, group, key, title, commands,
                         [(this, other), (this, "testpmd-macswap"), (other, "testpmd-macswap")])


def of_memif(lab, builds, load):
    key = f"memif-{load.key}"
    lcores = two_end_lcores(lab)

    @contextlib.contextmanager
    def ends(build):
        with memif_cable(LINKS[0]) as cable:
            yield Ends(echo_command(lab, cable.echo_device, loop_check=False, lcores=lcores, build=build),
                       cable.probe_device)

    contenders = [Contender(name, name,
                            lambda name=name, build=build: measure(lab, lambda: ends(build), load, f"{key}-{name}"))
                  for name, build in builds.items()]
    return Comparison("memif", key, f"memif, {load.title}", load.metrics(), contenders, two_cpus=True)
