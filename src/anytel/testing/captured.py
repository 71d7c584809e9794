"""What was captured, one record at a time, as an assertion wants to read it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Generic, TypeAlias, TypeVar

from anytel.attributes import flatten
from anytel.backend import (
    Attributes,
    ErrorRecord,
    Event,
    ExceptionRecord,
    Level,
    Link,
    LogRecord,
    MetricKind,
    Point,
    Scalar,
    SpanContext,
    SpanKind,
    SpanRecord,
)
from anytel.metrics.instruments import rendered_tag
from anytel.tracing.ids import span_hex, trace_hex

if TYPE_CHECKING:
    from anytel.testing.found import Errors, Logs, Spans
    from anytel.testing.telemetry import Records

__all__ = ["Captured", "CapturedError", "CapturedLog", "CapturedMetric", "CapturedSpan"]

R = TypeVar("R")
Fact: TypeAlias = Scalar | tuple[Scalar, ...]


class Captured(Generic[R]):
    """What all kinds share: the *record* as every backend gets it, a name, and the facts that are asked for."""

    __slots__ = ("_all", "record")

    def __init__(self, record: R, records: Records) -> None:
        self.record = record
        self._all = records

    @property
    def label(self) -> str:
        """The name it is found by."""
        raise NotImplementedError

    @property
    def facts(self) -> Mapping[str, Fact]:
        """What it is asked for by name."""
        raise NotImplementedError

    def has(self, name: str, value: object) -> bool:
        """Say whether it has *value* under *name*, as it was given or as anytel writes it; None: nothing under it."""
        facts = self.facts
        if value is None:
            return name not in facts
        if name in facts and facts[name] == value:
            return True
        flat = flatten({name: value})
        return bool(flat) and flat.items() <= facts.items()

    def __eq__(self, other: object) -> bool:
        return self.record is other.record if isinstance(other, Captured) else NotImplemented

    def __hash__(self) -> int:
        return id(self.record)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self}>"


def shown(facts: Mapping[str, object]) -> str:
    """Write attributes or tags in braces."""
    return "{" + ", ".join(f"{name}={value!r}" for name, value in facts.items()) + "}" if facts else ""


class CapturedSpan(Captured[SpanRecord]):
    """A span that has ended."""

    __slots__ = ()

    @property
    def label(self) -> str:  # noqa: D102 -- inherited
        return self.name

    @property
    def facts(self) -> Mapping[str, Fact]:  # noqa: D102 -- inherited
        return self.attributes

    @property
    def name(self) -> str:
        """What was done."""
        return self.record.name

    @property
    def kind(self) -> SpanKind:
        """Its role towards other processes."""
        return self.record.kind

    @property
    def attributes(self) -> Attributes:
        """The attributes, redacted, those of `anytel.context` among them."""
        return self.record.attributes

    @property
    def events(self) -> Sequence[Event]:
        """What happened in it."""
        return self.record.events

    @property
    def links(self) -> Sequence[Link]:
        """Related spans."""
        return self.record.links

    @property
    def ok(self) -> bool:
        """Whether it has not failed."""
        return self.record.status != "error"

    @property
    def reason(self) -> str:
        """Why it failed: the exception's message, or what was given to ``fail()``."""
        return self.record.status_message

    @property
    def exception(self) -> ExceptionRecord | None:
        """The exception that left it."""
        return self.record.exception

    @property
    def trace_id(self) -> str:
        """32 hex digits."""
        return trace_hex(self.record.context.trace_id)

    @property
    def span_id(self) -> str:
        """16 hex digits."""
        return span_hex(self.record.context.span_id)

    @property
    def start(self) -> datetime:
        """When it began, in UTC, to the microsecond."""
        return datetime.fromtimestamp(self.record.start_ns / 1e9, UTC)

    @property
    def duration(self) -> float:
        """Seconds."""
        return (self.record.end_ns - self.record.start_ns) / 1e9

    @property
    def parent(self) -> CapturedSpan | None:
        """The enclosing span, if that has ended in this test too; of a remote parent there are the ids alone."""
        return self._all.span(self.record.parent_id) if self.record.parent_id else None

    @property
    def children(self) -> Spans:
        """The spans directly below, in the order in which they began."""
        return self._all.children(self.record.context.span_id)

    @property
    def descendants(self) -> Spans:
        """All spans below, each before those below it."""
        return self._all.below(self)

    @property
    def logs(self) -> Logs:
        """The log events within this span itself."""
        return self._all.logs_of(self.record.context)

    @property
    def errors(self) -> Errors:
        """The error reports of this span itself."""
        return self._all.errors_of(self.record.context)

    def __str__(self) -> str:
        failed = "" if self.ok else f" failed: {self.reason}"
        return f"{self.name} {self.duration * 1e3:.3f} ms{failed} {shown(self.attributes)}".rstrip()


class _WithContext:
    """What belongs to a span, or to none."""

    __slots__ = ()

    @property
    def _context(self) -> SpanContext | None:
        raise NotImplementedError

    @property
    def trace_id(self) -> str:
        """32 hex digits, or empty outside any span."""
        return trace_hex(self._context.trace_id) if self._context is not None else ""

    @property
    def span_id(self) -> str:
        """16 hex digits, or empty outside any span."""
        return span_hex(self._context.span_id) if self._context is not None else ""


class CapturedLog(_WithContext, Captured[LogRecord], Mapping[str, Fact]):
    """A log event, and a mapping: its values, with ``event``, ``level``, ``logger``, ``trace_id`` and ``span_id``."""

    __slots__ = ()

    @property
    def _context(self) -> SpanContext | None:
        return self.record.context

    @property
    def label(self) -> str:  # noqa: D102 -- inherited
        return self.event

    @property
    def facts(self) -> Mapping[str, Fact]:  # noqa: D102 -- inherited
        ids = {"trace_id": self.trace_id, "span_id": self.span_id} if self.record.context is not None else {}
        own = {"event": self.event, "level": self.level, "logger": self.record.logger}
        return {**self.attributes, **own, **ids}

    @property
    def event(self) -> str:
        """What happened."""
        return self.record.message

    @property
    def level(self) -> Level:
        """From ``debug`` to ``critical``."""
        return self.record.level

    @property
    def attributes(self) -> Attributes:
        """The values, redacted, those of `anytel.context` and of ``bind`` among them."""
        return self.record.attributes

    @property
    def exception(self) -> ExceptionRecord | None:
        """The exception that was logged."""
        return self.record.exception

    def __getitem__(self, name: str) -> Fact:
        return self.facts[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.facts)

    def __len__(self) -> int:
        return len(self.facts)

    def __str__(self) -> str:
        return f"{self.level} {self.event} {shown(self.attributes)}".rstrip()


class CapturedError(_WithContext, Captured[ErrorRecord]):
    """An error report."""

    __slots__ = ()

    @property
    def _context(self) -> SpanContext | None:
        return self.record.context

    @property
    def label(self) -> str:  # noqa: D102 -- inherited
        return self.type or self.message

    @property
    def facts(self) -> Mapping[str, Fact]:  # noqa: D102 -- inherited
        return {**self.attributes, **self.tags}

    @property
    def id(self) -> str:
        """32 hex digits, what `anytel.capture_exception` has returned."""
        return self.record.id

    @property
    def type(self) -> str:
        """The exception's class; empty where a log line without one was the report."""
        return self.record.exception.type if self.record.exception is not None else ""

    @property
    def message(self) -> str:
        """The exception's text, or the event of the log line."""
        return self.record.exception.message if self.record.exception is not None else self.record.message

    @property
    def handled(self) -> bool:
        """Whether somebody has caught it."""
        return self.record.handled

    @property
    def attributes(self) -> Attributes:
        """What was known when it happened."""
        return self.record.attributes

    @property
    def tags(self) -> Mapping[str, str]:
        """Those that ``error_tags`` names."""
        return self.record.tags

    def __str__(self) -> str:
        kind = f"{self.type}: " if self.type else ""
        return f"{kind}{self.message} {shown(self.attributes)}".rstrip()


class CapturedMetric(Captured[Point]):
    """One series: a metric with one set of tags, over the whole test."""

    __slots__ = ()

    @property
    def label(self) -> str:  # noqa: D102 -- inherited
        return self.name

    @property
    def facts(self) -> Mapping[str, Fact]:  # noqa: D102 -- inherited
        return self.tags

    def has(self, name: str, value: object) -> bool:  # noqa: D102 -- inherited
        tags = self.tags
        return name not in tags if value is None else tags.get(name) in (value, rendered_tag(value))

    @property
    def name(self) -> str:
        """The name it was recorded under."""
        return self.record.series.name

    @property
    def kind(self) -> MetricKind:
        """Count, gauge, distribution, histogram or set."""
        return self.record.series.kind

    @property
    def unit(self) -> str:
        """The unit, empty where there is none."""
        return self.record.series.unit

    @property
    def tags(self) -> Mapping[str, str]:
        """The tags, as text."""
        return dict(self.record.series.tags)

    @property
    def value(self) -> float:
        """The sum of a count; the last value of a gauge; the different values of a set; the sum of samples."""
        return self.record.value if self.kind != "set" else len(self.record.members)

    @property
    def count(self) -> int:
        """How many samples a distribution or histogram has."""
        return self.record.count

    @property
    def samples(self) -> Sequence[float]:
        """The samples, in their order within a thread; of more than 1,000 in a flush interval, a random 1,000."""
        return self.record.samples

    @property
    def buckets(self) -> Mapping[float, int]:
        """Samples by the inclusive upper bound of their bucket, not added up; the last one is infinite."""
        return dict(zip((*self.record.series.bounds, float("inf")), self.record.buckets, strict=True))

    @property
    def members(self) -> frozenset[str]:
        """The different values of a set, as text."""
        return frozenset(self.record.members)

    def __str__(self) -> str:
        name = f"{self.kind} {self.name}{shown(self.tags)}"
        match self.kind:
            case "count" | "gauge":
                return f"{name} = {self.value:g}"
            case "set":
                return f"{name} = {sorted(self.members)}"
            case _:
                return f"{name} = {self.count} samples, {list(self.samples[:10])}{' ...' * (self.count > 10)}"
