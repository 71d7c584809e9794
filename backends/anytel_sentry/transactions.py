"""Renders local traces as ``transaction`` items, for Sentry servers that do not know span items."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

from sentry_sdk.envelope import Envelope, Item, PayloadRef

from anytel.backend import SpanRecord
from anytel_sentry.attributes import encode
from anytel_sentry.hooks import Hook
from anytel_sentry.resource import Resource
from anytel_sentry.spans import described, ids, links, operation

__all__ = ["Transactions"]

_CONSUMED = frozenset(
    {"sentry.op", "sentry.origin", "sentry.trace_lifecycle", "sentry.segment.id", "sentry.segment.name"}
)
"""Attributes that are fields of their own in a transaction, or say nothing there."""


class Transactions:
    """Renders local traces as ``transaction`` items."""

    def __init__(self, resource: Resource, hook: Hook | None) -> None:
        self._resource, self._hook = resource, hook

    def envelope(self, root: SpanRecord, children: Sequence[SpanRecord]) -> Envelope | None:
        """Render one local trace, or give None where the application's ``before_send_transaction`` refuses it."""
        event: dict[str, Any] | None = self._event(root, children)
        if self._hook is not None:
            event = self._hook(event or {})
        if event is None:
            return None
        # The bytes are what is sent; by the event, the SDK counts the spans in its report of a loss.
        payload = PayloadRef(bytes=encode(event), json=event)
        headers = {"content_type": "application/json"}
        trace = self._resource.trace(root.context, root.root_name)
        return self._resource.envelope([Item(payload, headers, "transaction")], trace, str(event["event_id"]))

    def _event(self, root: SpanRecord, children: Sequence[SpanRecord]) -> dict[str, Any]:
        trace = _span(root)
        del trace["description"]
        times = {name: trace.pop(name) for name in ("start_timestamp", "timestamp")}
        return {
            "type": "transaction",
            "event_id": uuid.uuid4().hex,
            "transaction": root.name,
            "transaction_info": {"source": "custom"},
            **times,
            "contexts": {"trace": trace, "runtime": self._resource.runtime},
            "spans": [_span(child) for child in children],
            "platform": "python",
            "sdk": self._resource.sdk,
            **self._resource.common,
        }


def _span(span: SpanRecord) -> dict[str, Any]:
    attributes = described(span)
    out: dict[str, Any] = {
        **ids(span),
        "op": operation(span) or "default",
        "description": span.name,
        "status": "internal_error" if span.status == "error" else "ok",
        "origin": attributes["sentry.origin"],
        "start_timestamp": span.start_ns / 1e9,
        "timestamp": span.end_ns / 1e9,
        "data": {name: value for name, value in attributes.items() if name not in _CONSUMED},
    }
    if span.links:
        out["links"] = [{**link, "attributes": values} for link, values in links(span)]
    return out
