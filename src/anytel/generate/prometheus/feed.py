"""Feeds: input series for the unit tests of rules, in promtool's notation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import NamedTuple

from anytel.backend import Spelling
from anytel.catalogue.catalogue import Catalogue
from anytel.catalogue.durations import seconds
from anytel.catalogue.expressions import Expression, Latency, Ratio, Stat
from anytel.catalogue.stats import percentile, stat_of
from anytel.catalogue.witness import outside, selected
from anytel.generate.promql import number, quoted
from anytel.generate.spelling import Speller
from anytel.metrics.instruments import Instrument

__all__ = ["Feed", "Phase", "Series"]

Series = Mapping[str, str]

EVENTS = 100
"""Events per step that shares, averages and percentiles are made of."""


class Phase(NamedTuple):
    """An expression is at *level*, in its instrument's unit, for a number of *steps*."""

    level: float
    steps: int
    events: float = EVENTS


class Feed:
    """Makes the series that an expression reads, each with the labels *scope*. One step is *step* seconds."""

    def __init__(self, catalogue: Catalogue, spell: Speller, scope: Mapping[str, str], step: int) -> None:
        self._catalogue, self._spell, self._scope, self._step = catalogue, spell, scope, step

    def series(self, expression: Expression, phases: Sequence[Phase]) -> list[Series]:
        """Give series with which *expression* goes through *phases*. One that is always 0 is not there at all."""
        if isinstance(expression, Ratio):
            return self._ratio(expression, phases)
        if isinstance(expression, Latency):
            return self._latency(expression, phases)
        if isinstance(expression, Stat):
            return self._stat(expression, phases)
        return []

    def tags(self, expression: Expression) -> dict[str, str]:
        """Give the values of the tags that tell the values of *expression* apart, in those series."""
        total = expression.total if isinstance(expression, Ratio | Latency) else expression
        if not isinstance(total, Stat):
            return {}
        found = selected(self._catalogue.instrument(total), total) or {}
        return {tag: found[tag] for tag in expression.by}

    def value(self, expression: Expression, level: float) -> float:
        """Give the value that Prometheus finds at *level*: base units, and percentiles as it interpolates them."""
        if not isinstance(expression, Stat):
            return level
        instrument = self._catalogue.instrument(expression)
        word, spelling = stat_of(expression, instrument), self._spell(instrument)
        share = percentile(word)
        if share is not None:
            bounds = instrument.bounds
            low = bounds[0] * float(share) / 100 if bounds[0] > 0 else bounds[0]
            level = bounds[-1] if level > low else low
        elif instrument.kind in _SAMPLED and word in ("rate", "increase"):
            return level
        return level * spelling.multiply / spelling.divide

    def _stat(self, stat: Stat, phases: Sequence[Phase]) -> list[Series]:
        instrument = self._catalogue.instrument(stat)
        word, labels = stat_of(stat, instrument), self._labels(instrument, selected(instrument, stat))
        spelling = self._spell(instrument)
        if instrument.kind in ("gauge", "set"):
            levels = [self.value(stat, phase.level) for phase in phases]
            return [_series(spelling.name, labels, _levels(levels, phases))]
        if word in ("rate", "increase"):
            span = self._step if word == "rate" else self._step / seconds(stat.window)
            name = f"{spelling.name}_count" if instrument.kind in _SAMPLED else spelling.name
            return [_series(name, labels, _slopes([self.value(stat, one.level) * span for one in phases], phases))]
        if word == "avg":
            sums = [self.value(stat, phase.level) * phase.events for phase in phases]
            counts = [phase.events for phase in phases]
            both = (("sum", sums), ("count", counts))
            return [_series(f"{spelling.name}_{part}", labels, _slopes(slopes, phases)) for part, slopes in both]
        return self._percentile(stat, instrument, labels, phases)

    def _percentile(
        self, stat: Stat, instrument: Instrument, labels: Mapping[str, str], phases: Sequence[Phase]
    ) -> list[Series]:
        """Put all events of a phase into the first bucket or above the last one."""
        spelling = self._spell(instrument)
        highest = self.value(stat, float("inf"))
        within = [phase.events if self.value(stat, phase.level) < highest else 0.0 for phase in phases]
        name = f"{spelling.name}_bucket"
        made = [_series(name, {**labels, "le": bound}, _slopes(within, phases)) for bound in spelling.bounds]
        every = _slopes([phase.events for phase in phases], phases)
        return [*made, _series(name, {**labels, "le": "+Inf"}, every)]

    def _ratio(self, ratio: Ratio, phases: Sequence[Phase]) -> list[Series]:
        part, total = self._catalogue.instrument(ratio.part), self._catalogue.instrument(ratio.total)
        shares = [phase.level * phase.events for phase in phases]
        rest = [phase.events - share for phase, share in zip(phases, shares, strict=True)]
        same = part is total
        others = outside(total, ratio) if same else selected(total, ratio.total)
        made = [(part, selected(part, ratio.part), shares)]
        made += [(total, others, rest if same else [phase.events for phase in phases])]
        found = [(self._events(one), self._labels(one, tags), levels) for one, tags, levels in made if any(levels)]
        values = _levels if total.kind == "gauge" else _slopes
        return [_series(name, labels, values(levels, phases)) for name, labels, levels in found]

    def _latency(self, latency: Latency, phases: Sequence[Phase]) -> list[Series]:
        instrument = self._catalogue.instrument(latency.total)
        spelling, labels = self._spell(instrument), self._labels(instrument, selected(instrument, latency.total))
        within = _slopes([phase.level * phase.events for phase in phases], phases)
        bound = spelling.bounds[instrument.bounds.index(float(latency.le))]
        every = _slopes([phase.events for phase in phases], phases)
        return [
            _series(f"{spelling.name}_bucket", {**labels, "le": bound}, within),
            _series(f"{spelling.name}_count", labels, every),
        ]

    def _events(self, instrument: Instrument) -> str:
        name = self._spell(instrument).name
        return f"{name}_count" if instrument.kind in _SAMPLED else name

    def _labels(self, instrument: Instrument, tags: Mapping[str, str] | None) -> dict[str, str]:
        spelling: Spelling = self._spell(instrument)
        return {**self._scope, **{spelling.tags[tag]: value for tag, value in (tags or {}).items()}}


_SAMPLED = ("distribution", "histogram")


def _series(name: str, labels: Mapping[str, str], values: str) -> Series:
    pairs = ",".join(f"{label}={quoted(value)}" for label, value in sorted(labels.items()))
    return {"series": f"{name}{{{pairs}}}" if pairs else name, "values": values}


def _levels(levels: Sequence[float], phases: Sequence[Phase]) -> str:
    """Write a gauge that holds each level for its phase's steps."""
    pieces = [f"{_number(level)}+0x{phase.steps - (index > 0)}" for index, (level, phase) in _both(levels, phases)]
    return " ".join(pieces)


def _slopes(slopes: Sequence[float], phases: Sequence[Phase]) -> str:
    """Write a counter that begins at 0 and grows by each slope for its phase's steps."""
    pieces, reached = [], Decimal(0)
    for index, (slope, phase) in _both(slopes, phases):
        step = Decimal(repr(float(slope)))
        first, more = (reached, phase.steps) if index == 0 else (reached + step, phase.steps - 1)
        pieces.append(f"{number(first)}+{number(step)}x{more}")
        reached += step * phase.steps
    return " ".join(pieces)


def _both(values: Sequence[float], phases: Sequence[Phase]) -> list[tuple[int, tuple[float, Phase]]]:
    return list(enumerate(zip(values, phases, strict=True)))


def _number(value: float) -> str:
    return number(Decimal(repr(float(value))))
