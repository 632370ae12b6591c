"""64-bit Arm with a single-queue virtio-net, as in UTM on a Mac: behind an SMMU, and without one."""

import pytest
from echo import COMMAND, JSON, ended, exchange, queues
from guest import CTRL_C
from wires import TapWire

MAC = "52:54:00:00:04:01"
VIRTIO_NET = "1af4:1041"


@pytest.fixture(scope="module", params=["vfio-pci", "uio_pci_generic"])
def driver(request):
    return request.param


@pytest.fixture(scope="module")
def wire(driver):
    wire = TapWire("vmtap4", MAC, 1)
    yield wire
    wire.close()


@pytest.fixture(scope="module")
def guest(boot, arm_qemu, wire, driver):
    guest = boot(f"aarch64-{driver}", arm_qemu, (wire,), iommu=driver == "vfio-pci", devices=(
        "-netdev", wire.netdev("wire"), "-device",
        f"virtio-net-pci,netdev=wire,mac={MAC},iommu_platform=on,disable-legacy=on,romfile="))
    assert guest.succeed("uname -m").strip() == "aarch64"
    yield guest
    guest.close()


@pytest.fixture(scope="module", autouse=True)
def bound(guest, driver):
    address = guest.pci_address(VIRTIO_NET)
    guest.bind(address, driver)
    assert guest.driver_of(address) == driver


@pytest.mark.parametrize("options", ["", "-- --raw"])
def test_works_as_typed_on_a_terminal(guest, start, wire, options):
    program = start(f"{COMMAND} {options}", on_terminal=True).wait_until_ready()
    exchange(wire, 1000, vlan=True)
    guest.console.write(CTRL_C)
    assert program.wait() == 0
    assert "Core 3 entering main loop... (no queue, idle)" in program.console()
    assert "received 1000 = echoed 1000 + answered 0 + refused 0 + dropped 0" in program.console()


def test_two_lcores_are_enough(start, wire):
    program = start(f"./build/l2_multi_echo -l 0-1 -n 4 -- {JSON}").wait_until_ready()
    exchange(wire, 1000)
    assert queues(ended(program)) == [(0, 1, 1000)]


def test_l2_echo_on_one_lcore(start, wire):
    program = start("./build/l2_echo -l 0 -n 4").wait_until_ready()
    exchange(wire, 500)
    assert program.stop() == 0
