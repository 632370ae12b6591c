"""Two processes with shared memory between them: the shortest possible wire without a NIC."""

import contextlib

from bench.compare.measured_path import LINKS, memif_cable
from bench.comparison import Comparison, Contender
from bench.far_end import LOADS, Ends, measure, two_end_lcores
from bench.programs import echo_command, testpmd_command

GROUP = "memif"
PLAIN = LINKS[0]


def comparisons(lab):
    for load in LOADS[:2] if lab.quick else LOADS:
        yield of_load(lab, load)


def of_load(lab, load):
    key = f"{GROUP}-{load.key}"

    @contextlib.contextmanager
    def ends(make_command):
        with memif_cable(PLAIN) as cable:
            yield Ends(make_command(cable.echo_device), cable.probe_device)

    def contender(name, title, make_command):
        return Contender(name, title, lambda: measure(lab, lambda: ends(make_command), load, f"{key}-{name}"))

    lcores = two_end_lcores(lab)
    contenders = [
        contender("default", "l2_multi_echo",
                  lambda device: echo_command(lab, device, loop_check=False, lcores=lcores)),
        contender("testpmd-macswap", "testpmd macswap",
                  lambda device: ["stdbuf", "--output=L", *testpmd_command(lab, device, "macswap", lcores=lcores)]),
    ]
    return Comparison(GROUP, key, f"memif, {load.title}", load.metrics(), contenders, two_cpus=True)
