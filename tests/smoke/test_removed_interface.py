"""The kernel interface behind a port is removed, as if a NIC were unplugged."""

import json
import signal
import socket

import pytest

from control_client import ControlClient
from tests.harness.kernel_interfaces import ip, namespace, veth_pair
from tests.harness.program_under_test import FAILURE, NO_NIC, START_SECONDS, error_line, two_workers

VETH, PEER = "veth-gone", "veth-gone-peer"
PROMPT_SECONDS = 10  # for a run of a minute

# device -> command that removes its interface
PORTS = {
    "net_af_packet0,iface=gone0": ("link", "delete", "gone0"),
    "net_af_packet1,iface=gone1": ("link", "set", "gone1", "name", "renamed"),
    "net_af_packet2,iface=gone2": ("link", "set", "gone2", "netns", "elsewhere"),
    "net_pcap0,iface=gone3": ("link", "delete", "gone3"),
    "net_af_xdp0,iface=gone4": ("link", "delete", "gone4"),
    "net_tap0,iface=gone5": ("link", "delete", "gone5"),
}


@pytest.fixture
def interfaces():
    """gone0 to gone4; gone1 is down, so that older kernels can rename it too."""
    for number in range(5):
        ip("link", "add", f"gone{number}", "type", "veth", "peer", "name", f"peer{number}")
        if number != 1:
            ip("link", "set", f"gone{number}", "up")
    with namespace("elsewhere"):
        yield


def has_af_xdp():
    try:
        socket.socket(44, socket.SOCK_RAW).close()  # AF_XDP; Python 3.11 has no name for it
    except OSError:
        return False
    return True


def test_each_port_is_closed_with_its_interface_and_the_others_continue(start, l2_multi_echo, interfaces):
    ports = {device: way for device, way in PORTS.items() if has_af_xdp() or "xdp" not in device}
    devices = [f"--vdev={device}" for device in (*ports, "net_null0,no-rx=1")]
    process = start(l2_multi_echo, *NO_NIC, *devices, "--lcores", two_workers(), "--", "--format", "json",
                    "--stats-interval", "50ms").wait_until_ready()
    for left, (device, way) in zip(range(len(ports), 0, -1), ports.items()):
        ip(*way)
        process.wait_for_line(rf"Port \d+: {device.split(',')[0]} was removed; continuing with {left} port")
    process.send_signal(signal.SIGTERM)
    assert process.wait(START_SECONDS) == FAILURE
    assert [port["name"] for port in process.final()["ports"] if not port["removed"]] == ["net_null0"]
    assert "the kernel's interface is back" in error_line(process)


def test_interface_may_be_removed_while_options_are_reloaded(start, l2_multi_echo, tmp_path):
    config, path = tmp_path / "far_end.toml", tmp_path / "control.sock"
    config.touch()
    with veth_pair(VETH, PEER):
        process = start(l2_multi_echo, *NO_NIC, f"--vdev=net_af_packet0,iface={VETH}", "--vdev=net_null0,no-rx=1",
                        "--lcores", two_workers(), "--", "--format", "json", "--stats-interval", "50ms", "--config",
                        str(config), "--control-socket", str(path)).wait_until_ready()
        with ControlClient(path) as client:
            for number in range(200):
                if number == 50:
                    ip("link", "delete", VETH)
                config.write_text('accept = "own"\n' if number % 2 == 0 else "", encoding="ascii")
                assert client.ask("reload") == {"ok": True, "changed": ["--accept"]}
    process.wait_for_line("was removed; continuing with 1 port")
    process.send_signal(signal.SIGTERM)
    assert process.wait(START_SECONDS) == FAILURE
    assert "was removed while running" in error_line(process)


@pytest.mark.parametrize("options", [("--duration", "60s"), ("--search", "ndr", "--trial", "60s", "--rate", "1kpps")],
                         ids=["run", "search"])
def test_probe_ends_when_its_interface_is_removed(start_probe, options):
    with veth_pair(VETH, PEER):
        process = start_probe("--format", "json", "--link-wait", "0", "--drain", "50ms", *options,
                              device=f"net_af_packet0,iface={VETH}")
        process.wait_for_line("Probing:")
        ip("link", "delete", VETH)
        assert process.wait(PROMPT_SECONDS) == FAILURE, process.stderr()
    assert "the port was removed" in error_line(process)
    result = json.loads(process.stdout())
    assert not result["complete"] and result.get("ended", "removed") == "removed"
