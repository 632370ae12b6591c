"""A veth, which any kernel has: DPDK's kernel drivers with ours and testpmd, against two echoes without DPDK: a raw
socket, and an XDP program that returns frames before the kernel's network stack sees them."""

import contextlib
import os
import pathlib
import shutil
import subprocess

from bench.compare import measured_path
from bench.compare.measured_path import LINKS, Path, kernel_cable, require_af_xdp
from bench.comparison import Comparison, Contender, NotMeasured, last_line
from bench.far_end import LOADS, Ends, measure, two_end_lcores
from bench.programs import echo_command, testpmd_command

GROUP = "veth"
PLAIN = LINKS[0]
PAIRS = [("af_packet", "testpmd-af_packet"), ("af_xdp", "testpmd-af_xdp"), ("af_packet", "socket"),
         ("af_xdp", "socket"), ("af_packet", "socket-ring"), ("af_xdp", "socket-ring"), ("af_packet", "xdp-tx"),
         ("af_xdp", "xdp-tx")]
XDP_SOURCE = pathlib.Path(__file__).with_name("xdp_echo.bpf.c")


def comparisons(lab):
    for load in LOADS[:1] if lab.quick else LOADS[:3]:
        yield of_load(lab, load)


@contextlib.contextmanager
def veth_ends(driver, make_command):
    if os.geteuid() != 0:
        raise NotMeasured("network namespaces need root; run it with sudo")
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


def run_or_skip(what, *command):
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    if done.returncode != 0:
        raise NotMeasured(f"{what}: {last_line(done.stderr)}")
    return done.stdout.strip()


def compile_xdp(lab):
    """Compiles it once per run."""
    program = lab.scratch / "xdp_echo.o"
    if not program.exists():
        if not shutil.which("clang"):
            raise NotMeasured("clang, which compiles XDP programs, is not installed")
        headers = f"/usr/include/{run_or_skip('the compiler', 'cc', '-print-multiarch')}"
        run_or_skip("clang", "clang", "-O2", "-g", "-target", "bpf", f"-I{headers}", "-c", str(XDP_SOURCE),
                    "-o", str(program))
    return str(program)


@contextlib.contextmanager
def xdp_ends(lab):
    """The echo runs in the kernel on the sender's CPU, so the two ends share a CPU."""
    with veth_ends("af_packet", lambda _: None) as ends:
        program = compile_xdp(lab)
        for network, interface, name in ((ends.echo_network, "echo0", "xdp_echo"),
                                         (ends.probe_network, "probe0", "xdp_pass")):
            line = ("ip", "-n", network, "link", "set", "dev", interface, "xdpdrv", "obj", program, "program", name)
            run_or_skip(f"XDP on {interface}", *line)
            ends.preparation += (line,)
        yield ends


def of_load(lab, load):
    key = f"{GROUP}-{load.key}"
    lcores = two_end_lcores(lab)

    def contender(name, title, driver, make_command):
        return Contender(name, title,
                         lambda: measure(lab, lambda: veth_ends(driver, make_command), load, f"{key}-{name}"))

    def echo(driver):
        return contender(driver, f"l2_multi_echo, {driver}", driver,
                         lambda device: echo_command(lab, device, loop_check=False, lcores=lcores))

    def testpmd(driver):
        return contender(f"testpmd-{driver}", f"testpmd macswap, {driver}", driver, lambda device: [
            "stdbuf", "--output=L", *testpmd_command(lab, device, "macswap", lcores=lcores)])

    def socket_echo(name, title, *options):
        return contender(name, title, "af_packet",
                         lambda device: [lab.program("bench/compare/socket_echo"), "echo0", *options])

    contenders = [echo("af_packet"), testpmd("af_packet"), echo("af_xdp"), testpmd("af_xdp"),
                  socket_echo("socket", "socket echo, no DPDK"),
                  socket_echo("socket-ring", "socket echo with TPACKET_V3, no DPDK", "ring"),
                  Contender("xdp-tx", "XDP_TX in the kernel, no DPDK",
                            lambda: measure(lab, lambda: xdp_ends(lab), load, f"{key}-xdp-tx"))]
    return Comparison(GROUP, key, f"veth, {load.title}", load.metrics(), contenders, pairs=PAIRS, two_cpus=True)
