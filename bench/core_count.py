"""Cores and bus bandwidth that a line rate needs, computed from measured cycles and stated assumptions."""

import dataclasses
import math

from bench.result_table import by_key, table

RATES_GBPS = (10, 25, 40, 100, 200, 400)
SIZES = (64, 128, 256, 512, 1024, 1280, 1518)
IMIX_MEAN = (7 * 64 + 4 * 594 + 1518) / 12
GAP_BYTES = 20  # preamble and gap between frames (IEEE 802.3, 4.4.2); sizes already include the FCS
FCS_BYTES = 4
# Published figure of testpmd's `mac` forwarding on hardware: 21.9 million 64-byte frames/s on one 3.6 GHz Xeon core. It
# represents a loop with a NIC driver, which is not measured here.
PUBLISHED_CYCLES = 3.6e9 / 21.9e6
# PCIe: transactions of up to 256 bytes with 26 bytes of overhead (3.0 and later, 64-bit addresses, framing and CRCs
# included), and a 16-byte descriptor per frame, four of them per transaction.
PCIE_PAYLOAD, PCIE_OVERHEAD, DESCRIPTOR_BYTES, DESCRIPTORS_AT_ONCE = 256, 26, 16, 4
# Gbit/s in each direction, after line coding.
PCIE_LINKS = (("3.0 x8", 63.0), ("3.0 x16 or 4.0 x8", 126.0), ("4.0 x16 or 5.0 x8", 252.1), ("5.0 x16", 504.1),
              ("more than 5.0 x16", math.inf))
BASIS = ("cross_wire-8192", "default")


@dataclasses.dataclass(frozen=True)
class Basis:
    cycles_per_frame: float
    tsc_hz: float


def basis_of(comparisons):
    """None if the underlying measurement is missing."""
    comparison = by_key(comparisons).get(BASIS[0])
    contender = by_key(comparison["contenders"])[BASIS[1]] if comparison else None
    if not contender or "cycles_per_frame" not in contender["medians"]:
        return None
    return Basis(contender["medians"]["cycles_per_frame"]["median"], contender["runs"][-1]["values"]["tsc_hz"])


def frames_per_second(rate_gbps, size):
    return rate_gbps * 1e9 / (8 * (size + GAP_BYTES))


def pcie_gbps(frames, size):
    """In each direction: a frame and its descriptor are transferred in, and out again."""
    length = size - FCS_BYTES
    transactions = math.ceil(length / PCIE_PAYLOAD)
    descriptor = DESCRIPTOR_BYTES + PCIE_OVERHEAD / DESCRIPTORS_AT_ONCE
    return frames * 8 * (length + transactions * PCIE_OVERHEAD + descriptor) / 1e9


def needed(basis, rate_gbps, size):
    frames = frames_per_second(rate_gbps, size)
    pcie = pcie_gbps(frames, size)
    return {"rate_gbps": rate_gbps, "size": size, "frames_per_second": frames,
            "cores_loop_alone": math.ceil(frames * basis.cycles_per_frame / basis.tsc_hz),
            "cores_published": math.ceil(frames * PUBLISHED_CYCLES / basis.tsc_hz),
            "pcie_gbps_each_way": pcie,
            "pcie_link": next(name for name, capacity in PCIE_LINKS if pcie <= capacity),
            "memory_gigabytes_per_second": 2 * frames * (size - FCS_BYTES) / 1e9}


def core_counts(comparisons):
    basis = basis_of(comparisons)
    if not basis:
        return None
    rows = [needed(basis, rate, size) for rate in RATES_GBPS for size in (*SIZES, IMIX_MEAN)]
    return {"computed": True, "basis": dataclasses.asdict(basis), "published_cycles_per_frame": PUBLISHED_CYCLES,
            "rows": rows}


def cores(entry):
    least, most = entry["cores_loop_alone"], entry["cores_published"]
    return str(least) if least == most else f"{least} to {most}"


def markdown(counts):
    lines = ["## Cores for a line rate: computed, not measured", ""]
    if not counts:
        return lines + [f"Not computed: it needs `{BASIS[0]}`, which this run did not measure.", ""]
    basis = counts["basis"]
    lines += [
        f"Lower figure: the echo, with frames just written by another core ({basis['cycles_per_frame']:.0f} cycles "
        "per frame, measured in this run, without a NIC driver). Upper figure: testpmd's published hardware forwarding "
        f"({counts['published_cycles_per_frame']:.0f} cycles, driver included). Both at this TSC's "
        f"{basis['tsc_hz'] / 1e9:.2f} GHz. docs/scaling.md has the assumptions and other limits.", "",
    ]
    titles = ("Gbit/s", *(f"{size} bytes" for size in SIZES), "IMIX")
    rows = []
    for rate in RATES_GBPS:
        row = [entry for entry in counts["rows"] if entry["rate_gbps"] == rate]
        rows.append([rate, *map(cores, row)])
    lines += table(titles, rows)
    lines += ["", "Other requirements, at 64 and at 1518 bytes:", ""]
    limits = []
    for rate in RATES_GBPS:
        small, large = (next(entry for entry in counts["rows"]
                             if entry["rate_gbps"] == rate and entry["size"] == size) for size in (64, 1518))
        limits.append([rate, *(f"{entry['frames_per_second'] / 1e6:.3g} M" for entry in (small, large)),
                       *(f"{entry['pcie_gbps_each_way']:.0f} Gbit/s: {entry['pcie_link']}" for entry in (small, large)),
                       f"{large['memory_gigabytes_per_second']:.1f} GB/s"])
    lines += table(("Gbit/s", "frames/s, 64", "frames/s, 1518", "PCIe each way, 64", "PCIe each way, 1518",
                    "memory, if frames leave the cache, 1518"), limits)
    return lines + [""]
