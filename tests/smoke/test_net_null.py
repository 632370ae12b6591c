"""Without a wire: the driver delivers all-zero frames as fast as they are polled."""

import pytest

from tests.harness.program_under_test import NO_NIC, assert_balanced, run_to_end, two_workers, usable_cpus

DURATION, SLACK = "300ms", 10.0


def test_two_workers_echo_for_the_given_duration(start, l2_multi_echo):
    process = start(l2_multi_echo, "--no-huge", "-m", "256", "--no-pci", "--vdev=net_null0", "--lcores", two_workers(),
                    "--", "--raw", "--duration", "3", "--format", "json")
    final = run_to_end(process, 3 + SLACK)
    assert_balanced(final)
    assert [worker["lcore"] for worker in final["workers"]] == [1, 2]
    assert all(worker["echoed"] > 0 for worker in final["workers"])
    assert final["totals"]["refused"] == 0
    assert 2.9 <= final["elapsed_seconds"] <= 4.0
    assert len(process.reports()) - 1 in (2, 3)  # the last interval may end with the run
    assert {report["schema"] for report in process.reports()} == {"l2echo.report/1"}


def test_report_counts_increase_and_have_rates(start_echo):
    process = start_echo("net_null0", "--raw", "--duration", "1", "--stats-interval", "200ms")
    final = run_to_end(process, 1 + SLACK)
    received = [report["totals"]["received"] for report in process.reports()]
    assert len(received) >= 4 and received == sorted(received)
    rate = final["totals"]["received_per_second"]
    assert rate == pytest.approx(final["totals"]["received"] / final["elapsed_seconds"], rel=0.05)
    bits = (final["totals"]["received_bytes"] + 24 * final["totals"]["received"]) * 8
    assert final["totals"]["received_bits_per_second_l1"] == pytest.approx(bits / final["elapsed_seconds"], rel=0.05)


def test_all_zero_frames_have_a_bad_source(start_echo):
    final = run_to_end(start_echo("net_null0", "--duration", DURATION), SLACK)
    assert_balanced(final)
    assert final["totals"]["received"] > 0
    assert final["totals"]["refused_by"]["bad-source"] == final["totals"]["received"]


def test_single_lcore_is_the_worker(start, l2_multi_echo):
    lcore = usable_cpus()[0]
    process = start(l2_multi_echo, "-l", str(lcore), *NO_NIC, "--vdev=net_null0", "--", "--raw", "--duration", DURATION,
                    "--stats-interval", "50ms", "--format", "json")
    final = run_to_end(process, SLACK)
    assert_balanced(final)
    assert [worker["lcore"] for worker in final["workers"]] == [lcore]
    assert final["totals"]["echoed"] > 0
    assert len(process.reports()) >= 4


@pytest.mark.parametrize("options", [("--tx-full", "retry=3"), ("--burst", "1"), ("--burst", "512"),
                                     ("--mempool-cache", "0"), ("--rx-descriptors", "64", "--tx-descriptors", "64"),
                                     ("--promiscuous", "off"), ("--flow-control", "keep"), ("--mtu", "9000"),
                                     ("--rss", "none"), ("--rss", "ip,udp", "--rss-key", "6d" * 40)], ids=" ".join)
def test_expert_options_work(start_echo, options):
    final = run_to_end(start_echo("net_null0", "--raw", "--duration", "300ms", *options), SLACK)
    assert_balanced(final)
    assert all(worker["echoed"] > 0 for worker in final["workers"])


def test_interval_zero_prints_only_the_final_report(start_echo):
    process = start_echo("net_null0", "--raw", "--duration", DURATION, "--stats-interval", "0")
    run_to_end(process, SLACK)
    assert len(process.reports()) == 1


def test_two_ports_are_reported_separately(start, l2_multi_echo):
    process = start(l2_multi_echo, *NO_NIC, "--vdev=net_null0", "--vdev=net_null1", "--lcores", two_workers(), "--",
                    "--raw", "--duration", DURATION, "--format", "json")
    final = run_to_end(process, SLACK)
    assert_balanced(final)
    assert [port["name"] for port in final["ports"]] == ["net_null0", "net_null1"]
    assert all(port["echoed"] > 0 for port in final["ports"])


@pytest.mark.parametrize("named", ["1", "net_null1"])
def test_only_the_named_port_is_used(start, l2_multi_echo, named):
    process = start(l2_multi_echo, *NO_NIC, "--vdev=net_null0", "--vdev=net_null1", "--lcores", two_workers(), "--",
                    "--raw", "--duration", DURATION, "--format", "json", "--ports", named)
    final = run_to_end(process, SLACK)
    assert [port["name"] for port in final["ports"]] == ["net_null1"]


def test_table_is_the_default_format(start, l2_multi_echo):
    process = start(l2_multi_echo, *NO_NIC, "--vdev=net_null0", "--lcores", two_workers(), "--", "--raw",
                    "--duration", DURATION)
    assert process.wait(SLACK) == 0
    for word in ("received", "echoed", "refused", "dropped"):
        assert word in process.stdout().lower()


def test_burst_option_limits_each_poll(start_echo):
    final = run_to_end(start_echo("net_null0", "--raw", "--duration", "300ms", "--burst", "4"), SLACK)
    assert [worker["mean_burst"] for worker in final["workers"]] == pytest.approx([4, 4], abs=0.5)


def test_promiscuous_off_takes_effect(start_echo):
    final = run_to_end(start_echo("net_tap0", "--promiscuous", "off", "--duration", "300ms"), SLACK)
    assert final["ports"][0]["promiscuous"] is False
    final = run_to_end(start_echo("net_tap0", "--duration", "300ms"), SLACK)
    assert final["ports"][0]["promiscuous"] is True
