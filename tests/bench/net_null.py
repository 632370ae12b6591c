"""The null device: frames out of nothing, so that the loop and the driver are all there is."""

from comparison import Comparison, Contender, Metric
from programs import echo_command, measure_rate, pattern_command, testpmd_command

GROUP = "net_null"
DEVICE = "net_null0"
RATES = (Metric("frames_per_second", "frames/s", "frames/s"),
         Metric("frames_per_cpu_second", "frames per CPU second", "frames/s"))
PAIRS = [("raw", "testpmd-macswap"), ("raw", "testpmd-io"), ("testpmd-pattern", "testpmd-macswap")]


def comparisons(lab):
    def testpmd(mode):
        return Contender(f"testpmd-{mode}", f"testpmd {mode}",
                         lambda: measure_rate(lab, testpmd_command(lab, DEVICE, mode, memory=lab.memory())))

    pattern = Contender("testpmd-pattern", "testpmd's pattern, which stands for it in burst and cross_wire",
                        lambda: measure_rate(lab, pattern_command(lab, DEVICE, lab.memory())))
    ours = Contender("raw", "l2_multi_echo --raw",
                     lambda: measure_rate(lab, echo_command(lab, DEVICE, "--raw", memory=lab.memory())))
    yield Comparison(GROUP, "net_null", "net_null, one worker", RATES,
                     [ours, testpmd("macswap"), testpmd("io"), pattern], pairs=PAIRS)
