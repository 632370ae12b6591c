"""The answering echo: a real kernel resolves, pings and probes it over a tap; it does not answer invalid requests."""

import contextlib
import subprocess

import pytest
from scapy.contrib.lldp import (
    LLDPDU,
    LLDPDUChassisID,
    LLDPDUEndOfLLDPDU,
    LLDPDUPortID,
    LLDPDUSystemName,
    LLDPDUTimeToLive,
)
from scapy.layers.inet import ICMP, IP, UDP, IPOption_NOP
from scapy.layers.inet6 import (
    ICMPv6EchoReply,
    ICMPv6EchoRequest,
    ICMPv6ND_NA,
    ICMPv6ND_NS,
    ICMPv6NDOptDstLLAddr,
    ICMPv6NDOptSrcLLAddr,
    IPv6,
)
from scapy.layers.l2 import ARP, Dot1AD, Dot1Q, Ether
from scapy.packet import Raw

import captures
from tests.harness.kernel_interfaces import allow_ipv6, ip
from tests.harness.kernel_peer import PEER_MAC, KernelPeer, swapped
from tests.harness.program_under_test import NO_NIC, assert_balanced, one_worker, two_workers, wait_until

TAP, SECOND_TAP = "dtap0", "dtap1"
OURS, NEIGHBOUR, STRANGER = "192.0.2.1", "192.0.2.2", "198.51.100.2"
OURS_6, NEIGHBOUR_6 = "2001:db8::1", "2001:db8::2"
SOLICITED_NODE, SOLICITED_NODE_MAC = "ff02::1:ff00:1", "33:33:ff:00:00:01"
ADDRESSES = f"{OURS}/24,{OURS_6}/64"
PEER = PEER_MAC.hex(":")
BROADCAST = captures.BROADCAST
ANSWER_SECONDS = 5


@pytest.fixture
def far_end(start_echo):
    return start_echo("net_tap0", "--ip", ADDRESSES, "--eth-lb").wait_until_ready()


@pytest.fixture
def answering(start_echo):
    """Uses one queue, so that answers keep the order of the requests."""
    return start_echo("net_tap0", "--ip", ADDRESSES, "--eth-lb", lcores=one_worker()).wait_until_ready()


@contextlib.contextmanager
def addresses(interface, *which):
    """Assigns addresses to the kernel's end; enables its own neighbour discovery if one of them is IPv6."""
    if any(":" in address for address in which):
        allow_ipv6(interface)
    for address in which:
        nodad = ["nodad"] if ":" in address else []
        ip("address", "add", address, "dev", interface, *nodad)
    ip("link", "set", interface, "up")
    yield


def run(*command):
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=20)


def assert_pinged(*options):
    result = run("ping", "-n", "-c", "3", "-i", "0.05", "-W", str(ANSWER_SECONDS), *options)
    assert result.returncode == 0 and "3 received, 0% packet loss" in result.stdout, result.stdout + result.stderr


def is_silent(*options):
    return " 0 received" in run("ping", "-n", "-c", "1", "-W", "0.3", *options).stdout


@pytest.mark.parametrize("size", ["0", "56", "1472"])
def test_kernel_can_ping(far_end, size):
    with addresses(TAP, f"{NEIGHBOUR}/24"):
        assert_pinged("-s", size, OURS)
        assert "lladdr" in ip("neighbour", "show", OURS, "dev", TAP)
    final = far_end.stop()
    assert_balanced(final)
    assert final["totals"]["answered"] >= 4  # three pings and the preceding ARP request


@pytest.mark.parametrize("size", ["0", "56", "1452"])
def test_kernel_can_ping_over_ipv6(far_end, size):
    with addresses(TAP, f"{NEIGHBOUR_6}/64"):
        assert_pinged("-6", "-s", size, OURS_6)
        assert "lladdr" in ip("-6", "neighbour", "show", OURS_6, "dev", TAP)
    assert_balanced(far_end.stop())


def test_arping_gets_replies(far_end):
    ip("link", "set", TAP, "address", PEER)  # differs from the port's MAC: arping ignores replies from its own MAC
    with addresses(TAP, f"{NEIGHBOUR}/24"):
        result = run("arping", "-c", "2", "-w", str(ANSWER_SECONDS), "-I", TAP, OURS)
        assert result.returncode == 0 and "Received 2 response" in result.stdout, result.stdout
        probe = run("arping", "-D", "-c", "1", "-w", str(ANSWER_SECONDS), "-I", TAP, OURS)
        assert probe.returncode == 1 and "Received 1 response" in probe.stdout, probe.stdout  # the address is in use


def test_kernel_detects_that_our_address_is_taken(far_end):
    allow_ipv6(TAP)
    ip("address", "add", f"{OURS_6}/64", "dev", TAP)
    wait_until(lambda: "dadfailed" in ip("-6", "address", "show", "dev", TAP), "refusal of the duplicate address")
    assert_balanced(far_end.stop())


def test_each_of_two_ports_answers(start, l2_multi_echo):
    process = start(l2_multi_echo, *NO_NIC, "--vdev=net_tap0", "--vdev=net_tap1", "--lcores", two_workers(), "--",
                    "--format", "json", "--ip", f"{ADDRESSES},198.51.100.1/24,2001:db8:1::1/64")
    process.wait_until_ready()
    with addresses(TAP, f"{NEIGHBOUR}/24", f"{NEIGHBOUR_6}/64"):
        with addresses(SECOND_TAP, f"{STRANGER}/24", "2001:db8:1::2/64"):
            assert_pinged(OURS)
            assert_pinged("198.51.100.1")
            assert_pinged("-6", OURS_6)
            assert_pinged("-6", "2001:db8:1::1")
    final = process.stop()
    assert_balanced(final)
    assert all(port["answered"] >= 8 for port in final["ports"])


def test_disarmed_echo_answers_and_does_not_echo(start_echo, tmp_path):
    process = start_echo("net_tap0", "--ip", ADDRESSES, "--disarmed", "--control-socket",
                         str(tmp_path / "socket"), lcores=one_worker())
    process.wait_for_line("L2ECHO: Ready: disarmed on 1 port")
    with addresses(TAP, f"{NEIGHBOUR}/24"):
        assert_pinged(OURS)
    with KernelPeer(TAP) as peer:
        frame = bytes(Ether(dst=captures.OURS, src=PEER) / IP() / UDP() / Raw(b"x" * 40))
        assert answers_to(peer, frame) == []
    final = process.stop()
    assert_balanced(final)
    assert (final["totals"]["echoed"], final["totals"]["refused_by"]["disarmed"]) == (0, 1)


def test_nothing_is_answered_without_the_options(start_echo):
    process = start_echo("net_tap0").wait_until_ready()
    with addresses(TAP, f"{NEIGHBOUR}/24", f"{NEIGHBOUR_6}/64"):
        assert is_silent(OURS)
        assert is_silent("-6", OURS_6)
        result = run("arping", "-c", "1", "-w", "1", "-I", TAP, OURS)
        assert "Received 0 response" in result.stdout
    with KernelPeer(TAP) as peer:
        peer.send(bytes(loopback_message(peer.destination)))
        assert_comes_back(peer)
    final = process.stop()
    assert_balanced(final)
    assert final["totals"]["answered"] == 0


def next_frame(peer, timeout=ANSWER_SECONDS):
    """The next frame that is not a loop check."""
    return wait_until(lambda: next((frame for frame in [peer.receive(timeout)]
                                    if frame and not captures.is_loop_check(frame)), None), "frame", timeout)


def answers_to(peer, *frames):
    """All frames that returned for these, in order. A final request that is always answered marks the end."""
    last = ARP(op="who-has", hwsrc="02:00:00:00:00:99", psrc=NEIGHBOUR, pdst=OURS)
    for frame in (*frames, Ether(dst=BROADCAST, src="02:00:00:00:00:99") / last):
        assert peer.send(bytes(frame))
    found = []
    while True:
        frame = next_frame(peer)
        if frame[0:6] == bytes.fromhex("020000000099"):
            return found
        found.append(frame)


def assert_comes_back(peer):
    """An ordinary frame is echoed next, so nothing was returned for earlier frames."""
    frame = bytes(Ether(dst=captures.OURS, src=PEER) / IP() / UDP() / Raw(b"x" * 40))
    assert peer.send(frame)
    assert next_frame(peer) == swapped(frame)


def arp_request(source=NEIGHBOUR, target=OURS, **fields):
    return ARP(op="who-has", hwsrc=PEER, psrc=source, pdst=target, **fields)


def to_all(packet):
    return Ether(dst=BROADCAST, src=PEER) / packet


@pytest.mark.parametrize("tags", [None, Dot1Q(vlan=5, prio=3), Dot1AD(vlan=6) / Dot1Q(vlan=7)],
                         ids=["untagged", "802.1Q", "QinQ"])
def test_arp_reply_contains_our_mac(answering, tags):
    padding = Raw(b"padding behind")
    with KernelPeer(TAP) as peer:
        ours = peer.destination.hex(":")
        request = arp_request() / padding
        reply = ARP(op="is-at", hwsrc=ours, psrc=OURS, hwdst=PEER, pdst=NEIGHBOUR) / padding
        behind = [tags.copy() / request, tags.copy() / reply] if tags else [request, reply]
        assert answers_to(peer, to_all(behind[0])) == [bytes(Ether(dst=PEER, src=ours) / behind[1])]


def test_arp_probe_and_unicast_request_are_answered(answering):
    with KernelPeer(TAP) as peer:
        probe = arp_request("0.0.0.0")  # RFC 5227: asks whether the address is free
        confirmation = Ether(dst=peer.destination.hex(":"), src=PEER) / arp_request()
        replies = [ARP(frame[14:42]) for frame in answers_to(peer, to_all(probe), confirmation)]
        assert [(reply.op, reply.psrc, reply.pdst) for reply in replies] == [(2, OURS, "0.0.0.0"), (2, OURS, NEIGHBOUR)]


INVALID_ARP = {
    "sender outside of the prefix": arp_request(STRANGER),
    "another target": arp_request(target="192.0.2.3"),
    "announcement of our address": arp_request(OURS),
    "reply": ARP(op="is-at", hwsrc=PEER, psrc=NEIGHBOUR, pdst=OURS),
    "reverse ARP": ARP(op=3, hwsrc=PEER, psrc=NEIGHBOUR, pdst=OURS),
    "other hardware": arp_request(hwtype=6),
    "other protocol": arp_request(ptype=0x86DD),
    "long hardware address": Raw(bytes.fromhex("0001 0800 0804 0001") + bytes(24)),
    "cut off": Raw(bytes(arp_request())[:27]),
}


@pytest.mark.parametrize("request_", INVALID_ARP.values(), ids=INVALID_ARP.keys())
def test_invalid_arp_is_not_answered(answering, request_):
    with KernelPeer(TAP) as peer:
        # Sets the EtherType, because scapy does not recognise every request as ARP.
        assert answers_to(peer, Ether(dst=BROADCAST, src=PEER, type=0x0806) / request_) == []
    assert_balanced(answering.stop())


def echo_request(destination_mac, source=NEIGHBOUR, destination=OURS, **fields):
    packet = IP(src=source, dst=destination, id=7, ttl=3, **fields) / ICMP(id=5, seq=6)
    return Ether(dst=destination_mac, src=PEER) / packet


def recomputed(packet):
    """The packet with all checksums recomputed by scapy."""
    packet = packet.copy()
    for layer, name in ((IP, "chksum"), (ICMP, "chksum"), (ICMPv6EchoReply, "cksum"), (ICMPv6ND_NA, "cksum")):
        if layer in packet:
            delattr(packet[layer], name)
    return bytes(packet)


def test_ping_reply_has_its_own_headers(answering):
    with KernelPeer(TAP) as peer:
        ours = peer.destination.hex(":")
        request = echo_request(ours) / Raw(b"odd length")
        (reply,) = map(Ether, answers_to(peer, request))
        assert recomputed(reply) == bytes(reply)
        assert (reply.src, reply.dst, reply[IP].src, reply[IP].dst) == (ours, PEER, OURS, NEIGHBOUR)
        assert (reply[ICMP].type, reply[ICMP].id, reply[ICMP].seq, reply[IP].ttl) == (0, 5, 6, 64)
        assert bytes(reply[Raw]) == b"odd length"


def test_ping_with_a_wrong_checksum_gets_no_right_one(answering):
    with KernelPeer(TAP) as peer:
        request = echo_request(peer.destination.hex(":"))
        request[ICMP].chksum = 0xBAD
        for reply in map(Ether, answers_to(peer, request)):
            assert reply[ICMP].type == 8 or recomputed(reply) != bytes(reply)


UNANSWERED_PINGS = {
    "another address": {"destination": "192.0.2.3"},
    "from our own address": {"source": OURS},
    "from a group": {"source": "224.0.0.1"},
    "from the broadcast address": {"source": "255.255.255.255"},
    "from the unspecified address": {"source": "0.0.0.0"},
    "first fragment": {"flags": "MF"},
    "later fragment": {"frag": 1},
    "with options": {"options": [IPOption_NOP()] * 4},
}


@pytest.mark.parametrize("fields", UNANSWERED_PINGS.values(), ids=UNANSWERED_PINGS.keys())
def test_pings_that_are_not_answered_are_echoed(answering, fields):
    with KernelPeer(TAP) as peer:
        request = bytes(echo_request(peer.destination.hex(":"), **fields) / Raw(b"x" * 24))
        assert answers_to(peer, request) == [swapped(request)]


def test_pings_to_groups_and_other_stations_are_not_answered(answering):
    with KernelPeer(TAP) as peer:
        other = bytes(echo_request(captures.OURS))
        assert answers_to(peer, echo_request(BROADCAST), echo_request("01:00:5e:00:00:01", destination="224.0.0.1"),
                          other) == [swapped(other)]


def solicitation(source=NEIGHBOUR_6, target=OURS_6, destination=SOLICITED_NODE, **fields):
    packet = IPv6(src=source, dst=destination, **fields) / ICMPv6ND_NS(tgt=target)
    return packet / ICMPv6NDOptSrcLLAddr(lladdr=PEER) if source != "::" else packet


def test_neighbour_advertisement_contains_our_mac(answering):
    with KernelPeer(TAP) as peer:
        ours = peer.destination.hex(":")
        to_group = Ether(dst=SOLICITED_NODE_MAC, src=PEER) / solicitation()
        to_us = Ether(dst=ours, src=PEER) / solicitation(destination=OURS_6)
        advertisement = (Ether(dst=PEER, src=ours) / IPv6(src=OURS_6, dst=NEIGHBOUR_6, hlim=255) /
                         ICMPv6ND_NA(R=0, S=1, O=1, tgt=OURS_6) / ICMPv6NDOptDstLLAddr(lladdr=ours))
        assert answers_to(peer, to_group, to_us) == [bytes(advertisement)] * 2


def test_duplicate_address_detection_is_answered_to_all_nodes(answering):
    with KernelPeer(TAP) as peer:
        ours = peer.destination.hex(":")
        advertisement = (Ether(dst="33:33:00:00:00:01", src=ours) / IPv6(src=OURS_6, dst="ff02::1", hlim=255) /
                         ICMPv6ND_NA(R=0, S=0, O=1, tgt=OURS_6) / ICMPv6NDOptDstLLAddr(lladdr=ours))
        probe = Ether(dst=SOLICITED_NODE_MAC, src=PEER) / solicitation("::")
        assert answers_to(peer, probe) == [bytes(advertisement)]


INVALID_SOLICITATIONS = {
    "another target": solicitation(target="2001:db8::3"),
    "through a router": solicitation(hlim=254),
    "from a group": solicitation(source="ff02::2"),
    "wrong checksum": IPv6(src=NEIGHBOUR_6, dst=SOLICITED_NODE) / ICMPv6ND_NS(tgt=OURS_6, cksum=0xBAD),
    "cut off": IPv6(src=NEIGHBOUR_6, dst=SOLICITED_NODE, plen=24) / Raw(bytes(ICMPv6ND_NS(tgt=OURS_6))[:23]),
    "too short": IPv6(src=NEIGHBOUR_6, dst=SOLICITED_NODE, nh=58, hlim=255) / Raw(b"\x87" + bytes(15)),
    "router solicitation": IPv6(src=NEIGHBOUR_6, dst="ff02::2", nh=58, hlim=255) / Raw(b"\x85" + bytes(7)),
}


@pytest.mark.parametrize("request_", INVALID_SOLICITATIONS.values(), ids=INVALID_SOLICITATIONS.keys())
def test_invalid_solicitations_are_not_answered(answering, request_):
    with KernelPeer(TAP) as peer:
        assert answers_to(peer, Ether(dst=SOLICITED_NODE_MAC, src=PEER) / request_) == []
    assert_balanced(answering.stop())


def test_ping_reply_over_ipv6(answering):
    with KernelPeer(TAP) as peer:
        ours = peer.destination.hex(":")
        request = Ether(dst=ours, src=PEER) / IPv6(src=NEIGHBOUR_6, dst=OURS_6, hlim=3) / ICMPv6EchoRequest(data=b"odd")
        (reply,) = map(Ether, answers_to(peer, request))
        assert recomputed(reply) == bytes(reply)
        assert (reply[IPv6].src, reply[IPv6].dst, reply[IPv6].hlim) == (OURS_6, NEIGHBOUR_6, 64)
        assert reply[ICMPv6EchoReply].data == b"odd"


def loopback_message(destination, opcode=3, level=5, tags=b""):
    """An ETH-LB message: level, version 0, a transaction number, a data TLV and the end TLV (IEEE 802.1Q, 21.7)."""
    if isinstance(destination, str):
        destination = bytes.fromhex(destination.replace(":", ""))
    common = bytes([level << 5, opcode, 0, 4])
    tlvs = bytes.fromhex("00000007") + b"\x03\x00\x05hello" + b"\0"
    return (destination + PEER_MAC + tags + b"\x89\x02" + common + tlvs).ljust(60, b"\0")


@pytest.mark.parametrize("level", range(8))
@pytest.mark.parametrize("tags", [b"", b"\x81\0\0\5"], ids=["untagged", "802.1Q"])
def test_loopback_message_is_answered_by_a_loopback_reply(answering, level, tags):
    with KernelPeer(TAP) as peer:
        message = loopback_message(peer.destination, level=level, tags=tags)
        opcode = 12 + len(tags) + 2 + 1
        reply = bytearray(swapped(message))
        reply[opcode] = 2
        assert answers_to(peer, message) == [bytes(reply)]


@pytest.mark.parametrize("opcode", [0, 1, 2, 4, 5, 33, 255])
def test_other_oam_is_refused(answering, opcode):
    with KernelPeer(TAP) as peer:
        assert answers_to(peer, loopback_message(peer.destination, opcode=opcode)) == []
    final = answering.stop()
    assert final["totals"]["refused_by"]["control"] == 1
    assert_balanced(final)


@pytest.mark.parametrize("destination", ["01:80:c2:00:00:35", BROADCAST, captures.OURS])
def test_loopback_messages_to_others_are_refused(answering, destination):
    with KernelPeer(TAP) as peer:
        assert answers_to(peer, loopback_message(destination), loopback_message(destination)[:17]) == []
    assert_balanced(answering.stop())


def announcement(**chassis):
    return (LLDPDU() / LLDPDUChassisID(**chassis) / LLDPDUPortID(subtype=5, id=b"eth0") / LLDPDUTimeToLive(ttl=120) /
            LLDPDUSystemName(system_name=b"neighbour") / LLDPDUEndOfLLDPDU())


def test_lldp_is_not_reflected(start_echo):
    """A neighbour that received its own announcements would take us for itself."""
    process = start_echo("net_tap0", "--ip", ADDRESSES, "--eth-lb", "--group", "own-source",
                         lcores=one_worker()).wait_until_ready()
    by_name, by_mac = announcement(subtype=7, id=b"chassis"), announcement(subtype=4, id=PEER)
    with KernelPeer(TAP) as peer:
        frames = [Ether(dst=destination, src=PEER, type=0x88CC) / content
                  for destination in ("01:80:c2:00:00:0e", "01:80:c2:00:00:03", "01:80:c2:00:00:00",
                                      "01:00:0c:cc:cc:cc", BROADCAST, peer.destination.hex(":"))
                  for content in (by_name, by_mac)]
        frames.append(Ether(dst=captures.OURS, src=PEER) / Dot1Q(vlan=5, type=0x88CC) / by_mac)
        assert answers_to(peer, *frames) == []
    final = process.stop()
    assert_balanced(final)
    assert final["totals"]["refused_by"]["reserved"] == 6
    assert final["totals"]["refused_by"]["control"] == len(frames) - 6
