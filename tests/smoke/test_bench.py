"""scripts/bench: results are complete and consistent, and say what could not be measured."""

import contextlib
import copy
import json
import os
import pathlib
import signal
import subprocess

import pytest

from bench import core_count, cpu_mode, far_end, hugepages, main, programs
from bench.build import NO_LOOP_CHECK, REPORT_IN_JSON, Build
from bench.comparison import Comparison, Contender, Contest, Metric, NotMeasured, SharingContender, spread
from bench.result_table import markdown
from tests.harness.program_under_test import usable_cpus, wait_until

ROOT = pathlib.Path(__file__).resolve().parents[2]
RUN_SECONDS = 120  # ten seconds on an idle machine
NEAR, FAR = 60.0, 320.0  # nanoseconds that a cache line takes between two CPUs


def run_bench(build_dir, *options):
    return subprocess.run(("/usr/bin/python3", "-m", "bench.main", "--build-dir", build_dir, *options),
                          capture_output=True, text=True, check=False, timeout=RUN_SECONDS)


@pytest.fixture(scope="module")
def quick(pytestconfig, tmp_path_factory, testpmd):
    """The output folder of a quick run of one comparison."""
    folder = tmp_path_factory.mktemp("bench") / "new"
    done = run_bench(pytestconfig.getoption("build_dir"), "--quick", "--only", "net_null", "--output", folder)
    assert done.returncode == 0, done.stderr + done.stdout
    assert done.stderr == "" and "testpmd macswap" in done.stdout
    return folder


@pytest.fixture(scope="module")
def result(quick):
    return json.loads((quick / "bench.json").read_text())


def test_result_records_options_and_machine(result):
    assert (result["schema"], result["mode"], result["pairs"]) == ("l2echo.bench/1", "quick", 3)
    for key in ("cpu", "cpus", "kernel", "dpdk", "testpmd", "governor"):
        assert result["environment"][key], key
    assert all(result[key] for key in ("date", "commit", "command"))


def test_each_contender_has_its_runs_and_command_line(result):
    comparison, = result["comparisons"]
    assert [contender["key"] for contender in comparison["contenders"]] == [
        "raw", "testpmd-macswap", "testpmd-io", "testpmd-pattern"]
    for contender in comparison["contenders"]:
        assert contender["outcome"] == "measured" and "--vdev=net_null0" in contender["command"]
        assert (len(contender["warm_up"]), len(contender["runs"])) == (1, 3)
        for run in contender["runs"]:
            values, checks = run["values"], run["checks"]
            assert len(run["cache_line_ns"]) == 2 and min(run["cache_line_ns"]) > 0
            assert values["seconds"] >= len(comparison["contenders"]) * result["cpu_seconds_each"]
            cpu_seconds = values["worker_cpus"] * values["seconds"]
            assert values["frames_per_cpu_second"] == pytest.approx(values["sent"] / cpu_seconds)
            assert checks["received"] == checks["echoed"] + checks["answered"] + checks["refused"] + checks["dropped"]
            assert checks["echoed"] >= values["sent"]


def test_contenders_share_one_cpu(result):
    comparison, = result["comparisons"]
    for runs in zip(*(contender["runs"] for contender in comparison["contenders"]), strict=True):
        shares = [run["values"]["worker_cpus"] for run in runs]
        assert min(shares) > 0.02 and sum(shares) < 1.1, shares


def test_ratios_are_those_of_the_pairs(result):
    comparison, = result["comparisons"]
    ours, macswap, *_ = comparison["contenders"]
    ratio = comparison["ratios"][0]
    assert (ratio["ours"], ratio["peer"], ratio["metric"]) == ("raw", "testpmd-macswap", "frames_per_cpu_second")
    expected = [a["values"]["frames_per_cpu_second"] / b["values"]["frames_per_cpu_second"]
                for a, b in zip(ours["runs"], macswap["runs"], strict=True)]
    assert ratio["values"] == pytest.approx(expected)
    assert ratio["median"] == pytest.approx(sorted(expected)[1])
    assert [(ratio["ours"], ratio["peer"]) for ratio in comparison["ratios"]] == [
        ("raw", "testpmd-macswap"), ("raw", "testpmd-io"), ("testpmd-pattern", "testpmd-macswap")]


def test_table_and_plots_are_written(quick, result):
    text = (quick / "bench.md").read_text()
    assert text.startswith(markdown(result))
    rows = [line for line in text.splitlines() if line.startswith("| net_null")]
    assert len(rows) == 3 + 4  # ratios, then one row per contender
    assert (quick / "net_null-ratios.svg").read_text().rstrip().endswith("</svg>")


def test_contenders_alternate_and_one_that_cannot_run_keeps_its_row():
    turns = []

    def contender(key, value):
        def run():
            turns.append(key)
            if isinstance(value, Exception):
                raise value
            return {"values": {"time": value}, "checks": {}, "command": key}
        return Contender(key, key, run)

    comparison = Comparison("group", "key", "Title", [Metric("time", "time", "ns", more_is_better=False)],
                            [contender("ours", 2), contender("peer", 4), contender("other", NotMeasured("no wings"))])
    found = Contest(comparison, pytest.fail, lambda: NEAR).measure(2)
    assert turns == ["ours", "peer", "other", "ours", "peer", "ours", "peer"]
    ratio, = found["ratios"]
    assert (ratio["median"], ratio["count"], ratio["verdict"]) == (0.5, 2, "ahead")
    assert (found["contenders"][2]["outcome"], found["contenders"][2]["reason"]) == ("not measured", "no wings")


def test_histogram_is_from_the_last_run_and_never_from_a_failed_one():
    runs = iter([{"histogram": "first"}, {"histogram": "second"}, AssertionError("exit status 1")])

    def run():
        outcome = next(runs)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome | {"values": {}, "checks": {}, "command": "ours"}

    comparison = Comparison("group", "key", "Title", [], [Contender("ours", "ours", run)])
    contest = Contest(comparison, lambda _: None, lambda: NEAR)
    assert contest.measure(1)["contenders"][0]["histogram"] == "second"
    assert "histogram" not in contest.measure(0)["contenders"][0]


class FakeProgram:
    """The program of a contender that shares a CPU; it fails at the step `fails_at`."""

    def __init__(self, diary, key, value, fails_at):
        self.diary, self.command, self.value, self.fails_at = diary, key, value, fails_at

    def note(self, what):
        self.diary.append((self.command, what))
        if what == self.fails_at:
            raise AssertionError("exit status 1")

    def __enter__(self):
        self.note("start")
        return self

    def __exit__(self, *_):
        self.note("gone")

    def sample(self):
        self.note("sample")

    def values_since(self, _):
        self.note("values")
        return {"time": self.value}

    def end(self):
        self.note("end")
        return {}


@pytest.mark.parametrize("fails_at", ["start", "sample", "values", "end"])
def test_contender_that_fails_while_sharing_a_cpu_keeps_its_row(fails_at):
    diary, complaints = [], []

    def contender(key, value, fails_at=None):
        return SharingContender(key, key, lambda: FakeProgram(diary, key, value, fails_at))

    comparison = Comparison("group", "key", "Title", [Metric("time", "time", "ns", more_is_better=False)],
                            [contender("ours", 2), contender("peer", 4), contender("other", 8, fails_at)],
                            shared_seconds=0)
    found = comparison.contest(complaints.append, lambda: NEAR).measure(2)
    ours, peer, other = found["contenders"]
    assert ours["runs"] == [{"values": {"time": 2}, "checks": {}, "cache_line_ns": [NEAR, NEAR]}] * 2
    assert ours["command"] == "ours"
    assert [len(peer[runs]) for runs in ("warm_up", "runs")] == [1, 2]
    assert (other["outcome"], other["reason"], other["runs"]) == ("failed", "exit status 1", [])
    ratio, = found["ratios"]
    assert (ratio["median"], ratio["count"], ratio["verdict"]) == (0.5, 2, "ahead")
    assert complaints == ["Title, other: exit status 1"]
    assert diary.count(("other", "gone")) == (fails_at != "start")
    # All are started before any is sampled, and each turn starts with a different contender.
    assert [key for key, what in diary if what == "start"] == ["ours", "peer", "other", "peer", "ours", "ours", "peer"]
    in_order = ("start", "sample", "values", "end", "gone")
    assert [what for key, what in diary[-10:]] == [what for what in in_order for _ in range(2)]


def run_of(value, before=NEAR, after=NEAR):
    return {"values": {"time": value}, "cache_line_ns": [before, after]}


@pytest.mark.parametrize(("times", "mode"), [((48, 65), "fast"), ((309, 351), "slow"), ((60, 320), "mixed"),
                                             ((320, 60), "mixed"), ((249.9, 249.9), "fast"), ((250, 250), "slow")])
def test_mode_depends_on_both_round_trips(times, mode):
    assert cpu_mode.mode_of(run_of(1, *times)) == mode


def test_only_runs_of_the_same_mode_are_paired():
    ours = [run_of(1), run_of(2, FAR, FAR), run_of(3), run_of(4, NEAR, FAR), run_of(5)]
    peer = [run_of(1), run_of(2, FAR, FAR), run_of(3, FAR, FAR), run_of(4, NEAR, FAR), run_of(5)]
    turns = list(zip(ours, peer, strict=True))
    assert cpu_mode.pairs_by_mode(turns, two_cpus=True) == {"fast": [turns[0], turns[4]], "slow": [turns[1]]}
    assert cpu_mode.pairs_by_mode(turns, two_cpus=False) == {"any": turns}


def contest_of_two(two_cpus, round_trips):
    """Two turns: ours takes 2 and 3, the peer always 4."""
    values = iter([9, 2, 3])
    contenders = [Contender("ours", "ours", lambda: {"values": {"time": next(values)}, "command": "ours"}),
                  Contender("peer", "peer", lambda: {"values": {"time": 4}, "command": "peer"})]
    comparison = Comparison("group", "key", "Title", [Metric("time", "time", "ns", more_is_better=False)], contenders,
                            two_cpus=two_cpus)
    round_trips = iter(round_trips)
    return Contest(comparison, pytest.fail, lambda: next(round_trips)).measure(2)


def test_each_mode_has_its_own_ratio_and_medians():
    found = contest_of_two(True, [NEAR] * 8 + [FAR] * 4)
    assert [(ratio["mode"], ratio["values"], ratio["ours_median"]) for ratio in found["ratios"]] == [
        ("fast", [0.5], 2), ("slow", [0.75], 3)]
    assert found["left_out"] == []
    assert found["contenders"][0]["medians_by_mode"]["slow"]["time"]["median"] == 3


def test_pair_of_different_modes_is_left_out_and_reported(result):
    found = contest_of_two(True, [NEAR] * 10 + [FAR] * 2)
    ratio, = found["ratios"]
    assert (ratio["mode"], ratio["values"]) == ("fast", [0.5])
    assert found["left_out"] == [{"ours": "ours", "peer": "peer", "count": 1}]
    changed = copy.deepcopy(result)
    changed["comparisons"].append(found)
    text = markdown(changed)
    assert "Pairs left out because their runs had different modes: Title, ours / peer: 1." in text
    assert "| Title | peer | time | slow | 1 | 0.004 us |" in text


def test_mode_is_ignored_if_one_cpu_does_the_work():
    ratio, = contest_of_two(False, [NEAR] * 10 + [FAR] * 2)["ratios"]
    assert (ratio["mode"], ratio["values"]) == ("any", [0.5, 0.75])


@pytest.fixture
def build(tmp_path):
    """build(FOLDER OF THE BENCHMARKS, OPTION...) makes a build with that layout and these options."""

    def make(place, *options):
        (tmp_path / place).mkdir(parents=True)
        (tmp_path / place / "burst_loops_bench").write_text("")
        program = tmp_path / "l2_multi_echo"
        program.write_text("#!/bin/sh\nprintf '  %s\\n' " + " ".join(f"'{option}'" for option in options) + "\n")
        program.chmod(0o755)
        return Build(tmp_path, "name")

    return make


@pytest.mark.parametrize(("place", "options", "json_report", "no_loop_check"), [
    ("tests/bench", ("--stats-format table|json=table", "--no-loop-check"), ("--stats-format", "json"),
     ("--no-loop-check",)),
    ("bench", ("--format table|json=table", "--loop-check on|off=on"), ("--format", "json"), ("--loop-check", "off"))],
    ids=["old", "new"])
def test_build_of_another_commit_uses_its_own_layout_and_options(build, place, options, json_report, no_loop_check):
    other = build(place, *options)
    assert other.program("bench/burst_loops_bench") == str(other.folder / place / "burst_loops_bench")
    assert (other.spelled(REPORT_IN_JSON), other.spelled(NO_LOOP_CHECK)) == (json_report, no_loop_check)


def test_build_reports_what_it_lacks(build):
    other = build("bench", "--stats-formats")
    with pytest.raises(NotMeasured, match="bench/cross_wire is not built"):
        other.program("bench/cross_wire")
    with pytest.raises(NotMeasured, match="name: l2_multi_echo has no option --format or --stats-format"):
        other.spelled(REPORT_IN_JSON)


def test_cycles_per_frame_cover_all_workers():
    workers = [{"received": 300, "cycles_per_frame": 10.0}, {"received": 100, "cycles_per_frame": 30.0}]
    assert programs.cycles_per_frame(workers) == 15
    assert programs.cycles_per_frame([{"received": 0, "cycles_per_frame": 0.0}]) is None


def test_losing_and_missing_rows_appear_in_the_table(result):
    changed = copy.deepcopy(result)
    comparison, = changed["comparisons"]
    comparison["ratios"][0] |= spread([0.5, 0.6, 0.7]) | {"verdict": "behind"}
    comparison["contenders"][2].update(outcome="not measured", reason="no wings")
    text = markdown(changed)
    assert "**0.600** | 0.550 to 0.650 | 0.500 to 0.700 | 3 | any | behind |" in text
    assert "not measured: no wings" in text


def test_cores_are_computed_from_cycles_and_sizes():
    medians = {"cycles_per_frame": spread([26.0])}
    contender = {"key": "default", "medians": medians, "runs": [{"values": {"tsc_hz": 2.6e9}}]}
    counts = core_count.core_counts([{"key": "cross_wire-8192", "contenders": [contender]}])
    rows = {(row["rate_gbps"], row["size"]): row for row in counts["rows"]}
    assert rows[10, 64]["frames_per_second"] == pytest.approx(14.88e6, rel=1e-3)  # the well-known line rate
    assert (rows[100, 64]["cores_loop_alone"], rows[100, 64]["cores_published"]) == (2, 10)
    assert rows[100, 1518]["cores_loop_alone"] == 1
    assert rows[100, 64]["pcie_link"] == "4.0 x16 or 5.0 x8"  # 128.6 Gbit/s exceeds 3.0 x16
    assert "| 100 | 2 to 10 |" in "\n".join(core_count.markdown(counts))


def test_cores_are_not_computed_without_measurements(result):
    assert result["core_counts"] is None
    assert "Not computed: it needs `cross_wire-8192`" in "\n".join(core_count.markdown(None))


def test_hugepages_are_returned_even_if_there_were_too_few(tmp_path, monkeypatch):
    monkeypatch.setattr(hugepages, "PAGES", tmp_path)
    (tmp_path / "free_hugepages").write_text("1\n")
    (tmp_path / "nr_hugepages").write_text("3\n")
    with hugepages.Hugepages() as pages:
        assert pages.eal_arguments(2) == ("--in-memory", "-m", "2", "--no-pci")
        assert hugepages.read("nr_hugepages") == 3  # one was free
        with pytest.raises(NotMeasured, match="no 4 hugepages"):
            pages.eal_arguments(3, processes=2)  # no kernel supplies the three missing pages
        assert hugepages.read("nr_hugepages") == 3  # the reserved pages were returned
        assert pages.eal_arguments(2) == ("--in-memory", "-m", "2", "--no-pci")
    assert hugepages.read("nr_hugepages") == 3


def test_metric_that_is_not_compared_has_medians_and_no_ratio():
    def contender(key, lost):
        return Contender(key, key, lambda: {"values": {"lost_share": lost}, "checks": {}, "command": key})

    comparison = Comparison("group", "key", "Title", far_end.LOST, [contender("ours", 0.1), contender("peer", 0.2)])
    found = Contest(comparison, pytest.fail, lambda: NEAR).measure(2)
    assert found["ratios"] == []
    assert [contender["medians"]["lost_share"]["median"] for contender in found["contenders"]] == [0.1, 0.2]


@pytest.mark.parametrize(("device", "reason", "attempts"), [
    ("net_memif0,role=client", "exit status -11", far_end.MAX_ATTEMPTS),
    ("net_memif0,role=client", "exit status 1", 1),
    ("net_af_packet0,iface=probe0", "exit status -11", 1)], ids=["driver", "program", "other driver"])
def test_only_known_driver_crashes_are_repeated(monkeypatch, device, reason, attempts):
    made = []

    def run_once(*_):
        made.append(1)
        raise AssertionError(reason)

    monkeypatch.setattr(far_end, "run_once", run_once)
    with pytest.raises(AssertionError, match=reason):
        far_end.measure(None, lambda: contextlib.nullcontext(far_end.Ends([], device)), far_end.MAX, "name")
    assert len(made) == attempts


def test_repeated_runs_are_reported(result):
    changed = copy.deepcopy(result)
    changed["comparisons"][0]["contenders"][1]["runs"][2]["attempt"] = 3
    title = changed["comparisons"][0]["title"]
    assert f"Repeated because memif's driver crashed when the probe exited: {title}, testpmd macswap 2 times." \
        in markdown(changed)
    assert "Repeated" not in markdown(result)


def test_earlier_result_is_moved_aside_completely(tmp_path):
    (tmp_path / "histograms").mkdir()
    names = ["bench.json", "bench.md", "a.svg", "histograms/b.hgrm"]
    for name in [*names, "of-the-user.svg"]:
        (tmp_path / name).write_text(json.dumps({"files": names}))
    main.prepare_output(tmp_path)
    earlier, = (tmp_path / "earlier").iterdir()
    assert all((earlier / name).exists() and not (tmp_path / name).exists() for name in names)
    assert (tmp_path / "of-the-user.svg").exists()
    main.prepare_output(tmp_path)  # nothing left to move
    assert list((tmp_path / "earlier").iterdir()) == [earlier]


@pytest.mark.parametrize("text", ["no JSON", "[]"])
def test_foreign_result_is_not_overwritten(tmp_path, text):
    (tmp_path / "bench.json").write_text(text)
    with pytest.raises(SystemExit, match="its bench.json is not a benchmark result"):
        main.prepare_output(tmp_path)


def test_files_belong_to_the_owner_of_the_folder_and_others_stay(result, tmp_path):
    """The run is privileged, as under sudo."""
    other = tmp_path / "other"
    other.write_text("")
    os.chown(tmp_path, 1234, 1234)
    folder = tmp_path / "made/new"
    main.prepare_output(folder)
    main.write(folder, copy.deepcopy(result))
    assert all(path.stat().st_uid == 1234 for path in (folder.parent, folder, *folder.iterdir()))
    assert other.stat().st_uid == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP], ids=lambda number: number.name)
def test_signal_keeps_completed_measurements(pytestconfig, tmp_path, testpmd, number):
    command = ("/usr/bin/python3", "-m", "bench.main", "--build-dir", pytestconfig.getoption("build_dir"),
               "--quick", "--only", "memif", "--output", tmp_path)
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        wait_until(lambda: list(tmp_path.glob("histograms/*")), "a round trip", RUN_SECONDS)
        process.send_signal(number)
        _, errors = process.communicate(timeout=RUN_SECONDS)
    assert process.returncode == 130 and "interrupted; completed measurements were written" in errors
    result = json.loads((tmp_path / "bench.json").read_text())
    assert result["complete"] is False


def test_unknown_name_is_a_usage_error(pytestconfig, tmp_path):
    done = run_bench(pytestconfig.getoption("build_dir"), "--only", "net_nil", "--output", tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert "--only net_nil" in done.stderr and "--list" in done.stderr


def test_invalid_number_of_pairs_is_a_usage_error(pytestconfig, tmp_path):
    done = run_bench(pytestconfig.getoption("build_dir"), "--pairs", "0", "--output", tmp_path)
    assert (done.returncode, done.stdout) == (2, "") and "'0' is not a number of pairs" in done.stderr


def test_cache_line_program_measures_or_says_why(pytestconfig, start):
    cpus = usable_cpus()
    program = str(pathlib.Path(pytestconfig.getoption("build_dir"), "bench/cache_line_round_trip"))
    assert cpu_mode.cache_line_round_trip(program, (cpus[0], cpus[-1])) > 0
    process = start(program, "0", "0", "20")
    assert process.wait(RUN_SECONDS) == 2 and "give two different CPUs" in process.stderr()


def test_commit_is_compared_under_the_same_conditions(pytestconfig, tmp_path, testpmd):
    """The other build is this build again."""
    build_dir = pytestconfig.getoption("build_dir")
    done = run_bench(build_dir, "--quick", "--pairs", "1", "--against", "0123abc", build_dir, "--only", "net_null",
                     "--output", tmp_path)
    assert done.returncode == 0, done.stderr + done.stdout
    found = json.loads((tmp_path / "bench.json").read_text())
    assert (found["against"], found["pairs"]) == ("0123abc", 1)
    assert [(ratio["ours"], ratio["peer"]) for ratio in found["comparisons"][0]["ratios"]] == [
        ("this", "0123abc"), ("this", "testpmd-macswap"), ("0123abc", "testpmd-macswap")]
    assert "(`this`) against 0123abc" in (tmp_path / "bench.md").read_text()


def test_unwritable_output_is_reported_before_anything_runs(pytestconfig, tmp_path):
    (tmp_path / "file").write_text("")
    done = run_bench(pytestconfig.getoption("build_dir"), "--output", tmp_path / "file/below")
    assert done.returncode == 1
    assert done.stderr.startswith("bench: error: --output ") and "Not a directory" in done.stderr


@pytest.mark.parametrize("options", [("--fast",), ("--only",), ("--output", "--quick"), ("--against",),
                                     ("--against", "no-such-commit")], ids=" ".join)
def test_invalid_option_is_a_usage_error(options):
    done = subprocess.run((ROOT / "scripts/bench", *options), capture_output=True, text=True, check=False, timeout=10)
    assert (done.returncode, done.stdout) == (2, "") and done.stderr


def test_script_has_help():
    done = subprocess.run((ROOT / "scripts/bench", "--help"), capture_output=True, text=True, check=False, timeout=10)
    assert done.returncode == 0 and "--quick" in done.stdout and "--only NAME" in done.stdout
