"""scripts/plot: plots of sweep and benchmark results."""

import copy
import json
import pathlib
import shutil
import subprocess

import pytest

from plotting import bench_plots, sweep_plots
from plotting.gnuplot import quoted
from plotting.round_trips import RoundTrips, plot_round_trips
from largest_file import largest_file
from whole_file import replace_text

PLOT = pathlib.Path(__file__).resolve().parents[2] / "scripts/plot"
HISTOGRAM = """       Value     Percentile TotalCount 1/(1-Percentile)

       2.007 0.000000000000          1           1.00
       2.007 0.999900000000       9999       10000.00
      90.000 1.000000000000      10000          inf
#[Mean    =        2.016, StdDeviation   =        0.880]
"""


def bound(size_bits, frames):
    return {"frames_per_second": frames, "bits_per_second_l1": size_bits * frames}


def sweep_size(name, bits, pdr, ndr, round_trips=()):
    return {"size": name, "pdr": {"lower": bound(bits, pdr) if pdr else None},
            "ndr": {"lower": bound(bits, ndr) if ndr else None}, "link_frames_per_second": 1e9 / bits,
            "round_trips": list(round_trips)}


@pytest.fixture
def sweep(tmp_path):
    """A result whose histogram is in tmp_path."""
    (tmp_path / "half.hgrm").write_text(HISTOGRAM)
    loads = [{"load": "no load", "frames_per_second": 100, "histogram": None},
             {"load": "50 % of PDR", "frames_per_second": 5e5, "histogram": "half.hgrm"}]
    return {"schema": "l2echo.sweep/1", "link_mbps": 1000, "started": "2026-01-02 03:04:05 UTC",
            "environment": {"version": "l2echo 0.1.0", "port": "net_pipe|0"},
            "sizes": [sweep_size("64", 672, 1e6, 0.8e6, loads), sweep_size("imix", 3054.4, None, None)]}


def test_throughput_has_a_row_for_each_size_and_the_link(sweep):
    rows = list(sweep_plots.throughput_rows(sweep))
    assert rows[0] == ['"64"', *map(pytest.approx, (0.672, 1.0, 0.5376, 0.8, 1.0, 1.488095))]
    assert rows[1] == ['"imix"', 0, 0, 0, 0, *map(pytest.approx, (1.0, 0.3273965))]


def test_throughput_axis_starts_at_zero_and_includes_the_link(sweep):
    script = sweep_plots.plot_throughput(sweep).script
    assert "set yrange [0:1.1]" in script
    assert "using 0:6:(0.45)" in script and "using 0:7:(0.45)" in script


@pytest.mark.parametrize("mbps", [None, 100_000])
def test_unknown_or_much_faster_link_is_not_shown(sweep, mbps):
    sweep["link_mbps"] = mbps
    for size in sweep["sizes"]:
        size["link_frames_per_second"] = mbps and size["link_frames_per_second"] * mbps / 1000
    script = sweep_plots.plot_throughput(sweep).script
    assert "set yrange [0:0.7392]" in script and "link limit" not in script


def test_single_goal_has_a_single_series(sweep):
    for size in sweep["sizes"]:
        del size["ndr"]
    script = sweep_plots.plot_throughput(sweep).script
    assert "NDR" not in script and "using 0:4:(0.45)" in script


def test_round_trips_have_a_line_for_each_load_with_frames(sweep, tmp_path):
    plot, = sweep_plots.round_trip_plots(tmp_path, sweep)
    assert plot.image == "round_trip_64.svg"
    assert "title '50 % of PDR (500 kframes/s)'" in plot.script and "no load" not in plot.script
    assert f"'{tmp_path}/half.hgrm' skip 2" in plot.script


def test_percentile_axis_ends_at_the_last_frame(tmp_path):
    (tmp_path / "a.hgrm").write_text(HISTOGRAM)
    script = plot_round_trips("name", ("title",), [RoundTrips("a", tmp_path / "a.hgrm")]).script
    assert "set xrange [1:10000]" in script
    assert "'99 %%' 100, '99.9 %%' 1000, '99.99 %%' 10000)" in script


def test_empty_sweep_has_no_plots(sweep, tmp_path):
    assert sweep_plots.plots(tmp_path, sweep | {"sizes": []}) == []


def test_quoted_text_stays_within_its_string():
    assert quoted("it's\n`date`") == "'it''s`date`'"


def benchmark():
    ratio = {"metric": "time", "mode": "fast", "ours": "a", "peer": "b", "median": 0.5, "lower_quartile": 0.4,
             "upper_quartile": 0.8}
    contenders = [{"key": key, "title": key, "medians": {}} for key in "ab"]
    return {"schema": "l2echo.bench/1", "comparisons": [
        {"group": "group", "key": "one", "title": "One", "contenders": contenders, "ratios": [ratio],
         "metrics": [{"key": "time", "title": "time", "more_is_better": False}]}]}


def test_bar_of_a_time_is_inverted():
    comparison, = benchmark()["comparisons"]
    assert bench_plots.bar(comparison, comparison["ratios"][0]) == ("One: a / b, time (fast)", 2.0, 1.25, 2.5)


@pytest.mark.skipif(not shutil.which("gnuplot"), reason="gnuplot is not installed")
def test_gnuplot_draws_every_plot(sweep, tmp_path):
    found = benchmark()
    workers = copy.deepcopy(found["comparisons"][0]) | {"group": "workers", "title": "it's _one_"}
    workers["contenders"][0] |= {"histogram": "half.hgrm",
                                 "medians": {"workers_1": {"median": 1e6}, "workers_2": {"median": 2e6}}}
    found["comparisons"].append(workers)
    for name, result in (("sweep.json", sweep), ("bench.json", found)):
        (tmp_path / name).write_text(json.dumps(result))
        (tmp_path / "sweep.md").write_text("# Sweep\n")
        done = subprocess.run((PLOT, tmp_path), capture_output=True, text=True, check=False, timeout=60)
        assert (done.returncode, done.stderr) == (0, "")
        images = [pathlib.Path(line) for line in done.stdout.splitlines()]
        assert images and all(image.read_text().rstrip().endswith("</svg>") for image in images)
        (tmp_path / name).unlink()
    assert {image.name for image in images} == {"group-ratios.svg", "workers-ratios.svg", "scaling.svg",
                                                "one-latency.svg"}


@pytest.mark.parametrize(("text", "words"), [
    (None, "has no sweep.json and no bench.json; name the folder of a sweep or a benchmark"),
    ("{", "the result is damaged"), ('{"schema": "other/1"}', "has the schema other/1")],
    ids=["none", "damaged", "other"])
def test_missing_result_is_a_one_line_error(tmp_path, text, words):
    if text:
        (tmp_path / "sweep.json").write_text(text)
    done = subprocess.run((PLOT, tmp_path), capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("plot: error: no plots: ") and words in done.stderr and done.stderr.count("\n") == 1


def test_file_is_unchanged_if_the_new_text_does_not_fit(tmp_path):
    path = tmp_path / "table.md"
    replace_text(path, "old")
    path.chmod(0o640)
    with pytest.raises(OSError, match="File too large"), largest_file(10):
        replace_text(path, "more than ten bytes")
    replace_text(path, path.read_text() + " new")
    assert (path.read_text(), path.stat().st_mode & 0o777) == ("old new", 0o640)
    assert list(tmp_path.iterdir()) == [path]


HALF = """sed -n "s/^set output '\\(.*\\)'/\\1/p" | while read -r image; do echo '<svg' > "$image"; done"""


@pytest.mark.parametrize("body", ["", HALF], ids=["nothing", "half"])
def test_image_is_unchanged_if_gnuplot_writes_only_a_part(sweep, tmp_path, monkeypatch, body):
    programs, folder = tmp_path / "programs", tmp_path / "sweep"
    programs.mkdir()
    folder.mkdir()
    (programs / "gnuplot").write_text(f"#!/bin/sh\n{body}\nexit 0\n")
    (programs / "gnuplot").chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:/usr/bin:/bin")
    (folder / "sweep.json").write_text(json.dumps(sweep | {"sizes": sweep["sizes"][1:]}))
    (folder / "throughput.svg").write_text("old")
    done = subprocess.run((PLOT, folder), capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stdout) == (1, "")
    assert "throughput.svg incomplete; is the disk full?" in done.stderr and done.stderr.count("\n") == 1
    assert (folder / "throughput.svg").read_text() == "old"
    assert sorted(path.name for path in folder.iterdir()) == ["sweep.json", "throughput.svg"]


def test_empty_folder_name_is_rejected(tmp_path):
    done = subprocess.run((PLOT, ""), capture_output=True, text=True, check=False, timeout=60, cwd=tmp_path)
    assert done.returncode == 2 and "the name is empty" in done.stderr
