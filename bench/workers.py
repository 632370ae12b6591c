"""Several workers with their own queue pairs: the gain of each additional one, ours next to testpmd in the same run."""

from bench.comparison import Comparison, Contender, Metric
from bench.net_null import DEVICE
from bench.programs import echo_command, measure_rate, testpmd_command

GROUP = "workers"
SECONDS, QUICK_SECONDS = 2.2, 1.1  # long enough for one report


def worker_counts(lab):
    """1, 2, 4, ... as long as each has its own CPU."""
    counts = [1, 2]
    while counts[-1] * 2 < len(lab.cpus):
        counts.append(counts[-1] * 2)
    return counts


def metrics(counts):
    most = counts[-1]
    return (Metric("scaling", f"{most} workers to 1, frames/s", "times"),
            Metric("cpu_scaling", f"{most} workers to 1, frames per CPU second", "times"),
            Metric("main_cpu_share", f"CPU time of the main lcore, {most} workers, a report each second", "share",
                   more_is_better=False),
            *(Metric(f"workers_{count}", f"frames/s, {count} workers", "frames/s") for count in counts))


def comparisons(lab):
    counts = worker_counts(lab)

    def contender(key, title, make_command):
        return Contender(key, title, lambda: measure_scaling(lab, counts, make_command))

    contenders = [
        contender("raw", "l2_multi_echo --raw", lambda count: echo_command(
            lab, DEVICE, "--raw", workers=count, memory=lab.memory())),
        contender("testpmd-macswap", "testpmd macswap",
                  lambda count: testpmd_command(lab, DEVICE, "macswap", workers=count, memory=lab.memory())),
    ]
    title = "net_null, workers " + " / ".join(map(str, counts))
    return [Comparison(GROUP, "workers", title, metrics(counts), contenders)]


def measure_scaling(lab, counts, make_command):
    runs = {count: measure_rate(lab, make_command(count), QUICK_SECONDS if lab.quick else SECONDS) for count in counts}
    rates = {count: run["values"] for count, run in runs.items()}
    most = counts[-1]
    values = {f"workers_{count}": rates[count]["frames_per_second"] for count in counts}
    values["scaling"] = rates[most]["frames_per_second"] / rates[1]["frames_per_second"]
    values["main_cpu_share"] = rates[most]["main_cpu_share"]
    if all(rate["frames_per_cpu_second"] for rate in rates.values()):
        values["cpu_scaling"] = most * rates[most]["frames_per_cpu_second"] / rates[1]["frames_per_cpu_second"]
    return {"values": values, "checks": {f"workers_{count}": run["checks"] for count, run in runs.items()},
            "details": {f"workers_{count}": rate for count, rate in rates.items()},
            "command": "; ".join(run["command"] for run in runs.values())}
