"""The units l2echo-bind@ and l2echo@ on a NIC that is unplugged and plugged again.

The guest has no systemd: the tests read the unit files, and run their commands with the user, capabilities, limits and
folders that systemd would set up. What only systemd does (namespaces, device cgroup, system call filter, restarts) is
not part of this; the suite `service` has it, without a NIC.
"""

import configparser
import pathlib
import re

import pytest
from echo import JSON, exchange
from wires import TapWire

SOURCE = pathlib.Path(__file__).resolve().parents[2]
UNITS = SOURCE / "packaging/systemd"
MAC = "52:54:00:00:04:01"
VIRTIO_NET = "1af4:1041"
USER = 4242
INSTANCE, FOLDER = "nic", "/run/l2echo/nic"
DEFAULT_MEMLOCK_KIB = 8192  # systemd's DefaultLimitMEMLOCK=
CAP_IPC_LOCK = 14
PROGRAM = "l2_multi_echo"
SETPRIV = "/usr/bin/setpriv"  # by its path, because busybox's shell would run its own version
NIC = {"driver": "virtio-net-pci", "id": "nic0", "bus": "slot0", "netdev": "wire", "mac": MAC, "iommu_platform": "on",
       "disable-legacy": "on", "romfile": ""}


def service_of(name, instance):
    """The section Service of a unit, with the paths of the guest."""
    text = (UNITS / f"{name}.service.in").read_text(encoding="utf-8")
    text = text.replace("@HARDENING@", (UNITS / "hardening.conf").read_text(encoding="utf-8")).replace("\\\n", " ")
    for variable, path in {"@BINDIR@/l2echo-host-setup": "./scripts/host-setup", "@BINDIR@": "./build",
                           "@SYSCONFDIR@": "/etc", "@DOCUMENTS@": "", "@EXAMPLES@": "", "%i": instance}.items():
        text = text.replace(variable, path)
    assert not re.search(r"@[A-Z]+@", text)
    parser = configparser.ConfigParser(interpolation=None, strict=False)
    parser.optionxform = str  # keys keep their case
    parser.read_string(text)
    return parser["Service"]


def as_service(service, options):
    """The command of ExecStart= as systemd would start it."""
    assert service["User"] == service["Group"] == "l2echo" and service["NoNewPrivileges"] == "yes"
    capabilities = [name.removeprefix("CAP_").lower() for name in service["AmbientCapabilities"].split()]
    assert service["CapabilityBoundingSet"].split() == service["AmbientCapabilities"].split() == ["CAP_IPC_LOCK"]
    assert "LimitMEMLOCK" not in service and service["RuntimeDirectory"] == "l2echo/nic"
    kept = ",".join(f"+{name}" for name in capabilities)
    return (f"umask {service['UMask']}; ulimit -l {DEFAULT_MEMLOCK_KIB}; env RUNTIME_DIRECTORY={FOLDER} "
            f"{service['Environment']} {SETPRIV} --reuid {USER} --regid {USER} --clear-groups --no-new-privs "
            f"--inh-caps=-all,{kept} --ambient-caps=-all,{kept} --bounding-set=-all,{kept} "
            + service["ExecStart"].replace("$L2ECHO_OPTIONS", options))


@pytest.fixture(scope="module")
def wire():
    wire = TapWire("vmtap4", MAC, 1)
    yield wire
    wire.close()


@pytest.fixture(scope="module")
def guest(boot, machine_qemu, wire):
    device = ",".join([NIC["driver"], *(f"{key}={value}" for key, value in NIC.items() if key != "driver")])
    guest = boot("unit", machine_qemu, (wire,), hugepages=0, tools=True, devices=(
        "-device", "pcie-root-port,id=slot0,chassis=1", "-netdev", wire.netdev("wire"), "-device", device))
    config = (SOURCE / "packaging/etc/nic.toml").read_text(encoding="utf-8")
    guest.succeed("echo 1 >/proc/sys/net/ipv6/conf/default/disable_ipv6; modprobe -a virtio_pci virtio_net")
    guest.succeed(f"mkdir -p /etc/l2echo {FOLDER} && echo l2echo:x:{USER}: >/etc/group")
    guest.succeed(f"chown {USER}:{USER} {FOLDER} && chmod 750 {FOLDER}")
    for line in config.splitlines():
        guest.succeed(f"echo '{line}' >>/etc/l2echo/nic.toml" if "'" not in line else "true")
    yield guest
    guest.close()


@pytest.fixture(scope="module")
def address(guest):
    return guest.pci_address(VIRTIO_NET)


@pytest.fixture
def restart_bind_unit(guest, address):
    """restart_bind_unit() does what `systemctl restart l2echo-bind@ADDRESS` does."""
    service = service_of("l2echo-bind@", address)

    def restart():
        for step in ("ExecStop", "ExecStart"):
            guest.succeed(service[step].replace("$L2ECHO_OPTIONS", ""))
        assert guest.driver_of(address) == "vfio-pci"

    return restart


@pytest.fixture
def start_unit(start):
    """start_unit() does what `systemctl start l2echo@nic` does."""
    command = as_service(service_of("l2echo@", INSTANCE), JSON)
    return lambda: start(command, name=PROGRAM)


def privileges(guest):
    status = guest.succeed(f"cat /proc/$(pidof {PROGRAM})/status")
    return dict(re.findall(r"^(Uid|Gid|NoNewPrivs|CapEff|CapPrm|CapBnd):\s+(\w+)", status, re.MULTILINE))


def test_unplugged_nic_serves_again_when_it_is_plugged(guest, address, restart_bind_unit, start_unit, wire):
    restart_bind_unit()
    unit = start_unit().wait_until_ready()
    only = f"{1 << CAP_IPC_LOCK:016x}"
    assert privileges(guest) == {"Uid": str(USER), "Gid": str(USER), "NoNewPrivs": "1", "CapEff": only, "CapPrm": only,
                                 "CapBnd": only}
    assert guest.succeed("ls /dev/hugepages") == ""
    exchange(wire, 500)

    guest.monitor("device_del", id="nic0")
    assert unit.wait() == 1, "systemd starts a unit again that has failed"
    assert f"{address} was removed; no port is left, stopping" in unit.console()
    guest.monitor.wait_for_event("DEVICE_DELETED", 60.0)
    final = unit.final()["ports"][0]
    assert (final["removed"], final["received"], final["echoed"]) == (True, 500, 500)
    again = start_unit()
    assert again.wait() == 1, "no NIC is there, and systemd tries again"
    assert again.error_line()

    guest.monitor("device_add", **NIC)
    wire.make_ready()
    guest.wait_for(lambda: guest.run(f"test -e /sys/bus/pci/devices/{address}/driver")[0] == 0, "the NIC in the guest")
    restart_bind_unit()
    unit = start_unit().wait_until_ready()
    exchange(wire, 500)
    assert unit.stop() == 0
    assert unit.final()["ports"][0]["echoed"] == 500
    assert guest.succeed(f"ls -A {FOLDER}/control 2>/dev/null || true") == ""
