"""scripts/host-setup and the commands in its document, on a guest without any set-up."""

import contextlib
import json
import pathlib
import re
import shlex
import socket

import pytest
from echo import COMMAND, exchange
from tests.harness.kernel_interfaces import ip
from wires import TIMEOUT_SECONDS, TapWire

MAC = "52:54:00:00:03:01"
VIRTIO_NET = "1af4:1041"
KERNEL_DRIVER, DPDK_DRIVER = "virtio-pci", "vfio-pci"
QUEUES = 4
READY, NOT_READY = 0, 1
DOCUMENT = pathlib.Path(__file__).resolve().parents[2] / "docs/host-setup.md"
DOCUMENT_ADDRESS = "0000:01:00.0"
HUGEPAGES = 512 // 2  # the default of host-setup
GUEST_ADDRESS, OUR_ADDRESS = "198.18.0.1", "198.18.0.2"  # RFC 2544


@pytest.fixture(scope="module")
def wire():
    wire = TapWire("vmtap3", MAC, QUEUES)
    yield wire
    wire.close()


@pytest.fixture(scope="module")
def guest(boot, machine_qemu, wire):
    guest = boot("host-setup", machine_qemu, (wire,), hugepages=0, tools=True, devices=(
        "-device", "pcie-root-port,id=slot0,chassis=1", "-netdev", wire.netdev("wire"), "-device",
        f"virtio-net-pci,bus=slot0,netdev=wire,mac={MAC},mq=on,vectors={2 * QUEUES + 2},rss=on,hash=on,"
        "iommu_platform=on,disable-legacy=on,romfile="))
    guest.succeed("echo 1 >/proc/sys/net/ipv6/conf/default/disable_ipv6; modprobe -a virtio_pci virtio_net")
    yield guest
    guest.close()


@pytest.fixture(scope="module")
def address(guest):
    return guest.pci_address(VIRTIO_NET)


@pytest.fixture
def fresh(guest, address):
    """The guest as booted: the NIC has its kernel driver, there are no hugepages and no vfio, and no boot
    configuration."""
    guest.bind(address, KERNEL_DRIVER)
    guest.succeed("umount /dev/hugepages; echo 0 >/proc/sys/vm/nr_hugepages; rm -rf /run/l2echo /etc")
    guest.succeed(f"echo >/sys/bus/pci/devices/{address}/driver_override; sudo modprobe -r vfio_pci vfio_iommu_type1")
    guest.succeed("mkdir -p /etc/tmpfiles.d /etc/modules-load.d; ip link set eth0 down")
    return guest


def state(guest, address):
    """Everything that host-setup may change."""
    return (guest.driver_of(address),
            guest.succeed("cat /proc/sys/vm/nr_hugepages /proc/mounts; find /etc /run; ls /sys/module /dev"))


def host_setup(guest, options, status=READY):
    """The checks that it prints, by check and subject."""
    ended, output = guest.run(f"./scripts/host-setup --json {options}")
    assert ended == status, output
    return {f"{check['check']} {check['subject']}".strip(): check for check in json.loads(output)["checks"]}


def test_missing_set_up_is_reported_and_nothing_changes(fresh, address):
    before = state(fresh, address)
    status, output = fresh.run(f"./scripts/host-setup --bind {address}")
    assert status == NOT_READY
    for words in ("hugepages node 0: 0 reserved, 512M wanted", "pages of 2M are mounted nowhere",
                  "vfio-pci: not loaded", "IOMMU: on", f"NIC {address} eth0: bound to {KERNEL_DRIVER}",
                  f"type: sudo ./scripts/host-setup --apply --bind {address}"):
        assert words in output
    assert state(fresh, address) == before


def test_suggested_commands_suffice(fresh, address):
    for check in host_setup(fresh, f"--bind {address}", NOT_READY).values():
        if check["state"] == "action needed":
            for command in check["commands"]:
                fresh.succeed(command)
    assert fresh.driver_of(address) == DPDK_DRIVER
    assert host_setup(fresh, f"--bind {address}")
    # Do what a boot does.
    fresh.succeed("echo 0 >/proc/sys/vm/nr_hugepages; systemd-tmpfiles --create --boot")
    assert int(fresh.succeed("cat /proc/sys/vm/nr_hugepages")) == HUGEPAGES


def test_commands_of_the_bind_unit_may_be_repeated(fresh, address):
    """As l2echo-bind@.service starts, restarts and stops. The group gets the device of this NIC until it is unbound."""
    fresh.succeed("echo testers:x:4242: >/etc/group")
    bind = f"--apply --only hugepages,vfio,nic --bind {address} --group testers"
    first = host_setup(fresh, bind)
    assert first[f"vfio device {address}"]["changed"]
    assert fresh.succeed("ls -ln /dev/vfio/[0-9]* | awk '{print $1, $4}'").split() == ["crw-rw----", "4242"]
    assert not any(check["changed"] for check in host_setup(fresh, bind).values())
    host_setup(fresh, f"--apply --unbind {address}")
    assert fresh.driver_of(address) == KERNEL_DRIVER
    host_setup(fresh, f"--apply --unbind {address}")
    fresh.succeed("test ! -e /dev/vfio/[0-9]*")


def test_existing_hugepages_count(fresh):
    fresh.succeed("echo 32 >/proc/sys/vm/nr_hugepages")
    assert host_setup(fresh, "--only hugepages --apply --hugepages 128M")["hugepages node 0"]["changed"]
    assert int(fresh.succeed("cat /proc/sys/vm/nr_hugepages")) == 64
    assert not host_setup(fresh, "--only hugepages --apply --hugepages 32M")["hugepages node 0"]["changed"]
    assert int(fresh.succeed("cat /proc/sys/vm/nr_hugepages")) == 64


# Interfaces in use by the kernel


@contextlib.contextmanager
def ssh_session(guest, wire):
    """A connection to port 22 of an address that belongs to the guest, but not to the NIC."""
    guest.succeed(f"ip address add {GUEST_ADDRESS}/32 dev lo; ip route add {OUR_ADDRESS} dev eth0; "
                  "(sleep 1000 | nc -l -p 22 >/dev/null) &")
    ip("address", "add", f"{OUR_ADDRESS}/24", "dev", wire.name)
    ip("link", "set", wire.name, "up")
    try:
        guest.wait_for(lambda: guest.succeed("ss -H -ltn sport = :22"), "server on port 22")
        with socket.create_connection((GUEST_ADDRESS, 22), TIMEOUT_SECONDS):
            yield
    finally:
        ip("address", "flush", "dev", wire.name)
        guest.succeed(f"killall nc sleep; ip address delete {GUEST_ADDRESS}/32 dev lo")


@contextlib.contextmanager
def kernel_objects(guest, make, remove):
    guest.succeed(make)
    try:
        yield
    finally:
        guest.succeed(remove)


USES = {
    "address": ("ip address add 198.18.0.1/24 dev eth0", "ip address flush dev eth0",
                "eth0 has the address 198.18.0.1 on eth0"),
    "default route": ("ip route add default dev eth0", "ip route flush default", "eth0 has the default route"),
    "bridge": ("modprobe bridge; ip link add bridge0 type bridge; ip link set eth0 master bridge0",
               "ip link delete bridge0", "eth0 has the bridge bridge0 above it"),
    "bond": ("modprobe bonding max_bonds=0; ip link add bond0 type bond mode active-backup; ip link set eth0 down; "
             "ip link set eth0 master bond0", "ip link delete bond0", "eth0 has the bond bond0 above it"),
    "vlan": ("modprobe 8021q; ip link add link eth0 name eth0.7 type vlan id 7", "ip link delete eth0.7",
             "eth0 has the vlan eth0.7 above it"),
}


def assert_refused(guest, address, text):
    nic = host_setup(guest, f"--only nic --apply --bind {address}", NOT_READY)[f"NIC {address} eth0"]
    assert (nic["state"], nic["text"]) == ("refused", text)
    assert nic["commands"] == [f"sudo ./scripts/host-setup --apply --bind {address} --take-kernel-interface"]
    assert guest.driver_of(address) == KERNEL_DRIVER


@pytest.mark.parametrize("use", USES)
def test_interface_in_use_is_refused(fresh, address, use):
    make, remove, text = USES[use]
    fresh.succeed("modprobe vfio-pci; ip link set eth0 up")
    with kernel_objects(fresh, make, remove):
        assert_refused(fresh, address, text)


def test_interface_with_an_ssh_session_is_refused(fresh, address, wire):
    fresh.succeed("modprobe vfio-pci; ip link set eth0 up")
    with ssh_session(fresh, wire):
        assert_refused(fresh, address, "eth0 has an established SSH session")


@pytest.mark.parametrize("use", ["default route", pytest.param("bond", marks=pytest.mark.long)])
def test_interface_in_use_is_taken_if_forced(fresh, address, use):
    make, remove, _ = USES[use]
    fresh.succeed("ip link set eth0 up")
    with kernel_objects(fresh, make, remove):
        options = "--only vfio,nic --apply --bind eth0 --take-kernel-interface"
        assert host_setup(fresh, options)[f"NIC {address}"]["changed"]
        assert fresh.driver_of(address) == DPDK_DRIVER
        assert host_setup(fresh, f"--apply --unbind {address}")[f"NIC {address} eth0"]["changed"]
        assert fresh.driver_of(address) == KERNEL_DRIVER


@pytest.mark.long
def test_nic_in_use_is_not_unbound(fresh, start, address):
    fresh.bind(address, DPDK_DRIVER)
    fresh.succeed(f"echo {HUGEPAGES} >/proc/sys/vm/nr_hugepages; mount -t hugetlbfs hugetlbfs /dev/hugepages")
    program = start(COMMAND).wait_until_ready()
    nic = host_setup(fresh, f"--apply --unbind {address}", NOT_READY)[f"NIC {address}"]
    assert nic["state"] == "refused" and re.fullmatch(r"in use by l2_multi_echo \(\d+\): stop that first", nic["text"])
    assert program.stop() == 0
    assert host_setup(fresh, f"--apply --unbind {address}")[f"NIC {address} eth0"]["changed"]
    assert fresh.driver_of(address) == KERNEL_DRIVER


# Runs a program as a user without capabilities who may lock this many MiB.
AS_NOBODY = ("python3 -c 'import os, resource, sys; resource.setrlimit(resource.RLIMIT_MEMLOCK, 2 * (int(sys.argv[1]) "
             "<< 20,)); os.setgroups([]); os.setgid(65534); os.setuid(65534); os.execv(sys.argv[2], sys.argv[2:])'")


@pytest.mark.long
def test_user_is_told_which_permission_is_missing(guest, fresh, start, address):
    fresh.bind(address, DPDK_DRIVER)
    group = "/dev/vfio/" + fresh.succeed(f"basename $(readlink /sys/bus/pci/devices/{address}/iommu_group)").strip()
    command = f"{AS_NOBODY} 8 ./build/l2_multi_echo -l 0 --no-huge -m 64 --no-shconf --no-telemetry -a {address}"
    fresh.succeed(f"chmod 600 {group} /dev/vfio/vfio")
    for repair, words in (("true", "may not open /dev/vfio/vfio; type: sudo chmod 666 /dev/vfio/vfio"),
                          ("chmod 666 /dev/vfio/vfio", f"may not open {group}, .* sudo chown .USER {group}"),
                          (f"chown 65534 {group}", r"may not lock as much memory .*ulimit -l.* CAP_IPC_LOCK")):
        fresh.succeed(repair)
        refused = start(command)
        assert refused.wait() == 1
        assert re.search(words, refused.error_line()), refused.error_line()
    allowed = start(command.replace(" 8 ", " 64 ", 1)).wait_until_ready()
    guest.succeed("killall -INT l2_multi_echo")
    assert allowed.wait() == 0, "no capability, and as much locked memory as EAL has"


# The document


@pytest.fixture
def document(address):
    """The text of the document, and its code blocks as lists of lines without comments."""
    text = DOCUMENT.read_text(encoding="utf-8").replace(DOCUMENT_ADDRESS, address)
    blocks = re.findall(r"^```sh\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    return text, [[re.sub(r"\s+#.*", "", line) for line in block.splitlines()] for block in blocks]


def assert_echoes(start, wire, command):
    program = start(command.removeprefix("sudo ")).wait_until_ready()
    exchange(wire, 500)
    assert program.stop() == 0


def test_document_with_host_setup(fresh, start, address, wire, document):
    text, ((echo,), (check, bind, unbind), _) = document
    assert echo == f"sudo {COMMAND}"  # the command of all other tests
    before = state(fresh, address)
    assert fresh.run(check)[0] == NOT_READY
    assert state(fresh, address) == before
    assert fresh.succeed(bind).splitlines()[-1] == "Ready."
    assert fresh.driver_of(address) == DPDK_DRIVER
    assert fresh.succeed(check).splitlines()[-1] == "Ready."
    for command in (echo, re.search(r"`(sudo ./build/l2_echo .*?)`", text)[1]):
        assert_echoes(start, wire, command)
    fresh.succeed(unbind)
    assert fresh.driver_of(address) == KERNEL_DRIVER


def test_document_by_hand(fresh, start, address, wire, document):
    _, ((echo,), _, by_hand) = document
    assert [shlex.split(command.removeprefix("sudo "))[0] for command in by_hand] == [
        "dpdk-hugepages.py", "modprobe", "dpdk-devbind.py", "dpdk-devbind.py"]
    output = "".join(fresh.succeed(command) for command in by_hand)
    assert re.search(rf"^{address} .* drv={KERNEL_DRIVER}", output, re.MULTILINE)  # the status before binding
    assert fresh.driver_of(address) == DPDK_DRIVER
    assert_echoes(start, wire, echo)
