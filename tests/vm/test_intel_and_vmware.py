"""igb with RSS over all queues, and NICs whose queues or hash functions fall short, in one guest."""

import pytest
from echo import COMMAND, JSON, WORKERS, ended, exchange, queues
from flows import USUAL_KEY, exchange_flows, expected_queues, flows_of
from wires import SocketWire

IGB, E1000E, VMXNET3 = "8086:10c9", "8086:10d3", "15ad:07b0"
NAMES = ("igb", "e1000e", "vmxnet3")


@pytest.fixture(scope="module")
def wires():
    wires = {name: SocketWire(f"52:54:00:00:01:{number:02x}") for number, name in enumerate(NAMES)}
    yield wires
    for wire in wires.values():
        wire.close()


@pytest.fixture(scope="module")
def guest(boot, igb_qemu, wires):
    if igb_qemu is None:
        pytest.skip("no QEMU with an igb NIC: this machine's has none, and its package sources lead to none")
    devices = ["-device", "pcie-pci-bridge,id=bridge,addr=1e", "-device", "vmxnet3,bus=bridge,addr=1,romfile=",
               "-device", "vmxnet3,bus=bridge,addr=2,romfile="]
    for slot, (name, wire) in enumerate(wires.items(), start=4):
        devices += ["-netdev", wire.netdev(f"wire-{name}"),
                    "-device", f"{name},netdev=wire-{name},mac={wire.mac},addr={slot},romfile="]
    guest = boot("intel-and-vmware", igb_qemu, wires.values(), devices=devices)
    yield guest
    guest.close()


@pytest.fixture
def bind(guest):
    """bind(VENDOR_AND_DEVICE): to vfio-pci, until the test is over."""
    addresses = []

    def bind_to_vfio(vendor_and_device):
        addresses.append(guest.pci_address(vendor_and_device))
        guest.bind(addresses[-1], "vfio-pci")
        assert guest.driver_of(addresses[-1]) == "vfio-pci"
        return addresses[-1]

    yield bind_to_vfio
    for address in addresses:
        guest.bind(address, "")


def test_igb_as_typed(start, bind, wires):
    bind(IGB)
    program = start(COMMAND).wait_until_ready()
    exchange(wires["igb"], 1000)
    assert program.stop() == 0


@pytest.mark.parametrize("kind", ["IPv4/UDP", "IPv4/TCP", "IPv6/UDP", "IPv6/TCP"])
def test_igb_spreads_flows_by_their_hash(start, bind, wires, kind):
    bind(IGB)
    program = start(f"{COMMAND} -- {JSON}").wait_until_ready()
    flows = flows_of(kind, 64)
    with wires["igb"].peer() as peer:
        exchange_flows(peer, flows, 10)
    expected = expected_queues(flows, 10, USUAL_KEY, WORKERS)
    assert queues(ended(program)) == [(queue, queue + 1, frames) for queue, frames in enumerate(expected)]


def test_e1000e_has_two_queues_and_no_rss(start, bind, wires):
    bind(E1000E)
    program = start(f"{COMMAND} -- {JSON}").wait_until_ready()
    exchange(wires["e1000e"], 1000)
    assert "Device supports max_rx_queues=2, limiting nb_rx_queues to that" in program.console()
    assert "Port 0: no RSS in this device" in program.console()
    assert queues(ended(program)) == [(0, 1, 1000), (1, 2, 0)]


def test_vmxnet3_hashes_nothing_here_and_a_hint_says_so(start, bind, wires):
    bind(VMXNET3)
    program = start(f"{COMMAND} -- {JSON}").wait_until_ready()
    exchange(wires["vmxnet3"], 1200)
    report = ended(program)
    assert "vmxnet3 takes a power of two of queues, limiting 3 to 2" in program.console()
    assert queues(report) == [(0, 1, 1200), (1, 2, 0)]
    assert "port 0: queue 0 gets nearly all frames" in " ".join(report["hints"])


def test_a_group_that_is_not_viable_is_explained(guest, start):
    """Behind a bridge for conventional PCI the IOMMU cannot tell two NICs apart: they are one group."""
    ours, neighbour = guest.pci_address(VMXNET3, 1), guest.pci_address(VMXNET3, 2)
    guest.bind(neighbour, "vmxnet3")
    guest.bind(ours, "vfio-pci")
    assert guest.driver_of(neighbour) == "vmxnet3"
    program = start(f"{COMMAND} -a {ours}")
    assert program.wait() == 1
    assert f"{neighbour} is of the same group; type: sudo dpdk-devbind.py --bind=vfio-pci" in program.error_line()
    guest.bind(neighbour, "vfio-pci")
    program = start(f"{COMMAND} -a {ours}").wait_until_ready()
    assert program.stop() == 0


def test_taking_a_nic_in_use_back_ends_the_program(guest, start, bind, wires):
    """What `dpdk-devbind.py --bind` does to a NIC that is echoing."""
    address = bind(VMXNET3)
    program = start(f"{COMMAND} -a {address}").wait_until_ready()
    exchange(wires["vmxnet3"], 100)
    guest.bind(address, "vmxnet3")
    assert program.wait() == 1
    assert f"{address} was removed; no port is left, stopping" in program.console()
    assert guest.driver_of(address) == "vmxnet3"
