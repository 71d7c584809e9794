"""Stats: the numbers that can be asked of each kind of metric."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal

from anytel.backend import MetricKind
from anytel.catalogue.expressions import Stat
from anytel.metrics.instruments import Instrument

__all__ = ["STATS", "asking", "counts_events", "percentile", "stat_of"]

_SAMPLES = ("rate", "increase", "avg", "p50", "p90", "p95", "p99")
STATS: Mapping[MetricKind, tuple[str, ...]] = {
    "count": ("rate", "increase"),
    "gauge": ("sum", "avg", "min", "max"),
    "distribution": _SAMPLES,
    "histogram": _SAMPLES,
    "set": ("max",),
}
"""Those of each kind, the usual one first; a gauge has no usual one. Percentiles are examples of all."""
_PERCENTILE = re.compile(r"p([1-9]\d?(?:\.\d{1,3})?)")


def stat_of(stat: Stat, instrument: Instrument) -> str:
    """Give the word of a stat, the usual one where none was given; empty where there is no usual one."""
    return stat.stat or ("" if instrument.kind == "gauge" else STATS[instrument.kind][0])


def asking(stat: Stat, word: str) -> Stat:
    """Give the stat of another *word* of the same series."""
    return Stat(stat.instrument, word, by=stat.by, where=stat.where, window=stat.window)


def percentile(word: str) -> Decimal | None:
    """Give the number of a percentile, such as 99.9; None for another stat."""
    found = _PERCENTILE.fullmatch(word)
    return Decimal(found[1]) if found else None


def counts_events(stat: Stat, instrument: Instrument) -> bool:
    """Whether the stat is of a number of events, which shares of good and bad ones are made of."""
    return instrument.kind in ("count", "distribution", "histogram") and stat_of(stat, instrument) in (
        "rate",
        "increase",
    )
