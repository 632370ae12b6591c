"""The TCP library over a tun device against the kernel's TCP, through the impairing wire: every byte arrives, and both
ends close."""

import collections
import itertools
import random

import pytest
from allpairspy import AllPairs

from tests.foreign.ends import Ends, exchange
from tests.foreign.goodput import PATHS, goodput
from tests.foreign.impaired_link import KERNEL, WIRE_MTU, Impairment, counts, impaired_link, set_sysctl

LINKS = {
    "clean": Impairment(),
    "lossy": Impairment(delay="100us", loss=0.01),
    "very-lossy": Impairment(delay="100us", loss=0.05),
    "reordering": Impairment(delay="100us", reordering=0.05),
    "duplicating": Impairment(delay="100us", duplication=0.05),
    "corrupting": Impairment(delay="100us", corruption=0.01),
    "slow": Impairment(delay="1ms", rate="20Mbps", queue="20ms"),
}
BYTES = {"clean": 4_000_000, "slow": 1_000_000, "very-lossy": 200_000}
DEFAULT_BYTES = 500_000

CHOICES = dict(
    link=list(LINKS),
    direction=["to-stack", "to-kernel", "both", "echo"],
    opener=["kernel", "stack"],
    family=[4, 6],
    mtu=[1500, 576, 9000],
    kernel=["cubic", "reno", "bbr"],
    stack=["cubic", "newreno"],
    buffers=["default", "small"],
    sack=[1, 0],
    timestamps=[1, 0],
    window_scaling=[1, 0],
)
Case = collections.namedtuple("Case", CHOICES)
SMALL_BUFFER = 8192
SAMPLE = 25
# The median of five longer runs is at least 0.8; a single run of 5 s has about 30 losses.
SHARE_OF_KERNEL = 0.5


def cases():
    """All pairs of choices by default, and a sample of all combinations with --long: all would take a day."""
    pairs = [Case(*values) for values in AllPairs(list(CHOICES.values()), filter_func=is_possible)]
    combinations = [Case(*values) for values in itertools.product(*CHOICES.values()) if is_possible(values)]
    sample = random.Random(1).sample(sorted(set(combinations) - set(pairs)), SAMPLE)
    return ([pytest.param(case, id=name(case)) for case in pairs] +
            [pytest.param(case, id=name(case), marks=pytest.mark.long) for case in sample])


def is_possible(values):
    """False if the wire cannot carry such frames. `values` may be the first part of a case."""
    chosen = dict(zip(CHOICES, values))
    return chosen.get("mtu", 0) <= WIRE_MTU or chosen["link"] == "clean"


def name(case):
    switched_off = [option for option in ("sack", "timestamps", "window_scaling") if not getattr(case, option)]
    return "-".join((case.link, case.direction, f"{case.opener}-opens", f"ipv{case.family}", str(case.mtu),
                     f"kernel-{case.kernel}", f"stack-{case.stack}", f"{case.buffers}-buffers",
                     *(f"no-{option}" for option in switched_off)))


@pytest.mark.parametrize("case", cases())
def test_every_byte_arrives_and_both_ends_close(case, build, tun_host):
    mtu = max(case.mtu, 1280) if case.family == 6 else case.mtu
    length = BYTES.get(case.link, DEFAULT_BYTES)
    to_stack = length if case.direction != "to-kernel" else 0
    to_kernel = length if case.direction in ("to-kernel", "both") else 0
    with impaired_link(build, LINKS[case.link], mtu) as wire:
        set_sysctl(KERNEL, tcp_sack=case.sack, tcp_timestamps=case.timestamps,
                   tcp_window_scaling=case.window_scaling)
        buffers = ("--receive-buffer", SMALL_BUFFER, "--send-buffer", SMALL_BUFFER) if case.buffers == "small" else ()
        ends = Ends(tun_host, case.family)
        kernel = ends.kernel(case.opener == "kernel", "--send", to_stack, "--congestion", case.kernel, *buffers)
        stack = ends.stack(case.opener == "stack", "--send", to_kernel, "--congestion", case.stack,
                           "--mtu", mtu, *(("--echo",) if case.direction == "echo" else ()))
        if case.opener == "kernel":
            stack_end, kernel_end = exchange(stack, kernel)
        else:
            kernel_end, stack_end = exchange(kernel, stack)
        directions = counts(wire) if wire else []

    assert kernel_end["outcome"] == stack_end["outcome"] == "closed"
    assert stack_end["received"] == kernel_end["sent"] == to_stack
    assert kernel_end["received"] == stack_end["sent"] == (length if case.direction == "echo" else to_kernel)
    assert kernel_end["wrong_at"] is None and stack_end["wrong_at"] is None
    assert stack_end["sack"] == bool(case.sack)
    assert stack_end["timestamps"] == bool(case.timestamps)
    assert stack_end["window_scaling"] == bool(case.window_scaling)
    assert stack_end["arena_bytes_in_use"] == 0
    if case.link == "very-lossy":
        assert all(direction["lost"] > 0 for direction in directions)


@pytest.mark.alone
@pytest.mark.parametrize("algorithm", ["cubic", "reno"])
def test_goodput_under_loss_is_that_of_the_kernel(algorithm, build, tun_host):
    """10 ms and 1 % loss each way, for 5 s. tests/foreign/goodput.py measures more, and for longer."""
    rates = {path: goodput(build, tun_host, path, algorithm, 10, 5) for path in PATHS}
    kernel = rates.pop("kernel-kernel").bits_per_second
    assert all(rate.bits_per_second >= SHARE_OF_KERNEL * kernel for rate in rates.values()), (kernel, rates)
