"""The records of what has happened: spans, log events, error reports and exceptions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, TypeAlias

from anytel import stacktrace

__all__ = [
    "Attributes",
    "ErrorRecord",
    "Event",
    "ExceptionRecord",
    "Frame",
    "Level",
    "Link",
    "LogRecord",
    "Scalar",
    "SpanContext",
    "SpanKind",
    "SpanRecord",
    "Status",
]

Scalar: TypeAlias = str | bool | int | float
Attributes: TypeAlias = Mapping[str, Scalar | tuple[Scalar, ...]]
Level: TypeAlias = Literal["debug", "info", "warning", "error", "critical"]
SpanKind: TypeAlias = Literal["internal", "server", "client", "producer", "consumer"]
Status: TypeAlias = Literal["unset", "ok", "error"]


@dataclass(frozen=True, slots=True)
class SpanContext:
    """The ids of one span, the same at every vendor, and the decision of its trace.

    *trace_id* has 128 bits and *span_id* 64, neither is 0. *sample_rate* is the probability with which this process
    kept the trace, and None where somebody upstream decided. *dynamic_sampling* is what Sentry's SDKs upstream say of
    the trace (https://develop.sentry.dev/sdk/telemetry/traces/dynamic-sampling-context/): the ``sentry-`` members of
    the ``baggage`` header, as they came.
    """

    trace_id: int
    span_id: int
    sampled: bool
    sample_rate: float | None = None
    tracestate: str = ""
    dynamic_sampling: str = ""


class Frame(NamedTuple):
    """One entry of a traceback."""

    file: str
    line: int
    function: str
    module: str


@dataclass(frozen=True, slots=True, eq=False)
class ExceptionRecord:
    """An exception as it was when it was raised.

    *frames* are ordered as in a traceback, the innermost last. *cause* is what it was raised from, or during when
    *implicit*. *group* holds the members of an exception group.
    """

    type: str
    module: str
    message: str
    frames: Sequence[Frame]
    cause: ExceptionRecord | None = None
    implicit: bool = False
    group: Sequence[ExceptionRecord] = ()

    @property
    def qualified(self) -> str:
        """The type with its module, unless that is ``builtins``: ``ValueError``, ``shop.errors.NotFound``."""
        return stacktrace.qualified(self.type, self.module)

    def attributes(self) -> dict[str, str]:
        """Describe it in OpenTelemetry's attributes.

        Names: https://opentelemetry.io/docs/specs/semconv/registry/attributes/exception/.
        """
        return {
            "exception.type": self.qualified,
            "exception.message": self.message,
            "exception.stacktrace": self.stacktrace(),
        }

    def stacktrace(self, frames: int = 100) -> str:
        """Write it as Python's own traceback does, with at most the innermost *frames* of each exception."""
        return stacktrace.render(self, frames)


class Event(NamedTuple):
    """Something that happened at one moment of a span; *time_ns* is in nanoseconds since the epoch."""

    name: str
    time_ns: int
    attributes: Attributes


class Link(NamedTuple):
    """A span that this one is related to but not a child of."""

    context: SpanContext
    attributes: Attributes


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class SpanRecord:
    """A finished span.

    Times are nanoseconds since the epoch. *parent_id* is 0 for the root of a trace; *remote_parent* says that the
    parent is in another process. *root_id* and *root_name* are those of the local root, which may still be open.
    *service* is the span's ``service.name`` or that of the enclosing local span, and *service_entry* is true where it
    differs from the parent's and on local roots. *dropped* counts what went over the limits, by what it was.
    """

    name: str
    kind: SpanKind
    context: SpanContext
    parent_id: int
    remote_parent: bool
    root_id: int
    root_name: str
    service: str
    service_entry: bool
    start_ns: int
    end_ns: int
    status: Status
    status_message: str
    exception: ExceptionRecord | None
    attributes: Attributes
    events: Sequence[Event]
    links: Sequence[Link]
    scope: str = ""
    dropped: Mapping[str, int] = field(default_factory=dict)

    @property
    def is_root(self) -> bool:
        """Whether this is the local root: the span that entered this process."""
        return self.root_id == self.context.span_id


@dataclass(frozen=True, slots=True, eq=False)
class LogRecord:
    """One log event, after the processors and before rendering."""

    time_ns: int
    level: Level
    logger: str
    message: str
    context: SpanContext | None
    attributes: Attributes
    exception: ExceptionRecord | None = None


@dataclass(frozen=True, slots=True, eq=False)
class ErrorRecord:
    """One error report.

    *id* is 32 hex digits, the same at every vendor. *exception* is None where a log line without one reported an
    error: *message* is then its event, by which such reports belong together, unless *template* has what it was
    formatted from. *root_name* names the local root span.
    *tags* are those of the *attributes* that reports are searched by. *breadcrumbs* are the log events that came
    before, the oldest first.
    """

    id: str
    exception: ExceptionRecord | None
    context: SpanContext | None
    root_name: str
    handled: bool
    time_ns: int
    attributes: Attributes
    message: str = ""
    level: Level = "error"
    logger: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)
    breadcrumbs: Sequence[LogRecord] = ()
    template: str = ""
