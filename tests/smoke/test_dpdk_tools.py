"""DPDK's own tools on a running echo: its telemetry socket, and an exporter of it."""

import importlib.util
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess

import pytest

from tests.harness.program_under_test import two_workers, wait_until

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
