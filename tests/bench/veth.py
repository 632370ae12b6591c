"""A veth, which any kernel has: DPDK's kernel drivers, ours against testpmd, and both against a raw socket."""

import contextlib
import os

import measured_path
from comparison import Comparison, Contender, NotMeasured
from far_end import LOADS, Ends, measure, two_end_lcores
from measured_path import LINKS, Path, kernel_cable, require_af_xdp
from programs import echo_command, testpmd_command

GROUP = "veth"
PLAIN = LINKS[0]
PAIRS = [("af_packet", "testpmd-af_packet"), ("af_xdp", "testpmd-af_xdp"), ("af_packet", "socket"),
         ("af_xdp", "socket")]


def comparisons(lab):
    for load in LOADS[:1] if lab.quick else LOADS[:3]:
        yield of_load(lab, load)


@contextlib.contextmanager
def veth_ends(driver, make_command):
    if os.geteuid() != 0:
        raise NotMeasured("network namespaces need root; put sudo in front")
    if driver == "af_xdp":
        require_driver_af_xdp()
    with kernel_cable(Path(driver, driver), PLAIN) as cable:
        yield Ends(make_command(cable.echo_device), cable.probe_device, echo_network=cable.namespaces["echo"],
                   probe_network=cable.namespaces["probe"])


def require_driver_af_xdp():
    try:
        require_af_xdp()
    except measured_path.NotMeasured as error:
        raise NotMeasured(str(error)) from error


def of_load(lab, load):
    key = f"{GROUP}-{load.key}"
    lcores = two_end_lcores(lab)

    def contender(name, title, driver, make_command):
        return Contender(name, title,
                         lambda: measure(lab, lambda: veth_ends(driver, make_command), load, f"{key}-{name}"))

    def echo(driver):
        return contender(driver, f"l2_multi_echo, {driver}", driver,
                         lambda device: echo_command(lab, device, "--no-loop-check", lcores=lcores))

    def testpmd(driver):
        return contender(f"testpmd-{driver}", f"testpmd macswap, {driver}", driver, lambda device: [
            "stdbuf", "--output=L", *testpmd_command(lab, device, "macswap", lcores=lcores)])

    socket_echo = contender("socket", "socket echo, no DPDK", "af_packet",
                            lambda device: [lab.program("tests/compare/socket_echo"), "echo0"])
    contenders = [echo("af_packet"), testpmd("af_packet"), echo("af_xdp"), testpmd("af_xdp"), socket_echo]
    return Comparison(GROUP, key, f"veth, {load.title}", load.metrics(), contenders, pairs=PAIRS)
