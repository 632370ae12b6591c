"""The null device generates empty frames, so only the loop and the driver are measured."""

from bench.programs import echo_command, pattern_command, sharing_a_cpu, testpmd_command

GROUP = "net_null"
DEVICE = "net_null0"
PAIRS = [("raw", "testpmd-macswap"), ("raw", "testpmd-io"), ("testpmd-pattern", "testpmd-macswap")]


def comparisons(lab):
    def testpmd(mode):
        return f"testpmd {mode}", lambda memory: testpmd_command(lab, DEVICE, mode, memory=memory)

    commands = {
        "raw": ("l2_multi_echo --raw", lambda memory: echo_command(lab, DEVICE, "--raw", memory=memory)),
        "testpmd-macswap": testpmd("macswap"),
        "testpmd-io": testpmd("io"),
        "testpmd-pattern": ("testpmd's pattern, which replaces it in burst and cross_wire",
                            lambda memory: pattern_command(lab, DEVICE, memory)),
    }
    yield sharing_a_cpu(lab, GROUP, "net_null", "net_null, one worker", commands, PAIRS)
