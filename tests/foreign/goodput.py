#!/usr/bin/python3
"""Goodput under loss: kernel to kernel, kernel to the library, and the library to the kernel, over the same wire with
the same options and the same congestion control. Run it by tests/foreign/measure-goodput."""

import argparse
import dataclasses
import pathlib
import statistics

from tests.foreign.ends import Ends, exchange
from tests.foreign.impaired_link import FAR, FAR_ADDRESS, Impairment, counts, impaired_link

PATHS = ("kernel-kernel", "kernel-stack", "stack-kernel")
STACK_ALGORITHM = {"cubic": "cubic", "reno": "newreno"}
LOSS = 0.01  # each way
RATE = "200Mbps"
ENDLESS = 1 << 40  # the time ends the transfer


@dataclasses.dataclass(frozen=True)
class Rate:
    bits_per_second: float
    lost: int  # data frames, nearly: the wire loses acknowledgments in the other direction
    overflowed: int


def goodput(build, tun_host, path, algorithm, rtt_milliseconds, seconds, seed=1):
    """Payload that the receiver got per second, from its first byte to its last."""
    link = Impairment(delay=f"{rtt_milliseconds / 2:g}ms", loss=LOSS, rate=RATE, queue="50ms",
                      sleep=f"{max(20, rtt_milliseconds * 2):g}us")
    kernel_sends = ("--send", ENDLESS, "--seconds", seconds, "--congestion", algorithm)
    ends = Ends(tun_host)
    with impaired_link(build, link, seed=seed) as wire:
        patience = seconds * 2 + 60
        if path == "kernel-kernel":
            receiver, _ = exchange(ends.kernel(False, at=FAR),
                                   ends.kernel(True, *kernel_sends, peer=FAR_ADDRESS[4]), patience)
        elif path == "kernel-stack":
            receiver, _ = exchange(ends.stack(False), ends.kernel(True, *kernel_sends), patience)
        else:
            sends = ("--send", ENDLESS, "--seconds", f"{seconds}s", "--congestion", STACK_ALGORITHM[algorithm])
            receiver, _ = exchange(ends.kernel(False), ends.stack(True, *sends), patience)
        there, back = counts(wire)
    direction = back if path == "stack-kernel" else there
    return Rate(receiver["received"] * 8 / receiver["receive_seconds"], direction["lost"], direction["overflowed"])


def measure(arguments):
    """Alternates between the paths, so that other load on the machine affects all of them."""
    rates = {path: [] for path in PATHS}
    for run in range(arguments.runs):
        for path in PATHS:
            rates[path].append(goodput(arguments.build, arguments.build / "tests/foreign/tun_host", path,
                                       arguments.algorithm, arguments.rtt, arguments.seconds,
                                       seed=arguments.seed + 2 * run))
    kernel = statistics.median(rate.bits_per_second for rate in rates["kernel-kernel"])
    for path, measured in rates.items():
        megabits = [rate.bits_per_second / 1e6 for rate in measured]
        print(f"| {arguments.algorithm} | {arguments.rtt:g} ms | {path} | {statistics.median(megabits):.2f} | "
              f"{' '.join(f'{rate:.2f}' for rate in megabits)} | {statistics.median(megabits) * 1e6 / kernel:.2f} | "
              f"{min(rate.lost for rate in measured)} |", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("--algorithm", choices=STACK_ALGORITHM, default="cubic")
    parser.add_argument("--rtt", type=float, default=10, metavar="MILLISECONDS")
    parser.add_argument("--seconds", type=float, default=20, help="length of each transfer")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--seed", type=int, default=1, help="of the losses in the first run")
    measure(parser.parse_args())


if __name__ == "__main__":
    main()
