"""The wire rules a second time, written from their description alone: which frames come back, and why others do not."""

import collections

RUNT, OVERSIZE, RESERVED, CONTROL = "runt", "oversize", "reserved", "control"
GROUP_SOURCE, BAD_SOURCE, LOOP, GROUP_DESTINATION = "group-source", "bad-source", "loop", "group-destination"
DEFAULT_REASONS = (RUNT, OVERSIZE, RESERVED, CONTROL, GROUP_SOURCE, BAD_SOURCE, LOOP, GROUP_DESTINATION)
REASONS = (
    *DEFAULT_REASONS[:7], "disarmed", "expired", "facing-reflector", GROUP_DESTINATION, "not-own", "not-from-tester",
    "unmatched", "not-swappable", "over-rate",
)

VLAN_TYPES = {0x8100, 0x88A8, 0x9100}
CONTROL_TYPES = {0x8808, 0x8809, 0x88CC, 0x888E, 0x8902, 0x88F7}
RESERVED_LAST_BYTES = {*range(0x00, 0x10), *range(0x20, 0x30), *range(0x30, 0x40)}


def swap(frame):
    return frame[6:12] + frame[0:6] + frame[12:]


def types_of(frame):
    """The EtherTypes from the outermost to the one behind all VLAN tags, as far as the frame reaches."""
    types = []
    for start in range(12, len(frame) - 1, 4):
        types.append(int.from_bytes(frame[start : start + 2], "big"))
        if types[-1] not in VLAN_TYPES:
            break
    return types


def count_whole_tags(frame):
    """Tags that are followed by another EtherType within the frame."""
    return len(types_of(frame)) - 1


def is_group(mac):
    return mac[0] % 2 == 1


def refusal(frame, own_macs, mtu):
    """The first rule that refuses the frame, or None."""
    if len(frame) < 14:
        return RUNT
    destination, source = frame[0:6], frame[6:12]
    rules = (
        (OVERSIZE, len(frame) > mtu + 14 + 4 * count_whole_tags(frame)),
        (RESERVED, destination[:5] == bytes.fromhex("0180c20000") and destination[5] in RESERVED_LAST_BYTES),
        (CONTROL, types_of(frame)[-1] in CONTROL_TYPES),
        (GROUP_SOURCE, is_group(source)),
        (BAD_SOURCE, source in (destination, bytes(6))),
        (LOOP, source in own_macs),
        (GROUP_DESTINATION, is_group(destination)),
    )
    return next((reason for reason, applies in rules if applies), None)


def echo_all(frames, own_macs=(), mtu=1500, raw=False):
    """What must come back, in order, and how many frames each reason refused."""
    echoed, refused_by = [], collections.Counter(dict.fromkeys(REASONS, 0))
    for frame in frames:
        reason = (RUNT if len(frame) < 14 else None) if raw else refusal(frame, own_macs, mtu)
        if reason:
            refused_by[reason] += 1
        else:
            echoed.append(swap(frame))
    return echoed, dict(refused_by)
