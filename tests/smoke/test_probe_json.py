"""docs/probe-json.md has every key that l2_probe prints, and no other."""

import json
import pathlib
import re

import pytest

from tests.harness.program_under_test import NO_NIC, one_lcore, one_worker

DOCUMENT = pathlib.Path(__file__).resolve().parents[2] / "docs/probe-json.md"
DISTRIBUTIONS = ("send_delay_ns", "round_trip_ns", "self_loop_ns")
SHORT = ("--rate", "10kpps", "--trial", "50ms", "--drain", "100ms", "--format", "json")


def documented(title):
    """The keys of the table under a heading that begins so."""
    section = next(part for part in DOCUMENT.read_text(encoding="utf-8").split("\n## ") if part.startswith(title))
    keys = re.findall(r"^\| (`.*?) \|", section, re.MULTILINE)
    return {key for row in keys for key in re.findall(r"`([^`]+)`", row)}


def paths(value, path=""):
    """"rate.tx_full", "streams[].sent": the keys that end at a plain value, a distribution or an empty array."""
    if isinstance(value, dict) and path.rsplit(".", maxsplit=1)[-1] not in DISTRIBUTIONS:
        return {found for key, inner in value.items() for found in paths(inner, f"{path}.{key}".lstrip("."))}
    if isinstance(value, list):
        return {found for inner in value for found in paths(inner, f"{path}[]")} or {f"{path}[]"}
    return {path}


@pytest.fixture
def result(start_echo, start, l2_probe, tmp_path):
    """result(OPTIONS...) is the JSON of the probe at the other end of a memif."""
    wire = f"net_memif0,socket={tmp_path}/wire,socket-abstract=no"
    start_echo(f"{wire},role=server", "--link-wait", "0", "--tx-full", "retry=1000000",
               lcores=one_worker()).wait_until_ready()

    def run(*options):
        process = start(l2_probe, *NO_NIC, f"--vdev={wire},role=client", "--lcores", one_lcore(1), "--", *SHORT, *options)
        process.wait(60)
        return json.loads(process.stdout())

    return run


def test_keys_of_a_run_are_the_documented_ones(result):
    found = result("--count", "100", "--require-rate", "1Gpps")
    assert paths(found) == documented("All three") | documented("A run")
    assert set(found["round_trip_ns"]) == documented("A distribution")


def test_keys_of_a_search_are_the_documented_ones(result):
    found = result("--search", "pdr")
    keys = {re.sub(r"^(lower|upper)\..*", r"\1", path) for path in paths(found)}
    assert keys == documented("All three") | documented("A search")
    bounds = [found[name] for name in ("lower", "upper") if found[name]]
    assert bounds and all(set(bound) == set(found["trials"][0]) for bound in bounds)


def test_keys_of_a_sweep_are_the_documented_ones(result, tmp_path):
    found = result("--sweep", str(tmp_path / "sweep"), "--size", "64")
    goals = {"allowed_loss", "lower", "upper"}
    bound = {"frames_per_second", "bits_per_second_l1", "bits_per_second_l2", "loss_ratio", "sender_limited"}
    keys = {re.sub(r"^(sizes\[\]\.[pn]dr)\..*", r"\1", path) for path in paths(found)}
    assert keys | goals | bound == documented("All three") | documented("A sweep")
    for goal in (found["sizes"][0]["pdr"], found["sizes"][0]["ndr"]):
        assert set(goal) == goals and all(set(goal[name]) == bound for name in ("lower", "upper") if goal[name])
