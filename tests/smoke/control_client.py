"""A client of the control socket: sends a line, receives a JSON object."""

import json
import socket

ANSWER_SECONDS = 5


class ControlClient:
    def __init__(self, path):
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.connect(str(path))  # blocks while the listen queue is full
        self._socket.settimeout(ANSWER_SECONDS)
        self._lines = self._socket.makefile("rb")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self._lines.close()
        self._socket.close()

    def write(self, content):
        self._socket.sendall(content)

    def answer(self):
        line = self._lines.readline()
        assert line.endswith(b"\n"), f"the connection ended after {line}"
        return json.loads(line)

    def ask(self, command):
        self.write(command.encode() + b"\n")
        return self.answer()

    def is_closed(self):
        """True if the other side closed the connection after all its output was read."""
        try:
            self._lines.read()
        except ConnectionResetError:
            pass
        return True
