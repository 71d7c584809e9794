"""A loopback DogStatsD: takes datagrams and parses them strictly.

The protocol is Datadog's "DogStatsD datagram format", versions 1.0 to 1.4. The real server lets much pass that it then
renames or ignores; here everything that breaks the documented rules is kept in `malformed`.
"""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Literal, Self, TypeAlias

__all__ = ["DogStatsD", "Event", "Kind", "Malformed", "Metric", "ServiceCheck", "parse"]

Kind: TypeAlias = Literal["count", "gauge", "distribution", "histogram", "timing", "set"]

_KINDS: dict[str, Kind] = {
    "c": "count",
    "g": "gauge",
    "d": "distribution",
    "h": "histogram",
    "ms": "timing",
    "s": "set",
}
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.]{0,199}")
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")
_TAG = re.compile(r"(?!\d|_)\w[\w\-:./]{0,199}(?<!:)")
_CARDINALITIES = ("none", "low", "orchestrator", "high")
_EVENT = re.compile(rb"_e\{(\d+),(\d+)\}:")


@dataclass(frozen=True, slots=True)
class Metric:
    """One line. *values* are strings for a set and numbers for the other kinds; each stands for ``1 / rate`` values.

    *timestamp* is in seconds since the epoch. *tags* are as on the wire, constant ones included.
    """

    name: str
    kind: Kind
    values: tuple[float, ...] | tuple[str, ...]
    rate: float = 1.0
    tags: tuple[str, ...] = ()
    timestamp: int | None = None
    container: str | None = None
    external: str | None = None
    cardinality: str | None = None

    @property
    def labels(self) -> dict[str, str]:
        """The tags as a mapping: of several with one key the last, of one without a value the empty string."""
        return {key: value for key, _, value in (tag.partition(":") for tag in self.tags)}


@dataclass(frozen=True, slots=True)
class Event:
    """An event; *fields* are its other sections, as on the wire."""

    title: str
    text: str
    fields: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ServiceCheck:
    """A service check; *status* is 0 (ok) to 3 (unknown), *fields* are its other sections, as on the wire."""

    name: str
    status: int
    fields: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Malformed:
    """A line that breaks the protocol, and how."""

    line: bytes
    problem: str


def parse(line: bytes) -> Metric | Event | ServiceCheck:
    """Parse one line of a datagram, without its line break.

    Raises:
        ValueError: it breaks the protocol.
    """
    if line.startswith(b"_e{"):
        return _event(line)
    head, *sections = line.decode().split("|")
    return _service_check(sections) if head == "_sc" else _metric(head, sections)


def _metric(head: str, sections: list[str]) -> Metric:
    name, colon, raw = head.partition(":")
    _require(_NAME.fullmatch(name), f"name {name!r}")
    _require(colon and raw and sections, "no value or no type")
    kind = _KINDS.get(sections[0])
    if kind is None:
        raise ValueError(f"type {sections[0]!r}")
    values = (raw,) if kind == "set" else tuple(_number(value) for value in raw.split(":"))
    found: dict[str, str] = {}
    for section in sections[1:]:
        prefix = next((known for known in ("@", "#", "T", "c:", "e:", "card:") if section.startswith(known)), None)
        if prefix is None or prefix in found:
            raise ValueError(f"section {section!r}")
        found[prefix] = section.removeprefix(prefix)
    return Metric(
        name,
        kind,
        values,
        _rate(found["@"], kind) if "@" in found else 1.0,
        _tags(found["#"]) if "#" in found else (),
        _timestamp(found["T"], kind) if "T" in found else None,
        _filled(found.get("c:")),
        _filled(found.get("e:")),
        _cardinality(found.get("card:")),
    )


def _event(line: bytes) -> Event:
    header = _EVENT.match(line)
    if header is None:
        raise ValueError("event header")
    title, text = (int(length) for length in header.groups())  # in bytes, not characters
    rest = line[header.end() :]
    _require(rest[title : title + 1] == b"|" and title, "event title length")
    end = title + 1 + text
    _require(len(rest) >= end and rest[end : end + 1] in (b"", b"|"), "event text length")
    fields = rest[end + 1 :].decode().split("|") if rest[end:] else []
    _check_fields(fields, ("d:", "h:", "k:", "p:", "s:", "t:", "#", "c:", "e:", "card:"))
    return Event(rest[:title].decode(), rest[title + 1 : end].decode(), tuple(fields))


def _service_check(sections: list[str]) -> ServiceCheck:
    _require(len(sections) >= 2 and sections[0] and sections[1] in ("0", "1", "2", "3"), "service check name or status")
    name, status, *fields = sections
    _check_fields(fields, ("d:", "h:", "#", "m:", "c:", "e:", "card:"))
    return ServiceCheck(name, int(status), tuple(fields))


def _check_fields(fields: Sequence[str], known: tuple[str, ...]) -> None:
    for section in fields:
        _require(section.startswith(known), f"section {section!r}")
        if section.startswith("#"):
            _tags(section[1:])


def _require(condition: object, problem: str) -> None:
    if not condition:
        raise ValueError(problem)


def _number(text: str) -> float:
    _require(_NUMBER.fullmatch(text), f"value {text!r}")
    return float(text)


def _rate(text: str, kind: Kind) -> float:
    _require(kind not in ("gauge", "set"), f"a sample rate on a {kind}")
    rate = _number(text)
    _require(0 < rate <= 1, f"sample rate {text!r}")
    return rate


def _tags(text: str) -> tuple[str, ...]:
    tags = tuple(text.split(","))
    for tag in tags:
        _require(_TAG.fullmatch(tag), f"tag {tag!r}")
    return tags


def _timestamp(text: str, kind: Kind) -> int:
    _require(kind in ("count", "gauge"), f"a timestamp on a {kind}")
    _require(re.fullmatch(r"[1-9]\d*", text), f"timestamp {text!r}")
    return int(text)


def _filled(text: str | None) -> str | None:
    _require(text != "", "an empty section")
    return text


def _cardinality(text: str | None) -> str | None:
    _require(text is None or text in _CARDINALITIES, f"cardinality {text!r}")
    return text


class DogStatsD:
    """A DogStatsD server on a random loopback UDP port, or on a unix datagram socket at *path*.

    It runs between ``__enter__`` and ``__exit__`` and keeps all it receives: *datagrams* as they came, and their lines
    as *metrics*, *events*, *service_checks* or *malformed*.
    """

    def __init__(self, path: str | Path | None = None) -> None:
        self.datagrams: list[bytes] = []
        self.metrics: list[Metric] = []
        self.events: list[Event] = []
        self.service_checks: list[ServiceCheck] = []
        self.malformed: list[Malformed] = []
        self._path = None if path is None else Path(path)
        self._changed = threading.Condition()
        self._closing = threading.Event()
        self._socket = _bound(self._path)
        self._address = "" if self._path else self._socket.getsockname()
        self._thread = threading.Thread(target=self._serve, name="anytel-receiver", daemon=True)

    @property
    def host(self) -> str:
        """The loopback address; empty for a unix socket."""
        return str(self._address[0]) if self._address else ""

    @property
    def port(self) -> int:
        """The UDP port; 0 for a unix socket."""
        return int(self._address[1]) if self._address else 0

    @property
    def url(self) -> str:
        """The address as ``DD_DOGSTATSD_URL`` has it."""
        return f"unix://{self._path}" if self._path else f"udp://{self.host}:{self.port}"

    def named(self, name: str) -> list[Metric]:
        """Give the metrics of that *name*."""
        with self._changed:
            return [metric for metric in self.metrics if metric.name == name]

    def wait(self, condition: Callable[[Self], object], timeout: float = 10.0) -> bool:
        """Wait until *condition* of this receiver is true, looking after each datagram; whether it became true."""
        with self._changed:
            return bool(self._changed.wait_for(lambda: condition(self), timeout))

    def clear(self) -> None:
        """Forget everything received so far."""
        with self._changed:
            for kept in (self.datagrams, self.metrics, self.events, self.service_checks, self.malformed):
                kept.clear()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None) -> None:
        self._closing.set()
        with suppress(OSError):  # not connected, says Linux, and yet this wakes the reading thread
            self._socket.shutdown(socket.SHUT_RDWR)
        with suppress(OSError):  # and this does on systems where that does not
            self._socket.sendto(b"", str(self._path) if self._path else (self.host, self.port))
        self._thread.join()
        self._socket.close()
        if self._path:
            self._path.unlink(missing_ok=True)

    def _serve(self) -> None:
        while True:
            datagram = self._socket.recv(65_536)
            if self._closing.is_set():
                return
            with self._changed:
                self.datagrams.append(datagram)
                for line in datagram.removesuffix(b"\n").split(b"\n"):
                    self._take(line)
                self._changed.notify_all()

    def _take(self, line: bytes) -> None:
        try:
            match parse(line):
                case Metric() as metric:
                    self.metrics.append(metric)
                case Event() as event:
                    self.events.append(event)
                case ServiceCheck() as check:
                    self.service_checks.append(check)
        except ValueError as error:
            self.malformed.append(Malformed(line, str(error)))


def _bound(path: Path | None) -> socket.socket:
    server = socket.socket(socket.AF_UNIX if path else socket.AF_INET, socket.SOCK_DGRAM)
    server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
    server.bind(str(path) if path else ("127.0.0.1", 0))
    return server
