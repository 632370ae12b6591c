"""l2_probe for monitoring: runs at an interval with their sums over HTTP, and one run as metrics."""

import json
import shutil
import signal
import subprocess

import pytest

from tests.harness.program_under_test import FAILURE, USAGE, assert_fails, error_line, wait_until
from test_metrics import OPEN_METRICS, Endpoint, parse

SECONDS = 30
RUN = ("--count", "200", "--rate", "100kpps", "--drain", "200ms")


@pytest.fixture
def monitor(echo, start_probe):
    """monitor(OPTIONS...) returns a probe that runs at an interval, and its endpoint."""
    del echo  # it is running

    def begin(*options, **settings):
        process = start_probe(*RUN, "--interval", "300ms", "--metrics", "127.0.0.1:0", "--format", "json", *options,
                              **settings)
        return process, Endpoint(process)

    return begin


def wait_for_runs(endpoint, count):
    wait_until(lambda: endpoint.metrics().get("l2probe_runs_total", 0) >= count, f"{count} runs", SECONDS)
    return endpoint.metrics()


def test_runs_add_up_until_it_is_stopped(monitor):
    process, endpoint = monitor()
    samples = wait_for_runs(endpoint, 3)
    runs = samples["l2probe_runs_total"]
    assert samples["l2probe_sent_frames_total"] == 200 * runs
    assert samples["l2probe_returned_frames_total"] == 200 * runs
    assert samples["l2probe_lost_frames_total"] == samples["l2probe_corrupted_frames_total"] == 0
    assert samples["l2probe_round_trip_seconds_count"] == 200 * runs
    assert samples['l2probe_round_trip_seconds_bucket{le="+Inf"}'] == 200 * runs
    assert 0 < samples["l2probe_round_trip_seconds_sum"] < 200 * runs
    assert samples["l2probe_failed_runs_total"] == 0 and samples["l2echo_ready"] == 1
    process.send_signal(signal.SIGTERM)
    process.end_cleanly(SECONDS)
    results = [json.loads(line) for line in process.stdout().splitlines()]
    assert len(results) >= runs
    assert sum(result["returned"] for result in results[:int(runs)]) == 200 * runs


def test_buckets_are_cumulative_and_every_line_parses(monitor):
    parser = pytest.importorskip("prometheus_client.openmetrics.parser", reason="python3-prometheus-client is missing")
    _, endpoint = monitor()
    wait_for_runs(endpoint, 1)
    families = {family.name: family for family in parser.text_string_to_metric_families(
        endpoint.get(headers=OPEN_METRICS)[2])}
    round_trip = families["l2probe_round_trip_seconds"]
    assert (round_trip.type, round_trip.unit) == ("histogram", "seconds")
    counts = [sample.value for sample in round_trip.samples if sample.name.endswith("_bucket")]
    assert len(counts) == 20 and counts == sorted(counts) and counts[-1] > 0


def test_limit_that_is_not_met_fails_the_run_and_the_exit_status(monitor):
    process, endpoint = monitor("--require-p99", "0.001us")
    samples = wait_for_runs(endpoint, 2)
    assert samples["l2probe_failed_runs_total"] >= 2 and samples["l2echo_ready"] == 0
    status, _, text = endpoint.get("/readyz")
    assert status == 503 and "--require-p99" in text
    process.send_signal(signal.SIGTERM)
    assert process.wait(SECONDS) == FAILURE
    assert "runs failed" in error_line(process) and "--require-p99" in error_line(process)


def test_far_end_that_is_gone_is_counted_and_the_probe_continues(monitor, echo):
    process, endpoint = monitor()
    wait_for_runs(endpoint, 1)
    echo.stop(signal.SIGTERM)
    failed = endpoint.metrics()["l2probe_failed_runs_total"]
    wait_until(lambda: endpoint.metrics()["l2probe_failed_runs_total"] >= failed + 2, "failed runs", SECONDS)
    assert process.is_running()
    assert endpoint.get("/livez")[0] == 200 and endpoint.get("/readyz")[0] == 503


@pytest.mark.usefixtures("echo")
@pytest.mark.parametrize("form", ["openmetrics", "prometheus"])
def test_one_run_as_metrics(start_probe, form):
    process = start_probe(*RUN, "--format", form)
    process.end_cleanly(SECONDS)
    text = process.stdout()
    assert text.endswith("# EOF\n") == (form == "openmetrics")
    samples = parse(text)
    assert samples["l2probe_sent_frames_total"] == samples["l2probe_returned_frames_total"] == 200
    promtool = shutil.which("promtool") or pytest.skip("promtool is not installed (Debian: prometheus)")
    if form == "prometheus":
        checked = subprocess.run([promtool, "check", "metrics"], input=text, text=True, check=False,
                                 capture_output=True, timeout=SECONDS)
        assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")


def test_options_that_say_nothing_are_errors(start_probe):
    for options, words in ((("--metrics", "127.0.0.1:0"), "--interval"),
                           (("--interval", "0"), "10s"),
                           (("--interval", "1s", "--format", "prometheus"), "--metrics ADDRESS:PORT"),
                           (("--search", "ndr", "--interval", "1s"), "--interval")):
        assert_fails(start_probe(*options), USAGE, words)
