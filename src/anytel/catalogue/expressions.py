"""Expressions: what is asked of the metrics, in words that every vendor's query language can say.

A tree of `Stat`, `Ratio`, `Latency` and `Raw`. It knows instruments, never a vendor's spelling; each generator compiles
it. Comparing one with a number gives a `Condition`, which an alert can watch.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Literal, TypeAlias

from anytel import misuse
from anytel.metrics.instruments import Instrument
from anytel.place import Place, declaring

__all__ = ["Condition", "Expression", "Latency", "Matchers", "Measured", "Operator", "Ratio", "Raw", "Stat"]

Operator: TypeAlias = Literal[">", ">=", "<", "<="]
Matchers: TypeAlias = Mapping[str, object]
"""Tag -> value, or several values; ``*`` in a value stands for any characters, ``!`` before it for all others."""
Share: TypeAlias = Literal["good", "bad", "part"]


class Expression:
    """Something with a value, or with one for each combination of its tags *by*."""

    place: Place

    def __gt__(self, threshold: float) -> Condition:
        return Condition(self, ">", threshold)

    def __ge__(self, threshold: float) -> Condition:
        return Condition(self, ">=", threshold)

    def __lt__(self, threshold: float) -> Condition:
        return Condition(self, "<", threshold)

    def __le__(self, threshold: float) -> Condition:
        return Condition(self, "<=", threshold)

    @property
    def parts(self) -> tuple[Expression, ...]:
        """What it is made of."""
        return ()

    @property
    def by(self) -> tuple[str, ...]:
        """The tags that tell its values apart."""
        return ()

    @property
    def window(self) -> str:
        """The stretch of time that each value looks back on."""
        return ""

    def walk(self) -> Iterator[Expression]:
        """Give it and all that it is made of."""
        yield self
        for part in self.parts:
            yield from part.walk()


class Stat(Expression):
    """One number of a metric.

    Args:
        instrument: The metric, or its name.
        stat: ``rate`` (per second) or ``increase`` of a counter; ``sum``, ``avg``, ``min`` or ``max`` of a gauge, over
            its series; ``p50`` to ``p99.9``, ``avg``, or ``rate`` and ``increase`` (of the number of values) of a
            distribution or histogram; ``max`` of a set. Left out: ``rate``, of a set ``max``; a gauge needs one.
        by: The tags that tell its values apart.
        where: Which series: tag -> value, or several values. ``*`` in a value stands for any characters, alone for any
            value that is there; ``!`` before it for all other values.
        window: The stretch of time a rate, an increase or a percentile looks back on; left out: ``5m``.
    """

    def __init__(
        self,
        instrument: Instrument | str,
        stat: str = "",
        *,
        by: str | Iterable[str] = (),
        where: Matchers | None = None,
        window: str = "",
    ) -> None:
        self.place = declaring()
        self.instrument = instrument
        self.stat = stat
        self._by = (by,) if isinstance(by, str) else tuple(by)
        self.where: Matchers = dict(where or {})
        self._window = window

    @property
    def by(self) -> tuple[str, ...]:
        """The tags that tell its values apart."""
        return self._by

    @property
    def window(self) -> str:
        """The stretch of time that a rate, an increase or a percentile looks back on."""
        return self._window or "5m"


Measured: TypeAlias = Stat | Instrument | str
"""What stands for a number of a metric: a `Stat`, or a metric (or its name) for the stat that is usual for its kind."""


class _OfTotal(Expression):
    """What is a share of a *total*."""

    total: Stat

    @property
    def by(self) -> tuple[str, ...]:
        """The tags that tell its values apart."""
        return self.total.by

    @property
    def window(self) -> str:
        """The stretch of time that each value looks back on."""
        return self.total.window


class Ratio(_OfTotal):
    """The share of *total* that is *good*, *bad*, or another *part* of it; exactly one of these is given.

    Without any events in *total* it has no value; without a series of the part, the part is 0. Of one metric, the part
    is looked for within *total*: what that says of *where* need not be said again, nor *by* what and *window* of any.
    """

    def __init__(
        self,
        *,
        total: Measured,
        good: Measured | None = None,
        bad: Measured | None = None,
        part: Measured | None = None,
    ) -> None:
        self.place = declaring()
        self.total = _stat(total)
        given: Mapping[Share, Measured | None] = {"good": good, "bad": bad, "part": part}
        self.given: Mapping[Share, Stat] = {
            share: _within(self.total, _stat(one)) for share, one in given.items() if one is not None
        }

    @property
    def share(self) -> Share:
        """Which part it is of: ``good``, ``bad`` or ``part``."""
        return next(iter(self.given), "part")

    @property
    def part(self) -> Stat:
        """The part, whichever it is."""
        return next(iter(self.given.values()), self.total)

    @property
    def parts(self) -> tuple[Expression, ...]:
        """What it is made of."""
        return (*self.given.values(), self.total)


class Latency(_OfTotal):
    """The share of values of a distribution or histogram that are at most *le*, which is one of its buckets' bounds.

    *le* is in the instrument's unit. It is from 0 to 1, and has no value while nothing was recorded.
    """

    def __init__(
        self,
        instrument: Instrument | str,
        *,
        le: float,
        by: str | Iterable[str] = (),
        where: Matchers | None = None,
        window: str = "",
    ) -> None:
        self.place = declaring()
        self.le = le
        self.total = Stat(instrument, "rate", by=by, where=where, window=window)

    @property
    def parts(self) -> tuple[Expression, ...]:
        """What it is made of."""
        return (self.total,)


class Raw(Expression):
    """A query in a vendor's own words, for what the others cannot say. Generators of other vendors leave it out."""

    def __init__(self, *, promql: str = "", datadog: str = "", logql: str = "") -> None:
        self.place = declaring()
        self.promql, self.datadog, self.logql = promql, datadog, logql


class Condition:
    """An expression and the number it is compared with, in the unit of its instrument."""

    def __init__(self, expression: Expression, operator: Operator, threshold: float) -> None:
        self.place = declaring()
        self.expression, self.operator, self.threshold = expression, operator, threshold

    def __bool__(self) -> bool:
        """Refuse what looks right and is not: ``0 < stat < 1`` would silently be its second half."""
        message = (
            f"{self.place}: a condition is neither true nor false, and cannot be chained; write one alert for each"
        )
        return misuse.refuse("condition", message, True)  # noqa: FBT003 -- the result


def _within(total: Stat, part: Stat) -> Stat:
    """Give *part* as a part of *total*."""
    same = part.instrument is total.instrument
    made = Stat(
        part.instrument,
        part.stat,
        by=part.by or total.by,
        where={**total.where, **part.where} if same else part.where,
        window=part._window or total.window,
    )
    made.place = part.place
    return made


def _stat(given: Measured) -> Stat:
    return given if isinstance(given, Stat) else Stat(given)
