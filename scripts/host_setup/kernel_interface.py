"""Whether an interface may be taken from the kernel: the same rules as src/machine/kernel_interface.cpp.

What is stacked on the interface counts as the interface itself, and stacking is a reason of its own here: binding the
NIC takes the interface away, so a bridge, a bond or a VLAN would lose its member.
"""

import ipaddress
import json
import os
import re

from host_setup.machine import SetupError

SSH_PORT = 22


def with_uppers(machine, interface):
    """The interface and everything stacked on it, nearest first."""
    found, pending = [], [interface]
    while pending:
        name = pending.pop(0)
        if name in found:
            continue
        found.append(name)
        links = machine.glob(f"/sys/class/net/{name}/upper_*")
        pending.extend(os.path.basename(link)[len("upper_"):] for link in links)
    return found


def kind_of(machine, interface):
    match = re.search(r"^DEVTYPE=(\w+)$", machine.read(f"/sys/class/net/{interface}/uevent"), re.MULTILINE)
    if machine.exists(f"/sys/class/net/{interface}/bonding"):
        return "bond"
    return match[1] if match else "interface"


def ask(machine, *arguments):
    return json.loads(machine.run("ip", "-json", *arguments) or "[]")


def addresses_on(machine, interfaces):
    """(interface, address) of all that are not IPv6 link-local."""
    for link in ask(machine, "address", "show"):
        if link.get("ifname") in interfaces:
            for address in link["addr_info"]:
                if not (address["family"] == "inet6" and address["scope"] == "link"):
                    yield link["ifname"], address["local"]


def carries_default_route(machine, interfaces):
    families = ("-4", "-6") if machine.exists("/proc/net/ipv6_route") else ("-4",)
    for family in families:
        for route in ask(machine, family, "route", "show", "table", "all", "default"):
            hops = [route, *route.get("nexthops", ())]
            if any(hop.get("dev") in interfaces for hop in hops):
                return True
    return False


def ssh_sessions(machine):
    """(local, remote) of each established session with this machine's SSH server; addresses may end in %interface."""
    rows = machine.run("ss", "-H", "-t", "-n", "state", "established", f"( sport = :{SSH_PORT} )").splitlines()
    for row in rows:
        ends = row.split()[-2:]
        yield tuple(end.rpartition(":")[0].strip("[]") for end in ends)
    # A server on another port; sudo takes this away, unless told to keep it
    client = os.environ.get("SSH_CONNECTION", "").split()
    if len(client) == 4:
        yield client[2], client[0]


def plain(address):
    """Without its zone, and IPv4 as IPv4 where a dual-stack socket shows it as ::ffff:a.b.c.d."""
    parsed = ipaddress.ip_address(address.partition("%")[0])
    return str(getattr(parsed, "ipv4_mapped", None) or parsed)


def interface_towards(machine, address):
    try:
        return ask(machine, "route", "get", address)[0].get("dev")
    except SetupError:
        return None  # no route any more


def carries_ssh_session(machine, interfaces, addresses):
    local_addresses = {plain(address) for _, address in addresses}
    for local, remote in ssh_sessions(machine):
        zone = local.partition("%")[2] or remote.partition("%")[2]
        # The address may also be on another interface, such as one of loopback's that routing announces.
        if zone in interfaces or plain(local) in local_addresses or \
                interface_towards(machine, plain(remote)) in interfaces:
            return True
    return False


def reasons_to_leave(machine, interface):
    """Why this interface must stay with the kernel, most pressing first; none if it may be taken."""
    interfaces = with_uppers(machine, interface)
    addresses = list(addresses_on(machine, interfaces))
    reasons = []
    if carries_ssh_session(machine, interfaces, addresses):
        reasons.append("an established SSH session")
    if carries_default_route(machine, interfaces):
        reasons.append("the default route")
    if addresses:
        reasons.append("the address " + ", ".join(f"{address} on {name}" for name, address in addresses))
    for upper in interfaces[1:]:
        reasons.append(f"the {kind_of(machine, upper)} {upper} above it")
    return reasons
