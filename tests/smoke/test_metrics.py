"""--metrics: what a scraper, a supervisor and a hostile client get."""

import concurrent.futures
import contextlib
import http.client
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import time

import pytest

from tests.harness.program_under_test import FAILURE, USAGE, assert_balanced, assert_fails, one_worker, wait_until

OPEN_METRICS = {"Accept": "application/openmetrics-text; version=1.0.0"}
BURST = 32
SECONDS = 10


class Endpoint:
    """The endpoint that the program logged."""

    def __init__(self, process):
        process.wait_for_line("Metrics: http")
        host, port = re.search(r"Metrics: http://(\S+):(\d+)/metrics", process.stderr()).groups()
        self.host, self.port = host.strip("[]"), int(port)

    def connect(self):
        return socket.create_connection((self.host, self.port), timeout=SECONDS)

    def get(self, path="/metrics", headers=None, method="GET", body=None):
        client = http.client.HTTPConnection(self.host, self.port, timeout=SECONDS)
        with contextlib.closing(client):
            client.request(method, path, body=body, headers=headers or {})
            answer = client.getresponse()
            return answer.status, answer.getheaders(), answer.read().decode()

    def metrics(self):
        """Sample name with labels -> value."""
        status, _, text = self.get()
        assert status == 200
        return parse(text)

    def raw(self, sent, half_close=False):
        """Everything that the server answers to these bytes until it closes the connection."""
        with self.connect() as client:
            client.sendall(sent)
            if half_close:
                client.shutdown(socket.SHUT_WR)
            received = b""
            while data := client.recv(65536):
                received += data
            return received


def parse(text):
    samples = {}
    for line in text.splitlines():
        if line and not line.startswith("#"):
            name, value = line.rsplit(" ", 1)
            assert name not in samples, f"{name} is there twice"
            samples[name] = float(value)
    return samples


def total(samples, family):
    return sum(value for name, value in samples.items() if name.split("{")[0] == family)


@pytest.fixture
def start_with_metrics(start_echo):
    """start_with_metrics(OPTIONS...) returns the ready program and its endpoint."""

    def begin(*options, device="net_null0", where="127.0.0.1:0"):
        process = start_echo(device, "--metrics", where, *options)
        process.wait_until_ready()
        return process, Endpoint(process)

    return begin


@pytest.fixture
def endpoint(start_with_metrics):
    return start_with_metrics()[1]


def parts_of(samples):
    return sum(total(samples, f"l2echo_{part}_frames_total") for part in ("echoed", "answered", "refused", "dropped"))


def test_scrape_agrees_with_itself_while_frames_flow_and_with_the_final_report(start_with_metrics):
    process, endpoint = start_with_metrics("--raw")
    wait_until(lambda: total(endpoint.metrics(), "l2echo_received_frames_total") > 0, "frame")
    last = 0
    for _ in range(200):
        samples = endpoint.metrics()
        received = total(samples, "l2echo_received_frames_total")
        queue_pairs = total(samples, "l2echo_worker_queue_pairs")
        assert abs(received - parts_of(samples)) <= BURST * queue_pairs, samples
        assert received >= last
        last = received
    final = process.stop(signal.SIGTERM)
    assert_balanced(final)
    assert final["totals"]["received"] >= last


def test_both_formats_have_the_same_samples_and_their_content_type(endpoint):
    status, headers, text = endpoint.get()
    assert status == 200 and ("Content-Type", "text/plain; version=0.0.4; charset=utf-8") in headers
    status, headers, open_metrics = endpoint.get(headers=OPEN_METRICS)
    assert status == 200
    assert ("Content-Type", "application/openmetrics-text; version=1.0.0; charset=utf-8") in headers
    assert open_metrics.endswith("# EOF\n")
    assert parse(text).keys() == parse(open_metrics).keys()


def test_promtool_accepts_the_metrics(endpoint):
    promtool = shutil.which("promtool")
    if not promtool:
        pytest.skip("promtool is not installed (Debian: prometheus)")
    checked = subprocess.run([promtool, "check", "metrics"], input=endpoint.get()[2], text=True, check=False,
                             capture_output=True, timeout=SECONDS)
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")


def test_openmetrics_parser_accepts_every_line(endpoint):
    parser = pytest.importorskip("prometheus_client.openmetrics.parser", reason="python3-prometheus-client is missing")
    families = {family.name: family for family in parser.text_string_to_metric_families(
        endpoint.get(headers=OPEN_METRICS)[2])}
    assert families["l2echo_received_frames"].type == "counter"
    assert families["l2echo_port"].type == "info"
    assert families["l2echo_port_state"].type == "stateset"
    assert families["process_resident_memory_bytes"].unit == "bytes"


def test_process_metrics_are_those_of_the_process(start_with_metrics):
    process, endpoint = start_with_metrics()
    samples = endpoint.metrics()
    assert abs(samples["process_start_time_seconds"] - time.time()) < 60
    statm = pathlib.Path(f"/proc/{process.pid()}/statm").read_text(encoding="ascii")
    resident = int(statm.split()[1]) * os.sysconf("SC_PAGESIZE")
    assert samples["process_resident_memory_bytes"] == pytest.approx(resident, rel=0.2)
    assert samples["process_open_fds"] == pytest.approx(len(os.listdir(f"/proc/{process.pid()}/fd")), abs=3)
    assert samples["process_cpu_seconds_total"] > 0
    (build,) = (name for name in samples if name.startswith("l2echo_build_info"))
    assert re.fullmatch(r'l2echo_build_info\{version="[\d.]+",dpdk="DPDK [\d.]+"\}', build)


def test_ready_while_the_link_is_up_and_the_workers_run(start_echo, wire, start_probe):
    """The link of a memif is up while a peer is connected."""
    process = start_echo(f"net_memif0,role=server,{wire}", "--link-wait", "0", "--metrics", "127.0.0.1:0")
    process.wait_until_ready()
    endpoint = Endpoint(process)
    assert endpoint.get("/livez")[::2] == (200, "alive\n")
    assert endpoint.get("/readyz")[::2] == (503, "port 0 (net_memif0): link is down\n")
    assert endpoint.metrics()["l2echo_ready"] == 0
    start_probe("--count", "1", "--drain", "10s")
    wait_until(lambda: endpoint.get("/readyz")[::2] == (200, "ready\n"), "readiness")
    samples = endpoint.metrics()
    assert samples["l2echo_ready"] == 1 and samples['l2echo_port_link_up{port="0"}'] == 1
    wait_until(lambda: endpoint.metrics()['l2echo_port_link_changes_total{port="0"}'] >= 1, "link change")


def test_not_ready_while_it_starts(start_echo, wire):
    process = start_echo(f"net_memif0,role=server,{wire}", "--link-wait", "60s", "--metrics", "127.0.0.1:0")
    endpoint = Endpoint(process)
    assert endpoint.get("/livez")[0] == 200
    assert endpoint.get("/readyz")[::2] == (503, "starting\n")
    samples = endpoint.metrics()
    assert samples["l2echo_ready"] == 0 and "process_start_time_seconds" in samples


def test_state_of_a_disarmed_port(start_echo, tmp_path):
    process = start_echo("net_null0,no-rx=1", "--disarmed", "--control-socket", str(tmp_path / "control"),
                         "--metrics", "127.0.0.1:0")
    process.wait_for_line("Ready: disarmed")
    samples = Endpoint(process).metrics()
    assert samples['l2echo_port_state{port="0",l2echo_port_state="disarmed"}'] == 1
    assert samples['l2echo_port_state{port="0",l2echo_port_state="armed"}'] == 0


def test_single_lcore_serves_too(start_echo):
    process = start_echo("net_null0", "--metrics", "127.0.0.1:0", lcores=one_worker())
    process.wait_until_ready()
    endpoint = Endpoint(process)
    wait_until(lambda: endpoint.get("/readyz")[0] == 200, "readiness")
    assert endpoint.metrics()['l2echo_worker_running{lcore="0"}'] == 1


def test_other_paths_and_methods(endpoint):
    assert endpoint.get("/metrics?name=x")[0] == 200
    assert endpoint.get("/")[0] == 404
    assert endpoint.get("/metrics/")[0] == 404
    status, headers, text = endpoint.get(method="HEAD")
    assert status == 200 and text == ""
    assert int(dict(headers)["Content-Length"]) > 1000
    for method in ("POST", "PUT", "DELETE", "OPTIONS", "BREW"):
        status, headers, _ = endpoint.get(method=method, body=b"x" * 100_000)
        assert status == 405 and dict(headers)["Allow"] == "GET, HEAD", method


def test_connection_is_kept_for_the_next_scrape(endpoint):
    client = http.client.HTTPConnection(endpoint.host, endpoint.port, timeout=SECONDS)
    with contextlib.closing(client):
        client.connect()
        sock = client.sock
        for _ in range(3):
            client.request("GET", "/metrics")
            assert client.getresponse().read()
            assert client.sock is sock


def test_http_1_0_and_a_client_that_closes_its_half(endpoint):
    answer = endpoint.raw(b"GET /livez HTTP/1.0\r\n\r\n")
    assert answer.startswith(b"HTTP/1.0 200 OK\r\n") and answer.endswith(b"\r\n\r\nalive\n")
    answer = endpoint.raw(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n", half_close=True)
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n") and answer.endswith(b"\r\n\r\nalive\n")


def test_what_is_not_http_gets_400_or_nothing(endpoint):
    for garbage in (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc" + os.urandom(100) + b"\r\n\r\n", b"GET\r\n\r\n",
                    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"GET /metrics HTTP/9.9\r\n\r\n", b"\0" * 1000 + b"\r\n\r\n"):
        answer = endpoint.raw(garbage)
        assert answer == b"" or answer.startswith(b"HTTP/1.1 400 "), answer[:80]
    assert endpoint.raw(b"", half_close=True) == b""
    assert endpoint.raw(b"GET /metr", half_close=True) == b""
    assert endpoint.raw(b"GET /" + b"x" * 100_000 + b" HTTP/1.1\r\n\r\n").startswith(b"HTTP/1.1 431 ")
    header = b"A: " + b"x" * 20_000
    assert endpoint.raw(b"GET /metrics HTTP/1.1\r\n" + header + b"\r\n\r\n").startswith(b"HTTP/1.1 431 ")
    assert endpoint.get("/livez")[0] == 200


@pytest.mark.alone
def test_slow_clients_do_not_keep_a_scraper_waiting(start_with_metrics):
    """A thousand connections that send a byte now and then, and as many that read nothing."""
    process, endpoint = start_with_metrics("--raw")
    with contextlib.ExitStack() as clients:
        slow = []
        for number in range(1000):
            client = clients.enter_context(endpoint.connect())
            client.setblocking(False)
            slow.append(client)
            with contextlib.suppress(OSError):
                client.send(b"GET /metrics HTTP/1.1\r\n" if number % 2 else b"GET /metrics HTTP/1.1\r\n\r\n" * 50)
        for _ in range(10):
            for client in slow:
                with contextlib.suppress(OSError):
                    client.send(b"X")
            began = time.monotonic()
            assert endpoint.get()[0] == 200
            assert time.monotonic() - began < 1
    assert len(os.listdir(f"/proc/{process.pid()}/fd")) < 300, "connections that wait make room for others"
    final = process.stop(signal.SIGTERM)
    assert_balanced(final)
    assert final["totals"]["dropped"] == 0 and final["totals"]["refused"] == 0


def test_unfinished_request_is_closed_after_a_few_seconds(endpoint):
    with endpoint.connect() as client:
        began = time.monotonic()
        client.sendall(b"GET /metrics HTTP/1.1\r\n")
        assert client.recv(1) == b""
        assert 3 < time.monotonic() - began < 9


@pytest.fixture
def ipv6_on_lo():
    """The tests' namespace has no IPv6, so that the kernel sends no frames of its own."""
    switch = pathlib.Path("/proc/sys/net/ipv6/conf/lo/disable_ipv6")
    if not switch.exists():
        pytest.skip("this kernel has no IPv6")
    switch.write_text("0", encoding="ascii")
    yield
    switch.write_text("1", encoding="ascii")


@pytest.mark.alone
@pytest.mark.usefixtures("ipv6_on_lo")
def test_ipv6(start_with_metrics):
    endpoint = start_with_metrics(where="[::1]:0")[1]
    assert endpoint.host == "::1" and endpoint.get("/livez")[0] == 200


def test_unix_socket(start_echo, tmp_path):
    path = tmp_path / "metrics.sock"
    process = start_echo("net_null0", "--metrics", f"unix:{path}")
    process.wait_until_ready()
    assert path.stat().st_mode & 0o777 == 0o600
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(SECONDS)
        client.connect(str(path))
        client.sendall(b"GET /livez HTTP/1.0\r\n\r\n")
        assert client.recv(1000).startswith(b"HTTP/1.0 200 OK")
    process.stop(signal.SIGTERM)
    assert not path.exists()


def test_place_that_cannot_be_listened_at_is_an_error(start_echo, endpoint, tmp_path):
    def fails(where, status, *words):
        assert_fails(start_echo("net_null0", "--metrics", where), status, *words)

    fails(f"127.0.0.1:{endpoint.port}", FAILURE, f"--metrics 127.0.0.1:{endpoint.port}: ", "another process listens")
    fails("203.0.113.9:9464", FAILURE, "203.0.113.9:9464", "no interface of this machine has this address")
    fails("localhost:9464", USAGE, "--metrics: 'localhost:9464'", "127.0.0.1:9464")
    (tmp_path / "file").touch()
    fails(f"unix:{tmp_path}/file", FAILURE, "not a socket")
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(str(tmp_path / "taken"))
        other.listen()
        fails(f"unix:{tmp_path}/taken", FAILURE, "another process has a socket there")
    fails(f"unix:{tmp_path}/missing/socket", FAILURE, "No such file or directory")


def test_scrapes_while_it_stops_end_cleanly(start_with_metrics):
    process, endpoint = start_with_metrics()

    def scrape_until_it_is_gone(_):
        scrapes = 0
        with contextlib.suppress(OSError, http.client.HTTPException):
            while True:
                assert endpoint.get()[0] == 200
                scrapes += 1
        return scrapes

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        scrapers = pool.map(scrape_until_it_is_gone, range(4))
        time.sleep(0.3)
        process.stop(signal.SIGTERM)
        assert all(scrapes > 0 for scrapes in scrapers)
