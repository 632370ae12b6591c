"""scripts/host-setup and NICs: which may be taken from the kernel, binding, unbinding, hints for VFs."""

import grp
import pathlib
import re
import shutil

import pytest

from host_setup_program import NOT_READY, READY, main, run_program
from host_setup.machine import Machine
from tests.harness.kernel_interfaces import ip, veth_pair

NIC, OTHER_NIC = "0000:01:00.0", "0000:01:00.1"
VF, PF = "0000:01:10.1", NIC
VETH, PEER = "veth-nic", "veth-peer"
ADDRESS = "192.0.2.1"


@pytest.fixture
def veth():
    with veth_pair(VETH, PEER):
        yield VETH


@pytest.fixture
def nic(machine, veth):
    """A NIC of the fake machine whose interface is a real one in this namespace."""
    return machine.pci_device(NIC, "ixgbe", veth, group=7)


# Binding and unbinding


def test_free_nic_is_bound_only_with_apply(setup, machine, nic):
    before = machine.files()
    status, found = setup("--only", "nic", "--bind", NIC)
    assert status == NOT_READY
    assert found[f"NIC {NIC} {VETH}"]["state"] == "action needed"
    assert found[f"NIC {NIC} {VETH}"]["commands"] == [
        f"sudo mkdir -p /run/l2echo && printf '%s\\n' ixgbe | sudo tee /run/l2echo/{NIC}.driver",
        f"sudo dpdk-devbind.py --bind=vfio-pci {NIC}"]
    assert machine.calls() == [] and machine.files() == before

    status, found = setup("--only", "nic", "--bind", NIC, "--apply")
    assert status == READY
    assert machine.calls() == [f"dpdk-devbind.py --bind=vfio-pci {NIC}"]
    assert found[f"NIC {NIC} {VETH}"]["text"] == "bound to vfio-pci" and found[f"NIC {NIC} {VETH}"]["changed"]

    status, found = setup("--only", "nic", "--bind", NIC, "--apply")
    assert status == READY and len(machine.calls()) == 1
    assert not found[f"NIC {NIC} {VETH}"]["changed"]


def test_nic_returns_to_its_previous_driver(setup, machine, nic):
    setup("--only", "nic", "--bind", NIC, "--apply")
    status, found = setup("--unbind", NIC)
    assert status == NOT_READY and machine.calls()[1:] == []
    assert found[f"NIC {NIC} {VETH}"]["commands"] == [f"sudo dpdk-devbind.py --bind=ixgbe {NIC}"]
    status, found = setup("--unbind", NIC, "--apply")
    assert status == READY
    assert machine.calls()[1:] == [f"dpdk-devbind.py --bind=ixgbe {NIC}"]
    assert "ixgbe" in found[f"NIC {NIC} {VETH}"]["text"]


def test_kernel_finds_the_driver_of_a_nic_bound_by_others(setup, machine):
    machine.pci_device(NIC, "vfio-pci", group=7)
    status, _ = setup("--unbind", NIC, "--apply")
    assert machine.calls() == [f"dpdk-devbind.py --unbind {NIC}"]
    assert machine.read("/sys/bus/pci/drivers_probe") == f"{NIC}\n"
    assert status == NOT_READY  # no kernel probes here


@pytest.mark.parametrize("node, no_iommu", [("7", ""), ("noiommu-7", "Y")])
def test_group_gets_the_device_of_this_nic_only(setup, machine, node, no_iommu):
    machine.pci_device(NIC, "vfio-pci", group=7)
    machine.write("/sys/module/vfio/parameters/enable_unsafe_noiommu_mode", f"{no_iommu or 'N'}\n")
    for name in (node, "8"):
        machine.write(f"/dev/vfio/{name}", "")
        machine.path(f"/dev/vfio/{name}").chmod(0o600)
    key, arguments = f"vfio device {NIC}", ("--only", "nic", "--bind", NIC, "--group", "daemon")
    status, found = setup(*arguments)
    assert status == NOT_READY and found[key]["state"] == "action needed"
    assert found[key]["commands"] == [f"sudo chgrp daemon /dev/vfio/{node}", f"sudo chmod g+rw /dev/vfio/{node}"]

    for name in ("chgrp", "chmod"):  # the path is one of the fake machine
        machine.tool(name, f'#!/bin/sh\nexec {shutil.which(name)} "$1" "{machine.root}$2"\n')
    status, found = setup(*arguments, "--apply")
    assert status == READY and found[key]["changed"]
    state = machine.path(f"/dev/vfio/{node}").stat()
    assert (grp.getgrgid(state.st_gid).gr_name, state.st_mode & 0o777) == ("daemon", 0o660)
    other = machine.path("/dev/vfio/8").stat()
    assert (other.st_gid, other.st_mode & 0o777) == (0, 0o600)
    status, found = setup(*arguments, "--apply")
    assert status == READY and not found[key]["changed"]


def test_group_needs_a_nic_that_vfio_has(setup, machine):
    machine.pci_device(NIC, "vfio-pci", group=7)
    status, found = setup("--only", "nic", "--bind", NIC, "--group", "daemon")
    assert status == NOT_READY and found[f"vfio device {NIC}"]["text"] == "/dev/vfio/7 is missing: bind the NIC first"
    for arguments, message in ((("--group", "daemon"), "--group needs --bind NIC"),
                               (("--bind", NIC, "--group", "no-such"), "no group is named 'no-such'")):
        result = run_program(*arguments)
        assert result.returncode == 2 and message in result.stderr


def test_forced_driver_is_not_used_again(setup, machine):
    machine.pci_device(NIC, "vfio-pci", group=7)
    override = f"/sys/bus/pci/devices/{NIC}/driver_override"
    machine.write(override, "vfio-pci\n")
    _, found = setup("--unbind", NIC)
    assert found[f"NIC {NIC}"]["commands"][0] == f"printf '%s\\n' '' | sudo tee {override}"
    setup("--unbind", NIC, "--apply")
    assert machine.read(override) == "\n"


def test_nic_in_use_is_not_taken_from_dpdk(setup, machine):
    machine.pci_device(NIC, "vfio-pci", group=7)
    machine.write("/proc/4242/comm", "l2_multi_echo\n")
    machine.link("/proc/4242/fd/9", "/dev/vfio/7")
    status, found = setup("--unbind", NIC, "--apply")
    assert status == NOT_READY and machine.calls() == []
    assert found[f"NIC {NIC}"]["state"] == "refused" and "l2_multi_echo (4242)" in found[f"NIC {NIC}"]["text"]


def test_interface_in_use_is_refused_and_taken_if_forced(setup, machine, nic):
    ip("address", "add", f"{ADDRESS}/24", "dev", VETH)
    before = machine.files()
    status, found = setup("--only", "nic", "--bind", NIC, "--apply")
    assert status == NOT_READY and machine.calls() == [] and machine.files() == before
    assert found[f"NIC {NIC} {VETH}"]["state"] == "refused" and ADDRESS in found[f"NIC {NIC} {VETH}"]["text"]
    assert found[f"NIC {NIC} {VETH}"]["commands"] == [
        f"sudo ./scripts/host-setup --apply --bind {NIC} --take-kernel-interface"]

    status, _ = setup("--only", "nic", "--bind", NIC, "--apply", "--take-kernel-interface")
    assert status == READY
    assert machine.calls() == [f"dpdk-devbind.py --force --bind=vfio-pci {NIC}"]


def test_interface_of_a_virtio_device_is_found(setup, machine, veth):
    machine.pci_device(NIC, "virtio-pci")
    machine.path(f"/sys/bus/pci/devices/{NIC}/virtio2/net/{veth}").mkdir(parents=True)
    ip("route", "add", "default", "dev", veth)
    _, found = setup("--only", "nic", "--bind", NIC, "--apply")
    assert "default route" in found[f"NIC {NIC} {VETH}"]["text"] and machine.calls() == []


def test_nic_of_another_namespace_is_refused(setup, machine):
    machine.pci_device(NIC, "ixgbe")
    status, found = setup("--only", "nic", "--bind", NIC, "--apply")
    assert status == NOT_READY and machine.calls() == []
    assert found[f"NIC {NIC}"]["state"] == "refused" and "network namespace" in found[f"NIC {NIC}"]["text"]


def test_nic_with_vfs_is_refused(setup, machine, nic):
    machine.write(f"/sys/bus/pci/devices/{NIC}/sriov_numvfs", "4\n")
    _, found = setup("--only", "nic", "--bind", NIC, "--apply")
    assert found[f"NIC {NIC} {VETH}"]["state"] == "refused" and "4 VFs" in found[f"NIC {NIC} {VETH}"]["text"]


def test_nic_that_dpdk_shares_with_the_kernel_stays_bound(setup, machine, veth):
    machine.pci_device(NIC, "mlx5_core", veth, group=7)
    ip("address", "add", f"{ADDRESS}/24", "dev", veth)
    status, _ = setup("--only", "nic", "--bind", NIC, "--apply")
    assert status == READY and machine.calls() == []


@pytest.mark.parametrize("other_driver, other_kind, state", [
    ("ixgbe", "0x020000", "action needed"), ("vfio-pci", "0x020000", "ok"), (None, "0x020000", "ok"),
    ("pcieport", "0x060400", "ok")])
def test_shared_iommu_group(setup, machine, nic, other_driver, other_kind, state):
    machine.pci_device(OTHER_NIC, other_driver, group=7, kind=other_kind)
    _, found = setup("--only", "nic", "--bind", NIC)
    assert found[f"IOMMU group {NIC} {VETH}"]["state"] == state
    assert (OTHER_NIC in found[f"IOMMU group {NIC} {VETH}"]["text"]) == (state != "ok")


def test_failure_message_of_the_tool_is_shown(setup, machine, nic):
    machine.answer_with("Error: Driver 'vfio-pci' is not loaded.")
    status, found = setup("--only", "nic", "--bind", NIC, "--apply")
    assert status == NOT_READY
    assert found[f"NIC {NIC} {VETH}"]["state"] == "failed"
    assert found[f"NIC {NIC} {VETH}"]["text"].endswith("Error: Driver 'vfio-pci' is not loaded.")


def test_tool_that_changes_nothing_is_detected(setup, machine, nic):
    machine.tool("dpdk-devbind.py", "#!/bin/sh\necho 'Warning: Not modifying' >&2\n")
    status, found = setup("--only", "nic", "--bind", NIC, "--apply")
    assert status == NOT_READY
    assert found[f"NIC {NIC} {VETH}"]["state"] == "failed"
    assert "even now" in found[f"NIC {NIC} {VETH}"]["text"] and "Not modifying" in found[f"NIC {NIC} {VETH}"]["text"]


def test_unnamed_nics_are_only_listed(setup, machine, nic):
    machine.pci_device(OTHER_NIC, "ixgbe")
    machine.pci_device("0000:02:00.0", "ahci", kind="0x010601")
    status, found = setup("--only", "nic", "--apply")
    assert status == READY and machine.calls() == []
    assert set(found) == {f"NIC {NIC} {VETH}", f"NIC {OTHER_NIC}"}
    assert found[f"NIC {NIC} {VETH}"]["commands"] == [f"sudo ./scripts/host-setup --apply --bind {NIC}"]
    assert "stays with the kernel" in found[f"NIC {OTHER_NIC}"]["text"]


@pytest.mark.parametrize("name", [VETH, "01:00.0", NIC])
def test_nic_is_found_by_each_of_its_names(setup, machine, nic, name):
    machine.path("/sys/class/net").unlink()
    machine.path(f"/sys/class/net/{VETH}").mkdir(parents=True)
    machine.link(f"/sys/class/net/{VETH}/device", machine.path(f"/sys/bus/pci/devices/{NIC}"))
    _, found = setup("--only", "nic", "--bind", name)
    assert f"NIC {NIC} {VETH}" in found


@pytest.mark.parametrize("name, words", [("eth77", "no interface is named eth77"), ("0000:77:00.0", "no PCI device"),
                                         ("../../etc", "no interface"), ("0000:02:00.0", "is no network device"),
                                         (VETH, f"--vdev=net_af_packet0,iface={VETH}")])
def test_invalid_nic_is_an_error_before_any_change(machine, capsys, nic, name, words):
    machine.pci_device("0000:02:00.0", "ahci", kind="0x010601")
    assert main(["--apply", "--bind", NIC, "--bind", name], Machine(machine.root)) == NOT_READY
    output = capsys.readouterr()
    assert re.fullmatch(f"host-setup: error: .*{re.escape(words)}.*\n", output.err)
    assert output.out == "" and machine.calls() == []


# VFs


@pytest.mark.parametrize("trust, spoof_check, state, commands", [
    (True, False, "ok", []),
    (False, False, "note", ["trust on"]),
    (False, True, "note", ["trust on", "spoofchk off"]),
])
def test_vf_hints(setup, machine, nic, trust, spoof_check, state, commands):
    machine.pci_device(VF, "vfio-pci", group=8)
    machine.virtual_function(VF, PF, 1, "pf0")
    machine.pretend_to_be_a_pf(shutil.which("ip"), [{"vf": 0, "spoofchk": False, "trust": True},
                                                    {"vf": 1, "spoofchk": spoof_check, "trust": trust}])
    status, found = setup("--only", "nic", "--bind", VF)
    assert status == READY
    assert found[f"VF {VF}"]["state"] == state
    assert found[f"VF {VF}"]["commands"] == [f"sudo ip link set dev pf0 vf 1 {words}" for words in commands]


def test_vf_whose_pf_is_not_visible(setup, machine, veth):
    machine.pci_device(VF, "iavf", veth, group=8)
    _, found = setup("--only", "nic", "--bind", VF)
    assert "host" in found[f"VF {VF} {VETH}"]["text"] and "trust on" in found[f"VF {VF} {VETH}"]["commands"][0]


def test_nic_is_kept_if_its_use_is_unknown(setup, machine, nic, monkeypatch):
    monkeypatch.setattr("host_setup.kernel_interface.find_program", lambda: None)
    _, found = setup("--only", "nic", "--bind", NIC, "--apply")
    assert found[f"NIC {NIC} {VETH}"]["state"] == "refused" and "ninja -C build" in found[f"NIC {NIC} {VETH}"]["text"]
    assert machine.calls() == []


def test_real_nic_of_another_namespace_is_refused():
    """The machine's NIC is outside the namespace of the tests and must not be taken."""
    for device in pathlib.Path("/sys/bus/pci/devices").iterdir():
        if (device / "class").read_text(encoding="ascii").startswith("0x02") and (device / "driver").exists() and \
                not list(device.glob("**/net/*")):
            result = run_program("--only", "nic", "--bind", device.name)
            assert result.returncode == NOT_READY
            assert re.match(f"refused +NIC {device.name}: .*network namespace", result.stdout)
            return
    pytest.skip("this machine has no PCI NIC whose interface is in another network namespace")
