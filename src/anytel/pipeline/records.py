"""Turning what was recorded into the plain records that backends see. Runs on the dispatcher, once for all backends."""

from __future__ import annotations

from anytel.attributes import Value
from anytel.backend import Event, Link, SpanRecord
from anytel.redaction import Redactor
from anytel.tracing.record import Span

__all__ = ["span_record"]


def span_record(span: Span, redactor: Redactor, service: str) -> SpanRecord:
    """Make the record of a finished *span* of a process whose service is *service*."""
    trace, parent = span._trace, span._parent
    root, remote = trace.root, trace.remote_parent
    dropped = {"attributes_or_events": span._dropped} if span._dropped else {}
    own = _service(span, service)
    return SpanRecord(
        name=redactor.text(span.name),
        kind=span.kind,
        context=span.context,
        parent_id=parent._id if parent is not None else remote.span_id if remote is not None else 0,
        remote_parent=parent is None and remote is not None,
        root_id=root._id,
        root_name=redactor.text(root.name),
        service=own,
        service_entry=parent is None or own != _service(parent, service),
        start_ns=trace.wall(span._start),
        end_ns=trace.wall(span._end),
        status=span._status,
        status_message=redactor.text(span._message),
        exception=redactor.exception(span._exception),
        attributes=redactor.attributes({**span._bound, **span._attributes}, dropped),
        events=_events(span, redactor),
        links=tuple(Link(link.context, redactor.attributes(dict(link.attributes))) for link in span._links),
        scope=span.scope,
        dropped=dropped,
    )


def _events(span: Span, redactor: Redactor) -> tuple[Event, ...]:
    if span._events is None:
        return ()
    wall = span._trace.wall
    return tuple(Event(redactor.text(name), wall(at), redactor.attributes(more)) for name, at, more in span._events)


def _service(span: Span, default: str) -> str:
    """Give the ``service.name`` of *span* or of the nearest local span around it that has one."""
    above: Span | None = span
    while above is not None:
        value: Value | None = above._attributes.get("service.name")
        if isinstance(value, str) and value:
            return value
        above = above._parent
    return default
