"""Renders error reports as events (https://develop.sentry.dev/sdk/foundations/data-model/event-payloads/exception/)."""

from __future__ import annotations

import contextvars
import os
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import sentry_sdk
from sentry_sdk.client import BaseClient
from sentry_sdk.envelope import Envelope, Item
from sentry_sdk.transport import Transport
from sentry_sdk.utils import filename_for_module, get_lines_from_file

from anytel.backend import ErrorRecord, ExceptionRecord, Frame, LogRecord
from anytel_sentry.attributes import plain
from anytel_sentry.resource import Resource

__all__ = ["Events", "Refused"]


class Refused(Exception):
    """The client does not send this event: its ``before_send``, its sample rate or a processor says so."""


class Events:
    """Renders error reports for one client, which finishes each as it does those that it captures itself."""

    def __init__(self, client: BaseClient, transport: Transport, resource: Resource) -> None:
        self._resource, self._context_lines = resource, bool(client.options["include_source_context"])
        self._outbox = _Outbox(transport)
        # A second client with all of the first but its transport: its `capture_event` runs the scope's data, event
        # processors, scrubber, in-app rules, sampling and `before_send`, and leaves the envelope with us.
        self._client = object.__new__(type(client))
        self._client.__dict__.update(client.__dict__, transport=self._outbox)

    def envelope(self, record: ErrorRecord) -> Envelope:
        """Render one report.

        Raises:
            Refused: the application does not want it sent.
        """
        self._outbox.clear()
        # An empty context, as in the sender: hooks must not find a span or scope that the thread inherited.
        scope = sentry_sdk.get_global_scope().fork()
        contextvars.Context().run(self._client.capture_event, self._event(record), scope=scope)
        if self._outbox.envelope is None:
            raise Refused(self._outbox.reason or "ignored")
        return self._outbox.envelope

    def _event(self, record: ErrorRecord) -> dict[str, Any]:
        contexts: dict[str, object] = {"trace": self._trace(record), "runtime": dict(self._resource.runtime)}
        if record.attributes:
            # `type` would tell Sentry how to read the context: state it, and move an attribute of that name.
            values = {("type_" if name == "type" else name): plain(value) for name, value in record.attributes.items()}
            contexts["anytel"] = values | {"type": "default"}
        level = "fatal" if record.level == "critical" else record.level
        event: dict[str, Any] = {"event_id": record.id, "level": level, "contexts": contexts, **_optional(record)}
        event["timestamp"] = datetime.fromtimestamp(record.time_ns / 1e9, UTC)
        if record.exception is not None:
            event["exception"] = {"values": self._values(record.exception, handled=record.handled)}
        else:  # grouped by what happened, not by the values in it
            template = record.template or record.message
            event |= {"message": record.message, "fingerprint": ["{{ default }}", template]}
            if record.template:  # as the SDK's own logging integration tells it
                event["logentry"] = {"message": template, "formatted": event.pop("message")}
        if record.root_name:
            event |= {"transaction": record.root_name, "transaction_info": {"source": "custom"}}
        return event

    def _trace(self, record: ErrorRecord) -> dict[str, object]:
        if record.context is None:
            return {"trace_id": self._resource.trace_id, "span_id": self._resource.span_id}
        header = self._resource.trace(record.context, record.root_name)
        return {**self._resource.ids(record.context), "dynamic_sampling_context": header}

    def _values(self, root: ExceptionRecord, *, handled: bool) -> list[dict[str, object]]:
        """Give the exception and what it comes from, the oldest first."""
        values = []
        for number, (exception, parent, source) in enumerate(_walk(root)):
            mechanism: dict[str, object] = {"type": "anytel", "handled": handled, "exception_id": number}
            if parent is not None:
                mechanism |= {"type": "chained", "parent_id": parent, "source": source}
            if exception.group:
                mechanism["is_exception_group"] = True
            values.append(self._value(exception, mechanism))
        return values[::-1]

    def _value(self, exception: ExceptionRecord, mechanism: Mapping[str, object]) -> dict[str, object]:
        module = None if exception.module == "builtins" else exception.module
        value: dict[str, object] = {"mechanism": mechanism, "module": module}
        value |= {"type": exception.type, "value": exception.message}
        if exception.frames:
            value["stacktrace"] = {"frames": [self._frame(frame) for frame in exception.frames]}
        return value

    def _frame(self, frame: Frame) -> dict[str, object]:
        out: dict[str, object] = {
            "filename": filename_for_module(frame.module, frame.file) or None,
            "abs_path": os.path.abspath(frame.file) if frame.file else None,  # noqa: PTH100 -- the SDK's own way
            "function": frame.function or "<unknown>",
            "module": frame.module or None,
            "lineno": frame.line,
        }
        if self._context_lines:
            before, line, after = get_lines_from_file(frame.file, frame.line - 1)
            out |= {"pre_context": before, "context_line": line, "post_context": after}
        if f"{frame.module}.".startswith("anytel.") and not frame.module.startswith("anytel.demo"):
            out["in_app"] = False
        return out


def _optional(record: ErrorRecord) -> dict[str, object]:
    """Give what only some reports have."""
    crumbs = [_breadcrumb(log) for log in record.breadcrumbs]
    found = {
        "logger": record.logger,
        "tags": dict(record.tags),
        "breadcrumbs": {"values": crumbs} if crumbs else None,
    }
    return {name: value for name, value in found.items() if value}


def _breadcrumb(log: LogRecord) -> dict[str, object]:
    level = "fatal" if log.level == "critical" else log.level
    when = datetime.fromtimestamp(log.time_ns / 1e9, UTC)
    data = {name: plain(value) for name, value in log.attributes.items()}
    return {
        "type": "log",
        "category": log.logger,
        "level": level,
        "message": log.message,
        "timestamp": when,
        "data": data,
    }


def _walk(root: ExceptionRecord) -> Iterator[tuple[ExceptionRecord, int | None, str]]:
    """Give an exception, then its cause, then its members, each with the number of its parent and its place there."""
    pending: list[tuple[ExceptionRecord, int | None, str]] = [(root, None, "")]
    number = 0
    while pending:
        exception, parent, source = pending.pop()
        yield exception, parent, source
        members = [(member, number, f"exceptions[{place}]") for place, member in enumerate(exception.group)]
        pending.extend(reversed(members))
        if exception.cause is not None:
            pending.append((exception.cause, number, "__context__" if exception.implicit else "__cause__"))
        number += 1


class _Outbox(Transport):
    """Keeps the one envelope of `capture_event`, or why there is none; the real transport hears of the loss."""

    def __init__(self, transport: Transport) -> None:
        super().__init__(transport.options)
        self.parsed_dsn, self._transport = transport.parsed_dsn, transport
        self.clear()

    def clear(self) -> None:
        self.envelope: Envelope | None = None
        self.reason = ""

    def capture_envelope(self, envelope: Envelope) -> None:
        self.envelope = envelope

    def record_lost_event(
        self, reason: str, data_category: Any = None, item: Item | None = None, *, quantity: int = 1
    ) -> None:
        self.reason = reason
        self._transport.record_lost_event(reason, data_category, item, quantity=quantity)
