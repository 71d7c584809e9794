"""Trace headers: written for every vendor, read from any of them.

Formats: W3C Trace Context (traceparent, tracestate), Datadog's ``x-datadog-*``, and Sentry's ``sentry-trace`` with its
``sentry-*`` baggage. Read in that order of precedence; what is malformed is ignored and counted.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, MutableMapping

from anytel import misuse
from anytel.backend import SpanContext
from anytel.tracing.context import RemoteContext
from anytel.tracing.ids import MASK64, span_hex, trace_hex

__all__ = ["NOTHING", "lower", "parent", "read", "write"]

NOTHING = RemoteContext()
MAX_BAGGAGE = 8_192
MAX_TRACESTATE = 512

Headers = Mapping[str, str]

_TRACEPARENT = re.compile(r"(?!ff)([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")
_SENTRY_TRACE = re.compile(r"([0-9a-f]{32})-([0-9a-f]{16})(?:-([01]))?")
_DECIMAL = re.compile(r"[0-9]{1,20}")
_PRIORITY = re.compile(r"-?[0-9]{1,2}")
_TID = re.compile(r"(?:^|,)_dd\.p\.tid=([0-9a-f]{16})(?:,|$)")


def read(carrier: Mapping[str, str] | Iterable[tuple[str | bytes, str | bytes]]) -> RemoteContext:
    """Read the parent from *carrier*: a mapping, or pairs as in an ASGI scope. Never raises."""
    try:
        headers = lower(carrier)
    except Exception as exc:
        problem = f"extract() takes a mapping of headers or pairs: {misuse.shown(exc)}"
        return misuse.refuse("headers", problem, NOTHING)
    return parent(headers)


def parent(headers: Headers) -> RemoteContext:
    """Read the parent from *headers* with lower-case names. Never raises."""
    for name, reader in _READERS.items():
        value = headers.get(name)
        if value is not None:
            found = reader(value.strip(), headers)
            if found is not None:
                return found
            misuse.count("malformed_header")
    return NOTHING


def lower(carrier: Mapping[str, str] | Iterable[tuple[str | bytes, str | bytes]]) -> dict[str, str]:
    """Give the headers by lower-case name: of several of one name the first, but lists as a whole."""
    pairs: Iterable[tuple[str | bytes, str | bytes]] = carrier.items() if isinstance(carrier, Mapping) else carrier
    headers: dict[str, str] = {}
    for raw_name, raw_value in pairs:
        name, value = _text(raw_name).lower(), _text(raw_value)
        if name == "tracestate" and name in headers:  # one list, in several headers (W3C Trace Context, section 3.3.1)
            value = f"{headers.pop(name)},{value}"
        headers.setdefault(name, value)
    return headers


def _text(value: str | bytes) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)


def _w3c(value: str, headers: Headers) -> RemoteContext | None:
    """Read W3C Trace Context level 2, section 3.2; of later versions, the fields that this one has."""
    match = _TRACEPARENT.fullmatch(value)
    if match is None or (match[1] == "00" and match[5]):
        return None
    state = headers.get("tracestate", "")
    return _context(match[2], match[3], int(match[4], 16) & 1 == 1, state if len(state) <= MAX_TRACESTATE else "")


def _datadog(value: str, headers: Headers) -> RemoteContext | None:
    parent, priority = headers.get("x-datadog-parent-id", "0"), headers.get("x-datadog-sampling-priority", "")
    if not (_DECIMAL.fullmatch(value) and _DECIMAL.fullmatch(parent)) or int(value) > MASK64 or int(parent) > MASK64:
        return None
    if not int(value):
        return None
    high = _TID.search(headers.get("x-datadog-tags", "")[:MAX_TRACESTATE])
    sampled = int(priority) > 0 if _PRIORITY.fullmatch(priority) else None
    trace_id = int(f"{high[1] if high else ''}{span_hex(int(value))}", 16)
    # A parent of 0 is no mistake: a synthetic test decides for a trace that has no span yet.
    return RemoteContext(SpanContext(trace_id, int(parent), bool(sampled)), decided=sampled is not None)


def _sentry(value: str, headers: Headers) -> RemoteContext | None:
    match = _SENTRY_TRACE.fullmatch(value)
    if match is None:
        return None
    return _context(match[1], match[2], None if match[3] is None else match[3] == "1")


def _context(trace_id: str, span_id: str, sampled: bool | None, state: str = "") -> RemoteContext | None:
    ids = int(trace_id, 16), int(span_id, 16)
    if not all(ids):
        return None
    return RemoteContext(SpanContext(*ids, bool(sampled), None, state), decided=sampled is not None)


_READERS: Mapping[str, Callable[[str, Headers], RemoteContext | None]] = {
    "traceparent": _w3c,
    "x-datadog-trace-id": _datadog,
    "sentry-trace": _sentry,
}


def write(context: SpanContext, resource: Mapping[str, str], carrier: MutableMapping[str, str]) -> None:
    """Write *context* into *carrier* in every vendor's format; other baggage that is there already is kept."""
    trace, span, flag = trace_hex(context.trace_id), span_hex(context.span_id), int(context.sampled)
    carrier["traceparent"] = f"00-{trace}-{span}-{flag:02x}"
    if context.tracestate:
        carrier["tracestate"] = context.tracestate
    carrier["x-datadog-trace-id"] = str(context.trace_id & MASK64)
    carrier["x-datadog-parent-id"] = str(context.span_id)
    carrier["x-datadog-sampling-priority"] = "2" if flag else "-1"
    carrier["x-datadog-tags"] = f"_dd.p.tid={trace[:16]}" + (",_dd.p.dm=-4" if flag else "")
    carrier["sentry-trace"] = f"{trace}-{span}-{flag}"
    carrier["baggage"] = _baggage(context, resource, carrier.get("baggage", ""))


def _baggage(context: SpanContext, resource: Mapping[str, str], present: str) -> str:
    """Give the baggage header with Sentry's dynamic sampling context in place of another service's."""
    if len(present) > MAX_BAGGAGE:
        present = present[:MAX_BAGGAGE].rpartition(",")[0]
    others = [item for item in present.split(",") if item.strip() and not item.strip().startswith("sentry-")]
    own = {"trace_id": trace_hex(context.trace_id), "sampled": "true" if context.sampled else "false"}
    if context.sample_rate is not None:
        own["sample_rate"] = str(context.sample_rate)
    if environment := resource.get("deployment.environment.name"):
        own["environment"] = _percent(environment)
    return ",".join([*others, *(f"sentry-{key}={value}" for key, value in own.items())])


def _percent(value: str) -> str:
    from urllib.parse import quote  # noqa: PLC0415 -- 5 ms of import that most processes never need

    return quote(value, safe="")
