"""NICs with limited queues or hash functions, in one guest."""

import pytest
from echo import COMMAND, JSON, ended, exchange, queues
from wires import SocketWire

E1000E, VMXNET3 = "8086:10d3", "15ad:07b0"
NAMES = ("e1000e", "vmxnet3")


@pytest.fixture(scope="module")
def wires():
    wires = {name: SocketWire(f"52:54:00:00:01:{number:02x}") for number, name in enumerate(NAMES)}
    yield wires
    for wire in wires.values():
        wire.close()


@pytest.fixture(scope="module")
def guest(boot, machine_qemu, wires):
    devices = ["-device", "pcie-pci-bridge,id=bridge,addr=1e", "-device", "vmxnet3,bus=bridge,addr=1,romfile=",
               "-device", "vmxnet3,bus=bridge,addr=2,romfile="]
    for slot, (name, wire) in enumerate(wires.items(), start=4):
        devices += ["-netdev", wire.netdev(f"wire-{name}"),
                    "-device", f"{name},netdev=wire-{name},mac={wire.mac},addr={slot},romfile="]
    guest = boot("e1000e-and-vmxnet3", machine_qemu, wires.values(), devices=devices)
    yield guest
    guest.close()


def test_e1000e_has_two_queues_and_no_rss(start, bind, wires):
    bind(E1000E)
    program = start(f"{COMMAND} -- {JSON}").wait_until_ready()
    exchange(wires["e1000e"], 1000)
    assert "Device supports max_rx_queues=2, limiting nb_rx_queues to that" in program.console()
    assert "Port 0: no RSS in this device" in program.console()
    assert queues(ended(program)) == [(0, 1, 1000), (1, 2, 0)]


def test_vmxnet3_does_not_hash_here_and_a_hint_says_so(start, bind, wires):
    bind(VMXNET3)
    program = start(f"{COMMAND} -- {JSON}").wait_until_ready()
    exchange(wires["vmxnet3"], 1200)
    report = ended(program)
    assert "vmxnet3 takes a power of two of queues, limiting 3 to 2" in program.console()
    assert queues(report) == [(0, 1, 1200), (1, 2, 0)]
    assert "port 0: queue 0 gets nearly all frames" in " ".join(report["hints"])


def test_non_viable_iommu_group_is_explained(guest, start):
    """Behind a bridge to conventional PCI, the IOMMU cannot distinguish two NICs, so they form one group."""
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


def test_unbinding_a_nic_in_use_ends_the_program(guest, start, bind, wires):
    """Does what `dpdk-devbind.py --bind` does to a NIC that is echoing."""
    address = bind(VMXNET3)
    program = start(f"{COMMAND} -a {address}").wait_until_ready()
    exchange(wires["vmxnet3"], 100)
    guest.bind(address, "vmxnet3")
    assert program.wait() == 1
    assert f"{address} was removed; no port is left, stopping" in program.console()
    assert guest.driver_of(address) == "vmxnet3"
