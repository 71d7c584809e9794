"""A loopback Sentry: takes envelopes and decodes them.

It is as strict as Relay about their form: what Relay would refuse is answered with 400 and kept in `malformed`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeAlias

from anytel.testing.receivers.http import Answer, HttpReceiver, Request

__all__ = ["Envelope", "Item", "Malformed", "ReceivedLog", "ReceivedMetric", "ReceivedSpan", "SentryReceiver", "decode"]

Json: TypeAlias = dict[str, Any]

_PATH = re.compile(r"/api/\d+/envelope/(\?.*)?")
_CONTAINERS: Mapping[str, tuple[str, int]] = {
    "span": ("application/vnd.sentry.items.span.v2+json", 1000),
    "log": ("application/vnd.sentry.items.log+json", 100),
    "trace_metric": ("application/vnd.sentry.items.trace-metric+json", 1000),
}
"""Items that hold many records: their content type, and how many at most."""


@dataclass(frozen=True, slots=True)
class Item:
    """One item of an envelope; *payload* is decoded where it is JSON."""

    headers: Json
    data: bytes
    payload: Any = None

    @property
    def type(self) -> str:
        """What kind of item this is: ``event``, ``span``, ``log``, ..."""
        return str(self.headers.get("type", ""))


@dataclass(frozen=True, slots=True)
class Envelope:
    """One envelope; ``headers["trace"]`` is its sampling context."""

    headers: Json
    items: list[Item]


@dataclass(frozen=True, slots=True)
class ReceivedSpan:
    """A span, in whichever form it came: *form* is ``item`` or ``transaction``; times are seconds since the epoch."""

    form: str
    trace_id: str
    span_id: str
    parent_span_id: str | None
    name: str
    op: str | None
    status: str
    is_segment: bool
    start: float
    end: float
    attributes: Json
    links: list[Json]
    raw: Json = field(repr=False)


@dataclass(frozen=True, slots=True)
class ReceivedLog:
    """A log event; *timestamp* is in seconds since the epoch."""

    body: str
    level: str
    timestamp: float
    trace_id: str
    span_id: str | None
    attributes: Json
    raw: Json = field(repr=False)


@dataclass(frozen=True, slots=True)
class ReceivedMetric:
    """One value of a metric; *type* is ``counter``, ``gauge`` or ``distribution``."""

    name: str
    type: str
    value: float
    unit: str | None
    timestamp: float
    trace_id: str
    attributes: Json
    raw: Json = field(repr=False)


@dataclass(frozen=True, slots=True)
class Malformed:
    """A request that Sentry would refuse, and why."""

    problem: str
    request: Request = field(repr=False)


class SentryReceiver(HttpReceiver):
    """Takes the envelopes of any project; those that `answer` refuses (429, 500, ...) are kept all the same.

    *events* and *transactions* are payloads as they came. *spans* are those of span items and of transactions.
    """

    def __init__(self) -> None:
        super().__init__()
        self.envelopes: list[Envelope] = []
        self.events: list[Json] = []
        self.transactions: list[Json] = []
        self.spans: list[ReceivedSpan] = []
        self.logs: list[ReceivedLog] = []
        self.metrics: list[ReceivedMetric] = []
        self.client_reports: list[Json] = []
        self.malformed: list[Malformed] = []

    @property
    def dsn(self) -> str:
        """The address to give to an SDK."""
        return f"{self.url.replace('://', '://public@')}/1"

    def clear(self) -> None:
        """Forget everything received so far."""
        with self._changed:
            self.requests.clear()
            self.envelopes.clear()
            self.malformed.clear()
            for records in self._records().values():
                records.clear()

    def received(self, request: Request) -> Answer | None:
        """Decode one request: all of it, or nothing and an entry in `malformed`."""
        try:
            _check_request(request)
            envelope = decode(request.body)
            decoded = [
                (item.type, _READERS[item.type](item, envelope)) for item in envelope.items if item.type in _READERS
            ]
        except (ValueError, LookupError, TypeError, AttributeError) as error:
            problem = str(error) if type(error) is ValueError else f"{type(error).__name__}: {error}"
            self.malformed.append(Malformed(problem, request))
            return Answer(400, json.dumps({"detail": problem}).encode())
        self.envelopes.append(envelope)
        for kind, records in decoded:
            self._keep(kind, records)
        return None

    def _keep(self, kind: str, records: list[Any]) -> None:
        self._records()[kind].extend(records)
        if kind == "transaction":
            self.spans.extend(span for event in records for span in _spans_of(event))

    def _records(self) -> Mapping[str, list[Any]]:
        return {
            "event": self.events,
            "transaction": self.transactions,
            "span": self.spans,
            "log": self.logs,
            "trace_metric": self.metrics,
            "client_report": self.client_reports,
        }


def decode(body: bytes) -> Envelope:
    """Take an envelope apart (https://develop.sentry.dev/sdk/foundations/transport/envelopes/).

    Raises:
        ValueError: it is not an envelope.
    """
    line, position = _line(body, 0)
    headers = _object(line, "envelope header")
    items = []
    while position < len(body):
        line, position = _line(body, position)
        if not line.strip():
            continue
        header = _object(line, "item header")
        data, position = _data(body, position, header)
        items.append(Item(header, data, _payload(header, data)))
    return Envelope(headers, items)


def _line(body: bytes, position: int) -> tuple[bytes, int]:
    end = body.find(b"\n", position)
    return (body[position:], len(body)) if end < 0 else (body[position:end], end + 1)


def _object(line: bytes, what: str) -> Json:
    try:
        value = json.loads(line, parse_constant=_no_constant)
    except ValueError as error:
        raise ValueError(f"the {what} is not JSON: {error}") from None
    if not isinstance(value, dict):
        raise ValueError(f"the {what} is not an object")  # noqa: TRY004 -- one kind of error for all that is wrong
    return value


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _data(body: bytes, position: int, header: Json) -> tuple[bytes, int]:
    """Give the bytes of one item and where the next begins; without a length, an item ends with its line."""
    if "length" not in header:
        return _line(body, position)
    end = position + int(header["length"])
    if end > len(body):
        raise ValueError(f"the item ends {end - len(body)} bytes after the envelope")
    if body[end : end + 1] not in (b"", b"\n"):
        raise ValueError("the item is longer than its length")
    return body[position:end], end + 1


def _payload(header: Json, data: bytes) -> Any:
    if not header.get("type"):
        raise ValueError("the item has no type")
    is_json = header["type"] in _READERS or "json" in str(header.get("content_type", ""))
    return _object(data, f"{header['type']} payload") if is_json else None


def _check_request(request: Request) -> None:
    if not _PATH.fullmatch(request.path):
        raise ValueError(f"{request.path} is not the path of a project's envelopes")
    if "sentry_key=" not in request.headers.get("x-sentry-auth", "") + request.path:
        raise ValueError("there is no sentry_key")


def _records(item: Item) -> list[Json]:
    """Give the records of a container, which must be as Relay requires."""
    content_type, limit = _CONTAINERS[item.type]
    records: list[Json] = item.payload["items"]
    if item.headers.get("content_type") != content_type:
        raise ValueError(f"{item.headers.get('content_type')} is not the content type of {item.type} items")
    if item.headers.get("item_count") != len(records):
        raise ValueError(f"item_count is {item.headers.get('item_count')}, there are {len(records)}")
    if not 0 < len(records) <= limit:
        raise ValueError(f"{len(records)} records, where 1 to {limit} are allowed")
    return records


def _attributes(raw: Json) -> Json:
    return {name: each["value"] for name, each in raw.get("attributes", {}).items() if _well_typed(name, each)}


def _well_typed(name: str, attribute: Json) -> bool:
    types = {"string": str, "boolean": bool, "integer": int, "double": (int, float), "array": list}
    if not isinstance(attribute["value"], types[attribute["type"]]):  # type: ignore[arg-type] # a type or a tuple of types
        raise ValueError(f"attribute {name}: {attribute['value']!r} is not of type {attribute['type']}")  # noqa: TRY004 -- as above
    return True


def _span_items(item: Item, envelope: Envelope) -> list[ReceivedSpan]:
    traces = {raw["trace_id"] for raw in _records(item)}
    if traces != {envelope.headers.get("trace", {}).get("trace_id")}:
        raise ValueError(
            f"spans of the traces {sorted(traces)} in an envelope whose trace is {envelope.headers.get('trace')}"
        )
    return [_span_item(raw) for raw in _records(item)]


def _span_item(raw: Json) -> ReceivedSpan:
    attributes = _attributes(raw)
    if raw["status"] not in ("ok", "error"):
        raise ValueError(f"{raw['status']!r} is not a status")
    return ReceivedSpan(
        form="item",
        trace_id=_id(raw["trace_id"], 32),
        span_id=_id(raw["span_id"], 16),
        parent_span_id=raw.get("parent_span_id"),
        name=raw["name"],
        op=attributes.get("sentry.op"),
        status=raw["status"],
        is_segment=raw["is_segment"],
        start=raw["start_timestamp"],
        end=raw["end_timestamp"],
        attributes=attributes,
        links=raw.get("links", []),
        raw=raw,
    )


def _id(value: str, digits: int) -> str:
    if not re.fullmatch(f"[0-9a-f]{{{digits}}}", value):
        raise ValueError(f"{value!r} is not an id of {digits} digits")
    return value


def _spans_of(event: Json) -> Iterator[ReceivedSpan]:
    """Give the root of a transaction and its spans."""
    root = {**event["contexts"]["trace"], "description": event["transaction"]}
    root |= {name: event[name] for name in ("start_timestamp", "timestamp")}
    for raw in (root, *event.get("spans", ())):
        yield ReceivedSpan(
            form="transaction",
            trace_id=_id(raw["trace_id"], 32),
            span_id=_id(raw["span_id"], 16),
            parent_span_id=raw.get("parent_span_id"),
            name=raw["description"],
            op=raw.get("op"),
            status="ok" if raw.get("status", "ok") in ("ok", "unset") else "error",
            is_segment=raw is root,
            start=_seconds(raw["start_timestamp"]),
            end=_seconds(raw["timestamp"]),
            attributes=raw.get("data", {}),
            links=raw.get("links", []),
            raw=raw,
        )


def _seconds(value: str | float) -> float:
    """Read a time, which events may write in either way."""
    return datetime.fromisoformat(value).timestamp() if isinstance(value, str) else value


def _transaction(item: Item, envelope: Envelope) -> list[Json]:
    list(_spans_of(item.payload))  # all of them must be readable
    return _event(item, envelope)


def _event(item: Item, envelope: Envelope) -> list[Json]:
    if _id(item.payload["event_id"], 32) != envelope.headers.get("event_id"):
        raise ValueError(f"event {item.payload['event_id']} in the envelope of {envelope.headers.get('event_id')}")
    return [item.payload]


def _logs(item: Item, envelope: Envelope) -> list[ReceivedLog]:
    names = "body", "level", "timestamp"
    return [
        ReceivedLog(
            **{name: raw[name] for name in names},
            trace_id=_id(raw["trace_id"], 32),
            span_id=raw.get("span_id"),
            attributes=_attributes(raw),
            raw=raw,
        )
        for raw in _records(item)
    ]


def _metrics(item: Item, envelope: Envelope) -> list[ReceivedMetric]:
    names = "name", "type", "value", "timestamp"
    return [
        ReceivedMetric(
            **{name: raw[name] for name in names},
            unit=raw.get("unit"),
            trace_id=_id(raw["trace_id"], 32),
            attributes=_attributes(raw),
            raw=raw,
        )
        for raw in _records(item)
    ]


_READERS: Mapping[str, Callable[[Item, Envelope], list[Any]]] = {
    "event": _event,
    "transaction": _transaction,
    "span": _span_items,
    "log": _logs,
    "trace_metric": _metrics,
    "client_report": lambda item, envelope: [item.payload],
}
