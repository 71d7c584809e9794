"""Renders spans as the chunks that the Agent's trace API takes (``/v0.4/traces``, as ddtrace 4.16 fills it)."""

from __future__ import annotations

import os
import sys
import uuid
from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias

import msgspec

from anytel.backend import Event, ExceptionRecord, Link, Scalar, SpanContext, SpanRecord
from anytel_datadog.semantics import identify, translate

__all__ = ["Chunk", "Renderer", "Value", "WireSpan"]

Value: TypeAlias = str | int | float | Mapping[str, "str | float"] | Sequence[Mapping[str, object]]
WireSpan: TypeAlias = dict[str, Value]
Chunk: TypeAlias = list[WireSpan]

MAX_STACK = 25_000
"""Characters of a traceback: what the Agent keeps of any value."""
MAX_FRAMES = 30
"""Frames of each exception: as many as ddtrace keeps."""
_MASK = 2**64 - 1
_KEEP, _DROP = 2.0, -1.0
"""The priorities of a user's decision: those between are for the Agent's own samplers to change."""
_MANUAL = "-4"
_LINK_HAS_FLAGS = 1 << 31


class Renderer:
    """Renders the spans of one process, whose *resource* names the service, the environment and the version."""

    def __init__(self, resource: Mapping[str, str], tags: Mapping[str, str]) -> None:
        self._service = resource.get("service.name", "")
        self._version = {"version": version} if (version := resource.get("service.version")) else {}
        self._overridden = {"_dd.base_service": self._service, "_dd.svc_src": "m"}
        reserved = {"service", "env", "version"}
        self._common = {key: value for key, value in tags.items() if key not in reserved}
        self._common |= {"env": env} if (env := resource.get("deployment.environment.name")) else {}
        self._process = {"language": "python", "runtime-id": _runtime_id()}
        self._pid = float(os.getpid())

    def chunks(self, spans: Sequence[SpanRecord]) -> list[Chunk]:
        """Give one chunk for each trace, its spans in the order in which they began."""
        traces: dict[tuple[int, bool], list[SpanRecord]] = {}
        for span in reversed(spans):  # ended last, so that of two that began together the parent comes first
            traces.setdefault((span.context.trace_id, span.context.sampled), []).append(span)
        return [self._chunk(sorted(trace, key=_start)) for trace in traces.values()]

    def _chunk(self, spans: Sequence[SpanRecord]) -> Chunk:
        first = spans[0].context
        partial = not any(span.is_root for span in spans)
        metrics = {"_dd.py.partial_flush": float(len(spans))} if partial else {}
        metrics |= {
            "_sampling_priority_v1": _KEEP if first.sampled else _DROP,
            "_dd.tracer_kr": 1.0,
            "process_id": self._pid,
        }
        return [self._span(spans[0], self._marks(first), metrics), *(self._span(span, {}, {}) for span in spans[1:])]

    def _marks(self, context: SpanContext) -> dict[str, str]:
        """Give the trace's own marks, which the first span of a chunk carries."""
        marks = self._process | {"_dd.p.tid": f"{context.trace_id >> 64:016x}"}
        decision_maker = _MANUAL if context.sample_rate is not None else _upstream_decision_maker(context.tracestate)
        return marks | {"_dd.p.dm": decision_maker} if decision_maker else marks

    def _span(self, span: SpanRecord, marks: dict[str, str], numbers: dict[str, float]) -> WireSpan:
        service = span.service or self._service
        operation, resource, kind = identify(span)
        meta, metrics = self._attributes(span, service)
        wire: WireSpan = {
            "service": service,
            "name": operation,
            "resource": resource,
            "trace_id": span.context.trace_id & _MASK,
            "span_id": span.context.span_id,
            "start": span.start_ns,
            "duration": max(0, span.end_ns - span.start_ns),
        }
        optional: WireSpan = {
            "parent_id": span.parent_id,
            "type": kind,
            "error": int(span.status == "error"),
            "meta": meta | marks,
            "metrics": metrics | numbers,
            "span_links": [_link(link) for link in span.links],
        }
        return wire | {key: value for key, value in optional.items() if value}

    def _attributes(self, span: SpanRecord, service: str) -> tuple[dict[str, str], dict[str, float]]:
        """Give what is text and what is a number."""
        meta, metrics = dict(self._common), dict[str, float]()
        meta |= self._version if service == self._service else self._overridden
        for key, value in translate(span).items():
            if isinstance(value, bool) or not isinstance(value, int | float):
                meta[key] = _text(value)
            else:
                metrics[key] = float(value)
        meta |= _error(span) | _extras(span)
        metrics |= {f"anytel.dropped.{what}": float(count) for what, count in span.dropped.items() if count}
        if span.service_entry:
            metrics["_dd.top_level"] = 1.0
        if span.kind != "internal":
            meta["span.kind"] = span.kind
            metrics.setdefault("_dd.measured", 1.0)
        return meta, metrics


def _start(span: SpanRecord) -> int:
    return span.start_ns


def _text(value: Scalar | tuple[Scalar, ...]) -> str:
    return msgspec.json.encode(value).decode() if isinstance(value, tuple) else str(value)


def _error(span: SpanRecord) -> dict[str, str]:
    exception = span.exception
    if exception is None:
        return {"error.message": span.status_message} if span.status == "error" and span.status_message else {}
    return {
        "error.type": f"{exception.module}.{exception.type}" if exception.module else exception.type,
        "error.message": exception.message,
        "error.stack": _stack(exception),
    }


def _stack(exception: ExceptionRecord) -> str:
    """Give as many frames as ddtrace keeps, and of a text that is too long for the Agent the end."""
    text = exception.stacktrace(MAX_FRAMES)
    return text if len(text) <= MAX_STACK else text[-MAX_STACK:].partition("\n")[2] or text[-MAX_STACK:]


def _extras(span: SpanRecord) -> dict[str, str]:
    extras = {"otel.scope.name": span.scope} if span.scope else {}
    return extras | {"events": _events(span.events)} if span.events else extras


def _events(events: Iterable[Event]) -> str:
    found = [
        {"name": name, "time_unix_nano": time_ns} | ({"attributes": attributes} if attributes else {})
        for name, time_ns, attributes in events
    ]
    return msgspec.json.encode(found).decode()


def _link(link: Link) -> dict[str, object]:
    context, attributes = link
    wire: dict[str, object] = {
        "trace_id": context.trace_id & _MASK,
        "trace_id_high": context.trace_id >> 64,
        "span_id": context.span_id,
        "flags": _LINK_HAS_FLAGS | context.sampled,
    }
    flat = {name: text for key, value in attributes.items() for name, text in _flat(key, value)}
    optional: dict[str, object] = {"attributes": flat, "tracestate": context.tracestate}
    return wire | {key: value for key, value in optional.items() if value}


def _flat(key: str, value: Scalar | tuple[Scalar, ...]) -> Iterable[tuple[str, str]]:
    if isinstance(value, tuple):
        return [(f"{key}.{place}", _link_text(member)) for place, member in enumerate(value)]
    return [(key, _link_text(value))]


def _link_text(value: Scalar) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _upstream_decision_maker(tracestate: str) -> str:
    """Find who decided for the trace in Datadog's member of a W3C tracestate: ``dd=s:2;t.dm:-4``."""
    members = (member.strip().partition("=") for member in tracestate.split(","))
    fields = next((value for name, _, value in members if name == "dd"), "")
    return next((field.removeprefix("t.dm:") for field in fields.split(";") if field.startswith("t.dm:")), "")


def _runtime_id() -> str:
    """Give the id by which Datadog ties a process's spans to its profiles: ddtrace's own, where it is loaded."""
    ddtrace = sys.modules.get("ddtrace.internal.runtime")
    get_runtime_id = getattr(ddtrace, "get_runtime_id", None)
    return str(get_runtime_id()) if get_runtime_id else uuid.uuid4().hex
