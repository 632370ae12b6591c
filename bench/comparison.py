"""A comparison: contenders that alternate or share a CPU, and the ratios of paired runs."""

import contextlib
import dataclasses
import statistics
import subprocess
import time
import typing

from bench.cpu_mode import pairs_by_mode, runs_by_mode


class NotMeasured(Exception):
    """This machine cannot run the measurement; the text says why."""


@dataclasses.dataclass(frozen=True)
class Metric:
    key: str
    title: str
    unit: str
    more_is_better: bool = True
    compared: bool = True  # False: shown for each contender, but no ratio is computed


@dataclasses.dataclass
class Contender:
    """run() makes one measurement: {"values": {metric: number}, "command": ..., "checks": {...}}."""

    key: str
    title: str
    run: typing.Callable[[], dict]


@dataclasses.dataclass
class SharingContender:
    """start() returns a context manager for the running program, which has command, sample(), values_since(sample),
    and end(), which returns its checks."""

    key: str
    title: str
    start: typing.Callable[[], typing.ContextManager]


@dataclasses.dataclass
class Comparison:
    """Ours comes first. Every other contender is a peer, unless `pairs` lists the pairs to compare."""

    group: str
    key: str
    title: str
    metrics: typing.Sequence[Metric]
    contenders: typing.Sequence[Contender] | typing.Sequence[SharingContender]
    pairs: typing.Sequence[tuple[str, str]] = ()
    shared_seconds: float | None = None  # length of a turn, if the contenders share a CPU
    two_cpus: bool = False  # frames pass between two CPUs, so the mode matters

    def contest(self, complain, round_trip):
        """round_trip() returns the time in ns that a cache line takes between the two CPUs and back."""
        return (Contest if self.shared_seconds is None else SharedContest)(self, complain, round_trip)

    def all_pairs(self):
        ours, *peers = (contender.key for contender in self.contenders)
        return list(self.pairs) or [(ours, peer) for peer in peers]


def spread(values):
    """Median, quartiles and range."""
    lower, _, upper = statistics.quantiles(values, n=4, method="inclusive") if len(values) > 1 else values * 3
    return {"median": statistics.median(values), "lower_quartile": lower, "upper_quartile": upper,
            "min": min(values), "max": max(values), "count": len(values)}


def verdict(ratio, more_is_better):
    """Says whether ours is ahead: a difference counts if the middle half of all pairs is on one side."""
    low, high = ratio["lower_quartile"], ratio["upper_quartile"]
    if not more_is_better:
        low, high = 1 / high, 1 / low
    return "ahead" if low > 1 else "behind" if high < 1 else "level"


def ratios_of(metrics, pairs, contenders, two_cpus):
    """contenders: as in the result, each with its runs in turn order. Returns a ratio for each mode of the CPUs, and
    the number of turns whose runs cannot be compared."""
    by_key = {contender["key"]: contender for contender in contenders}
    ratios, left_out = [], []
    for ours, peer in pairs:
        if any(by_key[key]["outcome"] != "measured" for key in (ours, peer)):
            continue
        turns = list(zip(by_key[ours]["runs"], by_key[peer]["runs"], strict=True))
        modes = pairs_by_mode(turns, two_cpus)
        if count := len(turns) - sum(map(len, modes.values())):
            left_out.append({"ours": ours, "peer": peer, "count": count})
        for mode, same_mode in sorted(modes.items()):
            for metric in filter(lambda metric: metric.compared, metrics):
                if ratio := ratio_of(metric, same_mode):
                    ratios.append({"metric": metric.key, "ours": ours, "peer": peer, "mode": mode, **ratio})
    return ratios, left_out


def ratio_of(metric, turns):
    """None if no turn has values from both contenders."""
    both = [(a["values"].get(metric.key), b["values"].get(metric.key)) for a, b in turns]
    both = [(a, b) for a, b in both if a and b]
    if not both:
        return None
    values = [a / b for a, b in both]
    ratio = spread(values)
    return {"values": values, **ratio, "verdict": verdict(ratio, metric.more_is_better),
            "ours_median": statistics.median(a for a, _ in both), "peer_median": statistics.median(b for _, b in both)}


def medians_of(metrics, runs):
    return {metric.key: spread(values) for metric in metrics
            if (values := [run["values"][metric.key] for run in runs if run["values"].get(metric.key) is not None])}


def result_of(comparison, contenders):
    """The comparison as in the JSON; contenders must have outcome, reason and runs."""
    for contender in contenders:
        contender["medians"] = medians_of(comparison.metrics, contender["runs"])
        contender["medians_by_mode"] = {
            mode: medians_of(comparison.metrics, runs)
            for mode, runs in runs_by_mode(contender["runs"], comparison.two_cpus).items()}
    ratios, left_out = ratios_of(comparison.metrics, comparison.all_pairs(), contenders, comparison.two_cpus)
    return {"group": comparison.group, "key": comparison.key, "title": comparison.title,
            "metrics": [dataclasses.asdict(metric) for metric in comparison.metrics],
            "two_cpus": comparison.two_cpus, "contenders": contenders, "ratios": ratios, "left_out": left_out}


def last_line(error):
    """The last line of a failure, which is the program's error message."""
    return " ".join((str(error).strip() or repr(error)).splitlines()[-1].split())


class Contest:
    """Runs the contenders of one comparison in turns; one that fails or cannot run is excluded."""

    def __init__(self, comparison, complain, round_trip):
        self._comparison = comparison
        self._complain = complain
        self._round_trip = round_trip
        self._results = [{"key": contender.key, "title": contender.title, "outcome": "measured", "reason": None,
                          "warm_up": [], "runs": []} for contender in comparison.contenders]

    def measure(self, pairs, show=lambda turn: None):
        """Runs an uncounted warm-up, then `pairs` turns."""
        for turn in range(pairs + 1):
            show(turn)
            self._take_turn(turn, "runs" if turn > 0 else "warm_up")
        return result_of(self._comparison, self._results)

    def _take_turn(self, _, runs):
        for contender, result in self._still_in():
            with self._out_if_it_fails(contender, result):
                self._run(contender, result, result[runs])

    def _still_in(self):
        both = zip(self._comparison.contenders, self._results, strict=True)
        return [(contender, result) for contender, result in both if result["outcome"] == "measured"]

    @contextlib.contextmanager
    def _out_if_it_fails(self, contender, result):
        try:
            yield
        except NotMeasured as error:
            result.update(outcome="not measured", reason=str(error))
        except (AssertionError, LookupError, OSError, TypeError, ValueError, subprocess.SubprocessError) as error:
            self._complain(f"{self._comparison.title}, {contender.title}: {error}")
            result.update(outcome="failed", reason=last_line(error))

    def _run(self, contender, result, runs):
        result.pop("histogram", None)  # belongs to the last run; a failed run leaves none
        before = self._round_trip()
        run = contender.run()
        run["cache_line_ns"] = [before, self._round_trip()]
        result["command"] = run.pop("command")
        if "histogram" in run:
            result["histogram"] = run.pop("histogram")
        runs.append(run)


class SharedContest(Contest):
    """All contenders run at the same time on one CPU, and the kernel switches between them every few milliseconds,
    so a slow phase of the CPU affects all of them. A turn is one interval for all. Each turn restarts them,
    beginning with a different one, because the placement of a program and its memory is worth a few percent."""

    def _take_turn(self, turn, runs):
        before = self._round_trip()
        self._run_together(turn, runs)
        round_trips = [before, self._round_trip()]
        for _, result in self._still_in():
            result[runs][-1]["cache_line_ns"] = round_trips

    def _run_together(self, turn, runs):
        rivals = self._still_in()
        first = turn % len(rivals) if rivals else 0
        programs, before = {}, {}
        with contextlib.ExitStack() as stack:
            for contender, result in rivals[first:] + rivals[:first]:
                with self._out_if_it_fails(contender, result):
                    programs[contender.key] = stack.enter_context(contender.start())
            for contender, result in self._still_in():
                with self._out_if_it_fails(contender, result):
                    before[contender.key] = programs[contender.key].sample()
            time.sleep(self._comparison.shared_seconds)
            values = {}
            for contender, result in self._still_in():
                with self._out_if_it_fails(contender, result):
                    values[contender.key] = programs[contender.key].values_since(before[contender.key])
            for contender, result in self._still_in():
                with self._out_if_it_fails(contender, result):
                    program = programs[contender.key]
                    result["command"] = program.command
                    result[runs].append({"values": values[contender.key], "checks": program.end()})
