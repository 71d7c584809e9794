"""The backend: what anytel calls."""

import socket
import time
from collections.abc import Iterator, Mapping
from typing import ClassVar

from anytel.backend import Ack, Backend, Host, MetricBatch, Point, Signal
from anytel.backend.settings import Setting
from anytel_statsd.wire import lines

__all__ = ["StatsdBackend"]

_DEFAULT = Setting("STATSD_URL", "udp://127.0.0.1:8125", "the default")
_DATAGRAM = 1_400
"""Bytes that fit into one packet on the usual networks."""


class StatsdBackend(Backend):
    """Sends metrics to the server at *url*: ``STATSD_URL``, by default ``udp://127.0.0.1:8125``."""

    name: ClassVar[str] = "statsd"
    signals: ClassVar[frozenset[Signal]] = frozenset({"metric"})
    fidelity: ClassVar[Mapping[str, str]] = {
        "metric.count": "exact",
        "metric.gauge": "exact",
        "metric.distribution": "approximate: at most 1,000 samples per interval, with their rate (within 25 %)",
        "metric.histogram": "approximate: its samples; the declared buckets are not sent",
        "metric.set": "exact",
        "metric.name": "approximate: with the tags appended",
        "metric.tags": "unsupported: StatsD has none; they are parts of the name",
        "metric.unit": "approximate: samples of times are milliseconds; the others have none",
        "metric.description": "unsupported: StatsD has none",
        "metric.exemplars": "unsupported: StatsD has none",
        "span": "unsupported: StatsD takes metrics only",
        "log": "unsupported: StatsD takes metrics only",
        "error": "unsupported: StatsD takes metrics only",
    }

    def __init__(self, url: str | None = None) -> None:
        self._address = _address(Setting.read("STATSD_URL", url, "url") or _DEFAULT)
        self._socket: socket.socket | None = None

    def open(self, host: Host, /) -> None:
        """Make a socket; a forked child leaves its parent's alone and makes its own."""
        self._socket = self.native = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.connect(self._address)

    def metrics(self, batch: MetricBatch, deadline: float, /) -> Ack:
        """Send a batch; what the socket refuses is dropped and counted, what comes too late is offered again."""
        delivered = lost = 0
        for points, datagram in _datagrams(batch):
            if time.monotonic() >= deadline:
                break
            try:
                self._socket.send(datagram)
                delivered += points
            except OSError:
                lost += points
        waiting = len(batch.points) - delivered - lost
        return Ack(delivered, {"not_sent": lost} if lost else {}, waiting)

    def close(self, deadline: float, /) -> bool:
        """Close the socket. A second call does nothing."""
        if self._socket is not None:
            self._socket.close()
            self._socket = self.native = None
        return True


def _datagrams(batch: MetricBatch) -> Iterator[tuple[int, bytes]]:
    """Pack points into datagrams, each with the number of points that end in it."""
    waiting, ended = b"", 0
    for point in batch.points:
        for line in _encoded(point):
            if waiting and len(waiting) + len(line) > _DATAGRAM:
                yield ended, waiting
                waiting, ended = b"", 0
            waiting += line
        ended += 1
    if ended:
        yield ended, waiting


def _encoded(point: Point) -> Iterator[bytes]:
    return (f"{line}\n".encode() for line in lines(point))


def _address(setting: Setting) -> tuple[str, int]:
    """Read a URL; raises ConfigError, which names the setting, where it came from and what to do."""
    scheme, _, rest = setting.value.partition("://")
    host, _, port = rest.rpartition(":")
    if scheme != "udp" or not host or not port.isdecimal():
        raise setting.error("this is no address", "Give udp://HOST:PORT.")
    return host, int(port)
