"""Valid frames, repeated endlessly by net_pcap, so that the wire rules do real work."""

from bench.frame_file import write_frames
from bench.programs import echo_command, sharing_a_cpu, testpmd_command

GROUP = "net_pcap"
QUICK_SIZES = (64,)
FULL_SIZES = (64, 128, 256, 512, 1024, 1518, "imix")


def endless_device(lab, size):
    return f"net_pcap0,rx_pcap={write_frames(lab.scratch, size)},infinite_rx=1"


def comparisons(lab):
    for size in QUICK_SIZES if lab.quick else FULL_SIZES:
        yield of_size(lab, size)


def of_size(lab, size):
    def echo(*options):
        return lambda memory: echo_command(lab, endless_device(lab, size), *options, memory=memory)

    commands = {
        "default": ("l2_multi_echo", echo()),
        "raw": ("l2_multi_echo --raw", echo("--raw")),
        "testpmd-macswap": ("testpmd macswap",
                            lambda memory: testpmd_command(lab, endless_device(lab, size), "macswap", memory=memory)),
    }
    title = "IMIX" if size == "imix" else f"{size} bytes"
    return sharing_a_cpu(lab, GROUP, f"net_pcap-{size}", f"net_pcap, one worker, {title}", commands,
                         [("default", "testpmd-macswap"), ("raw", "testpmd-macswap"), ("default", "raw")])
