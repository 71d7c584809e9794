"""Reading trace headers: the parent that a message names, in any vendor's format.

In this order of precedence: W3C Trace Context (traceparent, tracestate), Datadog's ``x-datadog-*``, Sentry's
``sentry-trace``, and B3 in one header or several. What is malformed is ignored and counted.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace

from anytel import misuse
from anytel.backend import SpanContext
from anytel.tracing import baggage, tracestate
from anytel.tracing.context import RemoteContext
from anytel.tracing.ids import MASK64, span_hex, trace_hex

__all__ = ["NOTHING", "Carrier", "lower", "parent", "read"]

NOTHING = RemoteContext()
MAX_DATADOG_TAGS = 512
MAX_JOINED = baggage.MAX_BAGGAGE

Headers = Mapping[str, str]
Carrier = Mapping[str, str] | Iterable[tuple[str | bytes, str | bytes]]

_JOINED = frozenset({"tracestate", "baggage", "traceparent"})
"""Lists, which may come in several headers; and the one that must not come twice, and so becomes malformed."""
_TRACEPARENT = re.compile(r"(?!ff)([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")
_SENTRY_TRACE = re.compile(r"([0-9a-f]{32})-([0-9a-f]{16})(?:-([01]))?")
_DECIMAL = re.compile(r"[0-9]{1,20}")
_PRIORITY = re.compile(r"-?[0-9]{1,2}")
_TID = re.compile(r"(?:^|,)_dd\.p\.tid=([0-9a-f]{16})(?:,|$)")
_B3 = re.compile(r"([0-9a-f]{16}|[0-9a-f]{32})-([0-9a-f]{16})(?:-([01d])(?:-[0-9a-f]{16})?)?")
_B3_TRACE = re.compile(r"[0-9a-f]{16}|[0-9a-f]{32}")
_B3_SPAN = re.compile(r"[0-9a-f]{16}")
_B3_SAMPLED = {"1": True, "0": False, "d": True, "true": True, "false": False}


def read(carrier: Carrier, names: Collection[str] = ()) -> RemoteContext:
    """Read the parent, and the members *names* of the baggage, from *carrier*: a mapping, or pairs. Never raises."""
    try:
        headers = lower(carrier)
    except Exception as exc:
        problem = f"extract() takes a mapping of headers or pairs: {misuse.shown(exc)}"
        return misuse.refuse("headers", problem, NOTHING)
    return parent(headers, names)


def parent(headers: Headers, names: Collection[str] = ()) -> RemoteContext:
    """Read as `read` does from *headers* with lower-case names. Never raises."""
    found = _parent(headers)
    if names and "baggage" in headers:
        return replace(found, baggage=baggage.read(headers["baggage"], names))
    return found


def _parent(headers: Headers) -> RemoteContext:
    for name, reader in _READERS.items():
        value = headers.get(name)
        if value is not None:
            found = reader(value.strip(), headers)
            if found is not None:
                return _with_sampling(found, headers.get("baggage", ""))
            misuse.count("malformed_header")
    return NOTHING


def _with_sampling(found: RemoteContext, header: str) -> RemoteContext:
    """Add what Sentry's SDKs upstream say in the baggage *header* of the same trace."""
    if found.context is None or "sentry-" not in header:
        return found
    members = baggage.of_sentry(header, trace_hex(found.context.trace_id))
    return replace(found, context=replace(found.context, dynamic_sampling=members)) if members else found


def lower(carrier: Carrier) -> dict[str, str]:
    """Give the headers by lower-case name: of several of one name the first, but lists as a whole.

    Raises:
        Exception: *carrier* is neither a mapping nor pairs.
    """
    pairs: Iterable[tuple[str | bytes, str | bytes]] = carrier.items() if isinstance(carrier, Mapping) else carrier
    headers: dict[str, str] = {}
    for raw_name, raw_value in pairs:
        name, value = _text(raw_name).lower(), _text(raw_value)
        if name in headers:
            # In their order, as HTTP has it (RFC 9110, section 5.2), as far as anything of them is read.
            if name in _JOINED and len(headers[name]) <= MAX_JOINED:
                headers[name] = f"{headers[name]},{value}"
        else:
            headers[name] = value
    return headers


def _text(value: str | bytes) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)


def _w3c(value: str, headers: Headers) -> RemoteContext | None:
    """Read W3C Trace Context level 2, section 3.2; of later versions, the fields that this one has."""
    match = _TRACEPARENT.fullmatch(value)
    if match is None or (match[1] == "00" and match[5]):
        return None
    state = headers.get("tracestate", "")
    return _context(match[2], match[3], int(match[4], 16) & 1 == 1, tracestate.checked(state) if state else "")


def _datadog(value: str, headers: Headers) -> RemoteContext | None:
    parent, priority = headers.get("x-datadog-parent-id", "0"), headers.get("x-datadog-sampling-priority", "")
    if not (_DECIMAL.fullmatch(value) and _DECIMAL.fullmatch(parent)) or int(value) > MASK64 or int(parent) > MASK64:
        return None
    if not int(value):
        return None
    tags = headers.get("x-datadog-tags", "")[:MAX_DATADOG_TAGS]
    high, state = _TID.search(tags), tracestate.from_datadog(tags, headers.get("x-datadog-origin", ""))
    sampled = int(priority) > 0 if _PRIORITY.fullmatch(priority) else None
    trace_id = int(f"{high[1] if high else ''}{span_hex(int(value))}", 16)
    # A parent of 0 is no mistake: a synthetic test decides for a trace that has no span yet.
    return RemoteContext(SpanContext(trace_id, int(parent), bool(sampled), None, state), decided=sampled is not None)


def _sentry(value: str, headers: Headers) -> RemoteContext | None:
    match = _SENTRY_TRACE.fullmatch(value)
    if match is None:
        return None
    return _context(match[1], match[2], None if match[3] is None else match[3] == "1")


def _b3(value: str, headers: Headers) -> RemoteContext | None:
    """Read B3 in one header (https://github.com/openzipkin/b3-propagation#single-header)."""
    if value in _B3_SAMPLED:
        return NOTHING  # a decision for a trace that has no ids yet
    match = _B3.fullmatch(value)
    return _context(match[1], match[2], _B3_SAMPLED.get(match[3])) if match is not None else None


def _b3_multi(value: str, headers: Headers) -> RemoteContext | None:
    """Read B3 in several headers (https://github.com/openzipkin/b3-propagation#multiple-headers)."""
    span_id = headers.get("x-b3-spanid", "").strip()
    if not (_B3_TRACE.fullmatch(value) and _B3_SPAN.fullmatch(span_id)):
        return None
    sampled = _B3_SAMPLED.get(headers.get("x-b3-sampled", "").strip().lower())
    return _context(value, span_id, True if headers.get("x-b3-flags", "").strip() == "1" else sampled)


def _context(trace_id: str, span_id: str, sampled: bool | None, state: str = "") -> RemoteContext | None:
    ids = int(trace_id, 16), int(span_id, 16)
    if not all(ids):
        return None
    return RemoteContext(SpanContext(*ids, bool(sampled), None, state), decided=sampled is not None)


_READERS: Mapping[str, Callable[[str, Headers], RemoteContext | None]] = {
    "traceparent": _w3c,
    "x-datadog-trace-id": _datadog,
    "sentry-trace": _sentry,
    "b3": _b3,
    "x-b3-traceid": _b3_multi,
}
