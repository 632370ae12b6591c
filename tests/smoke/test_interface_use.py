"""What the kernel uses an interface for: one rule for the echo servers and scripts/host-setup."""

import contextlib
import json
import pathlib
import subprocess

import pytest

from host_setup.kernel_interface import find_program, reasons_to_leave
from host_setup.machine import Machine
from tests.harness.kernel_interfaces import ip, namespace, veth_pair
from tests.harness.program_under_test import USAGE, die_with_parent, wait_until

VETH, PEER = "veth-use", "veth-use-peer"
ADDRESS, PEER_ADDRESS = "192.0.2.1", "192.0.2.2"
LOOPBACK_ADDRESS = "198.51.100.1"
AN_ADDRESS = f"the address {ADDRESS} on {VETH}"
A_ROUTE = "the default route"
A_SESSION = "an established SSH session"

ARRANGEMENTS = {
    "nothing": ((), ""),
    "address": ((f"address add {ADDRESS}/24 dev {VETH}",), AN_ADDRESS),
    "address with a label": ((f"address add {ADDRESS}/24 dev {VETH} label {VETH}:1",), AN_ADDRESS),
    "address of a pair": ((f"address add {ADDRESS} peer {PEER_ADDRESS} dev {VETH}",), AN_ADDRESS),
    "IPv6 address": ((f"address add 2001:db8::1/64 dev {VETH}",), f"the address 2001:db8::1 on {VETH}"),
    "link-local address": ((f"address add fe80::1/64 dev {VETH}",), ""),
    "address of another interface": ((f"address add {ADDRESS}/24 dev {PEER}", f"route add default dev {PEER}"), ""),
    "default route": ((f"route add default dev {VETH}",), A_ROUTE),
    "default route in another table": ((f"route add default dev {VETH} table 100",), A_ROUTE),
    "default route by a rule": ((f"route add default dev {VETH} table 77", "rule add from 10.0.0.0/8 lookup 77"),
                                A_ROUTE),
    "one of several next hops": ((f"route add default nexthop dev {PEER} nexthop dev {VETH}",), A_ROUTE),
    "next hop object": ((f"nexthop add id 1 dev {VETH}", "route add default nhid 1"), A_ROUTE),
    "group of next hop objects": ((f"nexthop add id 1 dev {PEER}", f"nexthop add id 2 dev {VETH}",
                                   "nexthop add id 3 group 1/2", "route add default nhid 3"), A_ROUTE),
    "halves of a default route": ((f"route add 0.0.0.0/1 dev {VETH}", f"route add 128.0.0.0/1 dev {VETH}"), A_ROUTE),
    "IPv6 default route": ((f"-6 route add default dev {VETH}",), A_ROUTE),
    "all unicast of IPv6": ((f"-6 route add 2000::/3 dev {VETH}",), A_ROUTE),
    "IPv6 default route of several": ((
        f"-6 route add default nexthop via fe80::8 dev {PEER} nexthop via fe80::9 dev {VETH}",), A_ROUTE),
    "route to a network": ((f"route add 10.0.0.0/8 dev {VETH}",), ""),
    "unreachable default route": (("route add unreachable default",), ""),
}

# Kind of stacked interface -> commands that create it.
ABOVE = {
    "bridge": ("link add above type bridge", f"link set {VETH} master above"),
    "bond": ("link add above type bond", f"link set {VETH} down", f"link set {VETH} master above"),
    "team": ("link add above type team", f"link set {VETH} down", f"link set {VETH} master above"),
    "vrf": ("link add above type vrf table 10", f"link set {VETH} master above"),
    "vlan": (f"link add link {VETH} name above type vlan id 5",),
    "macvlan": (f"link add link {VETH} name above type macvlan",),
    "macvtap": (f"link add link {VETH} name above type macvtap",),
    "ipvlan": (f"link add link {VETH} name above type ipvlan",),
    "macsec": (f"link add link {VETH} name above type macsec",),
    "vxlan": (f"link add above type vxlan id 7 dstport 4789 dev {VETH}",),
    "hsr": (f"link add above type hsr slave1 {VETH} slave2 {PEER}",),
}


@pytest.fixture(autouse=True)
def veth():
    with veth_pair(VETH, PEER):
        for name in (VETH, PEER):  # no addresses except those that a test assigns, and no delay for those
            for switch, value in (("accept_dad", 0), ("addr_gen_mode", 1), ("disable_ipv6", 0)):
                pathlib.Path(f"/proc/sys/net/ipv6/conf/{name}/{switch}").write_text(str(value), encoding="ascii")
        yield


@contextlib.contextmanager
def arranged(commands):
    try:
        for command in commands:
            made = subprocess.run(("ip", *command.split()), capture_output=True, text=True, check=False, timeout=10)
            if any(word in made.stderr for word in ("Unknown device type", "not supported")):
                pytest.skip(f"this kernel does not support: ip {command}")
            assert made.returncode == 0, f"ip {command}: {made.stderr}"
        yield
    finally:
        for command in ("link delete above", "rule delete lookup 77", "route flush table all type unreachable"):
            subprocess.run(("ip", *command.split()), capture_output=True, check=False, timeout=10)


def reasons(name=VETH):
    return " and ".join(reasons_to_leave(Machine(), name))


@pytest.mark.parametrize("commands, reason", ARRANGEMENTS.values(), ids=ARRANGEMENTS)
def test_arrangement(commands, reason):
    with arranged(commands):
        assert reasons() == reason


@pytest.mark.parametrize("kind, commands", ABOVE.items(), ids=ABOVE)
def test_stacked_interface(kind, commands):
    with arranged((*commands, f"address add {ADDRESS}/24 dev above")):
        assert reasons() == f"the address {ADDRESS} on above and the {kind} above above it"


def test_two_stacked_interfaces():
    with arranged((*ABOVE["bridge"], "link add link above name top type macvlan", "address add 10.1.1.1/24 dev top")):
        assert reasons() == "the address 10.1.1.1 on top and the bridge above above it and the macvlan top above it"


def test_interfaces_are_those_of_the_network_namespace_and_not_of_sysfs():
    with namespace("other") as other:
        ip("-n", other, "link", "add", "only-there", "type", "bridge")
        ip("-n", other, "address", "add", f"{ADDRESS}/24", "dev", "only-there")
        output = subprocess.run(("nsenter", f"--net=/run/netns/{other}", find_program(), "only-there"), check=True,
                                capture_output=True, text=True, timeout=10).stdout
        assert json.loads(output)["interfaces"]["only-there"]["addresses"] == [f"{ADDRESS} on only-there"]


@pytest.mark.parametrize("arguments, status, word", [((), USAGE, "type: interface-use"), (("nope",), 1, "named nope")])
def test_invalid_usage(arguments, status, word):
    done = subprocess.run((find_program(), *arguments), capture_output=True, text=True, check=False, timeout=10)
    assert done.returncode == status and word in done.stderr and done.stdout == ""


# Sessions

SERVER = """
import socket, sys
name, address, port = sys.argv[1:]
open("/proc/self/comm", "w").write(name)
family, *_, place = socket.getaddrinfo(address, port, type=socket.SOCK_STREAM)[0]
server = socket.socket(family)
server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
server.bind(place)
server.listen()
print("listens", flush=True)
connection, (*_,) = server.accept()
print(connection.getpeername()[1], flush=True)
sys.stdin.read()
"""
CLIENT = "import socket, sys; s = socket.create_connection((sys.argv[1], sys.argv[2]), 10); s.recv(1)"


@pytest.fixture
def far_end():
    with namespace("far-end") as name:
        ip("link", "set", PEER, "netns", name)
        ip("-n", name, "address", "add", f"{PEER_ADDRESS}/24", "dev", PEER)
        ip("-n", name, "link", "set", PEER, "up")
        yield name


@contextlib.contextmanager
def session(start, far_end, address, port=22, server="other"):
    """A TCP connection from another namespace to a server process with this name; yields the client's port."""
    with subprocess.Popen(("/usr/bin/python3", "-c", SERVER, server, address, str(port)), stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE, text=True, preexec_fn=die_with_parent) as process:
        try:
            assert process.stdout.readline() == "listens\n"
            target = address.partition("%")[0] + (f"%{PEER}" if "%" in address else "")
            start("ip", "netns", "exec", far_end, "/usr/bin/python3", "-c", CLIENT, target, str(port))
            yield int(process.stdout.readline())
        finally:
            process.kill()


@pytest.mark.parametrize("port, server, is_ssh", [(22, "other", True), (2022, "other", False), (2022, "sshd", True),
                                                  (2022, "sshd-session", True), (2022, "tinysshd", True)])
def test_ssh_session(start, far_end, port, server, is_ssh):
    ip("address", "add", f"{ADDRESS}/24", "dev", VETH)
    with session(start, far_end, ADDRESS, port, server):
        assert reasons() == (f"{A_SESSION} and " if is_ssh else "") + AN_ADDRESS
        assert "SSH" not in reasons("lo")


def test_ssh_session_from_the_environment_of_a_parent_if_sudo_removed_it(start, far_end):
    ip("address", "add", f"{ADDRESS}/24", "dev", VETH)
    with session(start, far_end, ADDRESS, 2022) as far_port:
        shell = f"unset SSH_CONNECTION; {find_program()} {VETH}; true"
        for number, is_ssh in ((far_port, True), (far_port ^ 1, False)):
            variable = f"SSH_CONNECTION={PEER_ADDRESS} {number} {ADDRESS} 2022"
            output = subprocess.run(("env", variable, "sh", "-c", shell), check=True, capture_output=True, text=True,
                                    timeout=10).stdout
            assert json.loads(output)["interfaces"][VETH]["ssh_session"] == is_ssh


@pytest.mark.parametrize("ways", [(f"route add {PEER_ADDRESS} dev {VETH}",),
                                  (f"route add {PEER_ADDRESS} dev {VETH} table 77",
                                   f"rule add from {LOOPBACK_ADDRESS} lookup 77"),
                                  (f"route add {PEER_ADDRESS} dev {VETH} table 77",
                                   "rule add ipproto tcp sport 22 lookup 77")],
                         ids=["main table", "rule", "rule of a port"])
def test_ssh_session_to_an_address_on_loopback(start, far_end, ways):
    ip("address", "add", f"{LOOPBACK_ADDRESS}/32", "dev", "lo")
    try:
        with arranged(ways):
            ip("-n", far_end, "route", "add", LOOPBACK_ADDRESS, "dev", PEER)
            with session(start, far_end, LOOPBACK_ADDRESS):
                assert reasons() == A_SESSION
    finally:
        ip("address", "delete", f"{LOOPBACK_ADDRESS}/32", "dev", "lo")


def test_ssh_session_by_the_environment_of_another_process(start, far_end):
    """A server that has no name that we know gives SSH_CONNECTION to a shell elsewhere."""
    ip("address", "add", f"{ADDRESS}/24", "dev", VETH)
    with session(start, far_end, ADDRESS, 2022) as far_port:
        assert "SSH" not in reasons()
        start("env", f"SSH_CONNECTION={PEER_ADDRESS} {far_port} {ADDRESS} 2022", "sleep", "60")
        wait_until(lambda: "SSH" in reasons(), "SSH session")


def test_ssh_session_over_link_local_addresses(start, far_end):
    ip("address", "add", "fe80::1/64", "dev", VETH, "nodad")
    ip("netns", "exec", far_end, "sysctl", "--quiet", f"net.ipv6.conf.{PEER}.disable_ipv6=0")
    ip("-n", far_end, "address", "add", "fe80::2/64", "dev", PEER, "nodad")
    wait_until(lambda: "tentative" not in ip("-6", "address", "show", "dev", VETH), "link-local address")
    with session(start, far_end, f"fe80::1%{VETH}"):
        assert reasons() == A_SESSION
