"""Turning what was recorded into the plain records that backends see. Runs on the dispatcher, once for all backends."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import NamedTuple, Self

from anytel.attributes import Value, flatten
from anytel.backend import ErrorRecord, Event, ExceptionRecord, Level, Link, SpanContext, SpanKind, SpanRecord
from anytel.logs.event import LogEvent, log_record
from anytel.redaction import Redactor
from anytel.tracing import exceptions
from anytel.tracing.record import Span
from anytel.tracing.trace import Trace
from anytel.tracing.tracer import KINDS

__all__ = ["Report", "error_record", "span_record"]


def span_record(span: Span, redactor: Redactor, service: str) -> SpanRecord:
    """Make the record of a finished *span* of a process whose service is *service*."""
    trace, parent = span._trace, span._parent
    root, remote = trace.root, trace.remote_parent
    dropped = dict(span._dropped) if span._dropped else {}
    own_first = {**span._attributes, **span._bound, **span._attributes} if span._bound else span._attributes
    own = _service(span, service)
    return SpanRecord(
        name=_name(span, redactor),
        kind=_kind(span.kind),
        context=span.context,
        parent_id=parent._id if parent is not None else remote.span_id if remote is not None else 0,
        remote_parent=parent is None and remote is not None and remote.span_id != 0,
        root_id=root._id,
        root_name=_name(root, redactor),
        service=own,
        service_entry=parent is None or own != _service(parent, service),
        start_ns=trace.wall(span._start),
        end_ns=trace.wall(span._end),
        status=span._status,
        status_message=redactor.text(span._message),
        exception=redactor.exception(span._exception),
        attributes=redactor.attributes(own_first, dropped),
        events=_events(span, redactor),
        links=tuple(Link(link.context, redactor.attributes(dict(link.attributes))) for link in span._links),
        scope=redactor.text(span.scope) if type(span.scope) is str else "",
        dropped=dropped,
    )


def _events(span: Span, redactor: Redactor) -> tuple[Event, ...]:
    if span._events is None:
        return ()
    wall = span._trace.wall
    return tuple(Event(redactor.text(name), wall(at), redactor.attributes(more)) for name, at, more in span._events)


def _kind(kind: object) -> SpanKind:
    """Give the kind, which the user may have exchanged for anything."""
    return next((known for known in KINDS if known is kind or (type(kind) is str and known == kind)), "internal")


def _name(span: Span, redactor: Redactor) -> str:
    """Give the name, which the user may have exchanged for anything, without running code of the user's."""
    name: object = span.name
    return redactor.text(str.__str__(name) if isinstance(name, str) else f"<{type(name).__name__}>")


def _service(span: Span, default: str) -> str:
    """Give the ``service.name`` of *span* or of the nearest local span around it that has one."""
    above: Span | None = span
    while above is not None:
        value: Value | None = above._attributes.get("service.name")
        if isinstance(value, str) and value:
            return value
        above = above._parent
    return default


class Report(NamedTuple):
    """An error between the caller and the dispatcher."""

    id: str
    exception: ExceptionRecord | None
    context: SpanContext | None
    trace: Trace | None
    attributes: Mapping[str, Value]
    handled: bool
    time_ns: int
    breadcrumbs: tuple[LogEvent, ...]
    message: str = ""
    level: Level = "error"
    logger: str = ""
    template: str = ""

    @classmethod
    def of(
        cls,
        exc: BaseException,
        context: SpanContext | None,
        trace: Trace | None,
        attributes: Mapping[str, Value],
        *,
        handled: bool,
    ) -> Self:
        """Make the report of an exception."""
        record, now = exceptions.snapshot(exc), time.time_ns()
        return cls(exceptions.new_error_id(), record, context, trace, attributes, handled, now, _crumbs(trace))

    @classmethod
    def logged(cls, event: LogEvent, context: SpanContext | None) -> Self:
        """Make the report of a log event; *context* is where its exception came from, if that is known."""
        span = event.span
        trace = span._trace if span is not None else None
        return cls(
            exceptions.new_error_id(),
            event.exception,
            context or event.context,
            trace,
            flatten(event.values),
            True,  # noqa: FBT003 -- it was logged: somebody has handled it
            event.time_ns,
            _crumbs(trace),
            event.message,
            event.level,
            event.logger,
            event.template,
        )


def _crumbs(trace: Trace | None) -> tuple[LogEvent, ...]:
    return tuple(trace.breadcrumbs) if trace is not None and trace.breadcrumbs else ()


def error_record(report: Report, redactor: Redactor, tags: Sequence[str]) -> ErrorRecord:
    """Make what backends see of *report*; *tags* names the attributes that are tags."""
    attributes = redactor.attributes(dict(report.attributes))
    return ErrorRecord(
        report.id,
        redactor.exception(report.exception),
        report.context,
        _name(report.trace.root, redactor) if report.trace is not None else "",
        report.handled,
        report.time_ns,
        attributes,
        report.message,
        report.level,
        report.logger,
        {name: str(attributes[name]) for name in tags if name in attributes},
        tuple(log_record(event) for event in report.breadcrumbs),
        report.template,
    )
