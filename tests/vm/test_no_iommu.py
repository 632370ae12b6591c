"""A guest without an IOMMU: its error messages, another kernel driver that works, and links that are not a NIC's."""

import json
import re

import pytest
from echo import COMMAND, JSON, WORKERS, ended, exchange, queues
from flows import USUAL_KEY, exchange_flows, expected_queues, flows_of
from wires import TapWire

MAC = "52:54:00:00:02:01"
VIRTIO_NET = "1af4:1041"
QUEUES = 4
TC = "/usr/sbin/tc"  # busybox has a tc of its own
NO_NIC = "--no-huge -m 128 --no-pci --no-shconf"


@pytest.fixture(scope="module")
def wire():
    wire = TapWire("vmtap2", MAC, QUEUES)
    yield wire
    wire.close()


@pytest.fixture(scope="module")
def guest(boot, machine_qemu, wire):
    guest = boot("no-iommu", machine_qemu, (wire,), iommu=False, tools=True, devices=(
        "-netdev", wire.netdev("wire"), "-device",
        f"virtio-net-pci,netdev=wire,mac={MAC},mq=on,vectors={2 * QUEUES + 2},rss=on,hash=on,"
        "disable-legacy=on,romfile="))
    yield guest
    guest.close()


def test_vfio_does_not_bind_and_the_alternative_is_named(guest, start):
    address = guest.pci_address(VIRTIO_NET)
    guest.bind(address, "vfio-pci")
    assert guest.driver_of(address) == "none"
    program = start(COMMAND)
    assert program.wait() == 1
    assert re.search(rf"{address} \(no driver\), and no IOMMU, so vfio-pci does not bind; .* "
                     rf"--bind=uio_pci_generic {address}", program.error_line())


@pytest.mark.parametrize("options, text", [
    ("", "none: switch it on in the virtual machine's settings (VT-d, AMD-Vi, SMMU); add intel_iommu=on iommu=pt to "
         "the kernel command line and reboot"),
    ("--allow-no-iommu", "none, and this kernel's vfio has no mode without one: give the virtual machine one")])
def test_host_setup_says_what_is_missing(guest, options, text):
    guest.succeed("modprobe vfio-pci")
    status, output = guest.run(f"./scripts/host-setup --json --apply --only vfio {options}")
    found = {check["check"]: check for check in json.loads(output)["checks"]}
    assert (status, found["IOMMU"]["state"], found["IOMMU"]["text"]) == (1, "action needed", text)


def test_uio_pci_generic_echoes_on_all_queues(guest, start, wire):
    address = guest.pci_address(VIRTIO_NET)
    guest.bind(address, "uio_pci_generic")
    assert guest.driver_of(address) == "uio_pci_generic"
    program = start(f"{COMMAND} -- {JSON}").wait_until_ready()
    flows = flows_of("IPv4/UDP", 64)
    with wire.peer() as peer:
        exchange_flows(peer, flows, 10)
    expected = expected_queues(flows, 10, USUAL_KEY, WORKERS)
    assert [frames for _, _, frames in queues(ended(program))] == expected
    echo = start(f"{COMMAND} -a {address}").wait_until_ready()
    exchange(wire, 500, vlan=True)
    assert echo.stop() == 0


@pytest.fixture
def link(guest):
    """link(NETEM) impairs the path from veth3 to veth0: a bridge between them sends to veth0 through netem.

    Netem must not be on an interface that a program sends on: it clears the sender of delayed packets, so that the
    sender's packet socket would receive its own frames.
    """
    guest.succeed("for which in all default; do echo 1 >/proc/sys/net/ipv6/conf/$which/disable_ipv6; done")
    guest.succeed("modprobe -a veth bridge sch_netem; ip link add type veth; ip link add type veth; "
                  "brctl addbr bridge; for port in veth1 veth2; do brctl addif bridge $port; done; "
                  "for name in veth0 veth1 veth2 veth3 bridge; do ip link set $name up; done")
    yield lambda netem: guest.succeed(f"{TC} qdisc add dev veth1 root netem limit 100000 {netem}")
    guest.succeed("for name in veth0 veth3 bridge; do ip link set $name down; ip link delete $name; done")


def probe_over(guest, start, options):
    """The result of l2_probe on veth3 against l2_multi_echo on veth0."""
    echo = start(f"./build/l2_multi_echo -l 0-1 {NO_NIC} --vdev=net_af_packet0,iface=veth0").wait_until_ready()
    # The driver's fanout group is the process id XOR the interface index; close values may collide.
    guest.succeed("echo 20000 >/proc/sys/kernel/ns_last_pid")
    guest.succeed(f"./build/l2_probe -l 2-3 {NO_NIC} --vdev=net_af_packet1,iface=veth3 -- --format json {options} "
                  ">/tmp/probe 2>/dev/ttyS0")
    assert echo.stop() == 0
    return json.loads(guest.succeed("cat /tmp/probe"))


def test_probe_counts_exactly_what_the_link_loses(guest, start, link):
    link("loss 5%")
    result = probe_over(guest, start, "--rate 1kpps --count 2000 --flows 16")
    dropped = int(re.search(r"dropped (\d+)", guest.succeed(f"{TC} -s qdisc show dev veth1"))[1])
    assert 0 < dropped < 400  # the mean is 100
    assert (result["sent"], result["lost"], result["corrupted"], result["duplicated"]) == (2000, dropped, 0, 0)


def test_probe_measures_the_delay_of_the_link(guest, start, link):
    link("delay 50ms")
    result = probe_over(guest, start, "--rate 500pps --count 1000")
    assert (result["sent"], result["lost"], result["corrupted"], result["duplicated"]) == (1000, 0, 0, 0)
    # In an emulated machine, EAL's measurement of the TSC frequency is off by a few percent.
    assert 40e6 < result["round_trip_ns"]["min"] < 60e6
