"""l2_probe --sweep over a memif: the files in its folder."""

import json
import os
import pathlib
import shutil
import signal
import xml.etree.ElementTree

import pytest

from tests.harness.program_under_test import FAILURE, NO_NIC, USAGE, assert_fails, error_line, one_lcore

RUN_SECONDS = 120
SHORT = ("--trial", "50ms", "--drain", "50ms", "--rate", "20kpps", "--flows", "4")
GOALS = {"PDR": 0.005, "NDR": 0}
PLOT = str(pathlib.Path(__file__).resolve().parents[2] / "scripts/plot")
SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "not" / "yet"


def result_in(folder):
    return json.loads((folder / "sweep.json").read_text())


def rows_in(markdown, columns):
    """The cells of the table rows with this many columns, without headings."""
    rows = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in markdown.splitlines()
            if line.startswith("| ")]
    return [row for row in rows if len(row) == columns and row[0] != "size"]


def assert_tables_agree(markdown, result):
    rates, loads = rows_in(markdown, 7), rows_in(markdown, 12)
    assert [row[:2] for row in rates] == [[size["size"], goal] for size in result["sizes"] for goal in GOALS]
    for size in result["sizes"]:
        for goal in GOALS:
            row = next(row for row in rates if row[:2] == [size["size"], goal])
            lower, upper = (size[goal.lower()][bound] for bound in ("lower", "upper"))
            rate = lower["frames_per_second"] if lower else 0
            assert row[2] == f"{rate:.0f}"
            assert row[3:5] == [f"{rate * 8 * (size['frame_bytes'] + more) / 1e6:.1f}" for more in (20, 0)]
            assert row[5] == (f"{upper['frames_per_second']:.0f}" if upper else "-")
        for load in size["round_trips"]:
            row = next(row for row in loads if row[:2] == [size["size"], load["load"]])
            assert row[2:5] == [f"{load['frames_per_second']:.0f}", str(load["count"]), str(load["lost"])]
            values = [load[name] for name in load if name.endswith("_ns")]
            assert row[5:] == ["-" if value is None else f"{value / 1000:.1f}" for value in values]


def assert_search_is_sound(size):
    """Every bound is a trial, and the bounds separate trials that pass from those that fail."""
    for goal, allowed in GOALS.items():
        lower, upper = (size[goal.lower()][bound] for bound in ("lower", "upper"))
        rates = [trial["frames_per_second"] for trial in size["trials"]]
        assert all(bound["frames_per_second"] in rates for bound in (lower, upper) if bound)
        assert lower is None or lower["loss_ratio"] <= allowed
        assert upper is None or upper["loss_ratio"] > allowed
        assert lower is None or upper is None or lower["frames_per_second"] < upper["frames_per_second"]


def test_every_size_is_measured_and_all_reports_agree(echo, start_probe, folder):
    process = start_probe("--sweep", str(folder), "--size", "64,1518,imix", *SHORT)
    process.end_cleanly(RUN_SECONDS)
    result = result_in(folder)
    assert (result["schema"], result["complete"]) == ("l2echo.sweep/1", True)
    assert f"--sweep {folder}" in result["command"]
    assert [(size["size"], round(size["frame_bytes"], 1)) for size in result["sizes"]] == [
        ("64", 64), ("1518", 1518), ("imix", 361.8)]
    for size in result["sizes"]:
        assert size["trials"][0]["frames_per_second"] == 20000
        assert_search_is_sound(size)
        if size["pdr"]["lower"]:
            assert [load["load"] for load in size["round_trips"]] == ["no load", "10 % of PDR", "50 % of PDR",
                                                                      "90 % of PDR"]
            assert [load["share"] for load in size["round_trips"]] == [0, 0.1, 0.5, 0.9]
            assert size["round_trips"][3]["frames_per_second"] == pytest.approx(
                0.9 * size["pdr"]["lower"]["frames_per_second"])
    assert_tables_agree((folder / "sweep.md").read_text(), result)
    assert (folder / "sweep.md").read_text().startswith(process.stdout())
    assert "\r" not in process.stderr()


@pytest.mark.skipif(not shutil.which("gnuplot"), reason="gnuplot is not installed")
def test_plots_are_drawn_and_can_be_redrawn(echo, start_probe, folder, start):
    start_probe("--sweep", str(folder), "--size", "64", *SHORT).end_cleanly(RUN_SECONDS)
    images = sorted(path.name for path in folder.glob("*.svg"))
    returned = sum(load["count"] for load in result_in(folder)["sizes"][0]["round_trips"])
    assert images == (["round_trip_64.svg"] if returned else []) + ["throughput.svg"]
    for name in images:
        assert f"![{name}]({name})" in (folder / "sweep.md").read_text()
        root = xml.etree.ElementTree.parse(folder / name).getroot()
        assert root.tag == SVG + "svg"
        words = "".join(root.itertext())
        assert "l2echo" in words and "net_memif" in words, words
        assert ("90 % of PDR" if "round" in name else "Gbit/s") in words
        (folder / name).unlink()
    tables = (folder / "sweep.md").read_text()
    again = start(PLOT, str(folder))
    again.end_cleanly(RUN_SECONDS)
    assert sorted(path.name for path in folder.glob("*.svg")) == images
    assert sorted(again.stdout().split()) == [str(folder / name) for name in images]
    assert (folder / "sweep.md").read_text() == tables


@pytest.mark.parametrize("body, words", [
    (None, f"gnuplot is not installed; type: sudo apt-get install gnuplot-nox && {PLOT} "),
    ("#!/bin/sh\necho no pen >&2; exit 3\n", "gnuplot failed with status 3: no pen"),
], ids=["missing", "broken"])
def test_without_gnuplot_everything_else_is_written(echo, start_probe, folder, tmp_path, body, words):
    programs = tmp_path / "programs"
    programs.mkdir()
    if body:
        (programs / "gnuplot").write_text(body)
        (programs / "gnuplot").chmod(0o755)
    process = start_probe("--sweep", str(folder), "--size", "64", *SHORT, before=("env", f"PATH={programs}"))
    process.end_cleanly(RUN_SECONDS)
    assert [line for line in process.stderr().splitlines() if "no plots" in line and words in line], process.stderr()
    assert_measured_without_plots(folder)


def assert_measured_without_plots(folder):
    result = result_in(folder)
    assert result["complete"] is True
    for load in result["sizes"][0]["round_trips"]:
        assert (load["histogram"] is None) == (load["count"] == 0)
        assert load["histogram"] is None or (folder / load["histogram"]).exists()
    assert "![" not in (folder / "sweep.md").read_text()


def test_without_the_script_a_message_says_how_to_plot(echo, start, wire, l2_probe, folder, tmp_path):
    program = shutil.copy(l2_probe, tmp_path)
    process = start(program, *NO_NIC, f"--vdev=net_memif0,role=client,{wire}", "--lcores", one_lcore(1), "--",
                    "--sweep", str(folder), "--size", "64", *SHORT)
    process.end_cleanly(RUN_SECONDS)
    assert f"no plots: the script that draws them is not beside this program; type in the source tree of l2echo: " \
        f"scripts/plot '{folder}'" in process.stderr()
    assert_measured_without_plots(folder)


def test_single_goal_is_searched_if_named(echo, start_probe, folder):
    process = start_probe("--sweep", str(folder), "--size", "64", "--search", "ndr", "--format", "json", *SHORT)
    process.end_cleanly(RUN_SECONDS)
    assert json.loads(process.stdout()) == result_in(folder)
    size = result_in(folder)["sizes"][0]
    assert "ndr" in size and "pdr" not in size
    assert all("PDR" not in load["load"] for load in size["round_trips"])


def test_sigint_keeps_the_sizes_so_far(echo, start_probe, folder):
    process = start_probe("--sweep", str(folder), "--size", "64,128", "--format", "json", "--trial", "300ms", "--drain",
                          "50ms", "--rate", "1kpps")
    process.wait_for_line(r"L2ECHO: Size 128 \(2 of 2\)", RUN_SECONDS)
    assert result_in(folder)["complete"] is False  # written after every size
    process.send_signal(signal.SIGINT)
    assert process.wait(RUN_SECONDS) == FAILURE
    assert "the sweep is not complete" in error_line(process)
    result = json.loads(process.stdout())
    assert result == result_in(folder)
    assert result["complete"] is False
    assert [size["size"] for size in result["sizes"]] == ["64"]
    assert "1 of 2 sizes were measured" in (folder / "sweep.md").read_text()


def assert_nothing_was_measured(process):
    assert "L2ECHO: Size " not in process.stderr() and "Trial" not in process.stderr()


def test_unwritable_folder_is_reported_before_start_up(start_probe, tmp_path):
    (tmp_path / "file").write_text("")
    for folder in (tmp_path / "file", tmp_path / "file" / "below", pathlib.Path("/proc/self")):
        process = start_probe("--sweep", str(folder), device="net_null0")
        assert_fails(process, FAILURE, f"--sweep: {folder}", "name a folder that can be written to")
        assert_nothing_was_measured(process)


def test_earlier_results_are_kept(start_probe, tmp_path):
    (tmp_path / "sweep.json").write_text("{}")
    process = start_probe("--sweep", str(tmp_path), device="net_null0")
    assert_fails(process, FAILURE, "sweep.json is the result of another sweep", "name another folder")
    assert (tmp_path / "sweep.json").read_text() == "{}"


@pytest.mark.parametrize("options, words", [
    (("--size", "64,9018"), ("--size 9018", "--mtu 9000")),
    (("--size", "64,imix", "--network", "ipv6"), ("--size 64", "at least 84 bytes")),
    (("--duration", "3s"), ("--duration is about a single run", "--sweep")),
], ids=lambda value: " ".join(value))
def test_impossible_sweep_is_a_usage_error_before_start_up(start_probe, folder, options, words):
    process = start_probe("--sweep", str(folder), *options, device="net_null0")
    assert_fails(process, USAGE, *words)
    assert_nothing_was_measured(process)
    assert not os.path.exists(folder)
