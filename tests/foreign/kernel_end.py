#!/usr/bin/python3
"""The kernel's end of a TCP connection: sends the pattern, checks what it receives, and prints the outcome as JSON."""

import argparse
import json
import selectors
import socket
import struct
import sys
import time

from tests.foreign.pattern import first_difference, pattern

CHUNK = 256 << 10
TCP_CONGESTION = 13  # linux/tcp.h; named in Python since 3.6 only where the C library has it
TOTAL_RETRANS = struct.Struct("=100xI")  # tcpi_total_retrans of linux/tcp.h


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    role = parser.add_mutually_exclusive_group(required=True)
    role.add_argument("--listen", nargs=2, metavar=("ADDRESS", "PORT"))
    role.add_argument("--connect", nargs=2, metavar=("ADDRESS", "PORT"))
    parser.add_argument("--send", type=int, default=0, metavar="BYTES", help="bytes of the pattern to send")
    parser.add_argument("--seconds", type=float, help="stop sending after this time")
    parser.add_argument("--echo", action="store_true", help="send back what arrives instead")
    parser.add_argument("--congestion", help="TCP_CONGESTION")
    parser.add_argument("--send-buffer", type=int)
    parser.add_argument("--receive-buffer", type=int)
    return parser.parse_args()


def configure(endpoint, arguments):
    if arguments.congestion:
        endpoint.setsockopt(socket.IPPROTO_TCP, TCP_CONGESTION, arguments.congestion.encode())
    if arguments.send_buffer:
        endpoint.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, arguments.send_buffer)
    if arguments.receive_buffer:
        endpoint.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, arguments.receive_buffer)


def open_connection(arguments):
    address, port = arguments.listen or arguments.connect
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    endpoint = socket.socket(family, socket.SOCK_STREAM)
    configure(endpoint, arguments)
    if arguments.connect:
        endpoint.connect((address, int(port)))
        return endpoint
    endpoint.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    endpoint.bind((address, int(port)))
    endpoint.listen(1)
    print("Ready", file=sys.stderr, flush=True)
    connection, _ = endpoint.accept()
    return connection


class Exchange:
    """One connection until both directions have ended."""

    def __init__(self, connection, arguments):
        self.sent = self.received = 0
        self.wrong_at = None
        self.first_byte = self.last_byte = None
        self._connection = connection
        self._echo = arguments.echo
        self._to_send = arguments.send
        self._end = time.monotonic() + arguments.seconds if arguments.seconds else None
        self._pending = b""  # bytes to echo
        self._reading = self._writing = True

    def run(self):
        self._connection.setblocking(False)
        with selectors.DefaultSelector() as selector:
            selector.register(self._connection, selectors.EVENT_READ)
            while self._reading or self._writing:
                wanted = (selectors.EVENT_READ if self._reading and len(self._pending) < CHUNK else 0) | (
                    selectors.EVENT_WRITE if self._writing and self._has_something_to_say() else 0)
                selector.modify(self._connection, wanted)
                for _, events in selector.select(1):
                    if events & selectors.EVENT_READ:
                        self._receive()
                    if events & selectors.EVENT_WRITE:
                        self._send()

    def _has_something_to_say(self):
        return not self._echo or self._pending or not self._reading

    def _receive(self):
        data = self._connection.recv(CHUNK)
        if not data:
            self._reading = False
            return
        self.last_byte = time.monotonic()
        self.first_byte = self.first_byte or self.last_byte
        if self._echo:
            self._pending += data
        elif self.wrong_at is None:
            self.wrong_at = first_difference(self.received, data)
        self.received += len(data)

    def _send(self):
        if self._echo:
            chunk = self._pending
        else:
            over = self._end is not None and time.monotonic() > self._end
            chunk = b"" if over else pattern(self.sent, self._to_send - self.sent)
        if not chunk:
            self._connection.shutdown(socket.SHUT_WR)
            self._writing = False
            return
        count = self._connection.send(chunk)
        self.sent += count
        self._pending = self._pending[count:]


def main():
    arguments = parse_arguments()
    outcome = "closed"
    connection = open_connection(arguments)
    exchange = Exchange(connection, arguments)
    begin = time.monotonic()
    try:
        exchange.run()
    except OSError as error:
        outcome = error.strerror
    info = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, TOTAL_RETRANS.size)
    connection.close()
    print(json.dumps({
        "outcome": outcome, "sent": exchange.sent, "received": exchange.received, "wrong_at": exchange.wrong_at,
        "seconds": time.monotonic() - begin,
        "receive_seconds": (exchange.last_byte or 0) - (exchange.first_byte or 0),
        "retransmitted": TOTAL_RETRANS.unpack(info)[0]}))


if __name__ == "__main__":
    main()
