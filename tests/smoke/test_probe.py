"""l2_probe at one end of a memif, l2_multi_echo or testpmd at the other: without the kernel in between."""

import json
import os
import pathlib
import re
import signal
import time

import pytest

from tests.harness.kernel_interfaces import ip
from tests.harness.program_under_test import (FAILURE, NO_NIC, PATIENT, STOP_SECONDS, USAGE, assert_balanced,
                                              assert_fails, error_line, one_lcore, two_workers, usable_cpus, wait_until)

RUN_SECONDS = 60
TAP = "dtap0"


def result_of(process):
    process.end_cleanly(RUN_SECONDS)
    return json.loads(process.stdout())


def incomplete_result_of(process, why):
    """An incomplete result is still printed."""
    assert process.wait(RUN_SECONDS) == FAILURE
    assert "is not complete" in error_line(process) and why in error_line(process)
    result = json.loads(process.stdout())
    assert result["complete"] is False
    return result


def assert_clean(result, frames):
    assert (result["sent"], result["returned"]) == (frames, frames)
    assert all(result[name] == 0 for name in ("lost", "duplicated", "reordered", "corrupted", "foreign", "late"))
    assert result["round_trip_ns"]["count"] == frames


@pytest.mark.alone
def test_million_frames_return_and_both_ends_agree(echo, start_probe):
    result = result_of(start_probe("--count", "1000000", "--rate", "200kpps", "--flows", "16", "--format", "json"))
    assert_clean(result, 1_000_000)
    assert 4 <= result["loop_checks"] <= result["seconds"] + 2  # the far end sends a check once per second
    assert sum(stream["returned"] for stream in result["streams"]) == 1_000_000
    final = echo.stop()
    assert_balanced(final)
    assert (final["totals"]["received"], final["totals"]["echoed"]) == (1_000_000, 1_000_000)
    assert final["totals"]["received_bytes"] == result["sent_bytes"]


@pytest.mark.parametrize("options", [("--network", "ipv6", "--size", "84,1518"), ("--network", "none", "--size", "64"),
                                     ("--vlan", "7", "--size", "72"), ("--vlan", "100,7", "--size", "512-1024"),
                                     ("--size", "imix")], ids=" ".join)
def test_every_kind_of_frame_returns(echo, start_probe, options):
    result = result_of(start_probe("--count", "20000", "--rate", "50kpps", "--flows", "8", "--format", "json",
                                   *options))
    assert_clean(result, 20000)


@pytest.mark.parametrize("lcores", [2, 3])
def test_sender_and_checker_on_separate_lcores(echo, start_probe, lcores):
    places = ",".join(f"{lcore}@{usable_cpus()[lcore % len(usable_cpus())]}" for lcore in range(lcores))
    result = result_of(start_probe("--count", "20000", "--rate", "20kpps", "--drain", "10s", "--format", "json",
                                   lcores=places))
    assert_clean(result, 20000)


def test_testpmd_as_far_end_loses_nothing(start, testpmd, start_probe, wire):
    far_end = start("stdbuf", "--output=L", testpmd, *NO_NIC, "--lcores", f"{one_lcore(0)},1@{usable_cpus()[0]}",
                    f"--vdev=net_memif0,role=server,{wire}", "--", "--forward-mode=macswap", "--port-topology=loop",
                    "--total-num-mbufs=16384", "--stats-period=1", "--no-lsc-interrupt", "--disable-link-check")
    far_end.wait_for(lambda: "Press enter" in far_end.stdout() or "statistics" in far_end.stdout(), "forwarding")
    # Slow enough for testpmd's ring to absorb a stall of a second: testpmd drops frames that its TX queue rejects.
    result = result_of(start_probe("--count", "5000", "--rate", "1kpps", "--format", "json"))
    assert_clean(result, 5000)


def test_rate_and_open_loop_are_reported(echo, start_probe):
    result = result_of(start_probe("--duration", "1s", "--rate", "10kpps", "--format", "json"))
    assert result["open_loop"] is True
    assert result["rate"]["requested_per_second"] == 10000
    assert 5000 < result["sent"] <= 10001  # frames that were due during a final stall remain unsent
    assert result["rate"]["send_delay_ns"]["count"] == result["sent"]
    assert 5000 < result["rate"]["returned_per_second"] < 10100
    layer1_bits = 8 * (64 + 20)
    assert result["rate"]["returned_bits_per_second_l1"] == pytest.approx(
        result["rate"]["returned_per_second"] * layer1_bits)
    assert result["self_loop_ns"]["count"] > 0


def test_warm_up_is_sent_first_and_not_counted(echo, start_probe):
    result = result_of(start_probe("--count", "1000", "--warm-up", "300", "--rate", "10kpps", "--format", "json"))
    assert_clean(result, 1000)
    assert result["warm_up"] == {"sent": 300, "lost": 0}
    assert echo.stop()["totals"]["received"] == 1300


def test_text_result_is_all_that_a_pipe_gets(echo, start_probe):
    process = start_probe("--count", "1000", "--rate", "10kpps")
    process.end_cleanly(RUN_SECONDS)
    assert re.search(r"^sent 1000 frames in .*\nreturned 1000, lost 0, ", process.stdout())
    assert "\r" not in process.stderr()


def test_histogram_file_is_an_hdr_percentile_file(echo, start_probe, tmp_path):
    path = tmp_path / "round_trips.txt"
    start_probe("--count", "1000", "--rate", "10kpps", "--histogram", str(path)).end_cleanly(RUN_SECONDS)
    lines = path.read_text().splitlines()
    assert lines[0].split() == ["Value", "Percentile", "TotalCount", "1/(1-Percentile)"]
    rows = [[float(word) for word in line.split()] for line in lines[2:] if not line.startswith("#")]
    assert rows == sorted(rows) and rows[-1][1:3] == [1.0, 1000.0]


def test_gates_determine_the_exit_status(echo, start_probe):
    start_probe("--count", "1000", "--rate", "10kpps", "--require-loss", "0", "--require-rate",
                "1kpps").end_cleanly(RUN_SECONDS)
    process = start_probe("--count", "1000", "--rate", "10kpps", "--require-rate", "1Mpps", "--require-p99", "1us")
    assert process.wait(RUN_SECONDS) == 1
    line = error_line(process)
    assert "--require-rate asks for 1.00 Mframes/s" in line and "--require-p99 allows 1.0 us" in line


def test_silent_far_end_loses_everything(start_probe):
    process = start_probe("--count", "1000", "--rate", "100kpps", "--drain", "100ms", "--format", "json",
                          device="net_null0,no-rx=1")
    result = result_of(process)
    assert (result["sent"], result["lost"], result["returned"]) == (1000, 1000, 0)


def test_garbage_is_foreign(start_probe):
    result = result_of(start_probe("--duration", "200ms", "--rate", "1kpps", "--drain", "100ms", "--format", "json",
                                   device="net_null0"))
    assert result["foreign"] > 0
    assert (result["returned"], result["corrupted"]) == (0, 0)


def test_unswapped_frames_are_corrupted(start_probe):
    result = result_of(start_probe("--count", "100", "--rate", "1kpps", "--format", "json", device="net_ring0"))
    assert (result["corrupted"], result["lost"], result["returned"]) == (100, 0, 100)
    assert result["round_trip_ns"]["count"] == 0


@pytest.mark.parametrize("gate, words", [
    (("--require-loss", "0"), "100 of 100 frames did not come back intact .*corrupted 100"),
    (("--require-loss", "99"), "--require-loss allows 99"),
    (("--require-p99", "1s"), "no frame came back intact"),
], ids=lambda value: " ".join(value) if isinstance(value, tuple) else "")
def test_corrupted_frames_fail_every_gate(start_probe, gate, words):
    process = start_probe("--count", "100", "--rate", "1kpps", *gate, device="net_ring0")
    assert process.wait(RUN_SECONDS) == FAILURE
    assert re.search(words, error_line(process))


@pytest.mark.parametrize("gate", [(), ("--require-rate", "900pps"), ("--require-loss", "0")], ids=" ".join)
def test_link_that_stays_down_makes_a_run_incomplete(start_probe, gate):
    process = start_probe("--duration", "2s", "--rate", "1kpps", "--drain", "1ms", "--format", "json", *gate,
                          device="net_tap0")
    process.wait_for(lambda: pathlib.Path(f"/sys/class/net/{TAP}").exists(), TAP)
    process.wait_for_line("L2ECHO: Probing: ")
    time.sleep(0.5)
    ip("link", "set", TAP, "down")
    result = incomplete_result_of(process, "the link was down at the end")
    assert result["ended"] == "link-down"
    assert result["seconds"] == pytest.approx(2, abs=0.2)  # the rate covers the whole run
    assert result["rate"]["sent_per_second"] < 700
    if "--require-rate" in gate:
        assert "--require-rate" in result["failed_gates"][0]


@pytest.mark.parametrize("options, words", [
    (("--count", "0"), ("--count", "from 1")),
    (("--duration", "0"), ("--duration: 0 sends no frame",)),
    (("--search", "ndr", "--trial", "0"), ("--trial: 0 sends no frame",)),
], ids=lambda value: " ".join(value))
def test_run_without_frames_is_a_usage_error(start_probe, options, words):
    assert_fails(start_probe(*options, device="net_null0"), USAGE, *words)


def test_sigint_prints_the_results_so_far(echo, start_probe):
    process = start_probe("--duration", "10min", "--rate", "10kpps", "--format", "json")
    process.wait_for_line("L2ECHO: Probing: ")
    echo.wait_until_received(1000)
    process.send_signal(signal.SIGINT)
    result = incomplete_result_of(process, "a signal ended the run")
    assert result["ended"] == "signal"
    assert result["sent"] >= 1000 and result["lost"] == 0


@pytest.mark.parametrize("options, words", [
    (("--size", "60"), ("--size 60", "at least 64 bytes")),
    (("--network", "ipv6", "--size", "64"), ("at least 84 bytes",)),
    (("--size", "9018"), ("--size 9018", "--mtu 9000")),
    (("--rate", "fast"), ("--rate", "1.5Mpps")),
    (("--flows", "0"), ("--flows",)),
], ids=lambda value: " ".join(value))
def test_impossible_traffic_is_a_usage_error(start_probe, options, words):
    assert_fails(start_probe(*options, device="net_null0"), USAGE, *words)


def test_missing_far_end_says_what_to_start(start_probe):
    assert_fails(start_probe("--count", "1"), FAILURE, "start the server")


def test_far_end_that_never_connects_is_reported(start_probe, wire):
    process = start_probe("--duration", "200ms", "--rate", "1kpps", "--link-wait", "300ms", "--format", "json",
                          device=f"net_memif0,role=server,{wire}")
    assert_fails(process, FAILURE, "took no frame", "link down")


def test_far_end_that_stops_midway_loses_the_rest(echo, start_probe):
    process = start_probe("--duration", "3s", "--rate", "2kpps", "--drain", "200ms", "--format", "json")
    echo.wait_until_received(1000)
    echo.send_signal(signal.SIGSTOP)  # it is still connected, but returns nothing
    result = incomplete_result_of(process, "the TX queue took nothing in the last second")
    assert 0 < result["lost"] < result["sent"]
    assert result["lost"] + result["returned"] == result["sent"]
    assert (result["corrupted"], result["duplicated"]) == (0, 0)
    echo.send_signal(signal.SIGCONT)


@pytest.mark.parametrize("idle", ["pause", "sleep"])
def test_far_end_in_an_idle_mode_loses_nothing(start_echo, start_probe, wire, idle):
    start_echo(f"net_memif0,role=server,{wire}", *PATIENT, "--idle", idle, lcores=one_lcore(0)).wait_until_ready()
    assert_clean(result_of(start_probe("--count", "2000", "--rate", "2kpps", "--format", "json")), 2000)


def test_full_tx_queue_is_retried_and_then_drops(start_echo, start_probe, wire):
    echo = start_echo(f"net_memif0,role=server,{wire}", "--link-wait", "0", "--tx-full", "retry=3",
                      lcores=one_lcore(0)).wait_until_ready()
    process = start_probe("--duration", "10s", "--rate", "max")
    echo.wait_until_received(10000)
    process.send_signal(signal.SIGSTOP)  # frames already sent are still echoed, into a ring that nobody empties
    report = echo.wait_for_report(lambda report: report["totals"]["dropped"] > 0, "report of dropped frames")
    assert report["totals"]["tx_retries"] >= 3
    assert_balanced(echo.stop())
    process.send_signal(signal.SIGKILL)


@pytest.mark.parametrize("kind, allowed", [("ndr", 0), ("pdr", 0.005)])
def test_search_reports_both_bounds_and_every_trial(echo, start_probe, kind, allowed):
    result = result_of(start_probe("--search", kind, "--trial", "100ms", "--rate", "2Mpps", "--format", "json"))
    assert (result["schema"], result["search"], result["allowed_loss"]) == ("l2echo.search/1", kind, allowed)
    assert result["trials"][0]["frames_per_second"] == 2e6
    passed = [trial for trial in result["trials"] if trial["loss_ratio"] <= allowed]
    failed = [trial for trial in result["trials"] if trial["loss_ratio"] > allowed]
    if failed:
        assert result["upper"] == min(failed, key=lambda trial: trial["frames_per_second"])
    if result["lower"]:
        assert result["lower"] in passed
        assert [loaded["share"] for loaded in result["round_trips"]] == [0.1, 0.5, 0.9]
        assert all(loaded["count"] > 0 for loaded in result["round_trips"])


@pytest.mark.alone
def test_search_below_capacity_passes_immediately(echo, start_probe):
    result = result_of(start_probe("--search", "pdr", "--trial", "200ms", "--rate", "2kpps", "--format", "json"))
    assert result["upper"] is None
    assert result["lower"]["frames_per_second"] == 2000
    assert len(result["trials"]) == 1


def test_trial_interrupted_by_sigint_does_not_count(echo, start_probe):
    process = start_probe("--search", "ndr", "--trial", "10min", "--rate", "1kpps", "--format", "json")
    process.wait_for_line("L2ECHO: Probing: ")
    # The preceding warm-up is sent at full speed.
    echo.wait_for_report(lambda report: 0 < report["totals"]["received_per_second"] < 1500, "report of the trial")
    process.send_signal(signal.SIGINT)
    result = incomplete_result_of(process, "a signal ended the run")
    assert (result["trials"], result["lower"], result["upper"]) == ([], None, None)


# The link of net_null has 10 Gbit/s; a frame of 64 bytes takes 84 bytes on the wire.
@pytest.mark.parametrize("rate, frames_per_second", [("1kpps", 1000), ("672kbps", 1000), ("0.01%", 1e6 / 672)])
def test_frames_leave_at_the_requested_rate(start_probe, rate, frames_per_second):
    frames = int(2 * frames_per_second)
    result = result_of(start_probe("--count", str(frames), "--rate", rate, "--drain", "1ms", "--format", "json",
                                   device="net_null0,no-rx=1"))
    assert result["sent"] == frames
    # n frames take n intervals; the last frame may be late by at most the reported delay.
    planned = frames / frames_per_second
    late = result["rate"]["send_delay_ns"]["max"] * 1e-9
    assert planned - 1e-6 <= result["seconds"] <= planned + late + 1e-6
    assert result["rate"]["sent_per_second"] <= frames_per_second * (1 + 1e-6)


def test_bit_rate_holds_for_a_mix_of_sizes(start_probe):
    result = result_of(start_probe("--count", "1200", "--rate", "2Mbps", "--size", "imix", "--drain", "1ms", "--format",
                                   "json", device="net_null0,no-rx=1"))
    bits = 8 * (result["sent_bytes"] + 24 * result["sent"])  # FCS, preamble and gap
    planned, late = bits / 2e6, result["rate"]["send_delay_ns"]["max"] * 1e-9
    assert planned - 1e-6 <= result["seconds"] <= planned + late + 1e-6


@pytest.mark.parametrize("options, sizes, smallest, sent_bytes", [
    (("--vlan", "100"), "68", 68, 12 * 64), (("--network", "ipv6", "--vlan", "100,7"), "92", 92, 12 * 88),
    (("--network", "ipv6", "--size", "imix"), "imix", 84, 7 * 80 + 4 * 590 + 1514)], ids=str)
def test_default_size_grows_with_the_headers(start_probe, options, sizes, smallest, sent_bytes):
    process = start_probe("--count", "12", "--rate", "10kpps", "--drain", "1ms", "--format", "json", *options,
                          device="net_null0,no-rx=1")
    result = result_of(process)
    assert (result["sizes"], result["smallest_size"], result["sent_bytes"]) == (sizes, smallest, sent_bytes)
    assert f"smallest frames have {smallest} bytes" in process.stderr()


def test_two_queue_pairs_share_streams_and_rate(start_echo, start_probe, wire):
    start_echo(f"net_memif0,role=server,{wire}", *PATIENT).wait_until_ready()
    # Two queues at both ends; the far end must not be asked for more: this driver may crash when its peer leaves.
    result = result_of(start_probe("--queues", "2", "--flows", "5", "--count", "20000", "--rate", "10kpps", "--drain",
                                   "10s", "--format", "json", lcores=two_workers()))
    assert_clean(result, 20000)
    first, second = result["queue_pairs"]
    assert (first["sent"], second["sent"]) == (12000, 8000)  # three streams and two
    assert first["returned"] + second["returned"] == 20000
    assert first["returned"] > 0 and second["returned"] > 0
    assert [(pair["sender_lcore"], pair["checker_lcore"]) for pair in (first, second)] == [(1, 1), (2, 2)]
    assert all(stream["returned"] == 4000 for stream in result["streams"])


@pytest.mark.parametrize("options, words", [(("--queues", "2"), ("--queues 2", "-l 0-2")),
                                            (("--queues", "0"), ("--queues",))], ids=" ".join)
def test_queues_without_lcores_are_a_usage_error(start_probe, options, words):
    assert_fails(start_probe(*options, device="net_null0"), USAGE, *words)


def test_progress_is_shown_on_a_terminal(start_probe):
    ours, its = os.openpty()
    try:
        os.set_blocking(ours, False)
        process = start_probe("--duration", "1500ms", "--rate", "1kpps", "--drain", "1ms", device="net_null0,no-rx=1",
                              stderr=its)
        seen = read_terminal_until_end(process, ours)
    finally:
        os.close(ours)
        os.close(its)
    lines = re.findall(r"\r\d+ s, about \d+ s left: sent (\d+) \(([^)]*)\), returned 0, corrupted 0", seen)
    assert len(lines) >= 2, seen
    assert int(lines[0][0]) < int(lines[-1][0]) <= 1500
    assert all(rate.endswith("frames/s") for _, rate in lines)
    assert process.stdout().startswith("sent ") and "\r" not in process.stdout()


def test_report_signal_prints_the_progress_and_the_run_continues(start_probe):
    process = start_probe("--duration", "60s", "--rate", "1kpps", "--drain", "1ms", device="net_null0,no-rx=1")
    process.wait_for_line("Probing")
    process.send_signal(signal.SIGUSR1)
    process.wait_for_line(r"^\d+ s, about \d+ s left: sent \d+ \(.*frames/s\), returned 0, corrupted 0$")
    assert process.is_running()
    process.send_signal(signal.SIGINT)
    assert process.wait(STOP_SECONDS) == FAILURE
    assert process.stdout().startswith("sent ")


def read_terminal_until_end(process, terminal):
    seen = b""

    def read_on():
        nonlocal seen
        running = process.is_running()
        try:
            seen += os.read(terminal, 65536)
        except BlockingIOError:
            return not running
        return False

    wait_until(read_on, "end of the probe")
    process.end_cleanly(RUN_SECONDS)
    return seen.decode()
