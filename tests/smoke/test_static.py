"""A build with -Dstatic=true: self-contained programs with all drivers, next to an installed shared DPDK."""

import json
import os
import pathlib
import re
import shutil
import signal

import pytest

from tests.harness.program_under_test import PATIENT, assert_balanced, one_lcore

PROGRAMS = ("l2_echo", "l2_multi_echo", "l2_probe")
DRIVERS = {
    "net_af_packet", "net_af_xdp", "net_bonding", "net_memif", "net_null", "net_pcap", "net_ring", "net_tap",
    "net_vhost", "net_virtio_user",
    "mlx5_eth", "net_bnxt", "net_e1000_em", "net_e1000_igb", "net_ena", "net_i40e", "net_iavf", "net_ice", "net_ixgbe",
    "net_mlx4", "net_virtio", "net_vmxnet3",
}
FRAMES = 20000

# The file systems that a kernel provides to every process. EAL's runtime folder is in /var/run.
IN_EMPTY_ROOT = """
  for folder in dev proc sys; do mount --rbind /$folder "$0/$folder"; done
  exec chroot "$0" "$@"
"""


@pytest.fixture
def program(pytestconfig):
    return lambda name: pathlib.Path(pytestconfig.getoption("build_dir"), name)


@pytest.fixture
def start_in_empty_root(start, program, tmp_path):
    """start_in_empty_root(PROGRAM, ARGUMENTS...) runs it without any library, loader or other file."""
    for folder in ("dev", "proc", "sys", "tmp", "var/run"):
        (tmp_path / folder).mkdir(parents=True)
    for name in PROGRAMS:
        shutil.copy(program(name), tmp_path)

    def start_program(name, *arguments):
        return start("unshare", "--mount", "bash", "-euc", IN_EMPTY_ROOT, tmp_path, f"/{name}", "--no-huge", "-m",
                     "256", "--no-pci", f"--file-prefix={name}", *arguments)

    return start_program


@pytest.mark.parametrize("name", PROGRAMS)
def test_program_needs_no_loader_and_no_library(start, program, name):
    readelf = start("readelf", "--wide", "--program-headers", "--dynamic", program(name))
    readelf.end_cleanly(10)
    assert "DYNAMIC" in readelf.stdout()
    assert not re.findall(r"INTERP|NEEDED", readelf.stdout()), readelf.stdout()


@pytest.mark.parametrize("name", PROGRAMS)
def test_drivers_are_linked_in(program, name):
    notes = re.findall(rb"PMD_INFO_STRING= (\{.*?\}) *\0", program(name).read_bytes())
    assert DRIVERS - {json.loads(note)["name"] for note in notes} == set()


def test_installed_plug_ins_are_not_loaded(start, program, start_echo):
    assert list(pathlib.Path("/usr/lib").glob("*/dpdk/pmds-*/librte_net_null.so")), "no plug-ins are installed"
    process = start_echo("net_null0", "--raw").wait_until_ready()
    maps = pathlib.Path(f"/proc/{process.pid()}/maps").read_text(encoding="utf-8")
    code = set(re.findall(r"^\S+ ..x. .* (/.*)$", maps, re.MULTILINE))
    process.stop()
    assert code == {os.path.realpath(program("l2_multi_echo"))}


@pytest.mark.parametrize("echo_device, probe_device, memory", [
    ("net_memif0,role=server,socket=/tmp/wire,socket-abstract=no",
     "net_memif0,role=client,socket=/tmp/wire,socket-abstract=no", ()),
    ("net_vhost0,iface=/tmp/wire", "net_virtio_user0,path=/tmp/wire", ("--single-file-segments",)),
], ids=["memif", "vhost and virtio-user"])
def test_frames_return_where_nothing_is_installed(start_in_empty_root, echo_device, probe_device, memory):
    echo = start_in_empty_root("l2_multi_echo", *memory, f"--vdev={echo_device}", "--lcores", one_lcore(0), "--",
                               *PATIENT, "--format", "json").wait_until_ready()
    probe = start_in_empty_root("l2_probe", *memory, f"--vdev={probe_device}", "--lcores", one_lcore(1), "--",
                                "--count", str(FRAMES), "--rate", "20kpps", "--format", "json")
    probe.end_cleanly(30)
    result = json.loads(probe.stdout())
    assert (result["sent"], result["returned"], result["corrupted"]) == (FRAMES, FRAMES, 0)
    final = echo.stop(signal.SIGTERM)
    assert_balanced(final)
    assert final["totals"]["echoed"] == FRAMES
