"""Valid frames, repeated for ever by net_pcap: the wire rules have something to look at."""

from comparison import Comparison, Contender
from frame_file import write_frames
from net_null import RATES
from programs import echo_command, measure_rate, testpmd_command

GROUP = "net_pcap"
QUICK_SIZES = (64,)
FULL_SIZES = (64, 128, 256, 512, 1024, 1518, "imix")


def comparisons(lab):
    for size in QUICK_SIZES if lab.quick else FULL_SIZES:
        yield of_size(lab, size)


def of_size(lab, size):
    def device():
        return f"net_pcap0,rx_pcap={write_frames(lab.scratch, size)},infinite_rx=1"

    def echo(*options):
        return lambda: measure_rate(lab, echo_command(lab, device(), *options, memory=lab.memory()))

    contenders = [
        Contender("default", "l2_multi_echo", echo()),
        Contender("raw", "l2_multi_echo --raw", echo("--raw")),
        Contender("testpmd-macswap", "testpmd macswap",
                  lambda: measure_rate(lab, testpmd_command(lab, device(), "macswap", memory=lab.memory()))),
    ]
    title = "IMIX" if size == "imix" else f"{size} bytes"
    return Comparison(GROUP, f"net_pcap-{size}", f"net_pcap, one worker, {title}", RATES, contenders,
                      pairs=[("default", "testpmd-macswap"), ("raw", "testpmd-macswap"), ("default", "raw")])
