"""Drawing: from what is to be seen, as declared, to a panel of the kind that shows it best."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from anytel.catalogue.catalogue import Catalogue
from anytel.catalogue.expressions import Expression, Latency, Ratio, Raw, Stat
from anytel.catalogue.slo import SLO
from anytel.catalogue.stats import stat_of
from anytel.catalogue.style import Style
from anytel.catalogue.view import View
from anytel.generate.grafana.links import around
from anytel.generate.grafana.panels import PANELS, Query, Shown
from anytel.generate.grafana.source import Data
from anytel.generate.grafana.thresholds import limits_of, steps, success
from anytel.generate.grafana.units import unit_of, unit_of_ucum
from anytel.generate.prometheus.labels import scope
from anytel.generate.promql import PromQL, quoted
from anytel.generate.spelling import Speller

__all__ = ["TRACE", "Drawer", "drawn_as"]

TRACE = "trace"
"""The variable by which the logs of a trace are looked for."""
RATE, RANGE = "$__rate_interval", "$__range"
_PERCENTILES = ("p50", "p95", "p99")


class Drawer:
    """Draws for one *service*; *narrowed* are the matchers of the dashboard's variables."""

    def __init__(self, catalogue: Catalogue, spell: Speller, service: str, narrowed: Sequence[str] = ()) -> None:
        self._catalogue, self._spell, self._service = catalogue, spell, service
        self.narrowed = narrowed
        self._plain = PromQL(catalogue, spell, scope(service))
        self._over = {window: PromQL(catalogue, spell, scope(service), window, narrowed) for window in (RATE, RANGE)}

    def view(self, view: View) -> Data | None:
        """Give the panel of a view; none where nothing of it can be asked in PromQL or LogQL."""
        drawn = drawn_as(self._catalogue, view)
        if drawn == "logs":
            return self.logs(view)
        queries = [query for one in view.shows for query in self._queries(one, drawn, view)]
        if not queries:
            return None
        return PANELS[drawn](
            Shown(
                title=view.title,
                queries=queries,
                style=self._style(view),
                thresholds=self._thresholds(view),
                description=view.description,
                high=self._high(view),
                links=self._links(drawn),
                exemplars=self._sampled(view),
            )
        )

    def logs(self, view: View) -> Data:
        """Give the panel of log lines: those that are asked for, else all of the service that mention the trace."""
        asked = [one.logql.strip() for one in view.shows if isinstance(one, Raw) and one.logql]
        everything = f"{{service_name={quoted(self._service)}}} |= `${TRACE}` | json"
        queries = [Query(expr=expr) for expr in asked or [everything]]
        return PANELS["logs"](Shown(title=view.title, queries=queries, style=view.style, description=view.description))

    def _queries(self, shown: Expression | SLO, drawn: str, view: View) -> list[Query]:
        if isinstance(shown, SLO):
            pairs = [f"service={quoted(self._service)}", f"slo={quoted(shown.name)}", *self._clusters]
            recorded = f"slo:sli_error:ratio_rate5m{{{','.join(pairs)}}}"
            return [Query(expr=f"1 - {recorded}", legend=shown.name, unit="percentunit")]
        if isinstance(shown, Raw):
            unit = unit_of_ucum(view.style.unit)
            return [Query(expr=shown.promql.strip(), unit=unit)] if shown.promql else []
        if isinstance(shown, Stat):
            return self._of_stat(shown, drawn, several=len(view.shows) > 1)
        return [self._query(shown, drawn, self._name(shown) if len(view.shows) > 1 else "")]

    def _of_stat(self, stat: Stat, drawn: str, *, several: bool) -> list[Query]:
        instrument = self._catalogue.instrument(stat)
        sampled = instrument.kind in ("distribution", "histogram")
        if drawn == "heatmap":
            expr = self._over[RATE].buckets(stat)
            return [Query(expr=expr, legend="{{le}}", unit=unit_of(self._catalogue, self._spell, _as(stat, "p50")))]
        if sampled and not stat.stat and not stat.by:
            return [self._query(_as(stat, word), drawn, word) for word in _PERCENTILES]
        if not stat.stat and instrument.kind == "gauge":
            stat = _as(stat, "sum")
        return [self._query(stat, drawn, self._name(stat) if several else "")]

    def _query(self, expression: Expression, drawn: str, name: str) -> Query:
        if drawn == "piechart" and isinstance(expression, Stat) and self._word(expression) == "rate":
            expression = _as(expression, "increase")
        # One number of an increase is that of all the time that is shown.
        counted = isinstance(expression, Stat) and self._word(expression) == "increase" and drawn != "timeseries"
        compiled = self._over[RANGE if counted or drawn == "piechart" else RATE]
        labels = list(compiled.labels(expression).values())
        legend = " ".join([*([name] if name else []), *(f"{{{{{label}}}}}" for label in labels)])
        if drawn == "table":
            legend = name
        return Query(
            expr=compiled.expression(expression),
            legend=legend,
            unit=unit_of(self._catalogue, self._spell, expression),
            by=labels,
        )

    def _thresholds(self, view: View) -> Data:
        first = view.shows[0]
        if isinstance(first, SLO) and not view.style.thresholds:
            return success(first)
        limits = [
            one
            for shown in view.shows
            if isinstance(shown, Expression)
            for one in limits_of(self._catalogue, self._plain, self._with_stat(shown))
        ]
        return steps(limits, view.style)

    def _with_stat(self, expression: Expression) -> Expression:
        """Give a gauge the stat that is drawn."""
        if isinstance(expression, Stat) and not stat_of(expression, self._catalogue.instrument(expression)):
            return _as(expression, "sum")
        return expression

    def _style(self, view: View) -> Style:
        """Fill in what follows from what is shown: counters by a tag are stacked, and none is below 0."""
        style, first = view.style, view.shows[0]
        kind = self._catalogue.instrument(first).kind if isinstance(first, Stat) else ""
        if style.stack is None and kind == "count" and len(view.shows) == 1 and isinstance(first, Stat) and first.by:
            style = replace(style, stack="normal")
        if style.low is None and not isinstance(first, Raw) and kind != "gauge":
            style = replace(style, low=0.0)
        return style

    def _high(self, view: View) -> float | None:
        """Give where a gauge ends: a share at 1, another one a quarter above its highest limit."""
        drawn = drawn_as(self._catalogue, view)
        if drawn in ("stat", "gauge", "bargauge") and any(isinstance(one, Ratio | Latency | SLO) for one in view.shows):
            return 1.0
        if drawn != "gauge":
            return None
        values = [one["value"] for one in self._thresholds(view)["steps"] if one["value"] is not None]
        return max(values) * 1.25 if values else None

    def _links(self, drawn: str) -> list[Data]:
        if drawn not in ("timeseries", "heatmap"):
            return []
        return [{"title": "Logs of this time", "url": around(self._service, "${logs}"), "targetBlank": True}]

    def _sampled(self, view: View) -> bool:
        """Whether there are exemplars: samples of distributions and histograms have them."""
        return any(
            isinstance(one, Stat) and self._catalogue.instrument(one).kind in ("distribution", "histogram")
            for one in view.shows
        )

    @property
    def _clusters(self) -> list[str]:
        """What is recorded has no instances."""
        return [one for one in self.narrowed if one.startswith("cluster")]

    def _word(self, stat: Stat) -> str:
        return stat_of(stat, self._catalogue.instrument(stat))

    def _name(self, expression: Expression) -> str:
        if isinstance(expression, Stat):
            return f"{self._catalogue.instrument(expression).name} {self._word(expression)}"
        total = next(one for one in expression.walk() if isinstance(one, Stat) and one is not expression)
        return self._catalogue.instrument(total).name


def drawn_as(catalogue: Catalogue, view: View) -> str:
    """Give the kind of panel: the one that is given, else the one that suits the first thing that is shown."""
    if view.drawn != "auto":
        return view.drawn
    first = view.shows[0]
    if isinstance(first, SLO):
        return "stat"
    if isinstance(first, Raw):
        return "timeseries" if first.promql or not first.logql else "logs"
    if len(view.shows) > 1:
        return "timeseries"
    return _single(catalogue, first)


def _single(catalogue: Catalogue, shown: Expression) -> str:
    if not isinstance(shown, Stat):
        return "timeseries" if shown.by else "stat"
    instrument = catalogue.instrument(shown)
    if len(shown.by) > 1:
        return "table"
    if instrument.kind == "set":
        return "bargauge" if shown.by else "stat"
    if instrument.kind == "gauge":
        return "bargauge" if shown.by else "gauge" if _limited(catalogue, shown) else "stat"
    if stat_of(shown, instrument) == "increase":
        return "piechart" if shown.by else "stat"
    return "timeseries"


def _limited(catalogue: Catalogue, stat: Stat) -> bool:
    """Whether an alert watches a metric, so that it has an end."""
    watched = [getattr(alert.condition, "expression", None) for alert in catalogue.alerts]
    return any(isinstance(one, Stat) and catalogue.instrument(one) is catalogue.instrument(stat) for one in watched)


def _as(stat: Stat, word: str) -> Stat:
    return Stat(stat.instrument, word, by=stat.by, where=stat.where, window=stat.window)
