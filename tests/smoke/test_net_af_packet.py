"""A kernel veth interface as a port, and the protection of interfaces that the kernel itself uses."""

import contextlib
import socket

import pytest

from tests.harness.kernel_interfaces import allow_ipv6, interface, ip, kernel_can_make, namespace, veth_pair
from tests.harness.kernel_peer import TPID_8021Q, KernelPeer
from tests.harness.program_under_test import (NO_NIC, USAGE, assert_balanced, assert_fails, error_line, two_workers,
                                              wait_until)

VETH, PEER = "veth-echo", "veth-peer"
DEVICE = f"net_af_packet0,iface={VETH}"
ADDRESS, PEER_ADDRESS = "192.0.2.1", "192.0.2.2"
OVERRIDE = "--take-kernel-interface"


@pytest.fixture(autouse=True)
def veth():
    with veth_pair(VETH, PEER):
        yield


def assert_starts(process):
    process.wait_until_ready()
    assert_balanced(process.stop())


def assert_refuses(process, *words):
    assert_fails(process, 1, VETH, OVERRIDE, "--ports", *words)


@pytest.mark.parametrize("queue_pairs", [1, 2])
def test_every_frame_comes_back(start_echo, queue_pairs):
    process = start_echo(f"{DEVICE},qpairs={queue_pairs}").wait_until_ready()
    with KernelPeer(PEER) as peer:
        # This driver reinserts every outer tag as 802.1Q.
        result = peer.exchange(5000, vlan=True, outer_tag=TPID_8021Q, window=64)
    assert result.is_clean() and result.returned == 5000, result
    final = process.stop()
    assert_balanced(final)
    assert final["totals"]["echoed"] == 5000
    assert sum(worker["received"] > 0 for worker in final["workers"]) == queue_pairs


def test_unused_interface_is_taken_without_an_option(start_echo):
    assert_starts(start_echo(DEVICE))


def test_link_local_ipv6_does_not_count_as_use(start_echo):
    allow_ipv6(VETH)
    wait_until(lambda: "fe80:" in ip("-6", "address", "show", "dev", VETH), "link-local address")
    assert_starts(start_echo(DEVICE))


def test_ipv4_address_is_refused(start_echo):
    ip("address", "add", f"{ADDRESS}/24", "dev", VETH)
    assert_refuses(start_echo(DEVICE), ADDRESS)


def test_address_with_a_label_is_refused(start_echo):
    ip("address", "add", f"{ADDRESS}/24", "dev", VETH, "label", f"{VETH}:1")
    assert_refuses(start_echo(DEVICE), ADDRESS)


def test_two_half_default_routes_are_refused(start_echo):
    ip("route", "add", "0.0.0.0/1", "dev", VETH, "table", "100")
    ip("route", "add", "128.0.0.0/1", "dev", VETH, "table", "100")
    assert_refuses(start_echo(DEVICE), "default route")


def test_global_ipv6_address_is_refused(start_echo):
    allow_ipv6(VETH)
    ip("address", "add", "2001:db8::1/64", "dev", VETH)
    assert_refuses(start_echo(DEVICE), "2001:db8::1")


def test_default_route_is_refused(start_echo):
    ip("route", "add", "default", "dev", VETH)
    assert_refuses(start_echo(DEVICE), "default route")


def test_naming_the_port_is_not_enough(start_echo):
    ip("address", "add", f"{ADDRESS}/24", "dev", VETH)
    assert_refuses(start_echo(DEVICE, "--ports", "0"), ADDRESS)


def test_override_without_naming_the_port_is_not_enough(start_echo):
    ip("address", "add", f"{ADDRESS}/24", "dev", VETH)
    assert_refuses(start_echo(DEVICE, OVERRIDE), ADDRESS)


@pytest.mark.parametrize("port", ["0", "net_af_packet0"])
def test_override_with_a_named_port_takes_it(start_echo, port):
    ip("address", "add", f"{ADDRESS}/24", "dev", VETH)
    assert_starts(start_echo(DEVICE, "--ports", port, OVERRIDE))


def test_address_of_the_bridge_is_refused(start_echo):
    with interface("br-echo", "type", "bridge"):
        ip("link", "set", VETH, "master", "br-echo")
        ip("address", "add", f"{ADDRESS}/24", "dev", "br-echo")
        assert_refuses(start_echo(DEVICE), ADDRESS, "br-echo")


@pytest.mark.parametrize("kind, settings", [("vlan", ("id", "5")), ("macvlan", ())])
def test_address_of_a_stacked_interface_is_refused(start_echo, kind, settings):
    if not kernel_can_make(kind):
        pytest.skip(f"this kernel does not support {kind} interfaces")
    with interface("veth-above", "link", VETH, "type", kind, *settings):
        ip("address", "add", f"{ADDRESS}/24", "dev", "veth-above")
        assert_refuses(start_echo(DEVICE), ADDRESS, "veth-above")


def test_address_of_another_interface_does_not_matter(start_echo):
    with veth_pair("veth-other", "veth-other-peer"):
        ip("address", "add", f"{ADDRESS}/24", "dev", "veth-other")
        assert_starts(start_echo(DEVICE))


@pytest.mark.parametrize("arguments", ["iface={0}", "rx_iface={0},tx_iface={0}", "rx_iface_in={0}"])
def test_captured_interface_is_protected_too(start_echo, arguments):
    ip("address", "add", f"{ADDRESS}/24", "dev", VETH)
    assert_refuses(start_echo("net_pcap0," + arguments.format(VETH)), ADDRESS)


def test_member_of_a_bond_is_protected_too(start, l2_multi_echo):
    ip("address", "add", f"{ADDRESS}/24", "dev", VETH)
    process = start(l2_multi_echo, *NO_NIC, "--lcores", two_workers(), f"--vdev={DEVICE}",
                    "--vdev=net_bonding0,mode=1,slave=net_af_packet0", "--", "--ports", "net_bonding0")
    assert_refuses(process, ADDRESS)


def test_sub_device_of_a_failsafe_is_protected_too(start, l2_multi_echo):
    """What is refused still ends in order: EAL's clean-up follows a pointer of a failsafe's device."""
    ip("address", "add", f"{ADDRESS}/24", "dev", VETH)
    process = start(l2_multi_echo, *NO_NIC, "--lcores", two_workers(),
                    f"--vdev=net_failsafe0,dev(net_af_packet9,iface={VETH})")
    assert_refuses(process, ADDRESS)


def test_outer_tag_that_the_driver_changes_is_reported(start_echo, start_probe):
    echo = start_echo(DEVICE).wait_until_ready()
    echo.wait_for_line(r"warning: Port 0: .*0x88A8.*0x8100")
    probe = start_probe("--vlan", "100,7", "--size", "128", device=f"net_af_packet0,iface={PEER}")
    assert_fails(probe, USAGE, "--vlan", "0x88A8")
    echo.stop()


def is_promiscuous(name):
    return "PROMISC" in ip("link", "show", "dev", name)


@pytest.mark.parametrize("driver, before, wanted", [("af_packet", "off", "on"), ("af_packet", "on", "on"),
                                                    ("af_packet", "on", "off"), ("tap", "off", "on")])
def test_promiscuous_mode_is_restored(start_echo, driver, before, wanted):
    ip("tuntap", "add", "mode", "tap", "multi_queue", "name", "own-tap")
    try:
        name = "own-tap" if driver == "tap" else VETH
        ip("link", "set", name, "promisc", before)
        process = start_echo(f"net_{driver}0,iface={name}", "--promiscuous", wanted).wait_until_ready()
        assert is_promiscuous(name) == (wanted == "on")
        process.stop()
        assert is_promiscuous(name) == (before == "on")
    finally:
        ip("link", "delete", "own-tap")


@pytest.mark.parametrize("first, second", [("af_packet0,iface=", "af_packet0,iface="),
                                           ("pcap0,iface=", "af_packet0,iface="),
                                           ("af_packet0,iface=", f"pcap0,tx_iface={PEER},rx_iface=")])
def test_second_echo_on_an_interface_is_refused(start_echo, first, second):
    """Both would receive every frame, so every frame would be echoed twice."""
    echo = start_echo(f"net_{first}{VETH}").wait_until_ready()
    assert_fails(start_echo(f"net_{second}{VETH}"), 1, f"receives from {VETH} already", "another interface")
    assert_balanced(echo.stop())
    assert_starts(start_echo(f"net_{second}{VETH}"))


def test_two_ports_on_an_interface_are_refused(start, l2_multi_echo):
    assert_fails(start(l2_multi_echo, *NO_NIC, f"--vdev={DEVICE}", f"--vdev=net_pcap0,iface={VETH}", "--lcores",
                       two_workers()), 1, f"receives from {VETH} already")


@pytest.mark.parametrize("device, words", [
    ("net_af_packet0,iface=l3", "interface l3 has no Ethernet frames"),
    ("net_pcap0,iface=l3", "interface l3 has no Ethernet frames"),
    ("net_pcap0,iface=any", "no interface any"),
    ("net_tun0,iface=new-l3", "interface new-l3 has no Ethernet frames"),
])
def test_interface_without_macs_is_refused_even_if_named(start_echo, device, words):
    ip("tuntap", "add", "mode", "tun", "name", "l3")
    ip("link", "set", "l3", "up")
    try:
        process = start_echo(device, "--ports", "0", OVERRIDE)
        assert_fails(process, 1, r"port 0 \(net_", words)
    finally:
        ip("link", "delete", "l3")


@contextlib.contextmanager
def tcp_session(start, far_namespace, port):
    """A connection from the far namespace to a server on our address."""
    with socket.create_server((ADDRESS, port)) as server:
        server.settimeout(10)
        connect = f"import socket, time; s = socket.create_connection(('{ADDRESS}', {port}), 10); s.recv(1)"
        client = start("ip", "netns", "exec", far_namespace, "/usr/bin/python3", "-c", connect)
        session, _ = server.accept()
        with session:
            yield client


@pytest.mark.parametrize("port, is_ssh", [(22, True), (2022, False)])
def test_ssh_session_is_named(start, start_echo, port, is_ssh):
    with namespace("far-end") as far_end:
        ip("address", "add", f"{ADDRESS}/24", "dev", VETH)
        ip("link", "set", PEER, "netns", far_end)
        ip("-n", far_end, "address", "add", f"{PEER_ADDRESS}/24", "dev", PEER)
        ip("-n", far_end, "link", "set", PEER, "up")
        with tcp_session(start, far_end, port):
            process = start_echo(DEVICE)
            assert_refuses(process, ADDRESS)
            assert ("SSH" in error_line(process)) == is_ssh


# Sends datagrams to the echo server until one returns, or until the kernel drops one for its checksum.
KERNEL_SENDER = """
import ctypes, fcntl, pathlib, socket, struct, sys
SIOCETHTOOL, ETHTOOL_STXCSUM = 0x8946, 0x17

def bad_checksums():
    lines = pathlib.Path("/proc/net/snmp").read_text().splitlines()
    names, values = [line.split() for line in lines if line.startswith("Udp:")]
    return int(values[names.index("InCsumErrors")])

interface, address, offload = sys.argv[1:]
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
    if offload == "off":
        value = ctypes.create_string_buffer(struct.pack("II", ETHTOOL_STXCSUM, 0))
        fcntl.ioctl(sender, SIOCETHTOOL, struct.pack("16sP16x", interface.encode(), ctypes.addressof(value)))
    sender.connect((address, 7))
    sender.settimeout(0.02)
    before = bad_checksums()
    while True:
        sender.send(b"far end")
        try:
            print(sender.recv(100).decode())
            break
        except OSError:
            if bad_checksums() > before:
                print("bad checksum")
                break
"""


def test_checksums_that_a_kernel_offloads_to_a_nic(start_echo, start):
    """The hint says how to make a kernel's datagrams return."""
    with namespace("sender") as sender:
        ip("link", "set", PEER, "netns", sender)
        ip("-n", sender, "address", "add", f"{PEER_ADDRESS}/24", "dev", PEER)
        ip("-n", sender, "link", "set", PEER, "up")
        ip("-n", sender, "neighbour", "add", ADDRESS, "lladdr", "02:00:00:00:00:07", "dev", PEER)
        echo = start_echo(DEVICE, "--swap", "mac+ip+port").wait_until_ready()
        echo.wait_for_line(rf"Port 0: .*{VETH}.* checksums .*ethtool -K INTERFACE tx off")
        for offload, expected in (("on", "bad checksum"), ("off", "far end")):
            client = start("ip", "netns", "exec", sender, "/usr/bin/python3", "-c", KERNEL_SENDER, PEER, ADDRESS,
                           offload)
            client.end_cleanly(20)
            assert client.stdout() == expected + "\n", client.stderr()
        assert_balanced(echo.stop())
