"""Locates the built programs and starts them on this machine."""

import json
import os
import pathlib
import shutil
import signal

import pytest

import captures
from fake_machine import FakeMachine
from host_setup_program import READY, main
from host_setup.machine import Machine
from tests.harness.program_under_test import (NO_NIC, PATIENT, ProgramUnderTest, assert_balanced, one_lcore,
                                              two_workers)


def pytest_addoption(parser):
    parser.addoption("--build-dir", default=os.environ.get("L2ECHO_BUILD"), help="the build folder")


def pytest_configure(config):
    config.addinivalue_line(
        "markers", "alone: measures, needs both CPUs or changes shared state, so it runs by itself")
    machine = os.environ.get("L2ECHO_MACHINE_NAMESPACE")  # the namespace in which tests/smoke/run was started
    if machine in (None, os.readlink("/proc/self/ns/net")):
        pytest.exit("the smoke tests change interfaces and routes: start them with tests/smoke/run BUILD_DIR, "
                    "which gives them a network namespace", returncode=2)
    if not config.getoption("build_dir"):
        pytest.exit("no build folder: give --build-dir or L2ECHO_BUILD", returncode=2)


def pytest_collection_modifyitems(config, items):
    """Leaves out the tests of a static build unless it was built with -Dstatic=true, even if their file is named."""
    if is_static(config):
        return
    static = [item for item in items if item.path.name == "test_static.py"]
    config.hook.pytest_deselected(items=static)
    items[:] = [item for item in items if item not in static]


def is_static(config):
    options = pathlib.Path(config.getoption("build_dir"), "meson-info/intro-buildoptions.json")
    return any(option["name"] == "static" and option["value"] for option in json.loads(options.read_text("utf-8")))


def built_program(config, name):
    path = pathlib.Path(config.getoption("build_dir")) / name
    assert path.exists(), f"{path} is not built"
    return str(path)


@pytest.fixture(scope="session")
def l2_echo(pytestconfig):
    return built_program(pytestconfig, "l2_echo")


@pytest.fixture(scope="session")
def l2_multi_echo(pytestconfig):
    return built_program(pytestconfig, "l2_multi_echo")


@pytest.fixture(scope="session")
def l2_probe(pytestconfig):
    return built_program(pytestconfig, "l2_probe")


@pytest.fixture(scope="session")
def testpmd():
    path = shutil.which("dpdk-testpmd")
    if not path:
        pytest.skip("dpdk-testpmd is not installed")
    return path


@pytest.fixture(scope="session")
def config_folder():
    return pathlib.Path(__file__).resolve().parents[2] / "config"


@pytest.fixture
def start():
    """start(COMMAND...) runs a program that ends with the test at the latest."""
    processes = []

    def start_process(*command, **settings):
        processes.append(ProgramUnderTest(command, **settings))
        return processes[-1]

    yield start_process
    for process in processes:
        process.close()


@pytest.fixture
def start_echo(start, l2_multi_echo):
    """start_echo(DEVICE, OPTIONS...) runs l2_multi_echo with two workers, one vdev and JSON reports."""

    def start_on_vdev(device, *options, lcores=None, **settings):
        eal = [*NO_NIC, f"--vdev={device}", "--lcores", lcores or two_workers()]
        return start(l2_multi_echo, *eal, "--", "--format", "json", *options, **settings)

    return start_on_vdev


@pytest.fixture
def machine(tmp_path, monkeypatch):
    fake = FakeMachine(tmp_path).make()
    monkeypatch.setenv("PATH", fake.tools() + os.pathsep + os.environ["PATH"])
    monkeypatch.delenv("SSH_CONNECTION", raising=False)
    return fake


@pytest.fixture
def setup(machine, capsys):
    """setup(OPTIONS...) runs host-setup on the fake machine; returns the exit status, and findings by check and
    subject."""

    def run(*options):
        status = main(["--json", *options], Machine(machine.root))
        output = capsys.readouterr()
        assert output.err == ""
        result = json.loads(output.out)
        assert result["schema"] == "l2echo.host-setup/1"
        assert result["applied"] == ("--apply" in options)
        assert result["ready"] == (status == READY)
        return status, {f"{found['check']} {found['subject']}".strip(): found for found in result["checks"]}

    return run


@pytest.fixture
def echo_capture(start_echo, tmp_path):
    """echo_capture(FRAMES, OPTIONS...) sends frames through l2_multi_echo; returns its output frames and final
    report."""

    def echo(frames, *options):
        captures.write_capture(tmp_path / "in.pcap", [bytes(frame) for frame in frames])
        device = f"net_pcap0,rx_pcap={tmp_path}/in.pcap,tx_pcap={tmp_path}/out.pcap"
        process = start_echo(device, "--stats-interval", "20ms", *options)
        process.wait_until_received(len(frames))
        final = process.stop(signal.SIGTERM)
        assert final["totals"]["received"] == len(frames)
        assert_balanced(final)
        return captures.read_capture(tmp_path / "out.pcap"), final

    return echo


@pytest.fixture(scope="session")
def own_mac(pytestconfig, tmp_path_factory):
    """The MAC that the driver assigns to a port on a capture file."""
    folder = tmp_path_factory.mktemp("own_mac")
    captures.write_capture(folder / "in.pcap", [bytes(frame) for frame in captures.ordinary_frames()])
    process = ProgramUnderTest((built_program(pytestconfig, "l2_multi_echo"), *NO_NIC, "--lcores", two_workers(),
                                f"--vdev=net_pcap0,rx_pcap={folder}/in.pcap,tx_pcap={folder}/out.pcap", "--",
                                "--format", "json", "--duration", "100ms"))
    try:
        process.end_cleanly(20)
        return bytes.fromhex(process.final()["ports"][0]["mac"].replace(":", ""))
    finally:
        process.close()


@pytest.fixture
def wire(tmp_path):
    """A memif, without the kernel in between."""
    return f"socket={tmp_path}/memif.sock,socket-abstract=no"


@pytest.fixture
def echo(start_echo, wire):
    """The far end, ready. It retries on a full TX queue, because its peer shares the CPUs of a test machine."""
    return start_echo(f"net_memif0,role=server,{wire}", *PATIENT,
                      lcores=one_lcore(0)).wait_until_ready()


@pytest.fixture
def start_probe(start, l2_probe, wire):
    """start_probe(OPTIONS...) runs l2_probe at the other end of the wire, or on another device."""

    def start_on_wire(*options, lcores=None, device=None, before=(), **settings):
        return start(*before, l2_probe, *NO_NIC, f"--vdev={device or f'net_memif0,role=client,{wire}'}", "--lcores",
                     lcores or one_lcore(1), "--", *options, **settings)

    return start_on_wire
