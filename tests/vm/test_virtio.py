"""virtio-net behind a vIOMMU, bound to vfio-pci: with four queue pairs as under KVM, and with one as under UTM."""

import re

import pytest
from echo import COMMAND, JSON, WORKERS, ended, exchange, queues
from flows import KINDS, USUAL_KEY, exchange_flows, expected_queues, flows_of
from guest import CTRL_C
from tests.harness.kernel_peer import swapped
from scapy.layers.l2 import Ether
from scapy.packet import Raw
from wires import TIMEOUT_SECONDS, TapWire

MANY_MAC, ONE_MAC = "52:54:00:00:00:01", "52:54:00:00:00:02"
VIRTIO_NET = "1af4:1041"
QUEUES = 4


@pytest.fixture(scope="module", params=["single", pytest.param("multi", marks=pytest.mark.long)])
def threads(request):
    """With multi, two lcores really run in parallel; single is more stable."""
    return request.param


@pytest.fixture(scope="module")
def many():
    wire = TapWire("vmtap0", MANY_MAC, QUEUES)
    yield wire
    wire.close()


@pytest.fixture(scope="module")
def one():
    wire = TapWire("vmtap1", ONE_MAC, 1)
    yield wire
    wire.close()


@pytest.fixture(scope="module")
def guest(threads, boot, machine_qemu, many, one):
    modern = "iommu_platform=on,disable-legacy=on,romfile="
    guest = boot(f"virtio-{threads}", machine_qemu, (many, one), threads=threads, devices=(
        "-device", "pcie-root-port,id=slot0,chassis=1", "-device", "pcie-root-port,id=slot1,chassis=2",
        "-netdev", many.netdev("wire0"), "-netdev", one.netdev("wire1"),
        "-device", f"virtio-net-pci,id=nic0,bus=slot0,netdev=wire0,mac={MANY_MAC},mq=on,vectors={2 * QUEUES + 2},"
                   f"rss=on,hash=on,{modern}",
        "-device", f"virtio-net-pci,id=nic1,bus=slot1,netdev=wire1,mac={ONE_MAC},{modern}"))
    yield guest
    guest.close()


@pytest.fixture(scope="module")
def nics(guest):
    """The PCI addresses of the multi-queue and the single-queue NIC."""
    return guest.pci_address(VIRTIO_NET), guest.pci_address(VIRTIO_NET, 1)


@pytest.fixture
def bound(guest, nics):
    for address in nics:
        guest.bind(address, "vfio-pci")
        assert guest.driver_of(address) == "vfio-pci"
    return nics


@pytest.fixture
def echo(start, bound):
    """l2_multi_echo on the multi-queue NIC, with JSON reports."""
    return start(f"{COMMAND} -a {bound[0]} -- {JSON}").wait_until_ready()


def test_missing_hugepages_say_what_to_type(guest, start, bound):
    guest.succeed("echo 0 >/proc/sys/vm/nr_hugepages")
    program = start(COMMAND)
    assert program.wait() == 1
    guest.succeed("echo 200 >/proc/sys/vm/nr_hugepages")
    assert "no hugepages are reserved; type: sudo dpdk-hugepages.py --reserve 512M --mount (" in program.error_line()


def test_nic_of_the_kernel_is_named_with_the_command_to_type(guest, start, nics):
    guest.succeed("modprobe virtio_pci; modprobe virtio_net")
    for address in nics:
        guest.bind(address, "virtio-pci")
        assert guest.driver_of(address) == "virtio-pci"
    program = start(COMMAND)
    assert program.wait() == 1
    assert re.search(rf"{nics[0]} \(eth\d, driver virtio-pci\).* type: sudo dpdk-devbind.py --bind=vfio-pci {nics[0]}",
                     program.error_line())


def test_works_as_typed_on_a_terminal(guest, start, bound, many, one):
    guest.bind(bound[1], "")
    program = start(COMMAND, on_terminal=True).wait_until_ready()
    exchange(many, 2000, vlan=True)
    guest.console.write(CTRL_C)
    assert program.wait() == 0
    assert "received 2000 = echoed 2000 + answered 0 + refused 0 + dropped 0" in program.console()


@pytest.mark.parametrize("kind", KINDS)
def test_flows_go_to_the_queues_that_their_hash_selects(echo, many, kind):
    flows = flows_of(kind, 64)
    with many.peer() as peer:
        exchange_flows(peer, flows, 10)
    expected = expected_queues(flows, 10, USUAL_KEY, WORKERS)
    assert min(expected) > 0
    assert queues(ended(echo)) == [(queue, queue + 1, frames) for queue, frames in enumerate(expected)]


def test_hash_key_of_the_user_takes_effect(start, bound, many):
    key = bytes(reversed(USUAL_KEY))
    flows = flows_of("IPv4/UDP", 64)
    expected = expected_queues(flows, 10, key, WORKERS)
    assert expected != expected_queues(flows, 10, USUAL_KEY, WORKERS)
    program = start(f"{COMMAND} -a {bound[0]} -- {JSON} --rss-key {key.hex()}").wait_until_ready()
    with many.peer() as peer:
        exchange_flows(peer, flows, 10)
    assert [frames for _, _, frames in queues(ended(program))] == expected


def test_one_flow_stays_on_one_queue_and_a_hint_says_so(echo, many):
    flows = flows_of("IPv4/UDP", 1)
    with many.peer() as peer:
        exchange_flows(peer, flows, 2000)
    report = ended(echo)
    assert [frames for _, _, frames in queues(report)] == expected_queues(flows, 2000, USUAL_KEY, WORKERS)
    assert "gets nearly all frames: one flow, or frames that RSS does not hash" in " ".join(report["hints"])


def test_non_ip_frames_go_to_queue_0_and_a_hint_says_so(echo, many):
    with many.peer() as peer:
        for number in range(1200):
            ethernet = Ether(dst=MANY_MAC, src=f"02:00:00:00:{number >> 8:02x}:{number & 255:02x}", type=0x88B5)
            frame = bytes(ethernet / Raw(number.to_bytes(50, "big")))
            assert peer.send(frame)
            expected = swapped(frame)
            while (returned := peer.receive(TIMEOUT_SECONDS)) != expected:  # loop checks arrive in between
                assert returned, f"frame {number} did not return"
    report = ended(echo)
    assert [frames for _, _, frames in queues(report)] == [1200, 0, 0]
    assert any(re.search("port 0: queue 0 gets nearly all frames: .*not IP", hint) for hint in report["hints"])


def test_link_down_and_up_while_running(guest, echo, many):
    for up, word in ((False, "down"), (True, "up")):
        guest.monitor("set_link", name="nic0", up=up)
        echo.wait_for_line(rf"L2ECHO: Port 0: link is {word}$")
    exchange(many, 500)
    report = ended(echo)
    assert report["ports"][0]["link"]["up"]
    assert report["ports"][0]["link"]["changes"] == 2


def test_one_queue_is_enough(start, bound, one):
    program = start(f"{COMMAND} -a {bound[1]} -- {JSON}").wait_until_ready()
    exchange(one, 1000, vlan=True)
    assert "Device supports max_rx_queues=1, limiting nb_rx_queues to that" in program.console()
    assert "Core 2 entering main loop... (no queue, idle)" in program.console()
    assert queues(ended(program)) == [(0, 1, 1000)]


def test_l2_echo_on_one_lcore(start, bound, many):
    program = start(f"./build/l2_echo -l 0 -n 4 -a {bound[0]}").wait_until_ready()
    exchange(many, 500)
    assert program.stop() == 0


def returned_by_testpmd(guest, start, bound, wire, frames):
    """What testpmd's macswap returns for the same traffic."""
    guest.succeed("for at in dev proc sys run; do mkdir -p /testpmd/$at; mount -o bind /$at /testpmd/$at; done; "
                  "mount -o bind /dev/hugepages /testpmd/dev/hugepages; chmod 755 /testpmd; mkdir -p /testpmd/var; "
                  "ln -sfn /run /testpmd/var/run; ln -sfn usr/lib /testpmd/lib; ln -sfn usr/lib64 /testpmd/lib64")
    program = start(f"chroot /testpmd /usr/bin/dpdk-testpmd -l 0-3 -n 4 -a {bound[0]} -- --rxq={WORKERS} "
                    f"--txq={WORKERS} --nb-cores={WORKERS} --rss-udp --forward-mode=macswap --auto-start "
                    "--total-num-mbufs=8192 --stats-period 1", on_terminal=True)
    program.wait_for_line("NIC statistics for port 0")
    with wire.peer() as peer:
        result = peer.exchange(frames, vlan=True)
    guest.console.write(CTRL_C)
    program.wait()
    return result


def test_returns_the_same_frames_as_testpmd(guest, start, bound, many):
    theirs = returned_by_testpmd(guest, start, bound, many, 1000)
    program = start(f"{COMMAND} -a {bound[0]}").wait_until_ready()
    with many.peer() as peer:
        ours = peer.exchange(1000, vlan=True)
    assert program.stop() == 0
    assert ours.is_clean() and theirs.is_clean(), f"ours: {ours}; testpmd's: {theirs}"


def test_unplugging_a_nic_does_not_stop_the_other(guest, start, bound, many, one):
    """Must be the last test of this module, because it removes the NIC."""
    program = start(f"{COMMAND} -- {JSON}").wait_until_ready()
    for wire in (many, one):
        exchange(wire, 500)
    guest.monitor("device_del", id="nic0")
    program.wait_for_line(rf"L2ECHO: warning: Port 0: {bound[0]} was removed; continuing with 1 port")
    guest.monitor.wait_for_event("DEVICE_DELETED", 60.0)
    exchange(one, 500)
    assert program.stop() == 1
    assert f"port 0 ({bound[0]}) was removed while running" in program.error_line()
    report = program.final()
    assert [(port["removed"], port["received"], port["echoed"]) for port in report["ports"]] == [
        (True, 500, 500), (False, 1000, 1000)]

    program = start(f"{COMMAND} -- {JSON}").wait_until_ready()
    guest.monitor("device_del", id="nic1")
    assert program.wait() == 1
    assert f"{bound[1]} was removed; no port is left, stopping" in program.console()
