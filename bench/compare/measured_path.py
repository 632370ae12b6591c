"""One run of the probe over one path: creates the link, starts both ends, and removes everything afterwards."""

import contextlib
import dataclasses
import json
import os
import pathlib
import shlex
import signal
import socket
import subprocess
import tempfile

from bench.comparison import NotMeasured
from tests.harness.kernel_interfaces import created, interface, ip, namespace
from tests.harness.program_under_test import NO_NIC, ProgramUnderTest, usable_cpus

AF_XDP = 44  # socket.AF_XDP is new in Python 3.14
SIZES = "512-1024"
DELAY_SECONDS, LOSS_PER_MILLION = 0.0001, 10_000  # in each direction
WIRE_SLEEP = "20us"
WARM_UP_FRAMES = 5000  # exceeds the entries of every ring here
END_SECONDS = 10.0
# Absorbs a stall of the machine: at 50 000 frames per second, 80 ms.
AF_PACKET_RING = "blocksz=65536,framecnt=4096"
MEMIF_RING = "rsize=12"
AF_XDP_DESCRIPTORS = ("--rx-descriptors", "4096")
WIRE_DESCRIPTORS = ("--rx-descriptors", "4096")  # the wire can hold this many frames in each direction


@dataclasses.dataclass(frozen=True)
class Path:
    key: str
    title: str


PATHS = (
    Path("socket", "socket echo (kernel)"),
    Path("af_packet", "l2_multi_echo, af_packet (kernel)"),
    Path("af_xdp", "l2_multi_echo, af_xdp (kernel driver, copy mode)"),
    Path("memif", "l2_multi_echo, memif (kernel bypass)"),
)


@dataclasses.dataclass(frozen=True)
class Link:
    key: str
    title: str
    impairment: str


IMPAIRMENT = f"{DELAY_SECONDS * 1000:g} ms delay and {LOSS_PER_MILLION / 10_000:g} % loss, each way"
LINKS = (
    Link("plain", "Unimpaired link", "none"),
    Link("wire", f"{IMPAIRMENT}, by impairing_wire", f"impairing_wire: {IMPAIRMENT}"),
    Link("netem", f"{IMPAIRMENT}, by netem", f"netem: {IMPAIRMENT}"),
)


@dataclasses.dataclass
class Cable:
    """The devices that connect the programs."""

    probe_device: str
    echo_device: str
    wire_devices: tuple = ()
    netem_interfaces: tuple = ()
    namespaces: dict = dataclasses.field(default_factory=dict)  # program -> network namespace, if not this one


@contextlib.contextmanager
def memif_cable(link):
    def device(name, role, number=0):
        return f"net_memif{number},role={role},socket={folder}/{name},socket-abstract=no,{MEMIF_RING}"

    if link.key == "netem":
        raise NotMeasured("netem is part of the kernel, which this path bypasses")
    with tempfile.TemporaryDirectory(prefix="l2echo-compare-") as folder:
        if link.key == "plain":
            yield Cable(device("echo", "client"), device("echo", "server"))
        else:
            yield Cable(device("probe", "client"), device("echo", "server"),
                        wire_devices=(device("probe", "server", 0), device("echo", "client", 1)))


@contextlib.contextmanager
def kernel_cable(path, link):
    def af_packet(name, number=0):
        return f"net_af_packet{number},iface={name},{AF_PACKET_RING}"

    echo_device = "net_af_xdp0,iface=echo0,force_copy=1" if path.key == "af_xdp" else af_packet("echo0")
    # The driver's fanout group is pid XOR interface index, so two processes in one namespace may collide.
    cable = Cable(af_packet("probe0"), echo_device, namespaces={"probe": "probe-end", "echo": "echo-end"})
    with contextlib.ExitStack() as stack:
        for name in cable.namespaces.values():
            stack.enter_context(namespace(name))
            silence(name)
        if link.key == "plain":
            stack.enter_context(veth_pair_across("probe0", ("-n", "probe-end"), "echo0", "echo-end"))
        else:
            stack.enter_context(veth_pair_across("near0", (), "probe0", "probe-end"))
            stack.enter_context(veth_pair_across("far0", (), "echo0", "echo-end"))
        if link.key == "wire":
            cable.wire_devices = (af_packet("near0", 0), af_packet("far0", 1))
        if link.key == "netem":
            # Without snooping, the bridge sends no queries of its own, which netem would count if it dropped one.
            stack.enter_context(interface("bridge0", "type", "bridge", "mcast_snooping", "0"))
            for name in ("near0", "far0"):
                ip("link", "set", name, "master", "bridge0")
                add_netem(name)
            cable.netem_interfaces = ("near0", "far0")
        yield cable


def silence(network):
    """Without IPv6, the kernel sends no frames of its own."""
    switch_off = "for switch in /proc/sys/net/ipv6/conf/*/disable_ipv6; do [ ! -e $switch ] || echo 1 >$switch; done"
    ip("netns", "exec", network, "sh", "-c", switch_off)


@contextlib.contextmanager
def veth_pair_across(name, where, peer, peer_network):
    """Creates one end with the given ip options, and the other in a network namespace. Deletes the pair by name,
    because the remains of a namespace disappear with a delay."""
    with created((*where, "link", "add", "name", name, "type", "veth", "peer", "name", peer, "netns", peer_network),
                 (*where, "link", "delete", name)):
        ip(*where, "link", "set", name, "up")
        ip("-n", peer_network, "link", "set", peer, "up")
        yield


def tc(*arguments):
    return subprocess.run(("tc", *arguments), capture_output=True, text=True, check=False, timeout=10)


def add_netem(name):
    """Adds netem at the interface's egress; by default, netem holds up to 1000 frames."""
    result = tc("qdisc", "add", "dev", name, "root", "netem", "delay", f"{DELAY_SECONDS * 1e6:g}us",
                "loss", f"{LOSS_PER_MILLION / 10_000:g}%", "limit", "100000")
    if result.returncode != 0:
        unknown = "kind is unknown" in result.stderr
        raise NotMeasured("kernel without sch_netem" if unknown else f"tc: {result.stderr.strip()}")


def netem_drops(name):
    qdiscs = json.loads(tc("-s", "-j", "qdisc", "show", "dev", name).stdout)
    return next(qdisc["drops"] for qdisc in qdiscs if qdisc["kind"] == "netem")


def require_af_xdp():
    try:
        socket.socket(AF_XDP, socket.SOCK_RAW).close()
    except OSError as error:
        raise NotMeasured(f"kernel without AF_XDP sockets ({error.strerror})") from error


class PathBench:
    """The programs and their CPUs: the echo gets the first, the probe the last, and the wire its own if there is a
    third."""

    def __init__(self, build_dir):
        self._build = pathlib.Path(build_dir)
        cpus = usable_cpus()
        self.cpus = {"echo": cpus[0], "wire": cpus[1] if len(cpus) > 2 else cpus[0], "probe": cpus[-1]}

    def measure(self, path, link, frames, rate):
        """Results of the probe and the other programs, and the command lines; rate is the probe's --rate."""
        if path.key == "af_xdp":
            require_af_xdp()
        with contextlib.ExitStack() as stack:
            cable = stack.enter_context(memif_cable(link) if path.key == "memif" else kernel_cable(path, link))
            commands = {}

            def start(name, command, ready):
                commands[name] = shlex.join(command)
                if name in cable.namespaces:
                    command = ["ip", "netns", "exec", cable.namespaces[name], *command]
                process = ProgramUnderTest(command, preexec=lambda: os.sched_setaffinity(0, {self.cpus[name]}))
                stack.callback(process.close)
                if ready:
                    process.wait_for_line(ready)
                return process

            echo = start("echo", self._echo_command(path, cable), "Ready: ")
            wire = start("wire", self._wire_command(cable), "Ready: ") if cable.wire_devices else None
            probe = start("probe", self._probe_command(cable, frames, rate), None)
            probe.end_cleanly(600)
            found = {"commands": commands, "probe": summary(probe.reports()[0])}
            found["echo"] = echo_counts(end(echo))
            if wire:
                found["wire"] = end(wire)
            if cable.netem_interfaces:
                found["netem_drops"] = [netem_drops(name) for name in cable.netem_interfaces]
            return found

    def _dpdk(self, program, cpu, devices, *options):
        vdevs = [f"--vdev={device}" for device in devices]
        return [str(self._build / program), *NO_NIC, "--lcores", f"0@{cpu}", *vdevs, "--", *options]

    def _echo_command(self, path, cable):
        if path.key == "socket":
            return [str(self._build / "bench/compare/socket_echo"), "echo0"]
        return self._dpdk("l2_multi_echo", self.cpus["echo"], [cable.echo_device], "--link-wait", "0",
                          "--loop-check", "off", "--tx-full", "retry=1000000", "--format", "json",
                          "--stats-interval", "0", *(AF_XDP_DESCRIPTORS if path.key == "af_xdp" else ()))

    def _wire_command(self, cable):
        # With its own CPU, it need not sleep.
        sleep = "0" if self.cpus["wire"] != self.cpus["echo"] else WIRE_SLEEP
        return self._dpdk("bench/compare/impairing_wire", self.cpus["wire"], cable.wire_devices,
                          "--delay", f"{DELAY_SECONDS * 1e6:g}us", "--loss-per-million", str(LOSS_PER_MILLION),
                          "--sleep", sleep, "--link-wait", "0", *WIRE_DESCRIPTORS)

    def _probe_command(self, cable, frames, rate):
        return self._dpdk("l2_probe", self.cpus["probe"], [cable.probe_device], "--size", SIZES,
                          "--count", str(frames), "--warm-up", str(WARM_UP_FRAMES), "--rate", rate, "--format", "json")


def end(process):
    """Stops it with a signal; returns the last JSON object that it printed."""
    process.send_signal(signal.SIGINT)
    process.end_cleanly(END_SECONDS)
    return process.reports()[-1]


def summary(result):
    """The probe's result without the parts that are the same in every run."""
    return {key: value for key, value in result.items() if key not in ("streams", "failed_gates", "clock")}


def echo_counts(report):
    if "totals" not in report:
        return report
    counts = {key: report["totals"][key] for key in ("received", "echoed", "answered", "refused", "dropped")}
    return counts | {key: report["ports"][0][key] for key in ("missed", "no_mbuf")}
