"""Renders spans as ``span`` items, version 2 (https://develop.sentry.dev/sdk/telemetry/spans/span-protocol/)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from sentry_sdk.envelope import Envelope, Item

from anytel.backend import SpanRecord
from anytel_sentry.attributes import encode, plain, typed
from anytel_sentry.hooks import Hook, wire_attributes
from anytel_sentry.resource import Resource

__all__ = ["LIMIT", "SpanItems", "described", "ids", "links", "operation"]

LIMIT = 1000
"""Spans per envelope."""

_HTTP = {"server": "http.server", "client": "http.client"}
_DOMAINS = {"db.system": "db", "db.system.name": "db", "rpc.system": "rpc", "messaging.system": "message"}


class SpanItems:
    """Renders the spans of one trace at a time: an envelope carries the sampling context of one trace only."""

    def __init__(self, resource: Resource, hook: Hook | None) -> None:
        self._resource, self._hook = resource, hook

    def envelopes(self, spans: Sequence[SpanRecord]) -> Iterator[tuple[Sequence[SpanRecord], Envelope]]:
        """Put the *spans* of one trace into envelopes, each given with the spans in it."""
        for start in range(0, len(spans), LIMIT):
            part = spans[start : start + LIMIT]
            items = [self.item(span) for span in part]
            body = encode({"version": 2, "items": items})
            content_type = "application/vnd.sentry.items.span.v2+json"
            trace = self._resource.trace(part[0].context, part[0].root_name)
            headers = {"item_count": len(part)}
            yield part, self._resource.envelope([Item(body, headers, "span", content_type)], trace)

    def item(self, span: SpanRecord) -> Mapping[str, object]:
        """Render one span."""
        out: dict[str, object] = {**ids(span), "name": span.name, "status": _status(span), "is_segment": span.is_root}
        out |= {"start_timestamp": span.start_ns / 1e9, "end_timestamp": span.end_ns / 1e9}
        if span.links:
            out["links"] = [link | {"attributes": typed(values)} for link, values in links(span)]
        attributes = described(span)
        if self._hook is None:
            return out | {"attributes": self._resource.typed | typed(attributes)}
        return self._hooked(self._hook, out, {**self._resource.attributes, **attributes})

    @staticmethod
    def _hooked(hook: Hook, out: dict[str, object], attributes: dict[str, object]) -> Mapping[str, object]:
        """Show the application the span as the SDK would; like there, it may change the name and the attributes."""
        kept = hook({**out, "attributes": dict(attributes)})
        if kept is None or "name" not in kept:
            return out | {"attributes": typed(attributes)}
        return out | {"name": str(kept["name"]), "attributes": wire_attributes(kept)}


def ids(span: SpanRecord) -> dict[str, str]:
    """Give the ids of a span and, where it has one, of its parent."""
    own = {"trace_id": f"{span.context.trace_id:032x}", "span_id": f"{span.context.span_id:016x}"}
    return own | {"parent_span_id": f"{span.parent_id:016x}"} if span.parent_id else own


def links(span: SpanRecord) -> Iterator[tuple[dict[str, object], dict[str, object]]]:
    """Give each link of a span, and its attributes."""
    for context, attributes in span.links:
        link: dict[str, object] = {"trace_id": f"{context.trace_id:032x}", "span_id": f"{context.span_id:016x}"}
        yield link | {"sampled": context.sampled}, {name: plain(value) for name, value in attributes.items()}


def described(span: SpanRecord) -> dict[str, object]:
    """Give the attributes of a span with those that stand for fields Sentry's format does not have."""
    out = {name: plain(value) for name, value in span.attributes.items()}
    out |= {f"otel.dropped_{what}_count": count for what, count in span.dropped.items() if count}
    if span.exception is not None:
        out |= {"exception.type": span.exception.qualified, "exception.message": span.exception.message}
    if span.status_message:
        out["sentry.status.message"] = span.status_message
    if span.events:
        out["span.events"] = [_event(*event) for event in span.events]
    if span.scope:
        out["otel.scope.name"] = span.scope
    if op := operation(span):
        out["sentry.op"] = op
    if span.service:
        out["service.name"] = span.service
    if span.is_root:
        out |= {"sentry.platform": "python", "sentry.segment.name.source": "custom"}
    return out | {
        "sentry.origin": "auto.otel" if span.scope else "manual",
        "sentry.trace_lifecycle": "stream",
        "sentry.kind": span.kind,
        "sentry.segment.id": f"{span.root_id:016x}",
        "sentry.segment.name": span.root_name,
    }


def operation(span: SpanRecord) -> str:
    """Give the attribute ``sentry.op``, or what Sentry's servers derive it from; empty where that is nothing."""
    attributes = span.attributes
    if "sentry.op" in attributes:
        return str(attributes["sentry.op"])
    if "http.request.method" in attributes and span.kind in _HTTP:
        return _HTTP[span.kind]
    return next((op for name, op in _DOMAINS.items() if name in attributes), "")


def _status(span: SpanRecord) -> str:
    return "error" if span.status == "error" else "ok"


def _event(name: str, time_ns: int, attributes: Mapping[str, object]) -> str:
    return encode({"name": name, "time_unix_nano": time_ns, "attributes": attributes}).decode()
