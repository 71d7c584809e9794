"""The logger provider: OpenTelemetry's log records as events of our chain, each of them once.

A handler of OpenTelemetry's turns a record of `logging` into one of its own. Such a record is taken as the one of
`logging` that it was, so that it has its exception and comes out once, also where our own handler meets it.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping
from types import FrameType

from opentelemetry import context as api
from opentelemetry._logs import Logger as ApiLogger
from opentelemetry._logs import LoggerProvider as ApiLoggerProvider
from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.context.context import Context
from opentelemetry.util.types import AnyValue, Attributes

from anytel import misuse, runtime
from anytel.attributes import text
from anytel.logs import logger as logs
from anytel.logs.capture import stdlib

__all__ = ["Logger", "LoggerProvider"]

_LEVELS = ((21, "critical"), (17, "error"), (13, "warning"), (9, "info"), (0, "debug"))
_HANDLING = logging.Handler.handle.__code__
_DEPTH = 16
"""Frames between a handler's `handle` and us, at most."""


class LoggerProvider(ApiLoggerProvider):
    """Gives loggers whose records are lines of ours and go to the backends of `anytel.configure`."""

    def get_logger(
        self, name: str, version: str | None = None, schema_url: str | None = None, attributes: Attributes = None
    ) -> Logger:
        """Give the logger of that *name*."""
        return Logger(name, version, schema_url, attributes)

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Deliver everything; see `anytel.flush`."""
        return runtime.flush(timeout_millis / 1e3)

    def shutdown(self) -> None:
        """Deliver everything. Telemetry goes on until `anytel.shutdown`."""
        runtime.flush()


class Logger(ApiLogger):
    """Emits records as events of ours, at the moment of the call."""

    def emit(
        self,
        record: LogRecord | None = None,
        *,
        timestamp: int | None = None,
        observed_timestamp: int | None = None,
        context: Context | None = None,
        severity_number: SeverityNumber | None = None,
        severity_text: str | None = None,
        body: AnyValue | None = None,
        attributes: Attributes = None,
        event_name: str | None = None,
        exception: BaseException | None = None,
    ) -> None:
        """Log the record, or what it would consist of."""
        if record is None:
            self._emit(context, severity_number, body, attributes, event_name, exception)
            return
        if not isinstance(record, LogRecord):
            misuse.count("log")  # type: ignore[unreachable]  # libraries give what they like
            return
        handled = _handled()
        if handled is not None:
            if stdlib._first(handled):
                stdlib._log(handled)
            return
        raised = getattr(record, "exception", None)
        self._emit(record.context, record.severity_number, record.body, record.attributes, record.event_name, raised)

    def enabled(
        self,
        *,
        context: Context | None = None,
        severity_number: SeverityNumber | None = None,
        event_name: str | None = None,
    ) -> bool:
        """Say whether such a record would come out."""
        return logs.LEVELS[_level(severity_number)] >= (logs._epoch or logs._begin()).level

    def _emit(
        self,
        context: Context | None,
        severity: SeverityNumber | None,
        body: AnyValue | None,
        attributes: Attributes,
        event_name: str | None,
        exception: BaseException | None,
    ) -> None:
        try:
            event, values = _event(body, attributes, event_name)
        except Exception as exc:
            misuse.count("log")
            event, values = text(body), {"log_error": misuse.shown(exc)}
        if exception is not None:
            values["exc_info"] = exception
        token = api.attach(context) if isinstance(context, Mapping) else None
        try:
            logs.emit(self._name, _level(severity), event, values)
        finally:
            if token is not None:
                api.detach(token)


def _event(body: AnyValue | None, attributes: Attributes, event_name: str | None) -> tuple[str, dict[str, object]]:
    """Give the event and its values: a text is the event, and the members of a mapping are values."""
    values = _aside(attributes or {})
    if isinstance(body, Mapping):
        return event_name or "", values | _aside(body)
    if event_name:
        values["event.name"] = event_name
    return text(body) if body is not None else event_name or "", values


def _aside(values: Mapping[str, object]) -> dict[str, object]:
    """Give *values* without the name of the event, whose value gets another name."""
    return {"event_" if name == "event" else text(name): value for name, value in values.items()}


def _level(severity: object) -> str:
    """Give the level that *severity* has reached; without one it is an information."""
    number = severity.value if isinstance(severity, SeverityNumber) else severity if type(severity) is int else 0
    return next(level for least, level in _LEVELS if number >= least) if number else "info"


def _handled() -> logging.LogRecord | None:
    """Give the record of `logging` that a handler on this thread is handling right now."""
    frame: FrameType | None = sys._getframe(2)
    for _ in range(_DEPTH):
        if frame is None:
            return None
        if frame.f_code is _HANDLING:
            found = frame.f_locals.get("record")
            return found if isinstance(found, logging.LogRecord) else None
        frame = frame.f_back
    return None
