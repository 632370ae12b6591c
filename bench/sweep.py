"""Checks the defaults on this machine: prefetch distance, burst size, mempool cache, frames in flight."""

import functools

from bench import burst_function, cross_wire, net_pcap
from bench.comparison import Comparison, Contender
from bench.programs import BURST, MEMPOOL_CACHE, echo_command, sharing_a_cpu

GROUP = "sweep"
AHEAD, CHOSEN_AHEAD = (0, 4, 8, 16, 32), 4
BURSTS = (8, 16, 32, 64, 128, 256)
CACHES = (0, 64, 128, 256, 512)
UNDER_WAY, CHOSEN_UNDER_WAY = (256, 512, 1024, 2048, 4096), 1024  # as many as an RX ring has descriptors


def comparisons(lab):
    if lab.quick:
        yield prefetch(lab, 8192)
        yield of_option(lab, "burst", "frames in a burst", BURSTS[1:3], BURST)
        return
    for frames in burst_function.WORKING_SETS:
        yield prefetch(lab, frames)
    yield of_option(lab, "burst", "frames in a burst", BURSTS, BURST)
    yield of_option(lab, "cache", "mbufs in the mempool's cache", CACHES, MEMPOOL_CACHE)
    yield frames_under_way(lab)


def pairs_with(chosen, keys):
    return [(key, chosen) for key in keys if key != chosen]


def against_chosen(key, title, metrics, contenders, chosen, two_cpus=False):
    return Comparison(GROUP, f"{GROUP}-{key}", title, metrics, contenders,
                      pairs=pairs_with(chosen, [contender.key for contender in contenders]), two_cpus=two_cpus)


def prefetch(lab, frames):
    loops = {f"ahead-{ahead}": f"prefetches {ahead} ahead" if ahead else "no prefetch" for ahead in AHEAD}
    title = f"a bare swap, frame by frame, out of {burst_function.WORKING_SETS[frames]}"
    return against_chosen(f"prefetch-{frames}", title, burst_function.METRICS,
                          burst_function.contenders_of(lab, frames, loops), f"ahead-{CHOSEN_AHEAD}")


def of_option(lab, option, title, values, chosen):
    """option: the keyword argument of echo_command()."""
    def command(memory, value):
        return echo_command(lab, net_pcap.endless_device(lab, 64), memory=memory, **{option: value})

    commands = {str(value): (f"{value} {title}", functools.partial(command, value=value)) for value in values}
    return sharing_a_cpu(lab, GROUP, f"{GROUP}-{option}", f"net_pcap, 64 bytes, {title}", commands,
                         pairs_with(str(chosen), commands))


def frames_under_way(lab):
    contenders = [Contender(str(frames), f"{frames} frames under way",
                            lambda frames=frames: cross_wire.run_loop(lab, "default", frames)) for frames in UNDER_WAY]
    return against_chosen("ring", "crossed rings, default rules", cross_wire.METRICS, contenders,
                          str(CHOSEN_UNDER_WAY), two_cpus=True)
