"""Flows of frames, the queue that RSS selects for each of them, and the order in which they return."""

import collections
import socket

import pytest
from tests.harness.kernel_peer import Exchange, NumberedPayload
from scapy.layers.inet import IP, TCP, UDP
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import Ether
from scapy.packet import Raw

from wires import TIMEOUT_SECONDS

# The key of Microsoft's RSS specification, the default of DPDK's virtio and e1000 drivers.
USUAL_KEY = bytes.fromhex("6d5a56da255b0ec24167253d43a38fb0d0ca2bcbae7b30b477cb2da38030f20c6a42b73bbeac01fa")
RETA_SIZE = 128
PAYLOAD_BYTES = 64


def toeplitz(key, data):
    """The RSS hash of a frame's addresses and ports."""
    key_bits = int.from_bytes(key, "big")
    width = 8 * len(key)
    result = 0
    for bit in range(8 * len(data)):
        if data[bit // 8] >> (7 - bit % 8) & 1:
            result ^= key_bits >> (width - 32 - bit) & 0xFFFFFFFF
    return result


class Flow:
    def __init__(self, network, transport, source, destination, source_port, destination_port):
        self._layers = network(src=source, dst=destination) / transport(sport=source_port, dport=destination_port)
        family = socket.AF_INET if network is IP else socket.AF_INET6
        addresses = socket.inet_pton(family, source) + socket.inet_pton(family, destination)
        self._hashed = addresses + source_port.to_bytes(2, "big") + destination_port.to_bytes(2, "big")

    def frame(self, addresses, payload):
        return bytes(addresses / self._layers / Raw(payload))

    def queue(self, key, queues):
        """The queue if entry i of the redirection table points to queue i % queues."""
        return toeplitz(key, self._hashed) % RETA_SIZE % queues

# Each network and each transport once; the other pairs take long.
KINDS = ("IPv4/UDP", "IPv6/TCP", *(pytest.param(kind, marks=pytest.mark.long) for kind in ("IPv4/TCP", "IPv6/UDP")))


def flows_of(kind, count):
    """Flows between test and documentation addresses (RFC 5737 is too small, so RFC 2544 and RFC 3849), with various
    ports."""
    network, transport = {"IPv4/UDP": (IP, UDP), "IPv4/TCP": (IP, TCP), "IPv6/UDP": (IPv6, UDP),
                          "IPv6/TCP": (IPv6, TCP)}[kind]
    source, destination = ("198.18.{}.{}", "198.19.0.1") if network is IP else ("2001:db8::{:x}:{:x}", "2001:db8::1")
    return [Flow(network, transport, source.format(index % 7, index + 1), destination, 1024 + 977 * index % 60000, 7)
            for index in range(count)]


class FlowMaker:
    """Frames that rotate through the flows, for an Exchange; records the order in which they return."""

    def __init__(self, peer, flows):
        self._addresses = Ether(src=peer.source, dst=peer.destination)
        self._flows = flows
        self._numbered = NumberedPayload()
        self.payload = self
        self.arrivals = collections.defaultdict(list)

    def build(self, sequence):
        payload = self._numbered.build(sequence, PAYLOAD_BYTES)
        return self._flows[sequence % len(self._flows)].frame(self._addresses, payload)

    def is_in(self, frame):
        return self._numbered.is_in(frame)

    def sequence_in(self, frame):
        sequence = self._numbered.sequence_in(frame)
        if sequence is not None:
            self.arrivals[sequence % len(self._flows)].append(sequence)
        return sequence

    def out_of_order(self):
        return [flow for flow, sequences in self.arrivals.items() if sequences != sorted(sequences)]


def exchange_flows(peer, flows, frames_each):
    """Checks that every frame returns swapped, and that each flow keeps its order."""
    maker = FlowMaker(peer, flows)
    result = Exchange(peer, maker, frames_each * len(flows), 128, TIMEOUT_SECONDS).run()
    assert result.is_clean(), result
    assert maker.out_of_order() == []


def expected_queues(flows, frames_each, key, queues):
    """Number of frames for each queue."""
    counts = collections.Counter(flow.queue(key, queues) for flow in flows)
    return [frames_each * counts[queue] for queue in range(queues)]
