"""Frames of all kinds for captures, made by scapy, and capture files as lists of bytes."""

import random

from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.inet6 import ICMPv6EchoRequest, IPv6
from scapy.layers.l2 import ARP, Dot1AD, Dot1Q, Ether
from scapy.packet import Raw
from scapy.utils import RawPcapReader, RawPcapWriter

OURS, THEIRS = "02:00:00:00:00:01", "06:11:22:33:44:55"
BROADCAST = "ff:ff:ff:ff:ff:ff"
ETHERNET_LINK = 1


def write_capture(path, frames):
    writer = RawPcapWriter(str(path), linktype=ETHERNET_LINK)
    writer.write_header(None)
    for second, frame in enumerate(frames):
        writer.write_packet(frame, sec=second, usec=0)
    writer.close()


def read_capture(path):
    """Its frames but for loop checks, which answer nothing."""
    reader = RawPcapReader(str(path))
    try:
        return [frame for frame, _ in reader if not is_loop_check(frame)]
    finally:
        reader.close()


def is_loop_check(frame):
    return frame[12:30] == b"\x88\xb5l2echo loop chk1"


def ordinary_frames():
    """What a data network carries."""
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
        unicast / Dot1AD(vlan=6, prio=3, id=1) / Dot1Q(vlan=7, prio=5) / udp,
        unicast / Dot1Q(vlan=8) / Dot1Q(vlan=9) / udp,
        Ether(dst=OURS, src=THEIRS, type=0x9100) / Dot1Q(vlan=4, type=0x86DD) / IPv6(dst="2001:db8::1"),
        unicast / Dot1AD(vlan=1) / Dot1Q(vlan=2) / Dot1Q(vlan=3) / udp,
        Ether(dst=OURS, src=THEIRS, type=0x88B5) / Raw(b"experimental"),
        Ether(dst=OURS, src=THEIRS, type=46) / Raw(b"\xaa\xaa\x03" + b"z" * 43),  # 802.3 length and LLC
        Ether(dst=THEIRS, src=OURS) / udp,
    ]


def reserved_and_control_frames():
    """What talks to the next bridge or station only."""
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
    """Sources and destinations that must not be answered, alone and together."""
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
    """Frames that end within their VLAN tags; the EtherType behind may not be there any more."""
    whole = bytes(Ether(dst=OURS, src=THEIRS) / Dot1AD() / Dot1Q(type=0x8808) / Raw(b"abcd"))
    return [whole[:length] for length in range(14, len(whole) + 1)]


def garbage(count, seed=4):
    """Random frames of any length whose addresses and types often are the ones that rules look at."""
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
