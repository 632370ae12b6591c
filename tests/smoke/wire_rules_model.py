"""A second implementation of the wire rules, written from their documentation alone: which frames are echoed and
how, and why others are refused."""

import collections
import dataclasses
import ipaddress

RUNT, OVERSIZE, RESERVED, CONTROL = "runt", "oversize", "reserved", "control"
GROUP_SOURCE, BAD_SOURCE, LOOP, GROUP_DESTINATION = "group-source", "bad-source", "loop", "group-destination"
NOT_OWN, NOT_FROM_TESTER, UNMATCHED, NOT_SWAPPABLE = "not-own", "not-from-tester", "unmatched", "not-swappable"
DEFAULT_REASONS = (RUNT, OVERSIZE, RESERVED, CONTROL, GROUP_SOURCE, BAD_SOURCE, LOOP, GROUP_DESTINATION)
REASONS = (
    *DEFAULT_REASONS[:7], "loop-check", "disarmed", "expired", "facing-reflector", GROUP_DESTINATION, NOT_OWN,
    NOT_FROM_TESTER, UNMATCHED, NOT_SWAPPABLE, "over-rate",
)

VLAN_TYPES = {0x8100, 0x88A8, 0x9100}
CONTROL_TYPES = {0x8808, 0x8809, 0x88CC, 0x888E, 0x8902, 0x88F7}
RESERVED_LAST_BYTES = {*range(0x00, 0x10), *range(0x20, 0x30), *range(0x30, 0x40)}
IPV4, IPV6 = 0x0800, 0x86DD
TCP, UDP, ROUTING, FRAGMENT = 6, 17, 43, 44
EXTENSION_HEADERS = {0, ROUTING, FRAGMENT, 60}
SOURCE_ROUTES = {131, 137}


@dataclasses.dataclass(frozen=True)
class Rules:
    """The rules that the options select; the port's own MAC is the first of own_macs."""

    own_macs: tuple = ()
    mtu: int = 1500
    raw: bool = False
    accept: str = "any"
    group: str = "refuse"
    swap: str = "mac"
    only_from: str = ""
    match: tuple = ()


def number(frame, start, length=2):
    return int.from_bytes(frame[start : start + length], "big")


def exchange(frame, first, length):
    """Swaps two adjacent fields of this length."""
    middle, end = first + length, first + 2 * length
    return frame[:first] + frame[middle:end] + frame[first:middle] + frame[end:]


def swap(frame):
    return exchange(frame, 0, 6)


def types_of(frame):
    """The EtherTypes from the outermost to the one after all VLAN tags, up to the end of the frame."""
    types = []
    for start in range(12, len(frame) - 1, 4):
        types.append(number(frame, start))
        if types[-1] not in VLAN_TYPES:
            break
    return types


def count_whole_tags(frame):
    """Number of tags that are followed by another EtherType within the frame."""
    return len(types_of(frame)) - 1


def is_group(mac):
    return mac[0] % 2 == 1


def mac_bytes(text):
    return bytes.fromhex(text.replace(":", ""))


@dataclasses.dataclass
class Packet:
    """An IP packet with consistent lengths; offsets count from the start of the frame."""

    addresses: int
    address_length: int
    protocol: int
    later_fragment: bool
    source_routed: bool
    ports: int = None

    def address(self, frame, which):
        start = self.addresses + which * self.address_length
        return ipaddress.ip_address(frame[start : start + self.address_length])


def read_packet(frame):
    start = 14 + 4 * count_whole_tags(frame)
    read = {IPV4: read_ipv4, IPV6: read_ipv6}.get(types_of(frame)[-1])
    return read(frame, start) if read else None


def with_ports(packet, frame, transport, end):
    if packet.protocol in (TCP, UDP) and not packet.later_fragment and transport + 4 <= min(end, len(frame)):
        packet.ports = transport
    return packet


def read_ipv4(frame, start):
    header = frame[start:]
    if len(header) < 20 or header[0] >> 4 != 4:
        return None
    header_length, total_length = 4 * (header[0] % 16), number(header, 2)
    if not 20 <= header_length <= total_length <= len(header):
        return None
    packet = Packet(start + 12, 4, header[9], number(header, 6) % 0x2000 > 0,
                    not SOURCE_ROUTES.isdisjoint(ipv4_options(header[20:header_length])))
    return with_ports(packet, frame, start + header_length, start + total_length)


def ipv4_options(options):
    """The option kinds, up to the first invalid length."""
    while options and options[0] != 0:
        yield options[0]
        if options[0] == 1:
            options = options[1:]
        elif len(options) >= 2 and options[1] >= 2:
            options = options[options[1] :]
        else:
            return


def read_ipv6(frame, start):
    header = frame[start:]
    if len(header) < 40 or header[0] >> 4 != 6:
        return None
    end = 40 + number(header, 4)
    if end > len(header):
        return None
    packet = Packet(start + 8, 16, header[6], False, False)
    at = 40
    while packet.protocol in EXTENSION_HEADERS and not packet.later_fragment:
        length = 8 if packet.protocol == FRAGMENT else 8 + 8 * number(header, at + 1, 1)
        if at + 8 > end or at + length > end:
            return None
        if packet.protocol == FRAGMENT:
            packet.later_fragment = number(header, at + 2) >> 3 > 0
        if packet.protocol == ROUTING and header[at + 3] > 0:
            packet.source_routed = True
        packet.protocol = header[at]
        at += length
    return with_ports(packet, frame, start + at, start + end)


def can_be_a_source(address):
    """True unless the address is multicast or in the reserved range above it, which includes the limited broadcast."""
    return not (address.is_multicast or address.version == 4 and address >= ipaddress.ip_address("240.0.0.0"))


def swap_at_level(frame, level):
    """The frame with all fields of the level swapped, or None if it cannot be swapped."""
    if level == "mac":
        return swap(frame)
    packet = read_packet(frame)
    if not packet or packet.source_routed or not can_be_a_source(packet.address(frame, 1)):
        return None
    frame = exchange(swap(frame), packet.addresses, packet.address_length)
    if level == "mac+ip" or packet.protocol in (TCP, UDP) and packet.later_fragment:
        return frame
    return None if packet.ports is None else exchange(frame, packet.ports, 2)


def mac_fits(value, mac):
    prefix, _, bits = value.partition("/")
    shift = 48 - int(bits or 48)
    return number(mac, 0, 6) >> shift == number(mac_bytes(prefix), 0, 6) >> shift


def vlan_fits(value, frame):
    outermost = number(frame, 14) % 4096 if count_whole_tags(frame) else None
    return outermost is None if value == "none" else outermost == int(value)


def address_fits(value, frame, which):
    packet, network = read_packet(frame), ipaddress.ip_network(value, strict=False)
    return packet is not None and packet.address(frame, which) in network


def port_fits(value, frame, protocol, which):
    packet, (low, _, high) = read_packet(frame), value.partition("-")
    if packet is None or packet.protocol != protocol or packet.ports is None:
        return False
    return int(low) <= number(frame, packet.ports + 2 * which) <= int(high or low)


MATCH_KEYS = {
    "src-mac": lambda value, frame: mac_fits(value, frame[6:12]),
    "dst-mac": lambda value, frame: mac_fits(value, frame[0:6]),
    "vlan": vlan_fits,
    "ethertype": lambda value, frame: types_of(frame)[-1] == int(value, 0),
    "src-ip": lambda value, frame: address_fits(value, frame, 0),
    "dst-ip": lambda value, frame: address_fits(value, frame, 1),
    "udp-src": lambda value, frame: port_fits(value, frame, UDP, 0),
    "udp-dst": lambda value, frame: port_fits(value, frame, UDP, 1),
    "tcp-src": lambda value, frame: port_fits(value, frame, TCP, 0),
    "tcp-dst": lambda value, frame: port_fits(value, frame, TCP, 1),
}


def is_let_through(frame, match):
    for rule in match:
        terms = rule.split(",")
        refuses = terms[0] == "refuse"
        pairs = [term.split("=") for term in terms if term not in ("refuse", "echo")]
        if all(MATCH_KEYS[key](value, frame) for key, value in pairs):
            return not refuses
    return not match


def refusal(frame, rules):
    """The reason of the first rule that refuses the frame, or None."""
    if len(frame) < 14:
        return RUNT
    destination, source = frame[0:6], frame[6:12]
    if rules.raw:
        return None
    conditions = (
        (OVERSIZE, len(frame) > rules.mtu + 14 + 4 * count_whole_tags(frame)),
        (RESERVED, destination[:5] == bytes.fromhex("0180c20000") and destination[5] in RESERVED_LAST_BYTES),
        (CONTROL, types_of(frame)[-1] in CONTROL_TYPES),
        (GROUP_SOURCE, is_group(source)),
        (BAD_SOURCE, source in (destination, bytes(6))),
        (LOOP, source in rules.own_macs),
        (GROUP_DESTINATION, is_group(destination) and rules.group == "refuse"),
        (NOT_OWN, rules.accept == "own" and not is_group(destination) and destination != rules.own_macs[0]),
        (NOT_FROM_TESTER, rules.only_from and source != mac_bytes(rules.only_from)),
        (UNMATCHED, not is_let_through(frame, rules.match)),
        (NOT_SWAPPABLE, swap_at_level(frame, rules.swap) is None),
    )
    return next((reason for reason, applies in conditions if applies), None)


def echo(frame, rules):
    """The echo of a frame that no rule refuses."""
    echoed = swap(frame) if rules.raw else swap_at_level(frame, rules.swap)
    if is_group(frame[0:6]) and not rules.raw:
        echoed = echoed[0:6] + rules.own_macs[0] + echoed[12:]
    return echoed


def echo_all(frames, rules=Rules()):
    """The expected echoes, in order, and the number of frames refused for each reason."""
    echoed, refused_by = [], collections.Counter(dict.fromkeys(REASONS, 0))
    for frame in frames:
        if reason := refusal(frame, rules):
            refused_by[reason] += 1
        else:
            echoed.append(echo(frame, rules))
    return echoed, dict(refused_by)
