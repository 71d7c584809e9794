"""Comparing what one place has seen with what was emitted."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias, TypeVar

from anytel.testing.observe.seen import Reading, Seen, SeenError, SeenLog, SeenSpan, SeriesKey

__all__ = ["Difference", "compare"]

T = TypeVar("T")

CLOCK_NS = 2_000
"""What may be lost of a time where a vendor takes it as a float of seconds."""

Subject: TypeAlias = Literal["request", "span", "error", "log", "metric", "exemplar", "wire", "account"]


@dataclass(frozen=True, slots=True)
class Difference:
    """One way in which a *place* disagrees; *what* names the span, series, ... that it is about."""

    place: str
    subject: Subject
    what: str
    problem: str

    def __str__(self) -> str:
        return f"{self.place}: {self.subject} {self.what}: {self.problem}"


def compare(emitted: Seen, seen: Seen) -> list[Difference]:
    """Give every difference in what *seen* shows at all: each span, report, line and series, once, with its values."""
    place = seen.place
    found = [Difference(place, "wire", problem, "cannot be read") for problem in seen.malformed]
    if seen.spans is not None:
        found += _items(place, "span", emitted.spans or (), seen.spans, _span_id, _span_problem)
    if seen.errors is not None:
        found += _items(place, "error", emitted.errors or (), seen.errors, _error_id, _error_problem)
    if seen.logs is not None:
        found += _items(place, "log", emitted.logs or (), seen.logs, _log_id, lambda was, now: "")
    if seen.metrics is not None:
        skipped = emitted.reduced if seen.fed_samples else frozenset()
        found += _metrics(place, emitted.metrics or {}, seen.metrics, skipped)
    return [*found, *_exemplars(emitted, seen)]


def _items(
    place: str,
    subject: Subject,
    emitted: Sequence[T],
    seen: Sequence[T],
    name: Callable[[T], str],
    problem: Callable[[T, T], str],
) -> Iterator[Difference]:
    wanted, got = Counter(map(name, emitted)), Counter(map(name, seen))
    for which, times in (wanted - got).items():
        yield Difference(place, subject, which, _times("missing", times))
    for which, times in (got - wanted).items():
        yield Difference(place, subject, which, _times("there, but not emitted so often", times))
    known = {name(one): one for one in emitted}
    for now in seen:
        was = known.get(name(now))
        if was is not None and (wrong := problem(was, now)):
            yield Difference(place, subject, name(now), wrong)


def _times(problem: str, times: int) -> str:
    return problem if times == 1 else f"{problem} ({times} times)"


def _span_id(span: SeenSpan) -> str:
    return f"{span.trace_id}/{span.span_id}"


def _error_id(error: SeenError) -> str:
    return error.id


def _log_id(log: SeenLog) -> str:
    return f"{log.message} in {log.trace_id}/{log.span_id}" if log.trace_id else log.message


def _span_problem(was: SeenSpan, now: SeenSpan) -> str:
    pairs = {
        "parent": (was.parent_id, now.parent_id),
        "name": (was.name, now.name or was.name),
        "service": (was.service, now.service or was.service),
        "failed": (was.failed, now.failed),
    }
    wrong = [f"{what} is {got!r}, not {wanted!r}" for what, (wanted, got) in pairs.items() if wanted != got]
    if abs(was.start_ns - now.start_ns) > CLOCK_NS or abs(was.end_ns - now.end_ns) > CLOCK_NS:
        wrong.append(f"lasts from {now.start_ns} to {now.end_ns}, not from {was.start_ns} to {was.end_ns}")
    return "; ".join(wrong)


def _error_problem(was: SeenError, now: SeenError) -> str:
    return "" if was == now else f"{now}, not {was}"


def _metrics(
    place: str,
    emitted: Mapping[SeriesKey, Reading],
    seen: Mapping[SeriesKey, Reading],
    skipped: frozenset[SeriesKey],
) -> Iterator[Difference]:
    for key in sorted(emitted.keys() | seen.keys()):
        if key not in seen:
            yield Difference(place, "metric", str(key), "missing")
        elif key not in emitted:
            yield Difference(place, "metric", str(key), f"{seen[key]} was not emitted")
        elif key not in skipped and (wrong := _reading_problem(emitted[key], seen[key])):
            yield Difference(place, "metric", str(key), wrong)


def _reading_problem(was: Reading, now: Reading) -> str:
    pairs: Mapping[str, tuple[object, object]] = {
        "kind": (was.kind, now.kind),
        "value": (was.value, now.value),
        "count": (was.count, now.count),
        "buckets": (was.buckets, now.buckets),
    }
    return "; ".join(f"{what} is {got}, not {wanted}" for what, (wanted, got) in pairs.items() if _differ(wanted, got))


def _differ(wanted: object, got: object) -> bool:
    if wanted is None or got is None:
        return False
    if isinstance(wanted, float | int) and isinstance(got, float | int):
        return not math.isclose(wanted, got, rel_tol=1e-9, abs_tol=1e-12)
    return wanted != got


def _exemplars(emitted: Seen, seen: Seen) -> Iterator[Difference]:
    known = {(span.trace_id, span.span_id) for span in emitted.spans or ()}
    for trace, span in seen.exemplars or ():
        if (trace, span) not in known:
            yield Difference(seen.place, "exemplar", f"{trace}/{span}", "of no span that was emitted")
