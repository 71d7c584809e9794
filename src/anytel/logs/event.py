"""A log event between the caller and the dispatcher: plain already, not yet a record."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from anytel.attributes import flatten
from anytel.backend import ExceptionRecord, Level, LogRecord
from anytel.logs.tree import Plain

if TYPE_CHECKING:
    from anytel.tracing.record import Span

__all__ = ["LogEvent", "log_record"]


class LogEvent(NamedTuple):
    """What the chain has made of a call; *values* are plain and redacted, and nested still."""

    time_ns: int
    level: Level
    logger: str
    message: str
    span: Span | None
    values: dict[str, Plain]
    exception: ExceptionRecord | None


def log_record(event: LogEvent) -> LogRecord:
    """Make what backends see of *event*."""
    span = event.span
    return LogRecord(
        event.time_ns,
        event.level,
        event.logger,
        event.message,
        span.context if span is not None else None,
        flatten(event.values),
        event.exception,
    )
