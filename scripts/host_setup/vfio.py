"""Checks vfio-pci, the driver that gives a NIC to DPDK, and the IOMMU, which limits the NIC to DPDK's memory."""

import functools
import re

from host_setup.machine import ACTION, OK, Finding, Run, Write, kernel_command_line

MODULES_FILE = "/etc/modules-load.d/vfio-pci.conf"
NO_IOMMU_SWITCH = "/sys/module/vfio/parameters/enable_unsafe_noiommu_mode"
NO_IOMMU_FILE = "/etc/modprobe.d/vfio-noiommu.conf"


def is_loaded(machine):
    return machine.exists("/sys/module/vfio_pci")


def lists_vfio_pci(machine, name):
    return re.search(r"(^|/)vfio[-_]pci(\.ko\S*)?\s*(:|$)", machine.read(name), re.MULTILINE) is not None


def kernel_release(machine):
    return machine.read("/proc/sys/kernel/osrelease").strip()


def is_built_in(machine):
    return lists_vfio_pci(machine, f"/lib/modules/{kernel_release(machine)}/modules.builtin")


def check_module(machine):
    if is_loaded(machine):
        return Finding("vfio-pci", "", OK, "loaded")
    if not lists_vfio_pci(machine, f"/lib/modules/{kernel_release(machine)}/modules.dep"):
        return Finding("vfio-pci", "", ACTION, f"the kernel {kernel_release(machine)} has no such module here: boot "
                                               "one that has it (in a container: load it on the host)")
    return Finding("vfio-pci", "", ACTION, "not loaded", (Run(("modprobe", "vfio-pci")),))


def check_module_at_boot(machine):
    folders = ("/etc/modules-load.d", "/usr/lib/modules-load.d")
    files = ["/etc/modules", *(name for folder in folders for name in machine.glob(f"{folder}/*.conf"))]
    if is_built_in(machine):
        return Finding("vfio-pci at boot", "", OK, "built into the kernel")
    if any(lists_vfio_pci(machine, name) for name in files):
        return Finding("vfio-pci at boot", "", OK, "loaded again at the next boot")
    return Finding("vfio-pci at boot", "", ACTION, "not loaded again at the next boot",
                   (Write(MODULES_FILE, "vfio-pci\n"),))


def no_iommu_is_on(machine):
    return machine.read(NO_IOMMU_SWITCH).strip() in ("Y", "1")


def check_iommu(allow_no_iommu, machine):
    find = functools.partial(Finding, "IOMMU", "")
    groups = len(machine.glob("/sys/kernel/iommu_groups/*"))
    if groups:
        return find(OK, f"on, {groups} groups of devices")
    if no_iommu_is_on(machine):
        return find(OK, "none; vfio works without one, and a NIC can write to all memory")
    if allow_no_iommu and machine.exists(NO_IOMMU_SWITCH):
        return find(ACTION, "none, and vfio insists on one",
                    (Write(NO_IOMMU_SWITCH, "1\n"),
                     Write(NO_IOMMU_FILE, "options vfio enable_unsafe_noiommu_mode=1\n")))
    if allow_no_iommu and is_loaded(machine):
        return find(ACTION, "none, and this kernel's vfio has no mode without one: give the virtual machine one")

    cpu, command_line = machine.read("/proc/cpuinfo"), machine.read("/proc/cmdline")
    place = "the virtual machine's settings" if re.search(r"^flags\s*:.*\bhypervisor\b", cpu, re.M) else "the firmware"
    text = f"none: switch it on in {place} (VT-d, AMD-Vi, SMMU)"
    if machine.exists(NO_IOMMU_SWITCH):
        text += ", or do without and let the NIC write to all memory: --allow-no-iommu"
    if "GenuineIntel" in cpu and "intel_iommu=on" not in command_line:
        advice, steps = kernel_command_line(machine, "iommu", "intel_iommu=on iommu=pt")
        return find(ACTION, f"{text}; {advice}", steps)
    return find(ACTION, text)


def checks(allow_no_iommu):
    return [check_module, check_module_at_boot, functools.partial(check_iommu, allow_no_iommu)]
