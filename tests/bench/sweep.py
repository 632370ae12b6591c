"""What the defaults were chosen by: prefetch distance, frames in a burst, mempool cache, frames under way."""

import burst_function
import cross_wire
from comparison import Comparison, Contender
from frame_file import write_frames
from net_null import RATES
from programs import echo_command, measure_rate

GROUP = "sweep"
AHEAD, CHOSEN_AHEAD = (0, 4, 8, 16, 32), 4
BURSTS, CHOSEN_BURST = (8, 16, 32, 64, 128, 256), 32
CACHES, CHOSEN_CACHE = (0, 64, 128, 256, 512), 256
UNDER_WAY, CHOSEN_UNDER_WAY = (256, 512, 1024, 2048, 4096), 1024  # as many as an RX ring has descriptors


def comparisons(lab):
    if lab.quick:
        yield prefetch(lab, 8192)
        return
    for frames in burst_function.WORKING_SETS:
        yield prefetch(lab, frames)
    yield of_option(lab, "burst", "frames in a burst", "--burst", BURSTS, CHOSEN_BURST)
    yield of_option(lab, "cache", "mbufs in the mempool's cache", "--mempool-cache", CACHES, CHOSEN_CACHE)
    yield frames_under_way(lab)


def against_chosen(key, title, metrics, contenders, chosen):
    return Comparison(GROUP, f"{GROUP}-{key}", title, metrics, contenders,
                      pairs=[(contender.key, chosen) for contender in contenders if contender.key != chosen])


def prefetch(lab, frames):
    loops = {f"ahead-{ahead}": f"prefetches {ahead} ahead" if ahead else "no prefetch" for ahead in AHEAD}
    return against_chosen(f"prefetch-{frames}", f"a swap alone out of {burst_function.WORKING_SETS[frames]}",
                          burst_function.METRICS, burst_function.contenders_of(lab, frames, loops),
                          f"ahead-{CHOSEN_AHEAD}")


def of_option(lab, key, title, option, values, chosen):
    def run(value):
        device = f"net_pcap0,rx_pcap={write_frames(lab.scratch, 64)},infinite_rx=1"
        return measure_rate(lab, echo_command(lab, device, option, str(value), memory=lab.memory()))

    contenders = [Contender(str(value), f"{option} {value}", lambda value=value: run(value)) for value in values]
    return against_chosen(key, f"net_pcap, 64 bytes, {title}", RATES, contenders, str(chosen))


def frames_under_way(lab):
    contenders = [Contender(str(frames), f"{frames} frames under way",
                            lambda frames=frames: cross_wire.run_loop(lab, "default", frames)) for frames in UNDER_WAY]
    return against_chosen("ring", "crossed rings, default rules", cross_wire.METRICS, contenders,
                          str(CHOSEN_UNDER_WAY))
