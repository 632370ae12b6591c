"""igb (82576), with RSS over all queues and a single queue at the other end of the wire."""

import pytest
from echo import COMMAND, JSON, WORKERS, ended, exchange, queues
from flows import KINDS, USUAL_KEY, exchange_flows, expected_queues, flows_of
from wires import SocketWire

MAC = "52:54:00:00:01:00"
IGB = "8086:10c9"


@pytest.fixture(scope="module")
def wire():
    wire = SocketWire(MAC)
    yield wire
    wire.close()


@pytest.fixture(scope="module")
def guest(boot, igb_qemu, wire):
    if igb_qemu is None:
        pytest.skip("no QEMU with an igb NIC: neither this machine nor its package sources have one")
    guest = boot("igb", igb_qemu, (wire,), devices=(
        "-netdev", wire.netdev("wire"), "-device", f"igb,netdev=wire,mac={MAC},romfile="))
    yield guest
    guest.close()


def test_igb_works_as_typed(start, bind, wire):
    bind(IGB)
    program = start(COMMAND).wait_until_ready()
    exchange(wire, 1000)
    assert program.stop() == 0


@pytest.mark.parametrize("kind", KINDS)
def test_igb_spreads_flows_by_their_hash(start, bind, wire, kind):
    bind(IGB)
    program = start(f"{COMMAND} -- {JSON}").wait_until_ready()
    flows = flows_of(kind, 64)
    with wire.peer() as peer:
        exchange_flows(peer, flows, 10)
    expected = expected_queues(flows, 10, USUAL_KEY, WORKERS)
    assert queues(ended(program)) == [(queue, queue + 1, frames) for queue, frames in enumerate(expected)]
