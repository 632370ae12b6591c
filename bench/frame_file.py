"""Captures of valid unicast frames, which net_pcap repeats."""

from scapy.layers.inet import IP, UDP
from scapy.layers.l2 import Ether
from scapy.packet import Raw
from scapy.utils import wrpcap

FCS_BYTES = 4  # included in a size, as in RFC 2544, but not in a capture
FRAMES = 84  # seven rounds of the mix
IMIX = (64, 594, 64, 64, 594, 64, 1518, 64, 594, 64, 64, 594)  # in the order of the probe


def frame(size, flow):
    headers = Ether(dst="02:00:00:00:00:01", src="02:00:00:00:00:02") / \
        IP(src="198.18.0.1", dst="198.19.0.1") / UDP(sport=49152 + flow, dport=7)
    return headers / Raw(bytes(size - FCS_BYTES - len(headers)))


def write_frames(folder, size):
    """Writes the file once and returns its path. `size` is in bytes or "imix"."""
    path = folder / f"{size}.pcap"
    if not path.exists():
        sizes = IMIX if size == "imix" else (size,)
        wrpcap(str(path), [frame(sizes[number % len(sizes)], number % 64) for number in range(FRAMES)])
    return path
