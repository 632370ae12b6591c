"""An idle worker: CPU use against round trip, at rates that leave it idle most of the time."""

import contextlib

from bench.compare.measured_path import LINKS, memif_cable
from bench.comparison import Comparison, Contender, Metric, NotMeasured
from bench.far_end import LOADS, LOST, ROUND_TRIPS, Ends, measure, two_end_lcores
from bench.programs import echo_command, with_file_prefix
from bench.telemetry import Telemetry, cpu_seconds

GROUP = "idle"
WAYS = ("poll", "pause", "umwait", "sleep", "sleep=1ms")
METRICS = (Metric("worker_cpus", "CPU time of the worker", "CPUs", more_is_better=False), *ROUND_TRIPS, *LOST)
OBSERVED = 0.6  # share of the sending time, counted from the first frames
LACKS = "error: --idle "


def comparisons(lab):
    for load in LOADS:
        if load.key == "10k" or load.key == "100" and not lab.quick:
            yield of_load(lab, load)


def of_load(lab, load):
    contenders = [Contender(way, f"--idle {way}", lambda way=way: measure_way(lab, load, way)) for way in WAYS]
    return Comparison(GROUP, f"{GROUP}-{load.key}", f"--idle over memif, {load.title}", METRICS, contenders,
                      pairs=[(way, "poll") for way in WAYS if way != "poll"], two_cpus=True)


def measure_way(lab, load, way):
    prefix = lab.file_prefix()
    seconds = OBSERVED * (load.quick_seconds if lab.quick else load.seconds)

    @contextlib.contextmanager
    def ends():
        with memif_cable(LINKS[0]) as cable:
            command = echo_command(lab, cable.echo_device, "--idle", way, loop_check=False,
                                   lcores=two_end_lcores(lab))
            yield Ends(with_file_prefix(command, prefix), cable.probe_device)

    try:
        return measure(lab, ends, load, f"{GROUP}-{load.key}-{way}",
                       watch=lambda echo: {"worker_cpus": worker_cpus(echo, prefix, seconds)})
    except AssertionError as error:
        if LACKS in str(error):  # reported for the CPU or the driver
            raise NotMeasured(str(error).split(LACKS)[-1].splitlines()[0]) from error
        raise


def worker_cpus(echo, prefix, seconds):
    """CPU time of the workers from the first frames on."""
    with Telemetry(echo, prefix) as telemetry:
        telemetry.wait_until_frames_pass(2)
        began, (before, _) = telemetry.clock(), cpu_seconds(echo.pid())
        echo.wait_for(lambda: telemetry.clock() - began >= seconds, "the end of the interval")
        ended, (after, _) = telemetry.clock(), cpu_seconds(echo.pid())
    return (after - before) / (ended - began)
