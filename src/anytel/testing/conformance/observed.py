"""What arrived, in our words: the same form for the reference, for every backend's wire, and for a vendor's API.

A part that a place does not show is None there.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from anytel.backend import ExceptionRecord, Level, MetricKind, SpanKind, Status

__all__ = [
    "Attributes",
    "Ids",
    "Measured",
    "Observed",
    "ObservedError",
    "ObservedEvent",
    "ObservedLink",
    "ObservedLog",
    "ObservedSpan",
    "Raised",
    "functions_in",
]

Ids: TypeAlias = tuple[int, int]
"""A trace id and a span id."""
Attributes: TypeAlias = Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Raised:
    """An exception; *type* has its module (``shop.NotFound``), unless that is ``builtins``.

    *functions* are those of the traceback, the innermost last.
    """

    type: str
    message: str | None = None
    functions: tuple[str, ...] | None = None
    cause: Raised | None = None
    group: tuple[Raised, ...] = ()

    @classmethod
    def of(cls, record: ExceptionRecord) -> Raised:
        """Take an exception from a record."""
        return cls(
            type=record.qualified,
            message=record.message,
            functions=tuple(frame.function for frame in record.frames),
            cause=cls.of(record.cause) if record.cause is not None else None,
            group=tuple(cls.of(member) for member in record.group),
        )


def functions_in(stacktrace: str) -> tuple[str, ...]:
    """Give the functions in the last traceback of a text such as Python prints."""
    last = stacktrace.rpartition("Traceback (most recent call last)")[2]
    return tuple(re.findall(r'File "[^"]*", line \d+, in (\S+)', last))


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """Something of a metric: one value, or a whole series. `Observed.metrics` may hold any number for one series.

    ============ ==================================================================================================
    count        *value* is an increment
    gauge        *value* is the last one
    distribution *samples*, each of which stands for *weight* values, or *count*, *value* (the sum), *low*, *high*;
    histogram    *buckets* are pairs of an inclusive upper bound and the number of values in that bucket alone
    set          *members*, or *value*: how many there are
    ============ ==================================================================================================

    *kind* is what the wire says it is. *unit* (UCUM) is None where the wire has none: then it is the declared one.
    """

    name: str
    kind: MetricKind
    tags: Mapping[str, str] = field(default_factory=dict)
    value: float | None = None
    count: float | None = None
    low: float | None = None
    high: float | None = None
    samples: Sequence[float] | None = None
    weight: float = 1.0
    buckets: Sequence[tuple[float, float]] | None = None
    members: frozenset[str] | None = None
    unit: str | None = None
    description: str | None = None
    exemplars: frozenset[Ids] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ObservedEvent:
    """An event of a span."""

    name: str
    time_ns: int | None = None
    attributes: Attributes | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ObservedLink:
    """A link of a span."""

    ids: Ids
    attributes: Attributes | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ObservedSpan:
    """A span. *parent_id* is 0 for a root."""

    ids: Ids
    name: str | None = None
    start_ns: int | None = None
    end_ns: int | None = None
    parent_id: int | None = None
    kind: SpanKind | None = None
    status: Status | None = None
    status_message: str | None = None
    service: str | None = None
    attributes: Attributes | None = None
    events: Sequence[ObservedEvent] | None = None
    links: Sequence[ObservedLink] | None = None
    exception: Raised | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ObservedLog:
    """A log event; *ids* are those of its span."""

    message: str
    level: Level | None = None
    logger: str | None = None
    attributes: Attributes | None = None
    ids: Ids | None = None
    exception: Raised | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ObservedError:
    """An error report; *ids* are those of the span that it left."""

    exception: Raised | None
    id: str | None = None
    message: str | None = None
    handled: bool | None = None
    attributes: Attributes | None = None
    ids: Ids | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """Everything that arrived. *malformed* says what could not be read; *raw* is the wire itself, decompressed."""

    metrics: Sequence[Measured] = ()
    spans: Sequence[ObservedSpan] = ()
    logs: Sequence[ObservedLog] = ()
    errors: Sequence[ObservedError] = ()
    malformed: Sequence[str] = ()
    raw: bytes = b""
