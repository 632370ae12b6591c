"""Every option of the rules, byte-exact against the model: what is echoed, how, and why everything else is refused."""

import itertools

import pytest
from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.inet6 import ICMPv6EchoRequest, IPv6, IPv6ExtHdrDestOpt
from scapy.layers.l2 import Ether
from scapy.packet import Raw

import captures
from capture_echo import assert_follows_rules
from tests.harness.program_under_test import USAGE, assert_fails
from wire_rules_model import (
    BAD_SOURCE,
    GROUP_SOURCE,
    NOT_FROM_TESTER,
    NOT_OWN,
    NOT_SWAPPABLE,
    UNMATCHED,
    Rules,
    refusal,
)

LEVELS = ("mac", "mac+ip", "mac+ip+port")
ACCEPT, GROUP = ("any", "own"), ("refuse", "own-source")
FRAMES_OF_A_BURST = 32  # frames that --max-rate lets through in one burst


@pytest.fixture
def frames(own_mac):
    """Frames of all kinds, to others and to our own MAC."""
    packets = captures.ip_frames()
    to_us = [own_mac + frame[6:] for frame in packets]
    to_groups = [bytes.fromhex(group) + frame[6:] for group in ("ffffffffffff", "01005e000005", "333300000001")
                 for frame in packets[::7]]
    return [*map(bytes, captures.all_kinds_of_frames(own_mac)), *packets, *to_us, *to_groups]


@pytest.mark.parametrize("accept, group, level", list(itertools.product(ACCEPT, GROUP, LEVELS)))
def test_every_combination_of_rules(echo_capture, own_mac, frames, accept, group, level):
    totals = assert_follows_rules(echo_capture, frames, "--accept", accept, "--group", group, "--swap", level,
                                  own_macs=(own_mac,), accept=accept, group=group, swap=level)
    refused_by = totals["refused_by"]
    assert (refused_by[NOT_OWN] > 0) == (accept == "own")
    assert (refused_by["group-destination"] > 0) == (group == "refuse")
    assert (refused_by[NOT_SWAPPABLE] > 0) == (level != "mac")
    assert refused_by["reserved"] > 0 and refused_by["control"] > 0, "no option allows these"
    assert totals["echoed"] > 0


@pytest.mark.parametrize("level", LEVELS)
def test_damaged_packets_are_swapped_completely_or_not_at_all(echo_capture, own_mac, level):
    frames = captures.damaged(captures.ip_frames(), 6000)
    totals = assert_follows_rules(echo_capture, frames, "--swap", level, own_macs=(own_mac,), swap=level)
    assert totals["echoed"] > 0


def test_raw_allows_frames_that_no_option_allows(echo_capture, own_mac, frames):
    totals = assert_follows_rules(echo_capture, frames, "--raw", raw=True)
    assert totals["refused"] == totals["refused_by"]["runt"]


def with_right_checksums(packet):
    """The packet with checksums recomputed by scapy."""
    packet = packet.copy()
    layer = packet
    while layer:
        for name in ("chksum", "cksum"):
            if name in layer.fields:
                delattr(layer, name)
        layer = layer.payload
    return bytes(packet)


@pytest.mark.parametrize("level", LEVELS[1:])
def test_right_checksums_stay_right(echo_capture, level):
    frames = [captures.encapsulated(packet, tags) for tags in captures.ENCAPSULATIONS.values()
              for packet in captures.whole_packets()]
    out, final = echo_capture(frames, "--swap", level)
    without_ports = sum(1 for packet in captures.whole_packets() if ICMP in packet or ICMPv6EchoRequest in packet)
    assert final["totals"]["refused"] == (without_ports * len(captures.ENCAPSULATIONS) if level == LEVELS[2] else 0)
    for frame in out:
        assert with_right_checksums(Ether(frame)) == frame, Ether(frame).show(dump=True)


@pytest.mark.parametrize("level", LEVELS)
def test_wrong_checksums_stay_wrong(echo_capture, level):
    frames = [captures.encapsulated(packet) for packet in (
        IP(src="198.18.0.1", dst="198.19.0.1", chksum=0xBAD) / UDP(sport=1, dport=2, chksum=0xBAD) / Raw(b"x"),
        IP(src="198.18.0.1", dst="198.19.0.1") / TCP(sport=1, dport=2, chksum=0xBAD),
        IPv6(src="2001:db8::1", dst="2001:db8::2") / UDP(sport=1, dport=2, chksum=0xBAD),
        IPv6(src="2001:db8::1", dst="2001:db8::2") / IPv6ExtHdrDestOpt() / TCP(sport=1, dport=2, chksum=0xBAD))]
    assert_follows_rules(echo_capture, frames, "--swap", level, swap=level)
    out, _ = echo_capture(frames, "--swap", level)
    assert len(out) == len(frames)
    for frame in map(Ether, out):
        assert b"\x0b\xad" in bytes(frame) and b"\x0b\xad" not in with_right_checksums(frame)


def test_missing_checksum_stays_missing(echo_capture):
    frame = captures.encapsulated(IP(src="198.18.0.1", dst="198.19.0.1") / UDP(sport=1, dport=2, chksum=0) / Raw(b"x"))
    out, _ = echo_capture([frame], "--swap", "mac+ip+port")
    udp = Ether(out[0])[UDP]
    assert (udp.chksum, udp.sport, udp.dport) == (0, 2, 1)


MATCHES = {
    "source MAC": ["src-mac=06:11:22:33:44:55"],
    "source MAC prefix": ["src-mac=06:11:22:00:00:00/24"],
    "unaligned MAC prefix": ["dst-mac=03:00:00:00:00:00/7"],
    "destination MAC": ["dst-mac=02:00:00:00:00:01"],
    "any MAC": ["dst-mac=00:00:00:00:00:00/0"],
    "VLAN": ["vlan=5"],
    "VLAN of the outer tag": ["vlan=6"],
    "priority tag": ["vlan=0"],
    "no VLAN": ["vlan=none"],
    "EtherType": ["ethertype=0x0806"],
    "decimal EtherType": ["ethertype=2048"],
    "EtherType after tags": ["ethertype=0x86DD,vlan=4"],
    "source address": ["src-ip=198.18.0.1"],
    "destination prefix": ["dst-ip=198.19.0.0/16"],
    "unaligned prefix": ["dst-ip=198.16.0.0/13"],
    "all of IPv4": ["src-ip=0.0.0.0/0"],
    "IPv6 address": ["dst-ip=2001:db8:2::2"],
    "IPv6 prefix": ["src-ip=2001:db8::/33"],
    "all of IPv6": ["dst-ip=::/0"],
    "UDP source": ["udp-src=7777"],
    "UDP destination": ["udp-dst=7"],
    "UDP range": ["udp-src=7000-8000,udp-dst=0-7"],
    "TCP source": ["tcp-src=40000"],
    "TCP destination": ["tcp-dst=80"],
    "TCP range": ["tcp-dst=80-65535"],
    "all keys at once": ["src-mac=06:11:22:33:44:55,dst-mac=02:00:00:00:00:01,vlan=5,ethertype=0x0800,"
                         "src-ip=198.18.0.0/24,dst-ip=198.19.0.0/24,udp-src=7777,udp-dst=7"],
    "one of two": ["vlan=5", "tcp-dst=80"],
    "refuse first": ["refuse,udp-dst=7", "ethertype=0x0800"],
    "refuse too late": ["ethertype=0x0800", "refuse,udp-dst=7"],
    "nothing but refused": ["refuse,vlan=5"],
    "all but": ["refuse,udp-dst=7", "refuse,vlan=none,ethertype=0x0806", "echo"],
    "exception from a refusal": ["vlan=5,udp-dst=7", "refuse,vlan=5", "dst-mac=00:00:00:00:00:00/0"],
}


@pytest.mark.parametrize("match", MATCHES.values(), ids=MATCHES.keys())
def test_match_rules(echo_capture, own_mac, frames, match):
    options = [word for rule in match for word in ("--match", rule)]
    totals = assert_follows_rules(echo_capture, frames, *options, own_macs=(own_mac,), match=tuple(match))
    assert totals["refused_by"][UNMATCHED] > 0 or match == MATCHES["any MAC"]
    assert totals["echoed"] > 0 or match == MATCHES["nothing but refused"]


def test_match_rules_from_a_file(echo_capture, own_mac, frames, tmp_path):
    match = MATCHES["exception from a refusal"]
    file = tmp_path / "match.toml"
    file.write_text(f"match = [{', '.join(f'{chr(34)}{rule}{chr(34)}' for rule in match)}]\nswap = \"mac+ip\"\n",
                    encoding="utf-8")
    assert_follows_rules(echo_capture, frames, "--config", str(file), own_macs=(own_mac,), match=tuple(match),
                         swap="mac+ip")


def test_match_rules_are_printed_as_given(start_echo):
    process = start_echo("net_null0", "--match", "refuse,udp-dst=53", "--match", "vlan=5,src-ip=2001:db8::/32",
                         "--print-config")
    process.end_cleanly(5)
    assert 'match = ["refuse,udp-dst=53", "vlan=5,src-ip=2001:db8::/32"]' in process.stdout().splitlines()


def test_only_from_one_tester(echo_capture, own_mac, frames):
    totals = assert_follows_rules(echo_capture, frames, "--only-from", captures.THEIRS, own_macs=(own_mac,),
                                  only_from=captures.THEIRS)
    refused_by = totals["refused_by"]
    assert refused_by[NOT_FROM_TESTER] > 0 and refused_by[GROUP_SOURCE] > 0 and refused_by[BAD_SOURCE] > 0


def test_rules_are_applied_in_their_documented_order(echo_capture, own_mac, frames):
    """With all rules enabled, every rule still refuses some frames."""
    match = ("refuse,udp-dst=7", "ethertype=0x0800", "ethertype=0x86dd")
    totals = assert_follows_rules(
        echo_capture, frames, "--accept", "own", "--only-from", captures.THEIRS, "--swap", "mac+ip+port",
        *[word for rule in match for word in ("--match", rule)],
        own_macs=(own_mac,), accept="own", only_from=captures.THEIRS, swap="mac+ip+port", match=match)
    refused = {reason for reason, count in totals["refused_by"].items() if count > 0}
    assert refused >= {NOT_OWN, UNMATCHED, NOT_SWAPPABLE, "group-destination"}


@pytest.mark.parametrize("rate, per_second", [("10pps", 10), ("1kpps", 1000), ("100kbps", 1e5 / (8 * (60 + 24))),
                                              ("5pps", 5)])
def test_max_rate_limits_echoed_frames(echo_capture, rate, per_second):
    """All frames arrive at once: the first ones pass as a burst, and the rest is not delayed."""
    frames = captures.frames_of_length(60) * 4000
    out, final = echo_capture(frames, "--max-rate", rate)
    totals = final["totals"]
    assert totals["refused"] == totals["refused_by"]["over-rate"] == len(frames) - len(out)
    # A bit rate measures the burst in frames of the longest ordinary length at layer 1.
    burst = FRAMES_OF_A_BURST * (1538 / 84 if "bps" in rate else 1)
    assert FRAMES_OF_A_BURST <= len(out) <= burst + 2 + per_second * (final["elapsed_seconds"] + 0.001)


def test_rate_below_the_limit_refuses_nothing(echo_capture):
    frames = captures.ordinary_frames()
    totals = assert_follows_rules(echo_capture, frames, "--max-rate", "100Gbps")
    assert totals["echoed"] == len(frames)


def test_rate_limit_applies_only_to_frames_that_all_other_rules_allow(echo_capture):
    """Frames refused for another reason do not consume the rate."""
    refused = [frame for frame in map(bytes, captures.reserved_and_control_frames()) if refusal(frame, Rules())] * 20
    allowed = captures.frames_of_length(60) * FRAMES_OF_A_BURST
    _, final = echo_capture([*refused, *allowed], "--max-rate", "5pps")
    assert final["totals"]["echoed"] >= FRAMES_OF_A_BURST
    assert final["totals"]["refused_by"]["over-rate"] == 0


BAD_RULES = (
    (("--accept", "mine"), ("--accept", "any", "own")),
    (("--group", "echo"), ("--group", "own-source")),
    (("--swap", "ip"), ("--swap", r"mac\+ip\+port")),
    (("--match", ""), ("--match: the value is empty",)),
    (("--match", "colour=red"), ("--match", "colour", "udp-dst")),
    (("--match", "vlan=4095"), ("--match", "vlan", "4095", "4094")),
    (("--match", "vlan="), ("--match", "vlan")),
    (("--match", "vlan=5,"), ("--match", "key=value")),
    (("--match", "vlan=5,vlan=6"), ("--match", "vlan", "twice")),
    (("--match", "src-mac=02:00"), ("--match", "src-mac", "02:00")),
    (("--match", "dst-mac=02:00:00:00:00:01/49"), ("--match", "dst-mac", "/49")),
    (("--match", "ethertype=ip"), ("--match", "ethertype", "0x0800")),
    (("--match", "ethertype=0x10000"), ("--match", "ethertype")),
    (("--match", "src-ip=10.0.0.0/33"), ("--match", "src-ip", "/33")),
    (("--match", "dst-ip=10.0.0"), ("--match", "dst-ip", "10.0.0")),
    (("--match", "dst-ip=2001:db8::/129"), ("--match", "dst-ip", "/129")),
    (("--match", "udp-dst=65536"), ("--match", "udp-dst", "65536")),
    (("--match", "tcp-src=9-8"), ("--match", "tcp-src", "9-8")),
    (("--match", "udp-dst=1,tcp-dst=2"), ("--match", "UDP", "TCP")),
    (("--match", "udp-src=1,tcp-dst=2"), ("--match", "UDP", "TCP")),
    (("--match", "src-ip=10.0.0.1,dst-ip=2001:db8::1"), ("--match", "IPv4", "IPv6")),
    (("--match", "udp-dst=5\nvlan=7"), ("--match",)),
    (("--only-from", "nobody"), ("--only-from", "nobody", "02:00:5e:00:00:01")),
    (("--only-from", "ff:ff:ff:ff:ff:ff"), ("--only-from", "not a unicast MAC address")),
    (("--only-from", "00:00:00:00:00:00"), ("--only-from", "not a unicast MAC address")),
    (("--max-rate", "fast"), ("--max-rate", "fast")),
    (("--max-rate", "0"), ("--max-rate",)),
    (("--max-rate", "max"), ("--max-rate", "1Mpps")),
    (("--max-rate", "50%"), ("--max-rate", "1Mpps")),
    (("--max-rate=-5pps",), ("--max-rate",)),
    (("--max-rate", "nan"), ("--max-rate",)),
    (("--max-rate", "inf"), ("--max-rate",)),
    (("--ip", "192.0.2.1"), ("--ip", "192.0.2.1/24")),
    (("--ip", "192.0.2.0/24"), ("--ip", "host")),
    (("--ip", "192.0.2.255/24"), ("--ip", "host")),
    (("--ip", "224.0.0.1/24"), ("--ip", "host")),
    (("--ip", "127.0.0.1/8"), ("--ip", "host")),
    (("--ip", "::1/128"), ("--ip", "host")),
    (("--ip", "ff02::1/64"), ("--ip", "host")),
    (("--ip", "192.0.2.1/33"), ("--ip", "/33")),
    (("--raw", "--swap", "mac+ip"), ("--raw", "--swap")),
    (("--raw", "--match", "vlan=5"), ("--raw", "--match")),
    (("--raw", "--accept", "own"), ("--raw", "--accept")),
    (("--raw", "--group", "own-source"), ("--raw", "--group")),
    (("--raw", "--only-from", captures.THEIRS), ("--raw", "--only-from")),
    (("--raw", "--ip", "192.0.2.1/24"), ("--raw", "--ip")),
    (("--raw", "--eth-lb"), ("--raw", "--eth-lb")),
)


@pytest.mark.parametrize("options, words", BAD_RULES, ids=[" ".join(options) for options, _ in BAD_RULES])
def test_invalid_rules_are_a_usage_error(start_echo, options, words):
    assert_fails(start_echo("net_null0,no-rx=1", *options), USAGE, *words)


@pytest.mark.parametrize("rules, warned", [(("refuse,vlan=5",), True), (("refuse,vlan=5", "echo"), False)])
def test_rules_that_all_refuse_are_a_warning(start_echo, rules, warned):
    options = [word for rule in rules for word in ("--match", rule)]
    process = start_echo("net_null0,no-rx=1", *options).wait_until_ready()
    assert ("every --match rule refuses, so nothing is echoed" in process.stderr()) is warned
    process.stop()
