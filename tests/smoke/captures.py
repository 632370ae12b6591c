"""Frames of all kinds, built with scapy, and capture files as lists of bytes."""

import random

from scapy.layers.inet import ICMP, IP, TCP, UDP, IPOption, IPOption_LSRR, IPOption_NOP, IPOption_RR, IPOption_SSRR
from scapy.layers.inet6 import (
    ICMPv6EchoRequest,
    IPv6,
    IPv6ExtHdrDestOpt,
    IPv6ExtHdrFragment,
    IPv6ExtHdrHopByHop,
    IPv6ExtHdrRouting,
    PadN,
)
from scapy.layers.l2 import ARP, Dot1AD, Dot1Q, Ether
from scapy.packet import Raw
from scapy.utils import RawPcapReader, RawPcapWriter

OURS, THEIRS = "02:00:00:00:00:01", "06:11:22:33:44:55"
BROADCAST = "ff:ff:ff:ff:ff:ff"
ETHERNET_LINK = 1


def write_capture(path, frames, linktype=ETHERNET_LINK):
    writer = RawPcapWriter(str(path), linktype=linktype)
    writer.write_header(None)
    for second, frame in enumerate(frames):
        writer.write_packet(frame, sec=second, usec=0)
    writer.close()


def read_capture(path):
    """The frames of a capture except loop checks, which no frame caused."""
    return [frame for frame in read_all(path) if not is_loop_check(frame)]


def read_all(path):
    reader = RawPcapReader(str(path))
    try:
        return [frame for frame, _ in reader]
    finally:
        reader.close()


def is_loop_check(frame):
    return frame[12:30] == b"\x88\xb5l2echo loop chk1"


def ordinary_frames():
    """Typical frames of a data network."""
    unicast = Ether(dst=OURS, src=THEIRS)
    udp = IP(src="198.18.0.1", dst="198.19.0.1") / UDP(sport=7777, dport=7) / Raw(b"x" * 100)
    return [
        unicast / udp,
        unicast / IP(dst="198.19.0.1") / TCP(dport=80),
        unicast / IP(dst="198.19.0.1", flags="MF") / ICMP() / Raw(b"fragment"),
        unicast / IP(dst="198.19.0.1", chksum=0xBAD) / UDP(chksum=0xBAD) / Raw(b"wrong checksums"),
        unicast / IPv6(dst="2001:db8::1") / UDP(dport=7) / Raw(b"y" * 33),
        unicast / IPv6(dst="2001:db8::1") / ICMPv6EchoRequest(),
        unicast / ARP(pdst="198.19.0.1"),
        unicast / Dot1Q(vlan=5, prio=7, id=1) / udp,
        unicast / Dot1Q(vlan=0, prio=5) / udp,
        unicast / Dot1AD(vlan=6, prio=3, id=1) / Dot1Q(vlan=7, prio=5) / udp,
        unicast / Dot1Q(vlan=8) / Dot1Q(vlan=9) / udp,
        Ether(dst=OURS, src=THEIRS, type=0x9100) / Dot1Q(vlan=4, type=0x86DD) / IPv6(dst="2001:db8::1"),
        unicast / Dot1AD(vlan=1) / Dot1Q(vlan=2) / Dot1Q(vlan=3) / udp,
        Ether(dst=OURS, src=THEIRS, type=0x88B5) / Raw(b"experimental"),
        Ether(dst=OURS, src=THEIRS, type=46) / Raw(b"\xaa\xaa\x03" + b"z" * 43),  # 802.3 length and LLC
        Ether(dst=THEIRS, src=OURS) / udp,
    ]


def reserved_and_control_frames():
    """Frames meant only for the adjacent bridge or station."""
    udp = IP() / UDP()
    last_bytes = (0x00, 0x01, 0x02, 0x03, 0x0E, 0x0F, 0x10, 0x1F, 0x20, 0x2F, 0x30, 0x3F, 0x40, 0xFF)
    control_types = (0x8808, 0x8809, 0x88CC, 0x888E, 0x8902, 0x88F7)
    frames = [Ether(dst=f"01:80:c2:00:00:{last:02x}", src=THEIRS) / udp for last in last_bytes]
    frames += [Ether(dst="01:80:c2:00:01:00", src=THEIRS) / udp, Ether(dst="01:1b:19:00:00:00", src=THEIRS) / udp]
    for kind in control_types:
        frames += [
            Ether(dst=OURS, src=THEIRS, type=kind) / Raw(b"\0\1" * 23),
            Ether(dst=OURS, src=THEIRS) / Dot1Q(vlan=5, type=kind) / Raw(b"\0\1" * 23),
            Ether(dst=OURS, src=THEIRS) / Dot1AD(vlan=5) / Dot1Q(vlan=6, type=kind) / Raw(b"\0\1" * 23),
            Ether(dst=OURS, src=THEIRS, type=0x9100) / Dot1Q(vlan=6, type=kind) / Raw(b"\0\1" * 23),
            Ether(dst=OURS, src=THEIRS) / Dot1Q() / Dot1Q() / Dot1Q(type=kind) / Raw(b"\0\1" * 23),
            Ether(dst=OURS, src=THEIRS, type=0x0800) / Raw(kind.to_bytes(2, "big") * 23),
            Ether(dst=BROADCAST, src=BROADCAST, type=kind) / Raw(b"\0\1" * 23),
        ]
    return frames


def odd_addresses(own_mac):
    """Source and destination MACs that must not be echoed, alone and combined."""
    own_mac = own_mac.hex(":")
    udp = IP(dst="198.19.0.1") / UDP(dport=7) / Raw(b"x" * 40)
    zero, group = "00:00:00:00:00:00", "01:00:5e:00:00:05"
    almost_own = own_mac[:-2] + f"{int(own_mac[-2:], 16) ^ 1:02x}"
    addresses = (OURS, THEIRS, zero, group, BROADCAST, own_mac, almost_own, "01:80:c2:00:00:00", "33:33:00:00:00:01")
    frames = [Ether(dst=destination, src=source) / udp for destination in addresses for source in addresses]
    frames.append(Ether(dst=BROADCAST, src=THEIRS) / ARP(pdst="198.19.0.1"))
    frames.append(Ether(dst=own_mac, src=own_mac) / Dot1Q(vlan=5) / udp)
    return frames


def frames_of_length(*lengths):
    header = bytes(Ether(dst=OURS, src=THEIRS, type=0x0800))
    filling = random.Random(3).randbytes(max(lengths))
    return [(header + filling)[:length] for length in lengths]


def tagged_frames_of_length(*lengths):
    """Each length with one, two and three tags."""
    frames = []
    for length in lengths:
        for tags in (Dot1Q(), Dot1AD() / Dot1Q(), Dot1AD() / Dot1Q() / Dot1Q()):
            header = bytes(Ether(dst=OURS, src=THEIRS) / tags / IP())
            frames.append(header.ljust(length, b"\x55"))
    return frames


def cut_off_tags():
    """Frames that end within their VLAN tags; the inner EtherType may be missing."""
    whole = bytes(Ether(dst=OURS, src=THEIRS) / Dot1AD() / Dot1Q(type=0x8808) / Raw(b"abcd"))
    return [whole[:length] for length in range(14, len(whole) + 1)]


def all_kinds_of_frames(own_mac):
    return [
        *ordinary_frames(),
        *reserved_and_control_frames(),
        *odd_addresses(own_mac),
        *frames_of_length(*range(1, 61), 1513, 1514, 1515, 1518, 2000, 9014),
        *tagged_frames_of_length(60, 1514, 1515, 1518, 1519, 1522, 1523, 1526, 1527),
        *cut_off_tags(),
    ]


ENCAPSULATIONS = {
    "untagged": b"",
    "802.1Q": bytes.fromhex("8100 e005"),
    "QinQ": bytes.fromhex("88a8 6006 8100 a007"),
    "0x9100": bytes.fromhex("9100 0004"),
}


def encapsulated(packet, tags=b"", destination=OURS, source=THEIRS):
    """An IP packet, or bytes that claim to be one, after these VLAN tags."""
    kind = 0x86DD if isinstance(packet, IPv6) else 0x0800
    content = bytes(packet)
    if isinstance(packet, bytes) and content[:1] >= b"\x60":
        kind = 0x86DD
    return bytes(Ether(dst=destination, src=source))[:12] + tags + kind.to_bytes(2, "big") + content


def whole_packets():
    """Valid IP packets with checksums that scapy can compute."""
    ipv4, ipv6 = IP(src="198.18.0.1", dst="198.19.0.1"), IPv6(src="2001:db8:1::1", dst="2001:db8:2::2")
    udp = UDP(sport=7777, dport=7) / Raw(b"x" * 31)
    tcp = TCP(sport=40000, dport=80, flags="S", options=[("MSS", 1460)])
    options = [IPOption_RR(routers=["192.0.2.9"]), IPOption_NOP(), IPOption_NOP(), IPOption(b"\x94\x04\0\0")]
    hop, last = IPv6ExtHdrHopByHop(options=[PadN(optdata=b"\0" * 12)]), IPv6ExtHdrDestOpt()
    arrived = IPv6ExtHdrRouting(addresses=["2001:db8::9"], segleft=0)
    return [
        ipv4 / udp, ipv4 / tcp, ipv4 / ICMP() / Raw(b"ping"),
        IP(src="198.18.0.1", dst="198.19.0.1", options=options) / udp,
        IP(src="198.18.0.1", dst="198.19.0.1", flags="DF", ttl=1, tos=0xB8) / tcp,
        ipv6 / udp, ipv6 / tcp, ipv6 / ICMPv6EchoRequest(data=b"ping"),
        ipv6 / hop / udp, ipv6 / last / tcp, ipv6 / arrived / udp, ipv6 / hop / last / arrived / last / tcp,
    ]


def fragments():
    """First and later fragments, of protocols with and without ports."""
    found = []
    for protocol, content in ((17, bytes(UDP(sport=7777, dport=7))), (6, bytes(TCP(sport=5))), (1, b"\x08\0\0\0" * 4)):
        for offset, flags in ((0, "MF"), (1, "MF"), (0x1FFF, 0)):
            ipv4 = IP(src="198.18.0.1", dst="198.19.0.1", proto=protocol, flags=flags, frag=offset)
            found.append(ipv4 / Raw(content))
            for before in ((), (IPv6ExtHdrHopByHop(), IPv6ExtHdrDestOpt())):
                packet = IPv6(src="2001:db8::1", dst="2001:db8::2")
                for header in before:
                    packet /= header
                more = 1 if flags else 0
                found.append(packet / IPv6ExtHdrFragment(nh=protocol, offset=offset, m=more, id=7) / Raw(content))
    found.append(IPv6(dst="2001:db8::2") / IPv6ExtHdrFragment(nh=17, offset=0, m=0) / UDP(sport=1, dport=2))
    return found


def packets_without_a_way_back():
    """Packets whose destination cannot be a source, or whose final destination is not in its usual place."""
    udp = UDP(sport=7777, dport=7) / Raw(b"x" * 31)
    found = [IP(src="198.18.0.1", dst=group) / udp for group in ("224.0.0.5", "239.255.0.1", "255.255.255.255",
                                                                  "240.0.0.1")]
    found += [IPv6(src="2001:db8::1", dst=group) / udp for group in ("ff02::1", "ff0e::7")]
    for route in (IPOption_LSRR, IPOption_SSRR):
        found.append(IP(dst="198.19.0.1", options=[route(routers=["192.0.2.1"])]) / udp)
        found.append(IP(dst="198.19.0.1", options=[IPOption_NOP(), route(routers=["192.0.2.1", "192.0.2.2"])]) / udp)
    for routing_type in (0, 2, 4):
        routing = IPv6ExtHdrRouting(type=routing_type, addresses=["2001:db8::9"], segleft=1)
        ipv6 = IPv6(dst="2001:db8::2")
        found += [ipv6 / routing / udp, ipv6 / IPv6ExtHdrHopByHop() / routing / udp]
    return found


def packets_with_unusual_headers():
    """Unknown protocols, options after the end-of-options option, inconsistent lengths."""
    content = bytes(UDP(sport=7777, dport=7) / Raw(b"x" * 31))
    found = [IP(dst="198.19.0.1", proto=protocol) / Raw(content) for protocol in (47, 50, 51, 132, 253)]
    found += [IPv6(dst="2001:db8::2", nh=header) / Raw(content) for header in (50, 51, 59, 132, 135, 139, 253)]
    found.append(IPv6(dst="2001:db8::2") / IPv6ExtHdrHopByHop(nh=51) / Raw(content))
    whole = bytes(IP(dst="198.19.0.1", ihl=6, options=[IPOption_NOP()] * 4) / UDP(sport=1, dport=2))
    for options in (b"\0\x83\x03\x04", b"\x01\0\x89\x03", b"\x07\0\x83\x03", b"\x07\x01\x83\x03", b"\x07\xff\x83\x03",
                    b"\x01\x01\x01\x83"):
        found.append(whole[:20] + options + whole[24:])
    ipv4, ipv6 = bytes(IP(dst="198.19.0.1") / Raw(content)), bytes(IPv6(dst="2001:db8::2", nh=17) / Raw(content))
    found += [first + ipv4[1:] for first in (b"\x40", b"\x44", b"\x46", b"\x4f", b"\x55", b"\x05")]
    found += [ipv4[:2] + total.to_bytes(2, "big") + ipv4[4:] for total in (0, 19, 20, 23, 24, 58, 59, 60, 65535)]
    found += [ipv4 + b"\0" * 9, ipv6 + b"\0" * 9, b"\x75" + ipv6[1:]]
    found += [ipv6[:4] + length.to_bytes(2, "big") + ipv6[6:] for length in (0, 3, 4, 38, 39, 40, 65535)]
    long_header = bytes(IPv6(dst="2001:db8::2") / IPv6ExtHdrHopByHop() / Raw(content))
    found += [long_header[:41] + bytes([units]) + long_header[42:] for units in (0, 1, 2, 3, 4, 5, 255)]
    return found


def cut_off_packets():
    """Packets cut to every length, with the inner lengths unchanged and adjusted."""
    extensions = IPv6ExtHdrHopByHop() / IPv6ExtHdrRouting(segleft=0) / IPv6ExtHdrFragment(m=1) / IPv6ExtHdrDestOpt()
    ipv4 = bytes(IP(dst="198.19.0.1", options=[IPOption_NOP()] * 4) / UDP(sport=7777, dport=7))
    ipv6 = bytes(IPv6(dst="2001:db8::2") / extensions / TCP(sport=7777, dport=7))
    found = [ipv4[:length] for length in range(len(ipv4))] + [ipv6[:length] for length in range(len(ipv6))]
    found += [ipv4[:2] + length.to_bytes(2, "big") + ipv4[4:length] for length in range(4, len(ipv4))]
    found += [ipv6[:4] + (length - 40).to_bytes(2, "big") + ipv6[6:length] for length in range(40, len(ipv6))]
    return found


def ip_frames():
    """All of these packets in all encapsulations."""
    packets = [*whole_packets(), *fragments(), *packets_without_a_way_back(), *packets_with_unusual_headers(),
               *cut_off_packets()]
    frames = [encapsulated(packet, tags) for tags in ENCAPSULATIONS.values() for packet in packets]
    return [frame for frame in frames if len(frame) >= 14]


def damaged(frames, count, seed=5):
    """Copies of these frames with a few bytes changed after the addresses; some are truncated."""
    choice = random.Random(seed)

    def damage(frame):
        frame = bytearray(frame)
        for _ in range(choice.randrange(1, 4)):
            likely = (0, 1, 4, 17, 43, 44, 60, 0x45, choice.randrange(256))
            frame[choice.randrange(12, len(frame))] = choice.choice(likely)
        return bytes(frame[: choice.choice((len(frame), choice.randrange(14, len(frame) + 1)))])

    return [damage(choice.choice(frames)) for _ in range(count)]


def garbage(count, seed=4):
    """Random frames of any length whose addresses and types often match the rules."""
    choice = random.Random(seed)
    addresses = [bytes(6), b"\xff" * 6, bytes.fromhex("0180c2000002"), bytes.fromhex("0180c2000015"),
                 bytes.fromhex("020000000001"), bytes.fromhex("061122334455"), None, None, None]
    types = [0x8100, 0x88A8, 0x9100, 0x8808, 0x8809, 0x88CC, 0x888E, 0x8902, 0x88F7, 0x0800, 0x86DD, None]

    def frame():
        parts = [choice.choice(addresses) or choice.randbytes(6) for _ in range(2)]
        for _ in range(choice.randrange(1, 4)):
            parts.append((choice.choice(types) or choice.randrange(65536)).to_bytes(2, "big") + choice.randbytes(2))
        length = choice.randrange(choice.choice((64, 1600)))
        return (b"".join(parts) + choice.randbytes(1600))[:length]

    return [frame() for _ in range(count)]
