"""JSON objects have the documented keys, so that programs can rely on them."""

import os
import pty
import re

import pytest

from tests.harness.program_under_test import NO_NIC, START_SECONDS, error_line, run_to_end, two_workers
from wire_rules_model import REASONS

COUNTS = {"received", "received_bytes", "echoed", "echoed_bytes", "answered", "refused", "refused_by", "dropped",
          "tx_retries", "checks_sent", "bursts"}
RATES = {"received_per_second", "received_bits_per_second_l1", "echoed_per_second", "echoed_bits_per_second_l1"}
LOST_BY_DEVICES = {"missed", "no_mbuf", "rx_errors", "tx_errors"}
REPORT = {"schema", "type", "elapsed_seconds", "interval_seconds", "totals", "workers", "ports", "hints"}
WORKER = COUNTS | RATES | {"lcore", "numa_node", "queue_pairs", "mean_burst", "cycles_per_frame", "busy_share"}
PORT = COUNTS | LOST_BY_DEVICES | {"port", "name", "driver", "mac", "numa_node", "promiscuous", "removed", "link",
                                   "session", "queues"}


@pytest.fixture
def reports(start_echo):
    process = start_echo("net_null0", "--raw", "--duration", "500ms", "--stats-interval", "200ms")
    run_to_end(process, 10)
    return process.reports()


def test_keys_are_the_documented_ones(reports):
    for report in reports:
        assert set(report) == REPORT
        assert set(report["totals"]) == COUNTS | RATES | LOST_BY_DEVICES
        assert all(set(worker) == WORKER for worker in report["workers"])
        assert all(set(port) == PORT for port in report["ports"])
        assert tuple(report["totals"]["refused_by"]) == REASONS


def test_document_has_every_key(config_folder):
    document = (config_folder.parent / "docs/report.md").read_text(encoding="utf-8")
    table = document[document.index("| where | keys |"):].split("\n\n")[0]
    named = set(re.findall(r"`([a-z0-9_]+)`", table))
    assert (REPORT | WORKER | PORT | COUNTS | RATES | LOST_BY_DEVICES) - {"schema"} <= named


def test_queue_pairs_links_and_queues_have_their_keys(reports):
    final = reports[-1]
    for index, worker in enumerate(final["workers"]):
        assert worker["queue_pairs"] == [{"port": 0, "queue": index}]
    port = final["ports"][0]
    assert {"up", "speed_mbps", "full_duplex", "changes"} <= set(port["link"])
    assert [(queue["queue"], queue["lcore"]) for queue in port["queues"]] == [(0, 1), (1, 2)]
    assert sum(queue["share"] for queue in port["queues"]) == pytest.approx(1.0)


def test_counts_are_integers_and_measures_are_plausible(reports):
    final = reports[-1]
    for counts in (final["totals"], *final["workers"]):
        assert all(isinstance(counts[name], int) for name in COUNTS - {"refused_by"})
    for worker in final["workers"]:
        assert 0 < worker["mean_burst"] < 33  # 32, but the counters of a running worker are not read atomically
        assert worker["cycles_per_frame"] > 0
        assert 0 < worker["busy_share"] <= 1


def test_full_disk_keeps_echoing_and_fails_at_the_end(start_echo):
    with open("/dev/full", "wb") as full:
        process = start_echo("net_null0", "--raw", "--duration", "1s", "--stats-interval", "100ms", stdout=full)
    assert process.wait(START_SECONDS) == 1
    assert "No space left" in error_line(process)
    assert process.stderr().count("warning: the report cannot be written") == 1


def test_closed_pipe_stops_it_in_order(start_echo):
    reader, writer = os.pipe()
    process = start_echo("net_null0", "--raw", "--stats-interval", "100ms", stdout=writer)
    os.close(writer)
    os.close(reader)
    assert process.wait(START_SECONDS) == 1
    assert "Broken pipe" in error_line(process)


def test_table_is_updated_live_only_on_a_terminal(start, l2_multi_echo):
    command = (l2_multi_echo, *NO_NIC, "--vdev=net_null0", "--lcores", two_workers(), "--", "--raw", "--duration",
               "2500ms")
    terminal, programs_end = pty.openpty()
    process = start(*command, stdout=programs_end)
    os.close(programs_end)
    process.end_cleanly(START_SECONDS)
    text = os.read(terminal, 65536).decode()
    os.close(terminal)
    assert text.count("received/s") == 4, "expected after 1 s, 2 s, 2.5 s, and at the end"
    process = start(*command)
    process.end_cleanly(START_SECONDS)
    assert process.stdout().count("received/s") == 1


def test_hint_is_given_if_nothing_arrives(start_echo):
    process = start_echo("net_null0,no-rx=1", "--stats-interval", "0")
    process.wait_for_line(r"^L2ECHO: hint: port 0: nothing arrived yet: link up, promiscuous o.*; send to MAC ")
    assert "hints" in process.stop()
