"""The catalogue: sorts points into families and keeps names apart, so that an exposition is always valid."""

from __future__ import annotations

import logging
import threading
from collections.abc import Collection, Container, Mapping, Sequence
from typing import TypeAlias

from anytel.backend import Point, Series
from anytel_prometheus.family import Family

__all__ = ["Catalogue", "Groups", "Row"]

logger = logging.getLogger("anytel")


Row: TypeAlias = tuple[tuple[str, ...], Point]
"""The beginnings of the lines of one point, and the point."""
Groups: TypeAlias = Mapping[Family, Collection[Row]]


class Catalogue:
    """Remembers which metric owns which Prometheus name. Safe to use from several threads.

    Two metrics may become one name (``a.b`` and ``a_b``, a gauge ``x.count`` beside a histogram ``x``): the first one
    keeps it for good, the other is left out and named in one warning.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._families: dict[tuple[str, str, str], Family] = {}
        self._owners: dict[str, Family] = {}
        self._rendered: dict[Series, tuple[Family, tuple[str, ...]]] = {}
        self._warned: set[tuple[str, str]] = set()

    def groups(self, points: Sequence[Point], taken: Container[str] = frozenset()) -> Groups:
        """Sort *points* into families, leaving out those whose names are *taken* by somebody else.

        No two rows of a family have the same labels.
        """
        with self._lock:
            groups = self._sorted(points)
            return {family: rows.values() for family, rows in groups.items() if self._free(family, taken)}

    def _sorted(self, points: Sequence[Point]) -> dict[Family, dict[str, Row]]:
        groups: dict[Family, dict[str, Row]] = {}
        known = self._rendered
        # Only the series of this scrape are kept, so an evicted one goes with the next.
        self._rendered = kept = {}
        for point in points:
            series = point.series
            kept[series] = family, prefixes = known.get(series) or self._render(series)
            rows = groups.get(family)
            if rows is None:
                rows = groups[family] = {}
            if prefixes[0] in rows:
                self._warn(series.name, "two of its tag sets become the same labels", "a series of ")
            else:
                rows[prefixes[0]] = prefixes, point
        return groups

    def _render(self, series: Series) -> tuple[Family, tuple[str, ...]]:
        key = series.name, series.kind, series.unit
        family = self._families.get(key)
        if family is None:
            family = self._families[key] = Family.of(series)
            if self._owners.keys().isdisjoint(family.names):
                self._owners.update(dict.fromkeys(family.names, family))
        return family, family.prefixes(series)

    def _free(self, family: Family, taken: Container[str]) -> bool:
        if self._owners.get(family.name) is not family:
            other = next(self._owners[name] for name in sorted(family.names) if name in self._owners)
            self._warn(family.metric, f"the {other.type} {other.metric!r} already uses the name {family.name!r}")
            return False
        if any(name in taken for name in family.names):
            self._warn(family.metric, f"a collector of the application already uses the name {family.name!r}")
            return False
        return True

    def _warn(self, metric: str, why: str, what: str = "") -> None:
        if (metric, why) not in self._warned:
            self._warned.add((metric, why))
            logger.warning("prometheus: %smetric %r is left out: %s. Rename one of them.", what, metric, why)
