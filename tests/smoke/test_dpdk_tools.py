"""DPDK's own tools on a running echo: its telemetry socket, an exporter of it, and dpdk-dumpcap."""

import importlib.util
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import time

import pytest
from scapy.utils import PcapReader

from tests.harness.hugepages import hugepages
from tests.harness.program_under_test import STOP_SECONDS, USAGE, two_workers, usable_cpus, wait_until

SOURCE = pathlib.Path(__file__).resolve().parents[2]
ENDPOINT = SOURCE / "packaging/dpdk-telemetry-exporter/l2echo.py"
MAX_ANSWER = 16384
SECONDS = 20


class TelemetryClient:
    """Asks as dpdk-telemetry.py and the endpoints of dpdk-telemetry-exporter.py do."""

    def __init__(self, prefix):
        folder = pathlib.Path("/var/run" if os.geteuid() == 0 else os.environ["XDG_RUNTIME_DIR"])
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._socket.settimeout(SECONDS)
        self._socket.connect(str(folder / "dpdk" / prefix / "dpdk_telemetry.v2"))
        self._socket.recv(MAX_ANSWER)

    def cmd(self, command, parameter=None):
        self._socket.send((command if parameter is None else f"{command},{parameter}").encode())
        answer = self._socket.recv(MAX_ANSWER)
        return json.loads(answer)[command]


@pytest.fixture
def prefix(tmp_path):
    return f"l2echo-tools-{tmp_path.name}"


@pytest.fixture
def echo(start, l2_multi_echo, prefix):
    process = start(l2_multi_echo, "--no-huge", "-m", "256", "--no-pci", f"--file-prefix={prefix}", "--vdev=net_null0",
                    "--lcores", two_workers(), "--", "--format", "json", "--raw")
    return process.wait_until_ready()


@pytest.fixture
def client(echo, prefix):
    del echo  # it is running
    return TelemetryClient(prefix)


def test_commands_answer_with_the_counters(client):
    commands = client.cmd("/")
    assert {f"/l2echo/{name}" for name in ("info", "totals", "refused", "workers", "ports")} <= set(commands)
    info = client.cmd("/l2echo/info")
    assert (info["workers"], info["ports"], info["ready"], info["not_ready_reason"]) == (2, 1, 1, "")
    wait_until(lambda: client.cmd("/l2echo/totals")["echoed"] > 0, "echo")
    assert client.cmd("/l2echo/refused")["group_destination"] == 0
    assert client.cmd("/l2echo/workers") == [1, 2]
    worker = client.cmd("/l2echo/workers", 1)
    assert worker["running"] == 1 and worker["received"] > 0 and worker["busy_cycles"] > 0
    assert client.cmd("/l2echo/ports") == [0]
    port = client.cmd("/l2echo/ports", 0)
    assert (port["name"], port["driver"], port["state"], port["link_up"]) == ("net_null0", "net_null", "armed", 1)
    for wrong in ("9", "x", "-1"):
        assert client.cmd("/l2echo/workers", wrong) is None
        assert client.cmd("/l2echo/ports", wrong) is None


def test_commands_end_with_the_program(echo, client):
    for _ in range(20):
        assert client.cmd("/l2echo/info")["ready"] == 1
    echo.stop(signal.SIGTERM)


def test_use_of_lcores_is_reported_where_dpdk_shows_it(client):
    if "/eal/lcore/usage" not in client.cmd("/"):
        pytest.skip("this DPDK has no /eal/lcore/usage (from 23.03 on)")
    usage = client.cmd("/eal/lcore/usage")
    busy = dict(zip(usage["lcore_ids"], usage["busy_cycles"], strict=True))
    assert busy[1] > 0 and busy[2] > 0


def test_endpoint_for_dpdks_exporter(client):
    """The exporter's contract: each name is in info(), and a value is a number."""
    spec = importlib.util.spec_from_file_location("l2echo", ENDPOINT)
    endpoint = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(endpoint)
    info = endpoint.info()
    found = endpoint.metrics(client)
    assert {name for name, _, _ in found} == set(info)
    assert all(isinstance(value, int) for _, value, _ in found)
    samples = [(name, tuple(labels.items())) for name, _, labels in found]
    assert len(set(samples)) == len(samples)
    assert all(name.endswith("_total") == (kind == "counter") for name, (_, kind) in info.items())
    promtool = shutil.which("promtool") or pytest.skip("promtool is not installed (Debian: prometheus)")
    lines = []
    for name, (text, kind) in info.items():
        lines += [f"# HELP dpdk_l2echo_{name} {text}", f"# TYPE dpdk_l2echo_{name} {kind}"]
        for _, value, labels in filter(lambda sample, name=name: sample[0] == name, found):
            text = ",".join(f"{key}={json.dumps(str(label))}" for key, label in labels.items())
            lines.append(f"dpdk_l2echo_{name}{{{text}}} {value}")
    checked = subprocess.run([promtool, "check", "metrics"], input="\n".join(lines) + "\n", text=True, check=False,
                             capture_output=True, timeout=SECONDS)
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")


# dpdk-dumpcap is a second process, so these need hugepages in files. The workers share both CPUs with it, so that one
# is often preempted in the middle of a burst.

@pytest.fixture
def huge_folder(tmp_path):
    if not shutil.which("dpdk-dumpcap"):
        pytest.skip("dpdk-dumpcap is not installed (Debian: dpdk-dev)")
    folder = tmp_path / "huge"
    folder.mkdir()
    with hugepages(256, folder):
        yield folder


@pytest.fixture
def start_captured(start, l2_multi_echo, prefix, huge_folder):
    def start_on(*devices, lcores=None, eal=()):
        return start(l2_multi_echo, *eal, f"--huge-dir={huge_folder}", "-m", "128", "--no-pci",
                     f"--file-prefix={prefix}", *(f"--vdev={device}" for device in devices), "--lcores",
                     lcores or two_workers(), "--", "--format", "json", "--raw", "--rx-descriptors", "256",
                     "--tx-descriptors", "256", "--allow-dumpcap").wait_until_ready()

    return start_on


@pytest.fixture
def captured_echo(start_captured):
    return start_captured("net_null0", "net_null1")


@pytest.fixture
def dumpcap(start, prefix, tmp_path):
    """dumpcap(OPTIONS...) captures on port 0; -p leaves promiscuous mode alone."""

    def start_dumpcap(*options):
        return start("dpdk-dumpcap", "--file-prefix", prefix, "-q", "-i", "0", "-w", str(tmp_path / "capture"),
                     *options)

    return start_dumpcap


def packets_in(path):
    with PcapReader(str(path)) as reader:
        return list(reader)


@pytest.mark.alone
@pytest.mark.parametrize("file_format", ["-n", "-P"])
def test_dumpcap_captures_frames_of_both_directions(captured_echo, dumpcap, tmp_path, file_format):
    capture = dumpcap("-p", file_format, "-c", "1000")
    assert capture.wait(SECONDS) == 0, capture.stderr()
    packets = packets_in(tmp_path / "capture")
    assert len(packets) >= 1000 and {len(packet) for packet in packets} == {64}
    accepted = int(capture.wait_for_line(r"Packets received/dropped on interface 'net_null0': (\d+)/\d+")[1])
    assert accepted >= 1000
    if file_format == "-n":
        blocks = (tmp_path / "capture").read_bytes()
        inbound, outbound = (b"\x02\x00\x04\x00" + bytes([flag, 0, 0, 0]) for flag in (1, 2))  # the option epb_flags
        assert blocks.count(inbound) >= 100 and blocks.count(outbound) >= 100
    captured_echo.stop()


@pytest.mark.alone
def test_filter_of_dumpcap_refuses_the_rest(captured_echo, dumpcap, tmp_path):
    capture = dumpcap("-p", "-f", "ether proto 0x1234", "-a", "duration:1")
    assert capture.wait(SECONDS) == 0, capture.stderr()
    assert packets_in(tmp_path / "capture") == []
    captured_echo.stop()


@pytest.mark.alone
@pytest.mark.parametrize("lcores", [two_workers(), f"0@{usable_cpus()[-1]}"])
def test_captures_that_begin_and_end_do_not_disturb_the_workers(start_captured, dumpcap, lcores):
    """With rte_pdump, a worker crashes after 2 to 16 captures. dpdk-dumpcap has an lcore 0, too."""
    echo = start_captured("net_null0", "net_null1", lcores=lcores)
    for number in range(20):
        capture = dumpcap("-p", "-c", str(1000 + 10000 * (number % 5)))
        assert capture.wait(SECONDS) == 0, capture.stderr()
        assert echo.is_running()
    received = echo.reports()[-1]["totals"]["received"]
    echo.wait_until_received(received + 1000)
    echo.stop()
    assert echo.stderr().count("a capture ended") == 20


@pytest.mark.alone
def test_capture_of_a_process_that_is_killed_is_removed(captured_echo, dumpcap, prefix):
    client = TelemetryClient(prefix)
    mempools = client.cmd("/mempool/list")
    for number in range(1, 6):
        capture = dumpcap("-p")
        wait_until(lambda count=number: captured_echo.stderr().count("a capture began") == count, "begin")
        time.sleep(number * 0.04)
        capture.send_signal(signal.SIGKILL)
        capture.wait(SECONDS)
        wait_until(lambda count=number: captured_echo.stderr().count("ended without saying so") == count, "removal")
    wait_until(lambda: client.cmd("/mempool/list") == mempools, "end of the mempools of the captures")
    assert dumpcap("-p", "-c", "1000").wait(SECONDS) == 0
    captured_echo.stop()
    assert "EAL: " not in captured_echo.stderr().split("Ready:")[1]


@pytest.mark.alone
def test_end_of_the_program_ends_a_capture(captured_echo, dumpcap):
    capture = dumpcap("-p")
    captured_echo.wait_for_line("a capture began")
    captured_echo.send_signal(signal.SIGTERM)
    assert captured_echo.wait(STOP_SECONDS) == 0
    assert capture.wait(SECONDS) == 0


@pytest.mark.alone
def test_two_captures_of_a_port_are_independent(captured_echo, dumpcap, tmp_path):
    first = dumpcap("-p")
    captured_echo.wait_for_line("a capture began")
    assert dumpcap("-p", "-c", "1000", "-w", str(tmp_path / "second")).wait(SECONDS) == 0
    size = (tmp_path / "capture").stat().st_size
    wait_until(lambda: (tmp_path / "capture").stat().st_size > size, "frames of the first capture")
    first.send_signal(signal.SIGINT)
    assert first.wait(SECONDS) == 0
    captured_echo.stop()


@pytest.mark.alone
def test_promiscuous_mode_returns_after_a_capture(start_captured, dumpcap, prefix):
    echo = start_captured("net_ring0")
    client = TelemetryClient(prefix)
    assert client.cmd("/ethdev/info", 0)["promiscuous"] == 1
    assert dumpcap("-a", "duration:1").wait(SECONDS) == 0  # without -p
    wait_until(lambda: client.cmd("/ethdev/info", 0)["promiscuous"] == 1, "promiscuous mode")
    echo.stop()


@pytest.mark.alone
def test_dumpcap_is_refused_if_it_has_loaded_other_drivers(start_captured, dumpcap):
    """A mempool names its handler by a number, which another process may have given to a handler of another driver."""
    drivers = sorted(pathlib.Path("/usr/lib").glob("*/dpdk/pmds-*/"))[-1]
    loaded = [f"-d{drivers}/librte_{name}.so" for name in ("bus_vdev", "mempool_ring", "net_null")]
    echo = start_captured("net_null0", eal=loaded)
    capture = dumpcap("-p", "-c", "10")
    assert capture.wait(SECONDS) == 1 and "Packet dump enable failed" in capture.stderr()
    echo.wait_for_line("a capture is refused: the process has loaded other drivers than this program")
    echo.stop()


def test_dumpcap_is_refused_without_shared_memory(start_echo):
    process = start_echo("net_null0", "--allow-dumpcap")
    assert process.wait(SECONDS) == USAGE
    assert "--allow-dumpcap: with --no-huge, EAL shares no memory with dpdk-dumpcap" in process.stderr()
