"""The records within items, as strict as Relay is about their form."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from anytel.testing.receivers.sentry.envelopes import Envelope, Item, Json

__all__ = ["READERS", "ReceivedLog", "ReceivedMetric", "ReceivedSpan", "spans_of"]

_CONTAINERS: Mapping[str, tuple[str, int]] = {
    "span": ("application/vnd.sentry.items.span.v2+json", 1000),
    "log": ("application/vnd.sentry.items.log+json", 100),
    "trace_metric": ("application/vnd.sentry.items.trace-metric+json", 1000),
}
"""Items that hold many records: their content type, and how many at most."""


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


def spans_of(event: Json) -> Iterator[ReceivedSpan]:
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
    list(spans_of(item.payload))  # all of them must be readable
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


READERS: Mapping[str, Callable[[Item, Envelope], list[Any]]] = {
    "event": _event,
    "transaction": _transaction,
    "span": _span_items,
    "log": _logs,
    "trace_metric": _metrics,
    "client_report": lambda item, envelope: [item.payload],
}
