"""The backend contract: all that a backend implements, and all that it sees.

Every record here is *plain*: redacted, bounded, its strings encodable as UTF-8, its integers within 64 signed bits, its
floats finite. Rendering one therefore runs no code of the user's and cannot fail on a value.

A backend is a class with a zero-argument constructor, named by an entry point of the group ``anytel.backends``. It
overrides what its vendor can do; what it leaves alone accepts everything and sends nothing.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, NamedTuple, Protocol, TypeAlias

from anytel import stacktrace
from anytel.errors import ConfigError, CredentialsMissing

__all__ = [
    "Ack",
    "Attributes",
    "Backend",
    "ConfigError",
    "CredentialsMissing",
    "ErrorRecord",
    "Event",
    "ExceptionRecord",
    "Exemplar",
    "Frame",
    "Host",
    "Level",
    "Link",
    "LogRecord",
    "MetricBatch",
    "MetricFlow",
    "MetricKind",
    "Point",
    "Scalar",
    "ScrapeApp",
    "Series",
    "Signal",
    "SpanContext",
    "SpanKind",
    "SpanRecord",
    "Spelling",
    "Status",
    "VendorSpan",
    "VendorTracing",
]

Scalar: TypeAlias = str | bool | int | float
Attributes: TypeAlias = Mapping[str, Scalar | tuple[Scalar, ...]]
Signal: TypeAlias = Literal["span", "metric", "log", "error"]
Level: TypeAlias = Literal["debug", "info", "warning", "error", "critical"]
SpanKind: TypeAlias = Literal["internal", "server", "client", "producer", "consumer"]
Status: TypeAlias = Literal["unset", "ok", "error"]
MetricKind: TypeAlias = Literal["count", "gauge", "distribution", "histogram", "set"]
MetricFlow: TypeAlias = Literal["none", "delta", "cumulative", "pull"]


@dataclass(frozen=True, slots=True)
class SpanContext:
    """The ids of one span, the same at every vendor, and the decision of its trace.

    *trace_id* has 128 bits and *span_id* 64, neither is 0. *sample_rate* is the probability with which this process
    kept the trace, and None where somebody upstream decided.
    """

    trace_id: int
    span_id: int
    sampled: bool
    sample_rate: float | None = None
    tracestate: str = ""


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


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class Series:
    """One metric with one set of tags (sorted by name). The same object in every batch: cache what you render by it.

    *bounds* are the inclusive upper bounds of a histogram's buckets, without the last, infinite one.
    """

    name: str
    kind: MetricKind
    unit: str
    description: str
    bounds: tuple[float, ...]
    tags: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Spelling:
    """How a backend spells a metric: what queries, dashboards and rules have to say.

    *name* is what it is queried by; of a histogram in Prometheus, without the suffixes. *type* and *unit* are the
    vendor's words. *series* are the names of its samples, and *reserved* all names that no other metric may have
    beside it. *tags* maps our names of tags to the vendor's, and *bounds* are the limits of the buckets as the vendor
    writes them. A value of ours is *multiply* / *divide* of theirs: 5 ms are 0.005 in seconds.
    """

    name: str
    type: str
    unit: str = ""
    series: tuple[str, ...] = ()
    reserved: frozenset[str] = frozenset()
    tags: Mapping[str, str] = field(default_factory=dict)
    bounds: tuple[str, ...] = ()
    multiply: int = 1
    divide: int = 1


class Exemplar(NamedTuple):
    """One recorded value with the span it was recorded in."""

    value: float
    time_ns: int
    context: SpanContext


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Point:
    """What happened to one series: in the batch's interval (delta), or since the process began (cumulative, pull).

    ========================= =====================================================================================
    count                     *value* is the sum of the increments
    gauge                     *value* is the last one; *fresh* is false when it was not written in this interval
    distribution, histogram   *value* is the sum, *count* the number, *low* and *high* the extremes; *buckets* has
                              ``len(bounds) + 1`` counts, not added up; each of *samples* (delta only) stands for
                              ``count / len(samples)`` recorded values
    set                       *value* estimates the different values seen in the last minute; *members* (delta only)
                              are those of this interval
    ========================= =====================================================================================

    *exemplars* are keyed by bucket index (0 for a count). *start_ns* is when the series began, in nanoseconds since
    the epoch.
    """

    series: Series
    value: float
    count: int
    start_ns: int
    fresh: bool = True
    low: float = 0.0
    high: float = 0.0
    buckets: Sequence[int] = ()
    samples: Sequence[float] = ()
    members: Sequence[str] = ()
    exemplars: Mapping[int, Exemplar] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class MetricBatch:
    """The points of one interval; for a cumulative or pulled batch *start_ns* is when the process began."""

    start_ns: int
    end_ns: int
    flow: MetricFlow
    points: Sequence[Point]


@dataclass(frozen=True, slots=True)
class Ack:
    """What became of a batch: ``delivered + sum(dropped) + retry`` is its length.

    *delivered*: answered with success, or handed to the socket where the protocol has no answer. *dropped* counts by
    reason. The last *retry* items are offered again, not before *retry_after* seconds.
    """

    delivered: int
    dropped: Mapping[str, int] = field(default_factory=dict)
    retry: int = 0
    retry_after: float = 0.0


class Host(Protocol):
    """The core, as a backend sees it. Every method may be called from any thread."""

    @property
    def resource(self) -> Mapping[str, str]:
        """``service.name``, ``deployment.environment.name``, ``service.version``, where known."""

    def current(self) -> SpanContext | None:
        """Give the span that is current in the calling thread or task."""

    def keep(self, trace_id: int, /) -> bool:
        """Decide for a trace that the vendor itself has started."""

    def redact(self, attributes: Attributes, /) -> Attributes:
        """Apply the user's redaction rules to what the vendor's SDK collected itself."""

    def record(self, span: SpanRecord, /) -> None:
        """Take a span that the vendor's own instrumentation has made within ours: it goes to this backend alone."""

    def represented(self, span: VendorSpan, /) -> int | None:
        """Let the vendor's own server span stand for our current one: this backend is not sent ours.

        Gives the id of the span's parent, 0 for none; None where ours is no server span or stands for itself.
        """

    def native(self) -> VendorSpan | None:
        """Give the vendor's own span that stands for our current one, if there is one."""

    def annotate(self, attributes: Mapping[str, object], /) -> None:
        """Set attributes on the span that is current in the calling thread or task."""

    def known(self, exc: BaseException, /) -> tuple[SpanContext | None, str]:
        """Give the innermost span that *exc* has left, and the id of its report, empty if there is none."""

    def reported(self, exc: BaseException, error_id: str, /) -> None:
        """Note that the vendor's own SDK has reported *exc*: should we do so too, the report has this id."""

    def collect(self) -> MetricBatch:
        """Give the totals as of now: what a pull backend answers a scrape with."""

    def lost(self, signal: Signal, count: int, reason: str, /) -> None:
        """Report what was acknowledged as delivered and turned out lost."""


ScrapeApp: TypeAlias = Callable[
    [
        MutableMapping[str, Any],
        Callable[[], Awaitable[MutableMapping[str, Any]]],
        Callable[[MutableMapping[str, Any]], Awaitable[None]],
    ],
    Awaitable[None],
]
"""An ASGI application."""


class VendorSpan(NamedTuple):
    """A span that the vendor's own instrumentation has begun; *native* is the vendor's object.

    *server* says that it stands for a request which this process serves.
    """

    native: object
    context: SpanContext
    server: bool = False


class VendorTracing:
    """The vendor's own tracing where it is active in this process, and how it and ours take part in one trace.

    Every method runs on the caller's thread, without I/O. What it raises is caught and reported.
    """

    def current(self) -> VendorSpan | None:
        """Give the vendor's own span that is innermost here: None where there is none, or one of ours is within it."""
        return None

    def enter(self, span: SpanContext, root: SpanContext, root_name: str, /) -> object:
        """Show the vendor's instrumentation that our *span* is current, below the local *root*.

        What is given goes to `leave`, unless it is None.
        """
        return None

    def leave(self, token: object, /) -> None:
        """Undo one `enter`."""

    def set(self, native: object, attributes: Attributes, /) -> None:
        """Set attributes on the vendor's own span that stands for ours (see `Host.represented`)."""


class Backend:
    """A backend that accepts everything and sends nothing; override what your vendor can do.

    The constructor reads and checks the vendor's settings, without I/O and without starting threads. It raises
    `CredentialsMissing` where a credential is not set, and `ConfigError` where a setting is wrong. The methods that
    take a batch run on a worker thread of this backend alone; they may block until *deadline* (`time.monotonic`)
    and may raise: what they raise is counted and reported, and the batch is dropped.
    """

    name: ClassVar[str] = "none"
    signals: ClassVar[frozenset[Signal]] = frozenset({"span", "metric", "log", "error"})
    metric_flow: MetricFlow = "delta"
    """What `metrics` is given. Set it in the class, or in the constructor where a setting decides."""
    unsampled_roots: ClassVar[bool] = False
    """Also wants the local roots of traces that are not sampled (Datadog's trace statistics count them)."""
    exemplars: ClassVar[bool] = False
    """Uses `Point.exemplars`; where no backend does, none are collected."""
    fidelity: ClassVar[Mapping[str, str]] = {}
    """Feature -> ``exact``, ``approximate: how`` or ``unsupported: why``."""

    native: object = None
    """The vendor's own client, once open."""

    @classmethod
    def spelling(cls, series: Series, /) -> Spelling | None:
        """Give the names under which the vendor knows a metric; None where it receives no metrics.

        It needs no settings: catalogues, rules and dashboards are made where nothing is sent. The tags of *series*
        are the declared ones, without values.
        """
        return None

    def open(self, host: Host, /) -> None:
        """Start. Called once per process, and again in a forked child: forget what was inherited."""

    def tracing(self) -> VendorTracing | None:
        """Give the vendor's own tracing if it is active in this process now.

        Asked on the caller's thread at each local root, as an SDK may be initialised at any time: cheap, without I/O,
        and never importing the SDK.
        """
        return None

    def scrape_app(self) -> ScrapeApp | None:
        """Give the ASGI application that answers a scrape, which must not block the event loop; None where none is."""
        return None

    def spans(self, batch: Sequence[SpanRecord], deadline: float, /) -> Ack:
        """Send finished spans, of any number of traces, in the order in which they ended."""
        return Ack(len(batch))

    def metrics(self, batch: MetricBatch, deadline: float, /) -> Ack:
        """Send one interval's points."""
        return Ack(len(batch.points))

    def logs(self, batch: Sequence[LogRecord], deadline: float, /) -> Ack:
        """Send log events."""
        return Ack(len(batch))

    def errors(self, batch: Sequence[ErrorRecord], deadline: float, /) -> Ack:
        """Send error reports."""
        return Ack(len(batch))

    def flush(self, deadline: float, /) -> bool:
        """Send what the vendor's SDK itself still holds; whether that was all."""
        return True

    def close(self, deadline: float, /) -> bool:
        """Flush and release everything. The last call."""
        return True
