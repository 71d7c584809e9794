"""The backend on anytel's conformance kit: its datagrams, received on a loopback socket."""

import re
import socket
from typing import ClassVar

import pytest
from anytel_statsd import StatsdBackend
from anytel_statsd.wire import name_of

from anytel.backend import Series
from anytel.testing.conformance import NAMES, BackendConformance, Measured, Observed

LINE = re.compile(r"([\w.\-]+):([^|]+)\|(c|g|h|ms|s)(?:\|@([\d.]+))?")
KINDS = {"c": "count", "g": "gauge"}


class TestStatsd(BackendConformance):
    names: ClassVar = {name: re.sub(r"[^\w.\-]", "_", name) for name in NAMES}

    @pytest.fixture
    def wire(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as self.server:
            self.server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
            self.server.bind(("127.0.0.1", 0))
            yield

    def make(self):
        self.raw = b""
        self.read()  # what the adapter before this one has sent
        self.raw = b""
        return StatsdBackend("udp://{}:{}".format(*self.server.getsockname()))

    def read(self):
        self.server.setblocking(False)  # loopback: what was sent is there
        try:
            while True:
                self.raw += self.server.recv(65_536)
        except BlockingIOError:
            lines = self.raw.decode().splitlines()
        found = [LINE.fullmatch(line) for line in lines]
        return Observed(
            metrics=[measured(*match.groups()) for match in found if match],
            malformed=[line for line, match in zip(lines, found, strict=True) if not match],
            raw=self.raw,
        )

    def spell(self, series):
        return name_of(Series(series.name, series.kind, "", "", (), tuple(series.tags.items()))), {}


def measured(name, value, kind, rate):
    if kind == "s":
        return Measured(name=name, kind="set", members=frozenset({value}))
    if kind in ("ms", "h"):
        many = {"samples": (float(value),), "weight": 1 / float(rate or 1)}
        return Measured(name=name, kind="distribution", unit="ms" if kind == "ms" else None, **many)
    return Measured(name=name, kind=KINDS[kind], value=float(value))
