"""Sentry's own tracing, where the application has switched it on: its spans and ours in one trace."""

from __future__ import annotations

import contextvars
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

import sentry_sdk
from sentry_sdk.client import BaseClient
from sentry_sdk.scope import Scope, new_scope
from sentry_sdk.traces import NoOpStreamedSpan, StreamedSpan
from sentry_sdk.tracing import NoOpSpan, Span
from sentry_sdk.tracing_utils import has_span_streaming_enabled, has_tracing_enabled

from anytel.backend import Attributes, Host, SpanContext, SpanRecord, VendorSpan, VendorTracing
from anytel_sentry import standin
from anytel_sentry.resource import Resource

__all__ = ["Tracing", "is_traced"]

_SERVER = ("http.server", "websocket.server")
_FINE = frozenset({None, "ok", "cancelled"})
_INTEGRATIONS = ("starlette", "fastapi")


def is_traced(client: BaseClient) -> bool:
    """Say whether *client* traces, and in a way that we know."""
    return has_tracing_enabled(client.options) and standin.supported()


class Tracing(VendorTracing):
    """The tracing of one client."""

    def __init__(self, client: BaseClient, resource: Resource, host: Host) -> None:
        self.client, self._host = client, host
        self._streamed = has_span_streaming_enabled(client.options)
        self._source = standin.Source(host.current, host.native, resource.trace, host.annotate, self._finished)
        for name in _INTEGRATIONS:
            integration: Any = client.integrations.get(name)
            if integration is not None:
                integration.http_methods_to_capture = _Elsewhere.of(integration.http_methods_to_capture, host)
        # Threads of the SDK's that begin within a span would inherit it, and its uploads be traced for ever.
        contextvars.Context().run(_start_threads, client)

    def current(self) -> VendorSpan | None:
        """Give the span that Sentry's scope holds, unless that is a stand-in."""
        span = sentry_sdk.get_current_scope()._span
        if span is None or standin.is_stand_in(span):
            return None
        if isinstance(span, NoOpStreamedSpan):
            ended = span._finished
            op = span._attributes.get("sentry.op")
        elif isinstance(span, StreamedSpan):
            ended, op = span.end_timestamp is not None, span._attributes.get("sentry.op")
        elif isinstance(span, NoOpSpan):
            return None
        else:
            ended, op = span.timestamp is not None, span.op
        if ended:
            return None
        context = SpanContext(int(span.trace_id, 16), int(span.span_id, 16), bool(span.sampled))
        return VendorSpan(span, context, server=op in _SERVER)

    def enter(self, span: SpanContext, root: SpanContext, root_name: str) -> object:
        """Put a stand-in on a fork of the scope: tasks share their scopes, and would see each other's spans."""
        fork = new_scope()
        scope: Scope = fork.__enter__()
        made = standin.make(self._source, span, root_name, root, streamed=self._streamed)
        if self._streamed:
            scope.streamed_span = made
        else:
            scope.span = made
        return fork

    def leave(self, token: Any) -> None:
        """Take the scope that was."""
        token.__exit__(None, None, None)

    def set(self, native: Any, attributes: Attributes) -> None:
        """Set attributes on Sentry's own server span."""
        for name, value in attributes.items():
            put: Callable[[str, Any], None] = getattr(native, "set_attribute", None) or native.set_data
            put(name, value)

    def _finished(self, child: Span, home: standin.StandIn) -> None:
        self._host.record(_record(child, home))


class _Elsewhere(tuple[str, ...]):  # noqa: SLOT001 -- a tuple with slots has no room for more
    """Methods for which Sentry begins a server span of its own: none, where ours is there already."""

    _host: Host

    @classmethod
    def of(cls, methods: Sequence[str], host: Host) -> _Elsewhere:
        made = cls(methods)
        made._host = host
        return made

    def __contains__(self, method: object) -> bool:
        return self._host.current() is None and super().__contains__(method)


def _start_threads(client: BaseClient) -> None:
    if client.transport is not None:
        client.transport.flush(0.001)
    for batcher in (client.log_batcher, client.metrics_batcher, client.span_batcher):
        start = getattr(batcher, "_ensure_thread", None)
        if start is not None:
            start()


def _record(child: Span, home: standin.StandIn) -> SpanRecord:
    """Make a record of a span of Sentry's own."""
    data: Mapping[str, Any] = {**child._tags, **child._data}
    extra = {"sentry.op": child.op, "sentry.origin": child.origin}
    own = home._own
    failed = child.status not in _FINE
    return SpanRecord(
        name=child.description or child.op or "",
        kind="internal",
        context=SpanContext(own.trace_id, int(child.span_id, 16), sampled=True, sample_rate=own.sample_rate),
        parent_id=int(child.parent_span_id or "0", 16),
        remote_parent=False,
        root_id=own.span_id,
        root_name=home._root_name,
        service="",
        service_entry=False,
        start_ns=_ns(child.start_timestamp),
        end_ns=_ns(child.timestamp),
        status="error" if failed else "unset",
        status_message=child.status or "" if failed else "",
        exception=None,
        attributes={name: value for name, value in {**data, **extra}.items() if value is not None},
        events=(),
        links=(),
    )


def _ns(moment: datetime | None) -> int:
    return int(moment.timestamp() * 1e9) if moment is not None else 0
