"""The dashboard of a federation: all clusters in one graph, then a row for each, of what rules have recorded.

The central Prometheus has no raw series, so it asks for records: those of every metric, and those of objectives.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from anytel.catalogue.catalogue import Catalogue
from anytel.catalogue.expressions import Stat
from anytel.catalogue.style import Style
from anytel.generate.grafana.dashboard import Placed, Row, dashboard
from anytel.generate.grafana.panels import PANELS, Query, Shown
from anytel.generate.grafana.source import CLUSTER, METRICS, Data, clusters, narrowed, sources
from anytel.generate.grafana.thresholds import steps, success
from anytel.generate.grafana.units import unit_of
from anytel.generate.promql import quoted
from anytel.generate.spelling import Speller
from anytel.metrics.instruments import Instrument

__all__ = ["federated"]

_PLAIN = steps((), Style())


def federated(catalogue: Catalogue, spell: Speller, service: str) -> Data:
    """Give the dashboard."""
    drawn = _Federated(catalogue, spell, service)
    rows = [Row("All clusters", [*drawn.together()]), Row("Cluster $cluster", [*drawn.apart()], repeat=CLUSTER)]
    chosen = [*sources(METRICS), clusters(f'{{__name__=~"job:.+",job={quoted(service)}}}')]
    said = "What is recorded of each cluster, as a central Prometheus or Thanos has it."
    return dashboard(service, "federation", f"{service}: clusters", rows, chosen, said)


class _Federated:
    def __init__(self, catalogue: Catalogue, spell: Speller, service: str) -> None:
        self._catalogue, self._spell, self._service = catalogue, spell, service
        (self._cluster,) = narrowed((CLUSTER,))

    def together(self) -> Iterator[Placed]:
        """Give the panels in which clusters are compared."""
        where = f"{{service={quoted(self._service)},{self._cluster}}}"
        for slo in self._catalogue.slos:
            pairs = where.replace("}", f",slo={quoted(slo.name)}}}")
            expr = f"1 - max by (cluster) (slo:sli_error:ratio_rate5m{pairs})"
            query = Query(expr=expr, legend="{{cluster}}", unit="percentunit", by=(CLUSTER,))
            style = Style(low=0.0, decimals=2)
            yield self._placed("stat", f"{slo.name} by cluster", [query], style, success(slo), high=1.0)
        for one in self._of("count"):
            expr = f"sum by (cluster) ({self._recorded(one, 'rate5m')})"
            query = Query(expr=expr, legend="{{cluster}}", unit=self._unit(one, "rate"), by=(CLUSTER,))
            yield self._placed("timeseries", f"{one.name} by cluster", [query], Style(low=0.0, stack="normal"))

    def apart(self) -> Iterator[Placed]:
        """Give the panels of the cluster that a row is of."""
        for one in self._of("count"):
            query = Query(expr=f"sum({self._recorded(one, 'rate5m')})", unit=self._unit(one, "rate"))
            yield self._placed("timeseries", one.name, [query], Style(low=0.0, width=8))
        for one in self._of("distribution", "histogram"):
            buckets = self._recorded(one, "rate5m", "_bucket")
            unit = self._unit(one, "p95")
            p95 = Query(expr=f"histogram_quantile(0.95, sum by (le) ({buckets}))", legend="p95", unit=unit)
            cells = Query(expr=f"sum by (le) ({buckets})", legend="{{le}}", unit=unit)
            yield self._placed("timeseries", f"{one.name} p95", [p95], Style(low=0.0, width=12))
            yield self._placed("heatmap", f"{one.name}, how often", [cells], Style(width=12))
        for one in self._of("gauge"):
            query = Query(expr=f"max({self._recorded(one, 'max')})", unit=self._unit(one, "max"))
            yield self._placed("stat", f"{one.name}, highest", [query], Style(width=4))

    def _of(self, *kinds: str) -> list[Instrument]:
        return [one for one in self._catalogue.instruments.values() if one.kind in kinds]

    def _recorded(self, instrument: Instrument, word: str, part: str = "") -> str:
        name = self._spell(instrument).name.removesuffix("_total") if word == "rate5m" else self._spell(instrument).name
        return f"job:{name}{part}:{word}{{job={quoted(self._service)},{self._cluster}}}"

    def _unit(self, instrument: Instrument, word: str) -> str:
        return unit_of(self._catalogue, self._spell, Stat(instrument, word))

    def _placed(
        self,
        kind: str,
        title: str,
        queries: Sequence[Query],
        style: Style,
        thresholds: Data | None = None,
        high: float | None = None,
    ) -> Placed:
        shown = Shown(title=title, queries=queries, style=style, thresholds=thresholds or _PLAIN, high=high)
        return Placed(PANELS[kind](shown), style)
