"""What is unusual: a value that has changed, or that is not what it usually is at that time."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Literal, TypeAlias

from anytel.catalogue.durations import seconds
from anytel.catalogue.expressions import Expression, Measured, Stat
from anytel.metrics.instruments import Instrument
from anytel.place import declaring

__all__ = ["Algorithm", "Anomaly", "Change", "Direction", "Seasonality", "wrong"]

Algorithm: TypeAlias = Literal["basic", "agile", "robust"]
ALGORITHMS: tuple[Algorithm, ...] = ("basic", "agile", "robust")
Direction: TypeAlias = Literal["above", "below", "both"]
DIRECTIONS: tuple[Direction, ...] = ("above", "below", "both")
Seasonality: TypeAlias = Literal["hourly", "daily", "weekly", ""]
SEASONALITIES: tuple[Seasonality, ...] = ("hourly", "daily", "weekly")


class _Of(Expression):
    """Something about the values of one other expression."""

    of: Expression

    @property
    def parts(self) -> tuple[Expression, ...]:
        """What it is made of."""
        return (self.of,)

    @property
    def by(self) -> tuple[str, ...]:
        """The tags that tell its values apart."""
        return self.of.by

    @property
    def window(self) -> str:
        """The stretch of time that each value looks back on."""
        return self.of.window


class Change(_Of):
    """By which share a value is larger than it was *since* ago: 0.5 where it has grown by half, -1 where it is gone.

    It has no value where there was none, or 0, then.
    """

    def __init__(self, of: Expression | Measured, *, since: str = "1h") -> None:
        self.place = declaring()
        self.of, self.since = _expression(of), since


class Anomaly(_Of):
    """A condition: the value is outside of where it usually is at that time.

    Args:
        of: The value: a metric, a `Stat` or a `Ratio`.
        direction: Where outside: ``above``, ``below`` or ``both``.
        algorithm: Datadog's: ``basic`` knows no seasons; ``agile`` soon follows a new level, ``robust`` does not.
        seasonality: What repeats: ``hourly``, ``daily`` or ``weekly``, which needs weeks of history; by default
            ``weekly``, of ``basic`` none.
        bounds: How far from the usual is still usual, in standard deviations.
        trigger: How long it has to be outside until it alerts.
        recovery: How long it has to be inside again until that is over.
    """

    def __init__(
        self,
        of: Expression | Measured,
        *,
        direction: Direction = "both",
        algorithm: Algorithm = "agile",
        seasonality: Seasonality = "",
        bounds: float = 3,
        trigger: str = "15m",
        recovery: str = "15m",
    ) -> None:
        self.place = declaring()
        self.of, self.direction, self.algorithm = _expression(of), direction, algorithm
        self.seasonality: Seasonality = seasonality or ("" if algorithm == "basic" else "weekly")
        self.bounds, self.trigger, self.recovery = bounds, trigger, recovery


def wrong(one: Change | Anomaly) -> Iterator[tuple[str, str]]:
    """Give what is wrong with one, and the fix."""
    if not isinstance(one.of, Expression) or isinstance(one.of, Change | Anomaly) or not one.of.window:
        yield f"{type(one.of).__name__} does not change", "Give a metric, a Stat, a Ratio or a Latency."
    if isinstance(one, Change):
        yield from _duration("since", one.since)
        return
    for name, given, known in (
        ("algorithm", one.algorithm, ALGORITHMS),
        ("direction", one.direction, DIRECTIONS),
        ("seasonality", one.seasonality, (*SEASONALITIES, "")),
    ):
        if given not in known:
            yield f"there is no {name} {given!r}", f"Use one of {', '.join(filter(None, known))}."
    if one.algorithm == "basic" and one.seasonality:
        yield "'basic' knows no seasonality", "Use 'agile' or 'robust', or leave seasonality= out."
    bounds: object = one.bounds
    if isinstance(bounds, bool) or not isinstance(bounds, int | float) or not (math.isfinite(bounds) and bounds > 0):
        yield f"bounds={bounds!r} is no number of standard deviations", "Give 2 or 3."
    yield from _duration("trigger", one.trigger)
    yield from _duration("recovery", one.recovery)


def _duration(name: str, given: str) -> Iterator[tuple[str, str]]:
    try:
        if seconds(given) < 60:
            yield f"{name}={given!r} is shorter than a minute", "Use 15m or 1h."
    except ValueError as exc:
        yield f"{name}: {exc}", "Write a number and one of m, h, d, w."


def _expression(given: Expression | Measured) -> Expression:
    return Stat(given) if isinstance(given, Instrument | str) else given
