"""Programs: random sequences of API calls, as data that can be printed, shrunk and run."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal, Protocol, TypeAlias

from hypothesis import strategies as st

import anytel
from anytel.backend import Level, MetricKind, SpanKind

__all__ = ["METRICS", "Capture", "Do", "InSpan", "Log", "Note", "Program", "Record", "Set", "programs", "run"]

Value: TypeAlias = str | bool | int | float | tuple[str, ...]

METRICS: Mapping[str, tuple[MetricKind, str]] = {
    "kit.calls": ("count", "{call}"),
    "kit.depth": ("gauge", ""),
    "kit.size": ("distribution", "By"),
    "kit.latency": ("distribution", "s"),
    "kit.query": ("histogram", "ms"),
    "kit.users": ("set", ""),
}
"""The metrics that programs record: name -> kind and unit."""


class Do(Protocol):
    """One call, with what is within it."""

    def __call__(self) -> None:
        """Make the call."""


Program: TypeAlias = Sequence[Do]


class Boom(Exception):
    """What programs raise."""


def run(program: Program) -> None:
    """Make the calls of *program*, in order."""
    for call in program:
        call()


_VERBS: Mapping[MetricKind, Callable[..., None]] = {
    "count": anytel.count,
    "gauge": anytel.gauge,
    "distribution": anytel.distribution,
    "histogram": anytel.histogram,
}


@dataclass(frozen=True)
class Record:
    """Record *value* to one of `METRICS`."""

    metric: str
    value: float
    tags: Mapping[str, str]

    def __call__(self) -> None:
        """Record."""
        kind, unit = METRICS[self.metric]
        if kind == "set":
            anytel.set(self.metric, self.value, tags=self.tags)
        else:
            _VERBS[kind](self.metric, self.value, tags=self.tags, unit=unit)


@dataclass(frozen=True)
class InSpan:
    """Run *body* within a span, which then fails or raises, or not."""

    name: str
    kind: SpanKind
    attributes: Mapping[str, Value]
    body: Program
    end: Literal["well", "fail", "raise"]

    def __call__(self) -> None:
        """Open the span."""
        with suppress(Boom), anytel.span(self.name, kind=self.kind, attributes=self.attributes) as span:
            run(self.body)
            if self.end == "fail":
                span.fail("refused")
            if self.end == "raise":
                raise Boom(self.name)


@dataclass(frozen=True)
class Note:
    """Add an event to the current span."""

    name: str
    attributes: Mapping[str, Value]

    def __call__(self) -> None:
        """Add it."""
        anytel.current_span().event(self.name, self.attributes)


@dataclass(frozen=True)
class Set:
    """Set attributes of the current span."""

    attributes: Mapping[str, Value]

    def __call__(self) -> None:
        """Set them."""
        anytel.current_span().set(self.attributes)


@dataclass(frozen=True)
class Log:
    """Write a log line."""

    level: Level
    message: str
    attributes: Mapping[str, Value]

    def __call__(self) -> None:
        """Write it."""
        getattr(anytel.get_logger("kit"), self.level)(self.message, **self.attributes)


@dataclass(frozen=True)
class Capture:
    """Report an exception that was raised from another."""

    message: str
    attributes: Mapping[str, Value]

    def __call__(self) -> None:
        """Raise, catch and report."""
        try:
            try:
                raise KeyError(self.message)  # noqa: TRY301 -- raised and caught here on purpose
            except KeyError as cause:
                raise Boom(self.message) from cause
        except Boom as exc:
            anytel.capture_exception(exc, self.attributes)


_WORDS = st.text("abcdefghijklmnopqrstuvwxyz", min_size=1, max_size=8)
_VALUES: st.SearchStrategy[Value] = st.one_of(
    st.text(max_size=20),
    st.booleans(),
    st.integers(-(2**53), 2**53),
    st.floats(-1e9, 1e9),
    st.lists(_WORDS, min_size=1, max_size=3).map(tuple),
)
# Not every word: some name the record itself, and the backends' own fields.
_ATTRIBUTES = st.dictionaries(_WORDS.map("kit_{}".format), _VALUES, max_size=4)
_TAGS = st.dictionaries(st.sampled_from(["color", "size"]), st.sampled_from(["red", "blue", "x1"]), max_size=2)
_KINDS: st.SearchStrategy[SpanKind] = st.sampled_from(["internal", "server", "client", "producer", "consumer"])
# What goes up stays well within 2^53 and away from rounding: sums are compared.
_COUNTS = st.integers(0, 1_000_000).map(float)
_NUMBERS = st.floats(0.0, 1e6).map(lambda value: round(value, 3))


def _record(metric: str) -> st.SearchStrategy[Do]:
    return st.builds(Record, st.just(metric), _COUNTS if METRICS[metric][0] in ("count", "set") else _NUMBERS, _TAGS)


def _calls() -> st.SearchStrategy[Do]:
    levels: st.SearchStrategy[Level] = st.sampled_from(["info", "warning", "error"])
    return st.one_of(
        st.sampled_from(sorted(METRICS)).flatmap(_record),
        st.builds(Note, _WORDS, _ATTRIBUTES),
        st.builds(Set, _ATTRIBUTES),
        st.builds(Log, levels, _WORDS, _ATTRIBUTES),
        st.builds(Capture, _WORDS, _ATTRIBUTES),
    )


def _in_span(body: st.SearchStrategy[Do]) -> st.SearchStrategy[Do]:
    end = st.sampled_from(["well", "well", "fail", "raise"])
    return st.builds(InSpan, _WORDS, _KINDS, _ATTRIBUTES, st.lists(body, max_size=4), end)


def programs(max_size: int = 8) -> st.SearchStrategy[list[Do]]:
    """Generate programs of at most *max_size* outermost calls: nested spans, metrics of all kinds, logs and errors."""
    return st.lists(st.recursive(_calls(), _in_span, max_leaves=6), max_size=max_size)
