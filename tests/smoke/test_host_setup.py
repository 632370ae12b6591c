"""scripts/host-setup except NICs: what it finds, and that it changes nothing without --apply."""

import contextlib
import json
import os
import pathlib
import re
import shutil
import subprocess

import pytest

from host_setup_program import NOT_READY, PROGRAM, READY, USAGE, main, run_program
from host_setup.hugepages import parse_wish
from host_setup.machine import Machine, format_cpu_list, parse_cpu_list
from largest_file import largest_file

BOOT_FILE = "/etc/tmpfiles.d/l2echo-hugepages.conf"


# Tools and hugepages


def test_missing_tools(setup, machine, monkeypatch):
    for name in ("ip", "lspci"):
        machine.tool(name, "")
    apt_get = f"#!/bin/sh\n/bin/cp {machine.tools()}/ip {machine.tools()}/dpdk-devbind.py\n"
    machine.tool("apt-get", apt_get)
    (pathlib.Path(machine.tools()) / "dpdk-devbind.py").unlink()
    monkeypatch.setenv("PATH", machine.tools())
    status, found = setup("--only", "tools")
    assert status == NOT_READY and "dpdk-devbind.py (packages dpdk)" in found["tools"]["text"]
    assert found["tools"]["commands"] == ["sudo apt-get install --yes dpdk"]
    status, found = setup("--only", "tools", "--apply")
    assert status == READY and found["tools"]["changed"]


def test_hugepages_on_every_node(setup, machine):
    machine.node(1)
    machine.node(2, kib=0)
    status, found = setup("--only", "hugepages", "--hugepages", "1G")
    assert status == NOT_READY and machine.calls() == [] and not machine.path("/etc").exists()
    assert found["hugepages node 1"]["commands"] == [
        "sudo dpdk-hugepages.py --pagesize 2M --node 1 --reserve 1G"]

    status, found = setup("--only", "hugepages", "--hugepages", "1G", "--apply")
    assert machine.calls()[:2] == [f"dpdk-hugepages.py --pagesize 2M --node {node} --reserve 1G" for node in (0, 1)]
    assert "hugepages node 2" not in found
    assert found["hugepage mount /dev/hugepages"]["changed"]
    assert status == READY
    assert machine.read(BOOT_FILE) == "".join(
        f"w! /sys/devices/system/node/node{node}/hugepages/hugepages-2048kB/nr_hugepages - - - - 512\n"
        for node in (0, 1))
    calls = machine.calls()
    assert setup("--only", "hugepages", "--hugepages", "512M", "--apply")[0] == READY
    assert machine.calls() == calls  # hugepages are never released


def test_hugepages_per_node_accumulate_in_the_boot_file(setup, machine):
    machine.node(1)
    assert setup("--only", "hugepages", "--hugepages", "1=64M", "--apply")[0] == READY
    assert setup("--only", "hugepages", "--hugepages", "0=128M", "--apply")[0] == READY
    assert re.findall(r"node(\d)/.* (\d+)$", machine.read(BOOT_FILE), re.M) == [("1", "32"), ("0", "64")]


def test_pages_of_any_size_count_unless_one_is_requested(setup, machine):
    machine.hugepages(0, 1048576, 1)
    machine.write("/proc/mounts", "none /huge hugetlbfs rw,pagesize=1024M 0 0\n")
    _, found = setup("--only", "hugepages")
    assert found["hugepages node 0"]["state"] == "ok" and found["hugepage mount /huge"]["state"] == "ok"
    _, found = setup("--only", "hugepages", "--page-size", "2M")
    assert found["hugepages node 0"]["state"] == "action needed"
    assert found["hugepage mount /dev/hugepages"]["state"] == "action needed"


def test_pages_of_a_non_default_size_need_their_own_mount(setup, machine):
    status, _ = setup("--only", "hugepages", "--page-size", "1G", "--hugepages", "1G", "--apply")
    assert status == READY
    assert machine.calls() == ["dpdk-hugepages.py --pagesize 1G --node 0 --reserve 1G",
                               "mkdir -p /dev/hugepages1G",
                               "dpdk-hugepages.py --pagesize 1G --mount --directory /dev/hugepages1G",
                               "systemctl enable dev-hugepages1G.mount"]
    assert "pagesize=1G" in machine.read("/etc/systemd/system/dev-hugepages1G.mount")


def test_hugepages_in_use_are_noted(setup, machine):
    machine.hugepages(0, 2048, 256, free=0)
    _, found = setup("--only", "hugepages")
    assert found["hugepages node 0"]["state"] == "note" and "in use" in found["hugepages node 0"]["text"]


def test_more_hugepages_than_memory_are_rejected(setup, machine):
    status, found = setup("--only", "hugepages", "--hugepages", "8G", "--apply")
    assert status == NOT_READY and found["hugepages node 0"]["state"] == "refused"
    assert not any("--reserve" in call for call in machine.calls())


@pytest.mark.parametrize("file, text", [
    ("/proc/cmdline", "quiet hugepages=256\n"),
    ("/proc/cmdline", "hugepagesz=1G hugepages=1\n"),
    ("/proc/cmdline", "hugepagesz=2M hugepages=0:256,1:1\n"),
    ("/etc/sysctl.d/90-huge.conf", "# pages\nvm.nr_hugepages = 256\n"),
    ("/etc/tmpfiles.d/mine.conf", "w /sys/devices/system/node/node0/hugepages/hugepages-2048kB/nr_hugepages"
                                  " - - - - 256\n"),
])
def test_hugepages_reserved_at_boot_are_recognised(setup, machine, file, text):
    machine.write(file, text)
    assert setup("--only", "hugepages")[1]["hugepages at boot"]["state"] == "ok"
    machine.write(file, text.replace("256", "255").replace("1G hugepages=1", "2M hugepages=1"))
    assert setup("--only", "hugepages")[1]["hugepages at boot"]["state"] == "action needed"


@pytest.mark.parametrize("options, words", [
    (("--page-size", "4M"), "has no hugepages of 4M; it has 2M and 1G"),
    (("--hugepages", "7=1G"), "no NUMA node 7"),
])
def test_hugepages_that_the_machine_does_not_support(machine, capsys, options, words):
    assert main(list(options), Machine(machine.root)) == NOT_READY
    assert words in capsys.readouterr().err


APPLY_WITHOUT_A_TRACE = """
  while read -r _ folder kind _; do [[ $kind != hugetlbfs ]] || umount "$folder"; done </proc/mounts
  mount -t tmpfs tmpfs /etc/tmpfiles.d
  status=0
  "$@" --apply || status=$?
  grep hugetlbfs /proc/mounts || true
  cat /etc/tmpfiles.d/* || true
  exit $status
"""


@pytest.mark.alone
def test_hugepages_of_this_machine():
    """The real tools reserve two more pages on the real node and mount them; the test undoes both."""
    count_file = pathlib.Path("/sys/devices/system/node/node0/hugepages/hugepages-2048kB/nr_hugepages")
    if not count_file.exists():
        pytest.skip("this machine has no hugepages of 2 MiB on a NUMA node")
    before = int(count_file.read_text(encoding="ascii"))
    folder = pathlib.Path("/dev/hugepages")
    folder_was_there = folder.exists()
    options = (PROGRAM, "--only", "hugepages", "--page-size", "2M", "--hugepages", f"0={(before + 2) * 2}M", "--json")
    try:
        done = subprocess.run(("unshare", "--mount", "bash", "-euc", APPLY_WITHOUT_A_TRACE, "apply", *options),
                              capture_output=True, text=True, check=False, timeout=30)
        after = int(count_file.read_text(encoding="ascii"))
    finally:
        # Another process may have reserved more meanwhile.
        count_file.write_text(str(max(before, int(count_file.read_text(encoding="ascii")) - 2)), encoding="ascii")
        if not folder_was_there:
            with contextlib.suppress(OSError):
                folder.rmdir()
    result, *traces = done.stdout.splitlines()
    findings = {found["check"]: found for found in json.loads(result)["checks"]}
    if findings["hugepages"]["state"] == "failed":
        pytest.skip(f"this machine cannot give two hugepages: {findings['hugepages']['text']}")
    assert after == before + 2 and findings["hugepages"]["changed"]
    assert findings["hugepage mount"]["changed"] and f" {folder} hugetlbfs " in traces[0]
    if shutil.which("systemd-tmpfiles"):
        assert done.returncode == READY
        assert traces[1:] == [f"w! {count_file} - - - - {before + 2}"]


# vfio and IOMMU


def test_vfio_module_now_and_at_boot(setup, machine):
    machine.path("/sys/kernel/iommu_groups/0").mkdir(parents=True)
    status, found = setup("--only", "vfio")
    assert status == NOT_READY
    assert found["vfio-pci"]["commands"] == ["sudo modprobe vfio-pci"]
    assert found["vfio-pci at boot"]["commands"] == [
        "printf '%s\\n' vfio-pci | sudo tee /etc/modules-load.d/vfio-pci.conf"]
    assert setup("--only", "vfio", "--apply")[0] == READY
    assert machine.calls() == ["modprobe vfio-pci"]
    assert machine.read("/etc/modules-load.d/vfio-pci.conf") == "vfio-pci\n"


def test_kernel_without_vfio(setup, machine):
    machine.write("/lib/modules/6.1.0/modules.dep", "kernel/drivers/net/dummy.ko:\n")
    _, found = setup("--only", "vfio", "--apply")
    assert "6.1.0 has no such module" in found["vfio-pci"]["text"] and machine.calls() == []


@pytest.mark.parametrize("file, line, state", [
    ("/etc/modules", "vfio_pci", "ok"), ("/etc/modules", "# vfio-pci", "action needed"),
    ("/usr/lib/modules-load.d/x.conf", "vfio-pci", "ok"), ("/etc/modules-load.d/x.conf", "vfio", "action needed"),
    ("/lib/modules/6.1.0/modules.builtin", "kernel/drivers/vfio/pci/vfio-pci.ko", "ok")])
def test_boot_time_module_is_found_in_every_place(setup, machine, file, line, state):
    machine.write(file, f"dummy\n{line}\n")
    assert setup("--only", "vfio")[1]["vfio-pci at boot"]["state"] == state


def test_iommu_of_an_intel_machine_needs_the_kernel_command_line(setup, machine):
    machine.write("/etc/default/grub", "GRUB_DEFAULT=0\n")
    before = machine.files()
    _, found = setup("--only", "vfio")
    assert "firmware" in found["IOMMU"]["text"]
    assert "intel_iommu=on iommu=pt" in found["IOMMU"]["commands"][0] and "update-grub" in found["IOMMU"]["commands"][0]
    assert machine.files() == before
    machine.write("/proc/cmdline", "intel_iommu=on\n")
    assert setup("--only", "vfio")[1]["IOMMU"]["commands"] == []


def test_kernel_command_line_is_never_applied(setup, machine):
    machine.write("/etc/default/grub", "GRUB_DEFAULT=0\n")
    _, found = setup("--only", "vfio,cpus", "--cpus", "1-2", "--apply")
    assert found["IOMMU"]["state"] == "action needed" and not machine.path("/etc/default/grub.d").exists()


def test_no_iommu_mode_only_if_allowed(setup, machine):
    switch = "/sys/module/vfio/parameters/enable_unsafe_noiommu_mode"
    machine.write("/proc/cpuinfo", "vendor_id\t: AuthenticAMD\nflags\t\t: fpu hypervisor\n")
    machine.write(switch, "N\n")
    status, found = setup("--only", "vfio", "--apply")
    assert status == NOT_READY and machine.read(switch) == "N\n"
    assert "virtual machine" in found["IOMMU"]["text"] and "--allow-no-iommu" in found["IOMMU"]["text"]
    assert setup("--only", "vfio", "--apply", "--allow-no-iommu")[0] == READY
    assert machine.read(switch) == "1\n"
    assert "enable_unsafe_noiommu_mode=1" in machine.read("/etc/modprobe.d/vfio-noiommu.conf")


# CPUs and locked memory


@pytest.mark.parametrize("cpus, check, state", [
    ("1-3", "CPUs", "ok"), ("2-4", "CPUs 4", "action needed"), ("3,9", "CPUs 9", "action needed")])
def test_allowed_cpus(setup, cpus, check, state):
    _, found = setup("--only", "cpus", "--cpus", cpus)
    assert found[check]["state"] == state
    assert ("online" in found[check]["text"]) == (cpus == "3,9")


def test_isolated_cpus(setup, machine):
    machine.write("/sys/devices/system/cpu/isolated", "2-3\n")
    status, found = setup("--only", "cpus", "--cpus", "1-3")
    assert status == READY
    assert found["isolated CPUs 1"]["state"] == "note" and "nohz_full=1-3" in found["isolated CPUs 1"]["text"]
    assert setup("--only", "cpus", "--cpus", "2-3")[1]["isolated CPUs"]["state"] == "ok"


def test_cpu_lists():
    assert parse_cpu_list("0-2,5\n") == {0, 1, 2, 5} and parse_cpu_list("\n") == set()
    assert format_cpu_list({5, 0, 2, 1}) == "0-2,5" and format_cpu_list(set()) == ""


def test_hugepage_requests():
    assert parse_wish("1G") == {None: 1 << 20} and parse_wish("0=1G,2=512m") == {0: 1 << 20, 2: 1 << 19}


def test_memlock_limit_of_a_user(setup, machine):
    machine.write("/etc/security/limits.d/l2echo.conf", "somebody - memlock unlimited\n")
    status, found = setup("--only", "memlock", "--user", "nobody")
    assert status == NOT_READY and found["memlock nobody"]["state"] == "action needed"
    assert setup("--only", "memlock", "--user", "nobody", "--apply")[0] == READY
    assert machine.read("/etc/security/limits.d/l2echo.conf") == (
        "somebody - memlock unlimited\nnobody - memlock unlimited\n")


def test_full_disk_leaves_the_old_file(setup, machine):
    limits = "/etc/security/limits.d/l2echo.conf"
    machine.write(limits, "somebody - memlock unlimited\n")
    with largest_file(30):
        status, found = setup("--only", "memlock", "--user", "nobody", "--apply")
    assert status == NOT_READY and found["memlock nobody"]["state"] == "failed"
    assert f"{limits}: File too large" in found["memlock nobody"]["text"]
    assert machine.read(limits) == "somebody - memlock unlimited\n"


@pytest.mark.parametrize("line, state", [
    ("@nogroup hard memlock unlimited", "ok"), ("* - memlock -1", "ok"), ("nobody hard memlock 65536", "action needed"),
    ("nobody soft memlock unlimited", "action needed"), ("# nobody - memlock unlimited", "action needed")])
def test_lines_of_limits_files(setup, machine, line, state):
    machine.write("/etc/security/limits.conf", f"{line}\n")
    assert setup("--only", "memlock", "--user", "nobody")[1]["memlock nobody"]["state"] == state


# The program as typed


def test_every_line_has_its_state():
    result = run_program()
    *lines, last = result.stdout.splitlines()
    assert all(re.match(r"(ok|note|action needed|refused|failed) +[\w-]", line) for line in lines), result.stdout
    open_lines = [line for line in lines if re.match("action|refused|failed", line)]
    assert result.returncode == (NOT_READY if open_lines else READY)
    assert last == "Ready." or last.startswith(f"Not ready: {len(open_lines)} of {len(lines)} checks")
    assert result.stderr == ""


def test_nothing_changes_without_apply():
    result = run_program("--json")
    checks = json.loads(result.stdout)["checks"]
    assert checks and result.stderr == ""
    # Every attempt to write fails there.
    assert not any(found["changed"] or found["state"] == "failed" for found in checks), checks


def test_apply_needs_root(machine, capsys, monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert main(["--apply", "--only", "cpus"], Machine(machine.root)) == NOT_READY
    assert capsys.readouterr().err == (
        "host-setup: error: --apply needs root; type: sudo ./scripts/host-setup --apply --only cpus\n")


@pytest.mark.parametrize("options, words", [
    (("--frobnicate",), "--frobnicate"),
    (("--hugepages", "many"), "'many' is no size"),
    (("--hugepages", "0=1G,x"), "NODE=SIZE"),
    (("--page-size", "0M"), "--page-size"),
    (("--only", "everything"), "there are tools, hugepages"),
    (("--hugepages", "0=1G,0=2G"), "node 0 has two sizes"),
    (("--hugepages", "\u0661=1G"), "NODE=SIZE"),
    (("--cpus", "a-b"), "no list of CPUs"),
    (("--cpus", ""), "no list of CPUs"), (("--cpus", "1,"), "no list of CPUs"), (("--cpus", "1-"), "no list of CPUs"),
    (("--cpus", "3-1"), "no list of CPUs"), (("--cpus", "+1"), "no list of CPUs"),
    (("--cpus", "1_0"), "no list of CPUs"),
    (("--cpus", "0-99999999999"), "no list of CPUs"), (("--cpus", "8192"), "no list of CPUs"),
    (("--user", "no-such-user-here"), "no user is named"),
    (("--bind", ""), "0000:01:00.0 is missing"), (("--unbind", " "), "0000:01:00.0 is missing"),
    (("--bind",), "--bind"),
    (("--take-kernel-interface",), "--bind"),
    (("stray",), "stray"),
], ids=str)
def test_invalid_usage(options, words):
    result = run_program(*options)
    assert result.returncode == USAGE and result.stdout == ""
    assert re.fullmatch(f"host-setup: error: .*{re.escape(words)}.*\n", result.stderr), result.stderr


def test_help():
    result = run_program("--help")
    assert result.returncode == READY and "--take-kernel-interface" in result.stdout and result.stderr == ""


def test_reader_that_leaves_does_not_stop_it():
    read_end, write_end = os.pipe()
    os.close(read_end)
    with open(write_end, "wb") as nobody:
        done = subprocess.run([PROGRAM, "--only", "tools"], stdout=nobody, stderr=subprocess.PIPE, text=True,
                              check=False, timeout=30)
    assert done.returncode in (READY, NOT_READY) and done.stderr == ""
