"""The alerts and the dashboard: their syntax, when they fire, and that every metric they name exists."""

import contextlib
import json
import pathlib
import re
import shutil
import signal
import subprocess
import urllib.parse
import urllib.request

import pytest

import captures
from tests.harness.program_under_test import wait_until
from test_metrics import Endpoint, parse

SOURCE = pathlib.Path(__file__).resolve().parents[2]
RULES = SOURCE / "packaging/prometheus/l2echo.rules.yml"
DASHBOARD = SOURCE / "packaging/grafana/l2echo.json"
TESTS = SOURCE / "packaging/prometheus/l2echo.rules.test.yml"
METRIC = re.compile(r"\b(?:l2echo|l2probe|process)_[a-z0-9_]+\b")
ALERT = re.compile(r"- alert: (\w+)")
SECONDS = 30


def tool(name):
    path = shutil.which(name) or pytest.skip(f"{name} is not installed (Debian: prometheus)")

    def run(*arguments):
        return subprocess.run([path, *arguments], text=True, check=False, capture_output=True, timeout=SECONDS)

    return run


@pytest.fixture
def promtool():
    return tool("promtool")


def test_rules_are_valid(promtool):
    done = promtool("check", "rules", str(RULES))
    assert done.returncode == 0, done.stdout + done.stderr


def test_each_alert_fires_and_stays_quiet_as_its_test_says(promtool):
    done = promtool("test", "rules", str(TESTS))
    assert done.returncode == 0, done.stdout + done.stderr
    tests = TESTS.read_text(encoding="utf-8")
    for alert in ALERT.findall(RULES.read_text(encoding="utf-8")):
        for outcome in ("fires", "stays quiet"):
            assert f"- name: {alert} {outcome}\n" in tests


def test_each_alert_has_a_place_in_the_runbook():
    page = (SOURCE / "docs/operations.md").read_text(encoding="utf-8")
    rules = RULES.read_text(encoding="utf-8")
    for alert in ALERT.findall(rules):
        assert f"\n### {alert}\n" in page
        assert f"runbook: docs/operations.md#{alert.lower()}\n" in rules


def names_in(text):
    """Metrics that expressions name, without the labels and the state set's label of the same name."""
    return set(METRIC.findall(re.sub(r"\{[^{}]*\}", "", text)))


def expressions(rules):
    """The expressions alone: annotations and labels name no metrics."""
    found = re.findall(r"expr: (?:\|\n((?:\s{10,}.*\n)+)|(.*))", rules)
    return "\n".join(block or line for block, line in found)


@pytest.fixture
def exposed(start_echo):
    """Names of all samples of a running echo."""
    process = start_echo("net_null0", "--metrics", "127.0.0.1:0")
    process.wait_until_ready()
    return {name.split("{")[0] for name in Endpoint(process).metrics()}


@pytest.fixture
def exposed_by_probe(echo, start_probe):
    del echo  # it is running
    process = start_probe("--count", "10", "--drain", "200ms", "--format", "prometheus")
    process.end_cleanly(SECONDS)
    return {name.split("{")[0] for name in parse(process.stdout())}


def dashboard_expressions():
    panels = json.loads(DASHBOARD.read_text(encoding="utf-8"))["panels"]
    return [target["expr"] for panel in panels for target in panel.get("targets", [])]


def test_every_metric_that_alerts_and_dashboard_name_exists(exposed, exposed_by_probe):
    named = names_in(expressions(RULES.read_text(encoding="utf-8")))
    drawn = names_in("\n".join(dashboard_expressions()))
    assert len(named) > 10 and len(drawn) > 20
    assert named | drawn <= exposed | exposed_by_probe


def test_expressions_of_the_dashboard_are_valid(promtool, tmp_path):
    rules = "groups:\n  - name: dashboard\n    rules:\n"
    for number, expression in enumerate(dashboard_expressions()):
        rules += f"      - record: panel:{number}\n        expr: {json.dumps(expression)}\n"
    path = tmp_path / "dashboard.yml"
    path.write_text(rules.replace("$__rate_interval", "5m"), encoding="utf-8")
    done = promtool("check", "rules", str(path))
    assert done.returncode == 0, done.stdout + done.stderr


def documented(page, begin, end):
    """Metrics in the first column of the tables between two headings."""
    text = (SOURCE / "docs" / page).read_text(encoding="utf-8")
    table = text[text.index(f"## {begin}\n"):text.index(f"## {end}\n")]
    return {name for cell in re.findall(r"^\| (`.*?) \|", table, re.MULTILINE) for name in re.findall(r"`(\w+)`", cell)}


def test_documented_metrics_are_those_that_exist(exposed, exposed_by_probe):
    assert documented("operations.md", "Metrics", "What it costs") == exposed
    histogram = {f"l2probe_round_trip_seconds_{part}" for part in ("bucket", "count", "sum")}
    assert documented("probe.md", "Monitoring", "Lcores and queues") == \
        exposed_by_probe - histogram | {"l2probe_round_trip_seconds"}


def query(port, expression):
    url = f"http://127.0.0.1:{port}/api/v1/query?" + urllib.parse.urlencode({"query": expression})
    with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=5) as answer:
        result = json.load(answer)["data"]["result"]
        return float(result[0]["value"][1]) if result else None
    return None


@pytest.mark.alone
def test_prometheus_counts_what_the_final_report_counts(start_echo, start, tmp_path):
    prometheus = shutil.which("prometheus") or pytest.skip("prometheus is not installed")
    frames = [bytes(frame) for frame in captures.ordinary_frames()] * 100
    captures.write_capture(tmp_path / "in.pcap", frames)
    process = start_echo(f"net_pcap0,rx_pcap={tmp_path}/in.pcap,tx_pcap={tmp_path}/out.pcap", "--metrics",
                         "127.0.0.1:0")
    process.wait_until_ready()
    endpoint = Endpoint(process)
    port = 19090
    (tmp_path / "prometheus.yml").write_text(
        f"global: {{scrape_interval: 500ms}}\nrule_files: [{RULES}]\nscrape_configs:\n  - job_name: l2echo\n"
        f"    static_configs:\n      - targets: ['127.0.0.1:{endpoint.port}']\n", encoding="utf-8")
    start(prometheus, f"--config.file={tmp_path}/prometheus.yml", f"--storage.tsdb.path={tmp_path}/data",
          f"--web.listen-address=127.0.0.1:{port}")
    wait_until(lambda: query(port, "sum(l2echo_received_frames_total)") == len(frames), "scrape", SECONDS)
    assert query(port, "l2echo_ready") == 1
    parts = "sum(l2echo_echoed_frames_total) + sum(l2echo_answered_frames_total)" \
            " + sum(l2echo_refused_frames_total) + sum(l2echo_dropped_frames_total)"
    assert query(port, parts) == len(frames)
    assert query(port, "scrape_samples_scraped") > 30
    final = process.stop(signal.SIGTERM)
    assert final["totals"]["received"] == len(frames)
