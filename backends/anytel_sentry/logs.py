"""Renders log records as ``log`` items (https://develop.sentry.dev/sdk/telemetry/logs/)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from sentry_sdk.envelope import Envelope, Item

from anytel.backend import Level, LogRecord
from anytel_sentry.attributes import encode, plain, typed
from anytel_sentry.delivery import Delivery, Parcel
from anytel_sentry.hooks import Hook, wire_attributes
from anytel_sentry.resource import Resource

__all__ = ["Logs"]

LIMIT = 100
"""Logs per envelope: the protocol's hard limit."""

_SEVERITY: Mapping[Level, tuple[str, int]] = {
    "debug": ("debug", 5),
    "info": ("info", 9),
    "warning": ("warn", 13),
    "error": ("error", 17),
    "critical": ("fatal", 21),
}


class Logs:
    """Renders batches for one client."""

    def __init__(self, resource: Resource, hook: Hook | None) -> None:
        self._resource, self._hook = resource, hook

    def parcels(self, batch: Sequence[LogRecord], delivery: Delivery) -> Iterator[Parcel]:
        """Give the envelopes of a batch; what the application's hook refuses is settled in *delivery*."""
        for start in range(0, len(batch), LIMIT):
            rendered = {start + n: self._log(record) for n, record in enumerate(batch[start : start + LIMIT])}
            delivery.settle((place for place, item in rendered.items() if item is None), "before_send")
            if kept := {place: item for place, item in rendered.items() if item is not None}:
                yield Parcel(self._envelope(list(kept.values())), list(kept))

    def _log(self, record: LogRecord) -> Mapping[str, object] | None:
        text, number = _SEVERITY[record.level]
        attributes = {name: plain(value) for name, value in record.attributes.items()}
        attributes |= {"logger.name": record.logger} if record.logger else {}
        if record.exception is not None:
            attributes |= record.exception.attributes()
        own = {"sentry.severity_number": number, "sentry.severity_text": text}
        if self._hook is not None:
            return self._hooked(self._hook, record, {**self._resource.attributes, **attributes, **own})
        return {
            "timestamp": record.time_ns / 1e9,
            "level": text,
            "body": record.message,
            "attributes": self._resource.typed | typed(attributes) | typed(own),
            **self._resource.ids(record.context),
        }

    def _hooked(self, hook: Hook, record: LogRecord, attributes: dict[str, object]) -> Mapping[str, object] | None:
        """Show the application the log as the SDK would, and render what it gives back."""
        text, number = _SEVERITY[record.level]
        log = {"severity_text": text, "severity_number": number, "body": record.message, "attributes": attributes}
        log |= {"time_unix_nano": record.time_ns, "span_id": None, **self._resource.ids(record.context)}
        kept = hook(log)
        if not kept:
            return None
        wire = {"timestamp": record.time_ns / 1e9, "level": str(kept["severity_text"]), "body": str(kept["body"])}
        return wire | {"attributes": wire_attributes(kept), **self._resource.ids(record.context)}

    def _envelope(self, items: Sequence[object]) -> Envelope:
        body = encode({"version": 2, "items": items})
        content_type = "application/vnd.sentry.items.log+json"
        return self._resource.envelope([Item(body, {"item_count": len(items)}, "log", content_type)])
