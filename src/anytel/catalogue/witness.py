"""Witnesses: tag values by which a series is selected, and by which it is not."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice, product

from anytel.catalogue.expressions import Matchers, Ratio, Stat
from anytel.catalogue.matchers import matchers
from anytel.metrics.instruments import Instrument

__all__ = ["outside", "selected"]

_TRIED = 10_000
"""Combinations of values that are looked at: enough for any matchers that a person writes."""
_OTHERS = ("other", "another", "200", "")


def selected(instrument: Instrument, stat: Stat) -> dict[str, str] | None:
    """Give the tags of a series that *stat* selects, with a value for each tag in *by*; None without one."""
    return next(_series(instrument, stat.by, stat.where, None), None)


def outside(instrument: Instrument, ratio: Ratio) -> dict[str, str] | None:
    """Give the tags of a series in the total of *ratio*, all of one metric, and not in its part."""
    return next(_series(instrument, ratio.total.by, ratio.total.where, ratio.part.where), None)


def _series(
    instrument: Instrument, by: Iterable[str], within: Matchers, without: Matchers | None
) -> Iterator[dict[str, str]]:
    """Give series that are *within*, and not *without*: matchers that say nothing are all series."""
    given = (within, without or {})
    tags = sorted({*by, *within, *(without or ())})
    values = [_values(instrument, tag, given, needed=tag in by) for tag in tags]
    for combination in islice(product(*values), _TRIED):
        series = dict(zip(tags, combination, strict=True))
        if _matches(instrument, within, series) and not (without is not None and _matches(instrument, without, series)):
            yield {tag: value for tag, value in series.items() if value}


def _matches(instrument: Instrument, where: Matchers, series: Mapping[str, str]) -> bool:
    return all(matchers(instrument, tag, given).matches(series[tag]) for tag, given in where.items())


def _values(instrument: Instrument, tag: str, given: Iterable[Matchers], *, needed: bool) -> list[str]:
    """Give the values of a tag that are worth trying; the empty one is a series without it."""
    allowed = (instrument.tags or {}).get(tag)
    if allowed is not None:
        return sorted(allowed)
    named = [
        pattern.example()
        for where in given
        if tag in where
        for pattern in matchers(instrument, tag, where[tag]).patterns
    ]
    return [value for value in dict.fromkeys([*named, *_OTHERS]) if value or not needed]
