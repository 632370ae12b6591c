"""Byte-exact: the output for a capture equals that of a second, independent implementation of the wire rules."""

import pytest

import captures
from capture_echo import assert_follows_rules
from tests.harness.program_under_test import FAILURE, assert_fails
from wire_rules_model import DEFAULT_REASONS, REASONS

JUMBO_MTU = 9000


def test_ordinary_frames_return_swapped_and_otherwise_unchanged(echo_capture):
    frames = captures.ordinary_frames()
    totals = assert_follows_rules(echo_capture, frames)
    assert totals["echoed"] == len(frames)


def test_every_rule_refuses_the_frames_it_describes(echo_capture, own_mac):
    totals = assert_follows_rules(echo_capture, captures.all_kinds_of_frames(own_mac),
                                  own_macs=(own_mac,))
    assert tuple(totals["refused_by"]) == REASONS
    assert all(totals["refused_by"][reason] for reason in DEFAULT_REASONS), "no frame triggered some rule"


def test_raw_swaps_every_frame_with_a_header(echo_capture, own_mac):
    totals = assert_follows_rules(echo_capture, captures.all_kinds_of_frames(own_mac), "--raw", raw=True)
    assert totals["refused"] == totals["refused_by"]["runt"] == 13


def test_jumbo_frames_pass_with_a_jumbo_mtu(echo_capture):
    frames = captures.frames_of_length(60, 9013, 9014, 9015, 9018)
    frames += captures.tagged_frames_of_length(9018, 9022, 9026)
    totals = assert_follows_rules(echo_capture, frames, "--mtu", str(JUMBO_MTU), mtu=JUMBO_MTU)
    assert totals["refused_by"]["oversize"] == 2 + 3


def test_jumbo_frames_are_oversize_with_the_default_mtu(echo_capture):
    totals = assert_follows_rules(echo_capture, captures.frames_of_length(9014, 3000, 1514))
    assert totals["refused_by"]["oversize"] == 2


def test_jumbo_frames_in_several_segments_return_complete(echo_capture):
    frames = captures.frames_of_length(2048, 2049, 4100, 9014)
    totals = assert_follows_rules(echo_capture, frames, "--raw", "--mbuf-data-room", "2176", raw=True)
    assert totals["echoed"] == len(frames)


@pytest.mark.parametrize("raw", [False, True], ids=["rules", "raw"])
def test_every_garbage_frame_is_counted(echo_capture, raw):
    assert_follows_rules(echo_capture, captures.garbage(5000), *(["--raw"] if raw else []), raw=raw)


def test_one_queue_for_two_workers_is_reported(start_echo, tmp_path):
    captures.write_capture(tmp_path / "in.pcap", [bytes(frame) for frame in captures.ordinary_frames()])
    process = start_echo(f"net_pcap0,rx_pcap={tmp_path}/in.pcap,tx_pcap={tmp_path}/out.pcap")
    process.wait_for_line(r"^L2ECHO: (Port 0: )?Device supports max_rx_queues=1, limiting nb_rx_queues to that$")
    process.wait_for_line(r"L2ECHO: Core 2 entering main loop\.\.\. \(no queue, idle\)")
    process.wait_until_ready()
    process.wait_for_report(lambda report: report["elapsed_seconds"] > 0.9, "report after 0.9 s")
    assert process.cpu_seconds("rte-worker-2") < 0.1 < process.cpu_seconds("rte-worker-1")
    final = process.stop()
    assert [(worker["lcore"], len(worker["queue_pairs"])) for worker in final["workers"]] == [(1, 1), (2, 0)]
    assert final["workers"][1]["received"] == 0


def test_capture_without_macs_is_refused(start_echo, tmp_path):
    raw_ip = 101
    captures.write_capture(tmp_path / "in.pcap", [bytes(frame) for frame in captures.ordinary_frames()], raw_ip)
    assert_fails(start_echo(f"net_pcap0,rx_pcap={tmp_path}/in.pcap,tx_pcap={tmp_path}/out.pcap"), FAILURE, "in.pcap",
                 "no Ethernet frames", "link type RAW")
