"""Finds NICs, decides which may be taken from the kernel, and binds them to vfio-pci and back."""

import functools
import grp
import json
import os
import re

from host_setup import vfio
from host_setup.kernel_interface import reasons_to_leave
from host_setup.machine import ACTION, NOTE, OK, REFUSED, ByHand, Finding, Run, SetupError, Write
from host_setup.own_command import own_command

DEVICES = "/sys/bus/pci/devices"
ADDRESS = re.compile(r"[0-9a-f]{4}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]")
NETWORK_CLASS, BRIDGE_CLASS = "0x02", "0x06"
USER_SPACE_DRIVERS = ("vfio-pci", "uio_pci_generic", "igb_uio")
SHARING_DRIVERS = ("mlx5_core", "mlx4_core", "mana")  # DPDK shares the NIC with these
VF_DRIVERS = ("iavf", "ixgbevf", "igbvf", "bnxt_vf")
REMEMBERED = "/run/l2echo"  # binding and this memory both end with the next boot


class Nic:
    """One PCI device."""

    def __init__(self, machine, address):
        self._machine = machine
        self.address = address
        self.path = f"{DEVICES}/{address}"

    def driver(self):
        return self._machine.link_name(f"{self.path}/driver")

    def interfaces(self):
        """Lists those in this network namespace. virtio has another device in between."""
        names = self._machine.glob(f"{self.path}/net/*") + self._machine.glob(f"{self.path}/virtio*/net/*")
        return [os.path.basename(name) for name in names]

    def is_network(self):
        return self._machine.read(f"{self.path}/class").startswith(NETWORK_CLASS)

    def iommu_group(self):
        return self._machine.link_name(f"{self.path}/iommu_group")

    def described(self):
        return " ".join(filter(None, (self.address, *self.interfaces())))

    def driver_override(self):
        return f"{self.path}/driver_override"

    def forced_driver(self):
        """Returns the driver that driverctl or a script has forced on the kernel; "" if none."""
        return self._machine.read(self.driver_override()).strip().replace("(null)", "")

    def memory_of_driver(self):
        return f"{REMEMBERED}/{self.address}.driver"


def find_nic(machine, name):
    """Finds a NIC by PCI address, with or without domain, or by interface name; SetupError if it is not a NIC."""
    address = name.lower() if len(name) > 8 else f"0000:{name.lower()}"
    if ADDRESS.fullmatch(address):
        nic = Nic(machine, address)
        if not machine.exists(nic.path):
            raise SetupError(f"no PCI device is at {address}; dpdk-devbind.py --status lists those that are there")
        if not nic.is_network():
            raise SetupError(f"the PCI device at {address} is no network device; dpdk-devbind.py --status-dev net "
                             "lists those that are")
        return nic
    if "/" in name or not machine.exists(f"/sys/class/net/{name}"):
        raise SetupError(f"no interface is named {name}; `ip link` lists them, and a NIC can be given by its PCI "
                         "address")
    parts = os.path.realpath(machine.path(f"/sys/class/net/{name}/device")).split("/")
    addresses = [part for part in parts if ADDRESS.fullmatch(part)]
    if not addresses:
        raise SetupError(f"{name} is no PCI device and cannot be bound; l2echo uses it with EAL's "
                         f"--vdev=net_af_packet0,iface={name}")
    return Nic(machine, addresses[-1])


def all_nics(machine):
    nics = (Nic(machine, os.path.basename(path)) for path in machine.glob(f"{DEVICES}/*"))
    return [nic for nic in nics if nic.is_network()]


def reasons_to_keep(machine, nic):
    """Lists why this NIC must stay with the kernel; empty if it may be bound."""
    reasons = []
    for interface in nic.interfaces():
        found = reasons_to_leave(machine, interface)
        if found:
            reasons.append(f"{interface} has " + " and ".join(found))
    if nic.driver() and not nic.interfaces():
        reasons.append(f"its driver {nic.driver()} shows no interface here: another network namespace (a container) "
                       "may be using it")
    functions = machine.number(f"{nic.path}/sriov_numvfs")
    if functions:
        reasons.append(f"its {functions} VFs would go with it")
    return reasons


def bind_command(nic):
    return f"sudo {own_command()} --apply --bind {nic.address}"


def check_bound(nic, take, machine):
    find = functools.partial(Finding, "NIC", nic.described())
    driver = nic.driver()
    if driver in USER_SPACE_DRIVERS:
        return find(OK, f"bound to {driver}")
    if driver in SHARING_DRIVERS:
        return find(OK, f"stays with {driver}, beside which DPDK works")
    reasons = reasons_to_keep(machine, nic)
    if reasons and not take:
        return find(REFUSED, "; ".join(reasons), (ByHand(f"{bind_command(nic)} --take-kernel-interface"),))
    force = ("--force",) if reasons else ()
    steps = [Run(("dpdk-devbind.py", *force, "--bind=vfio-pci", nic.address))]
    if driver:
        steps.insert(0, Write(nic.memory_of_driver(), f"{driver}\n", folder_is_new=True))
    return find(ACTION, f"bound to {driver}" if driver else "bound to no driver", tuple(steps))


def check_iommu_group(nic, machine):
    """vfio opens whole groups: all their devices must be bound to it or to nothing, except PCI bridges."""
    find = functools.partial(Finding, "IOMMU group", nic.described())
    group = nic.iommu_group()
    if group is None:
        return find(NOTE, "in none")
    others = []
    for path in machine.glob(f"/sys/kernel/iommu_groups/{group}/devices/*"):
        other = Nic(machine, os.path.basename(path))
        is_bridge = machine.read(f"{other.path}/class").startswith(BRIDGE_CLASS)
        if other.address != nic.address and not is_bridge and other.driver() not in (None, "vfio-pci", "pci-stub"):
            others.append(f"{other.address} ({other.driver()})")
    if not others:
        return find(OK, f"has group {group} to itself")
    return find(ACTION, f"shares group {group} with {', '.join(others)}: vfio opens it only when those have no kernel "
                        "driver either; bind those too, or put the NIC into another slot")


def group_node(nic, machine):
    """Returns the path of the device with which vfio opens the NIC's group; it exists while the NIC is bound."""
    name = nic.iommu_group()
    return f"/dev/vfio/{'noiommu-' if vfio.no_iommu_is_on(machine) else ''}{name}"


def check_group_node(nic, owners, machine):
    """Members of the UNIX group `owners` open the NIC without root."""
    find = functools.partial(Finding, "vfio device", nic.described())
    if nic.iommu_group() is None:
        return find(ACTION, "the NIC is in no IOMMU group, so no device can be given to a group of users")
    path = group_node(nic, machine)
    try:
        state = os.stat(machine.path(path))
    except FileNotFoundError:
        return find(ACTION, f"{path} is missing: bind the NIC first")
    if state.st_gid == grp.getgrnam(owners).gr_gid and state.st_mode & 0o060 == 0o060:
        return find(OK, f"{path} may be opened by the group {owners}")
    return find(ACTION, f"{path} may not be opened by the group {owners}",
                (Run(("chgrp", owners, path)), Run(("chmod", "g+rw", path))))


def users_of(nic, machine):
    """Lists processes that hold the NIC's group open; unbinding would block until they close it."""
    group = nic.iommu_group()
    files = {f"/dev/vfio/{group}", f"/dev/vfio/noiommu-{group}"}
    users = []
    for path in machine.glob("/proc/[0-9]*/fd/*"):
        try:
            target = os.readlink(machine.path(path))
        except OSError:
            continue
        if target in files:
            process = path.split("/")[2]
            users.append(f"{machine.read(f'/proc/{process}/comm').strip()} ({process})")
    return sorted(set(users))


def check_returned(nic, machine):
    find = functools.partial(Finding, "NIC", nic.described())
    driver = nic.driver()
    if driver and driver not in USER_SPACE_DRIVERS:
        return find(OK, f"with the kernel, driver {driver}")
    users = users_of(nic, machine)
    if users:
        return find(REFUSED, f"in use by {', '.join(users)}: stop that first")
    remembered = machine.read(nic.memory_of_driver()).strip()
    if remembered:
        steps = (Run(("dpdk-devbind.py", f"--bind={remembered}", nic.address)),)
    else:
        # The kernel finds the driver itself.
        steps = (Run(("dpdk-devbind.py", "--unbind", nic.address)),
                 Write("/sys/bus/pci/drivers_probe", f"{nic.address}\n"))
    if nic.forced_driver():
        steps = (Write(nic.driver_override(), "\n"), *steps)
    return find(ACTION, f"bound to {driver}" if driver else "bound to no driver", steps)


def describe(nic, machine):
    """Says whether a NIC that was not named could be bound."""
    found = check_bound(nic, True, machine)
    if found.state == OK:
        return found
    reasons = reasons_to_keep(machine, nic)
    if reasons:
        return Finding("NIC", nic.described(), NOTE, "stays with the kernel: " + "; ".join(reasons))
    return Finding("NIC", nic.described(), NOTE, f"{found.text}, free to be taken", (ByHand(bind_command(nic)),))


def physical_function(nic, machine):
    """Returns (PF interface, index of this VF on it), or None."""
    for path in machine.glob(f"{nic.path}/physfn/virtfn*"):
        if machine.link_name(path) == nic.address:
            names = machine.glob(f"{nic.path}/physfn/net/*")
            if names:
                return os.path.basename(names[0]), int(path.rpartition("virtfn")[2])
    return None


def check_vf(nic, machine):
    """A VF needs trust to be promiscuous, and the spoof check off to send frames from other MACs."""
    find = functools.partial(Finding, "VF", nic.described())
    owner = physical_function(nic, machine)
    if owner is None:
        return find(NOTE, "its PF is on the host; for there, with that PF and the number N of this VF",
                    (ByHand("sudo ip link set dev PF vf N trust on && sudo ip link set dev PF vf N spoofchk off"),))
    interface, index = owner
    link = json.loads(machine.run("ip", "-json", "-details", "link", "show", "dev", interface))[0]
    state = next((vf for vf in link.get("vfinfo_list", ()) if vf.get("vf") == index), {})
    wrong = []
    if state.get("trust") is False:
        wrong.append(("no trust: promiscuous mode stays off and frames to another MAC do not arrive", "trust", "on"))
    if state.get("spoofchk") is True:
        wrong.append(("spoof check on: what was sent to another MAC than its own is not let back out", "spoofchk",
                      "off"))
    if not wrong:
        return find(OK, f"VF {index} of {interface}: trust and spoof check let every frame through")
    steps = tuple(Run(("ip", "link", "set", "dev", interface, "vf", str(index), key, value)) for _, key, value in wrong)
    return find(NOTE, f"VF {index} of {interface}: " + "; ".join(why for why, _, _ in wrong), steps)


def is_vf(nic, machine):
    driver = machine.read(nic.memory_of_driver()).strip() or nic.driver()
    return machine.exists(f"{nic.path}/physfn") or driver in VF_DRIVERS


def checks(machine, bind, unbind, take, owners):
    """Checks NICs to bind and NICs to return to the kernel; if none were named, lists all NICs.

    `owners` is a group that gets the device of each NIC to bind, or None.
    """
    for nic in bind:
        if is_vf(nic, machine):
            yield functools.partial(check_vf, nic)
        yield functools.partial(check_bound, nic, take)
        if nic.driver() not in SHARING_DRIVERS and not vfio.no_iommu_is_on(machine):
            yield functools.partial(check_iommu_group, nic)
        if owners and nic.driver() not in SHARING_DRIVERS:
            yield functools.partial(check_group_node, nic, owners)
    for nic in unbind:
        yield functools.partial(check_returned, nic)
    if not bind and not unbind:
        for nic in all_nics(machine):
            yield functools.partial(describe, nic)
