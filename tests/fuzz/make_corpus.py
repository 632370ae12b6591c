#!/usr/bin/python3
"""Writes the seed corpora: for frame_fuzzer, frames of every kind that the rules mention, each under several rules; for
connection_fuzzer, each state by each way to open, followed by short stories."""

import argparse
import hashlib
import itertools
import logging
import pathlib

logging.getLogger("scapy.runtime").setLevel(logging.ERROR)
from scapy.all import (  # noqa: E402
    ARP, ICMP, IP, TCP, UDP, Dot1AD, Dot1Q, Ether, ICMPv6EchoRequest, ICMPv6ND_NS, ICMPv6NDOptSrcLLAddr, IPOption,
    IPOption_LSRR, IPv6, IPv6ExtHdrDestOpt, IPv6ExtHdrFragment, IPv6ExtHdrHopByHop, IPv6ExtHdrRouting, Raw, fragment,
)

OWN, TESTER = "02:11:22:33:44:55", "02:aa:bb:cc:dd:ee"  # the same as in frame_fuzzer.cpp
OWN4, TESTER4, OTHER4 = "192.0.2.1", "192.0.2.77", "198.51.100.1"
OWN6, TESTER6, OTHER6 = "2001:db8::1", "2001:db8::77", "2001:db8:1::1"
NOBODY6, SOLICITED6 = "::", "ff02::1:ff00:1"
PAYLOAD = Raw(bytes(range(32)))


def to_us():
    return Ether(src=TESTER, dst=OWN)


def solicitation(source=TESTER6, options=True, **ip):
    message = ICMPv6ND_NS(tgt=OWN6)
    if options:
        message /= ICMPv6NDOptSrcLLAddr(lladdr=TESTER)
    ip = IPv6(src=source, dst=SOLICITED6, **{"hlim": 255, **ip})
    return Ether(src=TESTER, dst="33:33:ff:00:00:01") / ip / message


def frames():
    ip = IP(src=TESTER4, dst=OTHER4)
    ip6 = IPv6(src=TESTER6, dst=OTHER6)
    udp, tcp = UDP(sport=5000, dport=53), TCP(sport=40000, dport=80)
    yield from (to_us() / network / transport / PAYLOAD for network in (ip, ip6) for transport in (udp, tcp))
    yield to_us() / IP(src=TESTER4, dst=OTHER4, options=[IPOption_LSRR(routers=[OWN4])]) / udp / PAYLOAD
    yield to_us() / IP(src=TESTER4, dst=OTHER4, options=[IPOption(b"\x94\x04\x00\x00")]) / udp / PAYLOAD
    yield from fragment(to_us() / ip / udp / Raw(bytes(64)), fragsize=40)
    yield to_us() / IP(src=TESTER4, dst="239.1.2.3") / udp
    yield to_us() / ip6 / IPv6ExtHdrHopByHop() / IPv6ExtHdrDestOpt() / udp / PAYLOAD
    yield to_us() / ip6 / IPv6ExtHdrRouting(addresses=[OWN6], segleft=1) / tcp
    yield to_us() / ip6 / IPv6ExtHdrFragment(offset=0, m=1, nh=17) / udp / PAYLOAD
    yield to_us() / ip6 / IPv6ExtHdrFragment(offset=10, nh=17) / PAYLOAD
    yield to_us() / Dot1Q(vlan=5) / ip / udp / PAYLOAD
    yield Ether(src=TESTER, dst=OWN, type=0x88A8) / Dot1AD(vlan=7) / Dot1Q(vlan=5) / ip6 / tcp
    for destination in (OWN, "ff:ff:ff:ff:ff:ff"):
        request = ARP(op=1, hwsrc=TESTER, psrc=TESTER4, pdst=OWN4)
        yield Ether(src=TESTER, dst=destination) / request / Raw(bytes(18))
        yield Ether(src=TESTER, dst=destination) / Dot1Q(vlan=9) / request
    yield Ether(src=TESTER, dst="ff:ff:ff:ff:ff:ff") / ARP(op=1, hwsrc=TESTER, psrc="0.0.0.0", pdst=OWN4)
    yield Ether(src=TESTER, dst="ff:ff:ff:ff:ff:ff") / ARP(op=2, hwsrc=TESTER, psrc=TESTER4, pdst=OWN4)
    yield to_us() / IP(src=TESTER4, dst=OWN4, ttl=3) / ICMP(id=1, seq=2) / PAYLOAD
    yield to_us() / Dot1Q(vlan=9) / IP(src=TESTER4, dst=OWN4) / ICMP() / PAYLOAD
    yield to_us() / IPv6(src=TESTER6, dst=OWN6) / ICMPv6EchoRequest(id=1, seq=2, data=b"ping")
    yield solicitation()
    yield solicitation(options=False)
    yield solicitation(source=NOBODY6, options=False)
    yield solicitation(hlim=64)
    for opcode in (2, 3):
        yield to_us() / Raw(bytes((0x20, opcode, 0, 4)) + bytes(4) + bytes(42))
        yield to_us() / Dot1Q(vlan=9) / Raw(bytes((0x20, opcode, 0, 4)) + bytes(46))
    for kind in (0x8808, 0x8809, 0x88CC, 0x888E, 0x8902, 0x88F7, 0x1234, 0x0026):
        yield Ether(src=TESTER, dst=OWN, type=kind) / Raw(bytes(46))
    for destination in ("01:80:c2:00:00:01", "01:00:5e:00:00:01", "ff:ff:ff:ff:ff:ff", TESTER):
        yield Ether(src=TESTER, dst=destination) / ip / udp
    for source in ("00:00:00:00:00:00", "03:00:00:00:00:01", OWN):
        yield Ether(src=source, dst=TESTER) / ip / udp
    for sender, check_mac in ((bytes(range(8)), "02:45:43:02:04:04"), (bytes(8), "02:45:43:00:00:00")):
        check = Raw(b"l2echo loop chk1" + sender + bytes(22))
        yield Ether(src=TESTER, dst=check_mac, type=0x88B5) / check
        yield Ether(src=check_mac, dst=TESTER) / Dot1Q(vlan=3, type=0x88B5) / check


def rules():
    """Rule bytes as frame_fuzzer.cpp reads them: flags, level, match rules, repair, trace, end of the first segment,
    room."""
    plain, answers, open_to_groups, checks = 0, 16 | 32, 4 | 16, 1 | 64
    for flags, level in itertools.product((plain, answers, open_to_groups, checks), range(3)):
        yield bytes((flags, level, 0, 1, 0, 0, 8))
    yield bytes((answers | 2 | 8 | 64, 0, 0, 0, 1, 0, 0))
    yield bytes((plain, 2, 0, 1, 1, 40, 0))
    udp_53 = bytes((128, 1, 0, 53, 0))
    from_us_in_vlan_5 = bytes((1 | 4, 0, 0, 1, 0, 5))
    yield bytes((plain, 1, 2)) + from_us_in_vlan_5 + udp_53 + bytes((1, 0, 0, 0))
    to_prefix = bytes((32, 1, 0, 2, 198, 51))
    yield bytes((plain, 0, 1)) + to_prefix + bytes((1, 0, 0, 0))


# Operations of connection_fuzzer.cpp, which reads a byte each and then their arguments.
IN_ORDER, BEHIND_HOLE, ACKNOWLEDGE, SACK, FIN = 1, 2, 3, 4, 5
WINDOW, WRITE, READ, ECHO, SHUTDOWN, END = 7, 10, 11, 13, 14, 15
PASS_TIME, UNTIL_DEADLINE, HOLD_MEMORY, DESTROY, LISTEN = 17, 18, 20, 21, 24


def stories():
    """What happens to a connection once it has its state."""
    yield bytes((WRITE, 200, ACKNOWLEDGE, 2, WRITE, 250, ACKNOWLEDGE, 255))
    yield bytes((WRITE, 255, SACK, 1, 0, 3, 2, SACK, 0, 0, 6, 4, UNTIL_DEADLINE, ACKNOWLEDGE, 9, UNTIL_DEADLINE))
    yield bytes((WRITE, 240)) + 6 * bytes((UNTIL_DEADLINE,)) + bytes((ACKNOWLEDGE, 255))
    yield bytes((WRITE, 240)) + 4 * bytes((ACKNOWLEDGE, 0)) + bytes((ACKNOWLEDGE, 3, ACKNOWLEDGE, 255))
    yield bytes((IN_ORDER, 100, BEHIND_HOLE, 3, 50, BEHIND_HOLE, 6, 50, IN_ORDER, 160, READ, 250, FIN, 0, SHUTDOWN))
    yield bytes((ECHO, IN_ORDER, 200, ACKNOWLEDGE, 255, BEHIND_HOLE, 2, 99, IN_ORDER, 190, FIN, 0, SHUTDOWN))
    yield bytes((WINDOW, 0, WRITE, 130)) + 4 * bytes((UNTIL_DEADLINE,)) + bytes((WINDOW, 255, ACKNOWLEDGE, 255))
    yield bytes((HOLD_MEMORY, 1, IN_ORDER, 200, WRITE, 200, HOLD_MEMORY, 0, IN_ORDER, 200, WRITE, 200))
    yield bytes((END, 0, UNTIL_DEADLINE, FIN, 0, PASS_TIME, 30, DESTROY, LISTEN, 1, 2, 0, 0, 0, 0, 0, 0))


def sessions():
    """Settings, sizes, arena, IP version, MTU and clock; kind of opening, state, numbers, offer and window; a story."""
    for flags, kind, state, story in itertools.product((0, 4 | 8, 2 | 32), range(4), range(10), stories()):
        opening = bytes((kind, state, 1, 0, 0)) + (b"\1" if kind < 2 else b"")
        yield bytes((flags, 0, 0, 0, 0, 0)) + opening + story


def write(folder, inputs):
    folder.mkdir(parents=True, exist_ok=True)
    for data in inputs:
        (folder / hashlib.sha1(data).hexdigest()).write_bytes(data)
    print(f"{sum(1 for _ in folder.iterdir())} inputs in {folder}")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=pathlib.Path)
    folder = parser.parse_args().folder
    frames_and_rules = itertools.product([bytes(frame) for frame in frames()], rules())
    write(folder / "frames", (rule + kept for frame, rule in frames_and_rules
                              for kept in (frame, frame[: len(frame) * 2 // 3])))
    write(folder / "connections", sessions())


if __name__ == "__main__":
    main()
