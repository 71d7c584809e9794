"""Cells: for each feature and each thing that was recorded, what was wanted beside what was got."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from typing import NamedTuple, TypeAlias, TypeVar

from anytel.testing.conformance.observed import (
    Attributes,
    Ids,
    Measured,
    Observed,
    ObservedError,
    ObservedLog,
    ObservedSpan,
    Raised,
)
from anytel.testing.conformance.series import in_base_units, merged, quantiles

__all__ = ["Cell", "Spell", "cells", "unasked"]

T = TypeVar("T")

Spell: TypeAlias = Callable[[Measured], tuple[str, Mapping[str, str]]]
"""Gives the name and tags that a series of ours has on the wire."""
Key: TypeAlias = tuple[str, tuple[tuple[str, str], ...]]


class Cell(NamedTuple):
    """One feature of one *item*; *got* is None where nothing of it arrived."""

    feature: str
    item: str
    want: object
    got: object


def cells(want: Observed, got: Observed, spell: Spell) -> Iterator[Cell]:
    """Give every cell, in the order of the records."""
    for ours, theirs in _series(want, got, spell):
        yield from _of_metric(ours, theirs)
    spans = {one.ids: one for one in got.spans}
    for span in want.spans:
        yield from _of_span(span, spans.get(span.ids))
    logs = _numbered(got.logs, _message)
    known = {one.ids[0] for one in want.spans}
    for name, log in _numbered(want.logs, _message).items():
        yield from _of_log(name, log, logs.get(name), known)
    errors = _numbered(got.errors, _report)
    for ours_error in want.errors:
        yield from _of_error(ours_error, errors.get(_found(ours_error, errors)), known)


def unasked(want: Observed, got: Observed, spell: Spell) -> Iterator[Cell]:
    """Give what arrived and nobody recorded, or arrived more often than it was recorded."""
    recorded = Counter(one.ids for one in want.spans)
    for ids, count in (Counter(one.ids for one in got.spans) - recorded).items():
        yield Cell("span.id", f"span {ids[1]:016x}", None, f"{count} more than recorded")
    for name in _numbered(got.logs, _message).keys() - _numbered(want.logs, _message).keys():
        yield Cell("log.message", name, None, "nobody wrote it")
    ours = {_found(one, _numbered(got.errors, _report)) for one in want.errors}
    for name in _numbered(got.errors, _report).keys() - ours:
        yield Cell("error.id", name, None, "nobody reported it")
    known = {_key(*spell(one)) for one in want.metrics}
    for key in _theirs(want, got, spell).keys() - known:
        if key[0] in {name for name, _ in known}:
            yield Cell("metric.tags", _label(key), None, "nobody recorded this series")


# Metrics: a wire may spell names and tags otherwise, and has tags of its own.


def _key(name: str, tags: Mapping[str, str]) -> Key:
    return name, tuple(sorted(tags.items()))


def _label(key: Key) -> str:
    return f"{key[0]}{{{', '.join('='.join(pair) for pair in key[1])}}}"


def _theirs(want: Observed, got: Observed, spell: Spell) -> dict[Key, Measured]:
    known: defaultdict[str, set[str]] = defaultdict(set)
    for one in want.metrics:
        name, tags = spell(one)
        known[name].update(tags)
    parts: defaultdict[Key, list[Measured]] = defaultdict(list)
    for one in got.metrics:
        own = {tag: value for tag, value in one.tags.items() if tag in known.get(one.name, ())}
        parts[_key(one.name, own)].append(replace(one, tags=own))
    return {key: merged(some) for key, some in parts.items()}


def _series(want: Observed, got: Observed, spell: Spell) -> Iterator[tuple[Measured, Measured | None]]:
    theirs = _theirs(want, got, spell)
    ours: defaultdict[Key, list[Measured]] = defaultdict(list)
    for one in want.metrics:
        ours[_key(one.name, one.tags)].append(one)
    for some in ours.values():
        series = merged(some)
        found = theirs.get(_key(*spell(series)))
        if found is not None or series.kind != "count" or series.value:  # a count of nothing need not arrive
            yield series, found


def _of_metric(ours: Measured, theirs: Measured | None) -> Iterator[Cell]:
    unit = ours.unit or ""
    want = in_base_units(ours, unit)
    got = in_base_units(theirs, unit) if theirs is not None else None
    values = {"distribution": _values, "histogram": _bars}.get(ours.kind, _value)
    pairs: dict[str, tuple[object, object]] = {
        ours.kind: (values(want), values(got) if got is not None else None),
        "name": (ours.name, theirs and theirs.name),
        "tags": (dict(ours.tags), theirs and theirs.tags),
        "unit": (_unit(ours), _unit(theirs)) if ours.unit else (None, None),
        "description": (ours.description, theirs and ours.description and theirs.description),
        "exemplars": (ours.exemplars, _subset(ours, theirs)),
    }
    item = _label(_key(ours.name, ours.tags))
    return (Cell(f"metric.{name}", item, *pair) for name, pair in pairs.items())


def _unit(one: Measured | None) -> object:
    """Give the unit so that "none" is a statement too."""
    return None if one is None or one.unit is None else (one.unit,)


def _value(one: Measured) -> object:
    return one.value


def _values(one: Measured) -> object:
    many = {"count": one.count, "sum": one.value, "low": one.low, "high": one.high}
    return many | {"values": one.samples, "quantiles": quantiles(one)}


def _bars(one: Measured) -> object:
    filled = None if one.buckets is None else {bound: count for bound, count in one.buckets if count}
    return {"count": one.count, "sum": one.value, "buckets": filled, "quantiles": quantiles(one)}


def _subset(ours: Measured, theirs: Measured | None) -> object:
    """Take any of our exemplars for all: a wire shows one of each series or bucket."""
    found = theirs.exemplars if theirs is not None else None
    return ours.exemplars if found and ours.exemplars and found <= ours.exemplars else found or None


# Spans, logs and errors


def _of_span(ours: ObservedSpan, theirs: ObservedSpan | None) -> Iterator[Cell]:
    got = theirs if theirs is not None else ObservedSpan(ids=(0, 0))
    pairs: dict[str, tuple[object, object]] = {
        "id": (ours.ids, theirs and theirs.ids),
        "name": (ours.name, got.name),
        "time": (_times(ours), _times(got)),
        "parent": (ours.parent_id, got.parent_id),
        "kind": (ours.kind, got.kind),
        "status": (_status(ours), _status(got)),
        "service": (ours.service, got.service),
        "attributes": (_typed(ours.attributes), _asked(ours.attributes, got.attributes)),
        "events": (_events(ours), _events(got)),
        "links": (_links(ours), _links(got)),
        "exception": (_trace(ours.exception), _trace(got.exception)),
    }
    return (Cell(f"span.{name}", f"span {ours.name!r}", *pair) for name, pair in pairs.items())


def _times(span: ObservedSpan) -> object:
    return None if span.start_ns is None else (span.start_ns, span.end_ns)


def _status(span: ObservedSpan) -> object:
    return None if span.status is None else (span.status, span.status_message or "")


def _of_log(item: str, ours: ObservedLog, theirs: ObservedLog | None, known: AbstractSet[int]) -> Iterator[Cell]:
    pairs: dict[str, tuple[object, object]] = {
        "message": (ours.message, theirs and theirs.message),
        "level": (ours.level, theirs and theirs.level),
        "logger": (ours.logger, theirs and theirs.logger),
        "attributes": (_typed(ours.attributes), theirs and _asked(ours.attributes, theirs.attributes)),
        "trace": (ours.ids, _joined(ours.ids, theirs.ids if theirs is not None else None, known)),
        "exception": (_trace(ours.exception), theirs and _trace(theirs.exception)),
    }
    return (Cell(f"log.{name}", item, *pair) for name, pair in pairs.items())


def _of_error(ours: ObservedError, theirs: ObservedError | None, known: AbstractSet[int]) -> Iterator[Cell]:
    raised, got = ours.exception, theirs.exception if theirs is not None else None
    pairs: dict[str, tuple[object, object]] = {
        "id": (ours.id, theirs and theirs.id),
        "exception": (_trace(raised) or ours.message, _trace(got) or (theirs and theirs.message)),
        "chain": (_chain(raised), _chain(got)),
        "group": (_group(raised), _group(got)),
        "handled": (ours.handled, None if theirs is None else theirs.handled) if raised is not None else (None, None),
        "attributes": (_typed(ours.attributes), theirs and _asked(ours.attributes, theirs.attributes)),
        "trace": (ours.ids, _joined(ours.ids, theirs.ids if theirs is not None else None, known)),
    }
    return (Cell(f"error.{name}", f"error {_report(ours)}", *pair) for name, pair in pairs.items())


def _joined(ours: Ids | None, theirs: Ids | None, known: AbstractSet[int]) -> Ids | None:
    """Give *theirs*, but outside of spans only what is false: some vendors make up a trace where there is none."""
    return theirs if ours is not None or theirs is None or theirs[0] in known else None


def _typed(attributes: Attributes | None) -> Mapping[str, object] | None:
    """Give values that are equal only where their types are; the service is a feature of its own."""
    if attributes is None:
        return None
    plain = {name: tuple(value) if isinstance(value, list) else value for name, value in attributes.items()}
    return {name: _pair(value) for name, value in plain.items() if name != "service.name"}


def _pair(value: object) -> tuple[str, object]:
    return type(value).__name__, tuple(_pair(one) for one in value) if isinstance(value, tuple) else value


def _asked(ours: Attributes | None, theirs: Attributes | None) -> Mapping[str, object] | None:
    """Give those of *theirs* that we have too: vendors add their own."""
    shown = {name: value for name, value in (theirs or {}).items() if name in (ours or {})}
    return _typed(shown) if theirs is not None else None


def _events(span: ObservedSpan) -> object:
    if span.events is None:
        return None
    return tuple((one.name, one.time_ns, _typed(one.attributes) or {}) for one in span.events)


def _links(span: ObservedSpan) -> object:
    if span.links is None:
        return None
    return tuple((one.ids, _typed(one.attributes) or {}) for one in span.links)


def _trace(raised: Raised | None) -> object:
    return None if raised is None else (raised.type, raised.message, raised.functions)


def _chain(raised: Raised | None) -> tuple[object, ...]:
    cause = raised.cause if raised is not None else None
    return ((cause.type, cause.message), *_chain(cause)) if cause is not None else ()


def _group(raised: Raised | None) -> tuple[object, ...]:
    return tuple((one.type, one.message, _group(one)) for one in raised.group) if raised is not None else ()


def _numbered(records: Sequence[T], name: Callable[[T], str]) -> dict[str, T]:
    """Key records by name, of those with the same name the second by ``name #2`` and so on."""
    seen: Counter[str] = Counter()
    found = {}
    for record in records:
        key = name(record)
        seen[key] += 1
        found[key if seen[key] == 1 else f"{key} #{seen[key]}"] = record
    return found


def _message(log: ObservedLog) -> str:
    return f"log {log.message!r}"


def _report(error: ObservedError) -> str:
    return error.id or _title(error)


def _title(error: ObservedError) -> str:
    return f"{error.exception.type}: {error.exception.message}" if error.exception is not None else str(error.message)


def _found(ours: ObservedError, theirs: Mapping[str, ObservedError]) -> str:
    """Give the key of our report among *theirs*: its id, and where there are none, what it says."""
    return _report(ours) if _report(ours) in theirs else _title(ours)
