"""A fake machine in a folder: the PCI devices, hugepages and settings that scripts/host-setup reads.

Interfaces, addresses, routes and sessions are real, in the namespace of the tests. The tools that change a machine are
stubs: they record their calls and change the files as the real tools change a machine.
"""

import json
import os
import pathlib

TOOL = """#!/usr/bin/python3
import json, os, pathlib, sys
sys.path.insert(0, {folder!r})
from fake_machine import FakeMachine
machine = FakeMachine(pathlib.Path({root!r}))
machine.note_call(sys.argv)
if machine.answer:
    sys.exit(machine.answer)
"""

DEVBIND = TOOL + """
driver = next((a.partition("=")[2] for a in sys.argv if a.startswith("--bind=")), None)
machine.bind(sys.argv[-1], driver)
"""

HUGEPAGES = TOOL + """
options = dict(zip(sys.argv[1:], sys.argv[2:]))
size = {{"2M": 2048, "1G": 1048576}}[options["--pagesize"]]
if "--reserve" in options:
    kib = int(options["--reserve"][:-1]) * {{"M": 1024, "G": 1048576}}[options["--reserve"][-1]]
    machine.hugepages(int(options["--node"]), size, kib // size)
else:
    mounts = machine.path("/proc/mounts")
    mounts.write_text(mounts.read_text() + "none " + options["--directory"] + " hugetlbfs pagesize=" +
                      options["--pagesize"] + " 0 0\\n")
"""

MODPROBE = TOOL + """
machine.write("/sys/module/vfio_pci/refcnt", "0")
"""

MKDIR = TOOL + """
machine.path(sys.argv[-1]).mkdir(parents=True)
"""

SYSTEMCTL = TOOL + """
machine.write("/etc/systemd/system/multi-user.target.wants/" + sys.argv[-1], "")
"""

IP_OF_A_PF = """#!/bin/sh
case "$*" in *-details*) echo '{link}' ;; *) exec {ip} "$@" ;; esac
"""


class FakeMachine:
    def __init__(self, folder):
        self._folder = folder
        self.root = folder / "root"
        self._calls = folder / "calls"
        self._answer = folder / "answer"

    def path(self, name):
        return self.root / name.lstrip("/")

    def write(self, name, text):
        path = self.path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def read(self, name):
        return self.path(name).read_text(encoding="utf-8")

    def link(self, name, target):
        path = self.path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        path.symlink_to(target)

    def make(self):
        """A machine with one node of hugepages to reserve, an Intel CPU, a loadable vfio-pci module, and no IOMMU."""
        self.link("/sys/class/net", "/sys/class/net")
        self.link("/proc/net", "/proc/net")
        self.write("/proc/meminfo", "MemAvailable:   8000000 kB\nHugepagesize:       2048 kB\n")
        self.write("/proc/cpuinfo", "vendor_id\t: GenuineIntel\nflags\t\t: fpu sse4_2\n")
        self.write("/proc/cmdline", "console=ttyS0 quiet\n")
        self.write("/proc/mounts", "proc /proc proc rw 0 0\n")
        self.write("/proc/self/status", "Uid:\t0\t0\t0\t0\nCapEff:\t000001ffffffffff\nCpus_allowed_list:\t0-3\n")
        self.write("/proc/sys/kernel/osrelease", "6.1.0\n")
        self.write("/lib/modules/6.1.0/modules.dep", "kernel/drivers/vfio/pci/vfio-pci.ko.xz: kernel/vfio.ko\n")
        self.write("/sys/devices/system/cpu/online", "0-7\n")
        self.write("/sys/devices/system/cpu/isolated", "\n")
        self.node(0)
        for name, text in (("dpdk-devbind.py", DEVBIND), ("dpdk-hugepages.py", HUGEPAGES), ("modprobe", MODPROBE),
                           ("mkdir", MKDIR), ("systemctl", SYSTEMCTL)):
            self.tool(name, text.format(folder=str(pathlib.Path(__file__).parent), root=str(self._folder)))
        return self

    def tool(self, name, text):
        path = self._folder / "bin" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
        path.chmod(0o755)

    def pretend_to_be_a_pf(self, ip, state):
        self.tool("ip", IP_OF_A_PF.format(ip=ip, link=json.dumps([{"ifname": "pf0", "vfinfo_list": state}])))

    def tools(self):
        return str(self._folder / "bin")

    def note_call(self, arguments):
        with self._calls.open("a", encoding="utf-8") as file:
            print(os.path.basename(arguments[0]), *arguments[1:], file=file)

    def calls(self):
        return self._calls.read_text(encoding="utf-8").splitlines() if self._calls.exists() else []

    def answer_with(self, text):
        """Makes the tools fail with this message instead of working."""
        self._answer.write_text(text, encoding="utf-8")

    @property
    def answer(self):
        return self._answer.read_text(encoding="utf-8") if self._answer.exists() else None

    def files(self):
        """Every file and link with its content, to detect changes."""
        found = {}
        for folder, names, files in os.walk(self.root):
            for name in names + files:
                path = pathlib.Path(folder, name)
                if path.is_symlink():
                    found[str(path)] = os.readlink(path)
                elif path.is_file():
                    found[str(path)] = path.read_text(encoding="utf-8")
        return found

    def node(self, number, kib=8000000):
        self.write(f"/sys/devices/system/node/node{number}/meminfo", f"Node {number} MemTotal:  {kib} kB\n")
        for size in (2048, 1048576):
            self.hugepages(number, size, 0)

    def hugepages(self, node, size_kib, count, free=None):
        folder = f"/sys/devices/system/node/node{node}/hugepages/hugepages-{size_kib}kB"
        self.write(f"{folder}/nr_hugepages", f"{count}\n")
        self.write(f"{folder}/free_hugepages", f"{count if free is None else free}\n")

    def pci_device(self, address, driver, interface=None, group=None, kind="0x020000"):
        device = f"/sys/bus/pci/devices/{address}"
        self.write(f"{device}/class", f"{kind}\n")
        if interface:
            self.path(f"{device}/net/{interface}").mkdir(parents=True)
        if driver:
            self.bind(address, driver)
        if group is not None:
            self.path(f"/sys/kernel/iommu_groups/{group}/devices").mkdir(parents=True, exist_ok=True)
            self.link(f"{device}/iommu_group", self.path(f"/sys/kernel/iommu_groups/{group}"))
            self.link(f"/sys/kernel/iommu_groups/{group}/devices/{address}", self.path(device))
        return address

    def bind(self, address, driver):
        link = f"/sys/bus/pci/devices/{address}/driver"
        if driver is None:
            self.path(link).unlink(missing_ok=True)
            return
        self.path(f"/sys/bus/pci/drivers/{driver}").mkdir(parents=True, exist_ok=True)
        self.link(link, self.path(f"/sys/bus/pci/drivers/{driver}"))

    def virtual_function(self, address, pf_address, number, pf_interface):
        pf = self.path(f"/sys/bus/pci/devices/{pf_address}")
        self.link(f"/sys/bus/pci/devices/{address}/physfn", pf)
        self.link(f"/sys/bus/pci/devices/{pf_address}/virtfn{number}",
                  self.path(f"/sys/bus/pci/devices/{address}"))
        self.path(f"/sys/bus/pci/devices/{pf_address}/net/{pf_interface}").mkdir(parents=True, exist_ok=True)
