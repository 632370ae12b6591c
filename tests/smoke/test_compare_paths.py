"""scripts/compare-paths: its measurements are consistent, and its helper programs work."""

import json
import pathlib
import re
import signal
import socket
import subprocess

import pytest

from bench.compare.comparison_table import dropped_by_link, lost, markdown
from tests.harness.kernel_interfaces import ip, veth_pair
from tests.harness.kernel_peer import KernelPeer
from tests.harness.program_under_test import NO_NIC, START_SECONDS, usable_cpus, wait_until

ROOT = pathlib.Path(__file__).resolve().parents[2]
AF_XDP = 44
RUN_SECONDS = 240  # half a minute on an idle machine
PATHS = ["socket", "af_packet", "af_xdp", "memif"]


def run_script(*options):
    return subprocess.run((ROOT / "scripts/compare-paths", *options), capture_output=True, text=True, check=False,
                          timeout=10)


def kernel_has_af_xdp():
    try:
        socket.socket(AF_XDP, socket.SOCK_RAW).close()
    except OSError:
        return False
    return True


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGTERM])
def test_signal_ends_the_comparison_as_ctrl_c_does(pytestconfig, start, number):
    before = ip("link"), ip("netns")
    process = start("/usr/bin/python3", "-m", "bench.compare.compare_paths", "--build-dir",
                    pytestconfig.getoption("build_dir"), "--quick")
    wait_until(lambda: (ip("link"), ip("netns")) != before, "an interface or a namespace")
    process.send_signal(number)
    assert process.wait(START_SECONDS) == 130
    assert "interrupted" in process.stderr()
    wait_until(lambda: (ip("link"), ip("netns")) == before, "the end of its interfaces and namespaces")


@pytest.fixture(scope="module")
def quick(pytestconfig, tmp_path_factory):
    """The result of one quick comparison; checks its table, and that it leaves no interfaces or namespaces behind."""
    folder = tmp_path_factory.mktemp("comparison")
    before = ip("link"), ip("netns")
    done = subprocess.run(
        ("/usr/bin/python3", "-m", "bench.compare.compare_paths", "--build-dir",
         pytestconfig.getoption("build_dir"), "--quick", "--output", folder / "new"),
        capture_output=True, text=True, check=False, timeout=RUN_SECONDS)
    assert done.returncode == 0, done.stderr + done.stdout
    assert (ip("link"), ip("netns")) == before
    assert done.stdout.strip() == (folder / "new/comparison.md").read_text().strip()
    assert done.stderr == ""
    return json.loads((folder / "new/comparison.json").read_text())


def link_of(comparison, key):
    return next(link for link in comparison["links"] if link["key"] == key)


def measured(link):
    return [(group, run) for group in link["groups"] for run in group["runs"] if run["outcome"] == "measured"]


@pytest.mark.alone
@pytest.mark.long
def test_every_path_has_a_column_and_every_run_an_outcome(quick):
    assert quick["schema"] == "l2echo.comparison/1"
    assert [link["key"] for link in quick["links"]] == ["plain", "wire", "netem"]
    for link in quick["links"]:
        assert [group["rate"] for group in link["groups"]] == ["5kpps", "max"]
        for group in link["groups"]:
            assert [run["path"] for run in group["runs"]] == PATHS
    for key in ("plain", "wire"):
        paths = {run["path"] for _, run in measured(link_of(quick, key))}
        assert paths == set(PATHS) - (set() if kernel_has_af_xdp() else {"af_xdp"})


@pytest.mark.alone
@pytest.mark.long
@pytest.mark.parametrize("key", ["plain", "wire"])
def test_every_frame_is_accounted_for(quick, key):
    for group, run in measured(link_of(quick, key)):
        probe = run["probe"]
        assert probe["sent"] == group["frames"] == 2000
        assert probe["returned"] + probe["lost"] == probe["sent"]
        assert probe["round_trip_ns"]["count"] == probe["returned"] > 0
        assert (probe["corrupted"], probe["duplicated"], probe["foreign"], probe["late"]) == (0, 0, 0, 0)
        assert probe["rate"]["returned_per_second"] > 0


@pytest.mark.alone
@pytest.mark.long
def test_unimpaired_link_loses_nothing_at_a_moderate_rate(quick):
    for group, run in measured(link_of(quick, "plain")):
        if group["rate"] != "max":
            assert lost(run) == 0, run


@pytest.mark.alone
@pytest.mark.long
def test_probe_finds_exactly_what_the_wire_dropped(quick):
    for group, run in measured(link_of(quick, "wire")):
        there, back = run["wire"]["directions"]
        assert 70 * 0.3 < there["lost"] < 70 * 2  # 1 % of 7000
        assert there["received"] == there["lost"] + there["forwarded"]
        if group["rate"] != "max":
            assert lost(run) == dropped_by_link(run) == there["lost"] + back["lost"], run
            assert run["echo"]["received"] == there["forwarded"]
        else:
            assert lost(run) >= dropped_by_link(run)


@pytest.mark.alone
@pytest.mark.long
def test_wire_delays_both_directions(quick):
    for _, run in measured(link_of(quick, "wire")):
        assert run["probe"]["round_trip_ns"]["min"] >= 200_000
        assert all(direction["hold_time_ns"]["min"] >= 99_000 for direction in run["wire"]["directions"])


@pytest.mark.alone
@pytest.mark.long
def test_netem_is_measured_or_the_reason_is_given(quick):
    link = link_of(quick, "netem")
    for group in link["groups"]:
        *kernel, memif = group["runs"]
        assert memif["outcome"] == "not measured" and "this path bypasses" in memif["reason"]
        for run in kernel:
            if run["outcome"] == "measured":
                assert run["probe"]["round_trip_ns"]["min"] >= 200_000
                assert group["rate"] == "max" or lost(run) == dropped_by_link(run) > 0, run
            else:
                assert "kernel without sch_netem" in run["reason"] or not kernel_has_af_xdp()


@pytest.mark.alone
@pytest.mark.long
def test_table_has_a_row_for_each_measure_and_a_cell_for_each_path(quick):
    rows = [line for line in markdown(quick).splitlines() if line.startswith("|")]
    assert all(line.count("|") == 2 + 1 + len(PATHS) for line in rows)
    text = "\n".join(rows)
    for words in ("sent / returned", "dropped by wire", "duplicated / corrupted", "p50 / p99 / p99.9", "Gbit/s"):
        assert words in text
    assert text.count("(kernel bypass)") == 3  # only for memif, once per table


def test_unmeasured_path_shows_its_reason_instead_of_figures():
    runs = [{"path": "memif", "outcome": "not measured", "reason": "no wings"}]
    places = dict.fromkeys(("echo", "probe", "wire"), 0)
    machine = {"version": "", "kernel": "", "cpus": 2, "cpu": "", "load": 0, "places": places}
    link = {"key": "netem", "title": "", "groups": [{"frames": 1, "rate": "max", "runs": runs}]}
    table = markdown({"date": "", "command": "", "sizes": "", "warm_up_frames": 1, "machine": machine,
                      "columns": ["memif"], "links": [link]})
    assert "not measured: no wings" in table


@pytest.mark.parametrize("options", [(), ("ring",)], ids=["calls", "ring"])
def test_socket_echo_swaps_every_frame(start, pytestconfig, options):
    with veth_pair("sock0", "peer0"):
        program = pathlib.Path(pytestconfig.getoption("build_dir"), "bench/compare/socket_echo")
        process = start(program, "sock0", *options)
        process.wait_for_line("Ready: ")
        with KernelPeer("peer0") as peer:
            result = peer.exchange(5000, window=64)
        assert result.is_clean() and result.returned == 5000, result
        process.send_signal(2)
        process.end_cleanly(5)
        assert process.reports() == [{"received": 5000, "echoed": 5000, "dropped": 0, "missed": 0}]


def test_socket_echo_names_a_missing_interface(start, pytestconfig):
    process = start(pathlib.Path(pytestconfig.getoption("build_dir"), "bench/compare/socket_echo"), "nowhere0")
    assert process.wait(5) == 1
    assert process.stderr() == "socket_echo: error: nowhere0: No such device\n"


def test_wire_with_one_end_is_an_error(start, pytestconfig):
    process = start(pathlib.Path(pytestconfig.getoption("build_dir"), "bench/compare/impairing_wire"), *NO_NIC,
                    "--lcores", f"0@{usable_cpus()[0]}", "--vdev=net_null0")
    assert process.wait(20) == 1
    assert "impairing_wire: error: a wire has two ends; EAL found 1 ports" in process.stderr()


def test_script_has_help():
    done = run_script("--help")
    assert done.returncode == 0 and "--quick" in done.stdout and "--output FOLDER" in done.stdout


@pytest.mark.parametrize("options", [("--fast",), ("--output",)], ids=" ".join)
def test_invalid_option_is_a_usage_error(options):
    done = run_script(*options)
    assert done.returncode == 2 and done.stdout == "" and re.search("usage|needs a folder", done.stderr)


def test_unwritable_output_is_reported_before_anything_runs(pytestconfig, tmp_path):
    (tmp_path / "file").write_text("")
    done = subprocess.run(("/usr/bin/python3", "-m", "bench.compare.compare_paths", "--build-dir",
                           pytestconfig.getoption("build_dir"), "--output", tmp_path / "file/below"),
                          capture_output=True, text=True, check=False, timeout=10)
    assert done.returncode == 1
    assert done.stderr.startswith("compare-paths: error: --output ") and "Not a directory" in done.stderr
