"""Two network namespaces and the impairing wire between them. One has the kernel as a TCP peer, the other a tun device
for a stack in user space."""

import contextlib
import dataclasses
import os
import signal
import subprocess

from tests.harness.kernel_interfaces import created, interface, ip, namespace
from tests.harness.program_under_test import NO_NIC, ProgramUnderTest, usable_cpus

KERNEL, FAR = "kernel-end", "far-end"
KERNEL_ADDRESS = {4: "198.51.100.1", 6: "2001:db8:1::1"}
FAR_ADDRESS = {4: "198.51.100.2", 6: "2001:db8:1::2"}  # the kernel at the far end
STACK_ADDRESS = {4: "203.0.113.2", 6: "2001:db8:2::2"}  # behind the tun device
STACK_NETWORK = {4: "203.0.113.0/24", 6: "2001:db8:2::/64"}
LINK_PREFIX = {4: 24, 6: 64}
TUN = "tun0"
WIRE_MTU = 1500  # of DPDK's af_packet driver
END_SECONDS = 10.0


@dataclasses.dataclass(frozen=True)
class Impairment:
    """Options of the impairing wire, for each direction."""
    delay: str = "0"
    loss: float = 0  # share of the frames
    corruption: float = 0
    duplication: float = 0
    reordering: float = 0
    rate: str = "max"
    queue: str = "50ms"
    sleep: str = "20us"  # between polls: the wire shares a CPU with one of the ends

    def options(self):
        def per_million(share):
            return str(round(share * 1e6))

        return ("--delay", self.delay, "--rate", self.rate, "--queue", self.queue,
                "--loss-per-million", per_million(self.loss), "--corrupt-per-million", per_million(self.corruption),
                "--duplicate-per-million", per_million(self.duplication),
                "--reorder-per-million", per_million(self.reordering), "--reorder-time", "300us")


def in_namespace(network, *command):
    return ("ip", "netns", "exec", network, *command)


def run_in(network, *command):
    done = subprocess.run(in_namespace(network, *command), capture_output=True, text=True, check=False, timeout=10)
    assert done.returncode == 0, f"{' '.join(command)}: {done.stderr}"
    return done.stdout


def set_sysctl(network, **settings):
    """Sets for example tcp_sack=0 in this namespace."""
    for name, value in settings.items():
        run_in(network, "sh", "-c", f"echo '{value}' >/proc/sys/net/ipv4/{name}")


def mac_of(network, interface):
    return run_in(network, "cat", f"/sys/class/net/{interface}/address").strip()


def add_end(stack, network, interface, outer, addresses, mtu):
    """A namespace with one end of a veth pair; the other end is for the wire."""
    stack.enter_context(namespace(network))
    stack.enter_context(created(
        ("link", "add", "name", outer, "mtu", str(mtu), "type", "veth",
         "peer", "name", interface, "mtu", str(mtu), "netns", network),
        ("link", "delete", outer)))
    # The kernel leaves checksums and segmentation to a veth pair, whose other end here is not the kernel.
    run_in(network, "ethtool", "-K", interface, "tx", "off", "tso", "off", "gso", "off", "gro", "off")
    for family, address in usable(addresses, mtu):
        ip("-n", network, "address", "add", f"{address}/{LINK_PREFIX[family]}", "dev", interface,
           *(("nodad",) if family == 6 else ()))
    ip("-n", network, "link", "set", "lo", "up")
    ip("-n", network, "link", "set", interface, "up")
    ip("link", "set", outer, "up")


def usable(addresses, mtu):
    """Without IPv6 if the MTU is too small for it (RFC 8200, 5)."""
    return [(family, address) for family, address in addresses.items() if family == 4 or mtu >= 1280]


def add_neighbours(network, interface, addresses, mac, mtu):
    """The wire may lose requests for them."""
    for _, address in usable(addresses, mtu):
        ip("-n", network, "neighbour", "replace", address, "lladdr", mac, "dev", interface, "nud", "permanent")


def device(name, number):
    return f"--vdev=net_af_packet{number},iface={name},framesz=2048,blocksz=65536,framecnt=2048"


@contextlib.contextmanager
def impaired_link(build, impairment, mtu=1500, seed=1):
    """Yields the running wire; None for an MTU above that of the wire's driver, where a bridge joins both ends."""
    with contextlib.ExitStack() as stack:
        add_end(stack, KERNEL, "kernel0", "near0", KERNEL_ADDRESS, mtu)
        add_end(stack, FAR, "far0", "beyond0", FAR_ADDRESS, mtu)
        add_neighbours(KERNEL, "kernel0", FAR_ADDRESS, mac_of(FAR, "far0"), mtu)
        add_neighbours(FAR, "far0", KERNEL_ADDRESS, mac_of(KERNEL, "kernel0"), mtu)
        add_tun(mtu)
        if mtu > WIRE_MTU:
            assert impairment == Impairment(), f"the wire has an MTU of {WIRE_MTU}"
            stack.enter_context(interface("bridge0", "type", "bridge", "mcast_snooping", "0"))
            for end in ("near0", "beyond0"):
                ip("link", "set", end, "master", "bridge0")
            yield None
        else:
            yield start_wire(stack, build, impairment, seed)


def start_wire(stack, build, impairment, seed):
    cpu = usable_cpus()[-1]
    wire = ProgramUnderTest(
        (str(build / "bench/compare/impairing_wire"), *NO_NIC, "--lcores", f"0@{cpu}", device("near0", 0),
         device("beyond0", 1), "--", *impairment.options(), "--seed", str(seed), "--sleep", impairment.sleep,
         "--link-wait", "0", "--rx-descriptors", "4096"),
        preexec=lambda: os.sched_setaffinity(0, {cpu}))
    stack.callback(wire.close)
    wire.wait_for_line("Ready: ")
    return wire


def add_tun(mtu):
    """Routes the network of the stack in user space to a tun device of the far end."""
    ip("-n", FAR, "tuntap", "add", "dev", TUN, "mode", "tun")
    ip("-n", FAR, "link", "set", TUN, "mtu", str(mtu), "up")
    run_in(FAR, "sh", "-c", "echo 1 >/proc/sys/net/ipv4/ip_forward; echo 1 >/proc/sys/net/ipv6/conf/all/forwarding")
    for family, network in usable(STACK_NETWORK, mtu):
        ip("-n", FAR, f"-{family}", "route", "add", network, "dev", TUN)
        ip("-n", KERNEL, f"-{family}", "route", "add", network, "via", FAR_ADDRESS[family])


def counts(wire):
    """Ends the wire and returns the counts of both directions: from the kernel, and to it."""
    wire.send_signal(signal.SIGINT)
    wire.end_cleanly(END_SECONDS)
    return wire.reports()[-1]["directions"]
