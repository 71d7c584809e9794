"""A log event between the caller and the dispatcher: plain already, not yet a record."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from anytel.attributes import flatten, text
from anytel.backend import ExceptionRecord, Level, LogRecord, SpanContext
from anytel.logs.tree import Plain

if TYPE_CHECKING:
    from anytel.tracing.record import Span

__all__ = ["Formatted", "LogEvent", "formatted", "log_record"]


class Formatted(str):
    """An event that was formatted, with the *template* that it was formatted from."""

    __slots__ = ("template",)
    template: str


def formatted(message: str, template: object) -> str:
    """Give *message*, remembering what it was formatted from."""
    made = Formatted(message)
    made.template = text(template)
    return made


class LogEvent(NamedTuple):
    """What the chain has made of a call; *values* are plain and redacted, and nested still."""

    time_ns: int
    level: Level
    logger: str
    message: str
    span: Span | None
    values: dict[str, Plain]
    exception: ExceptionRecord | None
    left: SpanContext | None = None
    """The innermost span that the exception has left, where none is current any more."""
    template: str = ""
    """What the message was formatted from, if it was."""

    @property
    def context(self) -> SpanContext | None:
        """The span that the event belongs to."""
        return self.span.context if self.span is not None else self.left


def log_record(event: LogEvent) -> LogRecord:
    """Make what backends see of *event*."""
    return LogRecord(
        event.time_ns,
        event.level,
        event.logger,
        event.message,
        event.context,
        flatten(event.values),
        event.exception,
    )
