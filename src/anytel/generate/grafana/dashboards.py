"""The dashboards of a service: what its views show, every metric, its objectives, and all clusters side by side."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from anytel.catalogue.burn import burns
from anytel.catalogue.catalogue import Catalogue
from anytel.catalogue.durations import seconds
from anytel.catalogue.expressions import Stat
from anytel.catalogue.slo import SLO
from anytel.catalogue.style import Style
from anytel.catalogue.view import View
from anytel.generate.grafana.dashboard import Placed, Row, dashboard
from anytel.generate.grafana.drawing import TRACE, Drawer
from anytel.generate.grafana.federated import federated
from anytel.generate.grafana.panels import PANELS, Query, Shown
from anytel.generate.grafana.source import (
    CLUSTER,
    INSTANCE,
    LOGS,
    METRICS,
    Data,
    clusters,
    instances,
    narrowed,
    sources,
    text,
)
from anytel.generate.grafana.thresholds import burning, kept, left, success
from anytel.generate.promql import quoted
from anytel.generate.spelling import Speller
from anytel.metrics.instruments import Instrument

__all__ = ["dashboards"]


def dashboards(catalogue: Catalogue, spell: Speller, service: str) -> Mapping[str, Data]:
    """Give the dashboards by the names of their files. What would have no panel is not there."""
    drawer = Drawer(catalogue, spell, service, narrowed((CLUSTER, INSTANCE)))
    up = f"up{{job={quoted(service)}}}"
    within = f"up{{job={quoted(service)},{narrowed((CLUSTER,))[0]}}}"
    variables = [*sources(METRICS, LOGS), clusters(up), instances(within), text(TRACE, "Trace id")]
    found = {
        "service": (service, [*_views(drawer, catalogue.views)], "What the application's views show."),
        "metrics": (f"{service}: metrics", [*_metrics(drawer, catalogue)], "Every metric, by its kind."),
    }
    made = {
        name: dashboard(service, name, title, rows, variables, said)
        for name, (title, rows, said) in found.items()
        if rows
    }
    objectives = [_objective(slo, service) for slo in catalogue.slos]
    recorded = clusters(f"slo:objective:ratio{{service={quoted(service)}}}")
    if objectives:
        said = "How much of each error budget is left, and how fast it burns."
        chosen = [*sources(METRICS), recorded]
        made["objectives"] = dashboard(service, "objectives", f"{service}: objectives", objectives, chosen, said)
    if catalogue.instruments:
        made["federation"] = federated(catalogue, spell, service)
    return made


def _views(drawer: Drawer, views: Sequence[View]) -> Iterator[Row]:
    for title in dict.fromkeys(view.row for view in views):
        drawn = [(drawer.view(view), view.style) for view in views if view.row == title]
        placed = [Placed(panel, style) for panel, style in drawn if panel is not None]
        if placed:
            yield Row(title, placed)


def _metrics(drawer: Drawer, catalogue: Catalogue) -> Iterator[Row]:
    """Give a row for the metrics of each owner."""
    owners = dict.fromkeys(one.owner for one in catalogue.instruments.values())
    for owner in owners:
        views = [
            view for one in catalogue.instruments.values() if one.owner == owner for view in _of_metric(one, catalogue)
        ]
        placed = [Placed(panel, view.style) for view in views if (panel := drawer.view(view)) is not None]
        if placed:
            yield Row(owner or "Others", placed)


class _Unlisted(View):
    """A view that nobody has declared, of one metric."""

    def __init__(self, view: Mapping[str, object]) -> None:
        for name, value in view.items():
            setattr(self, name, value)


def _of_metric(instrument: Instrument, catalogue: Catalogue) -> Iterator[View]:
    """Give what tells most of a metric: its course, and what it is made of by its first tag with few values."""
    few = next((tag for tag, values in sorted((instrument.tags or {}).items()) if values is not None), "")
    said = f"{instrument.description}." if instrument.description else ""
    name, kind = instrument.name, instrument.kind

    def view(title: str, stat: str = "", by: str = "", drawn: str = "auto", style: Style | None = None) -> View:
        made = Stat(instrument, stat, by=by or ())
        made.place = instrument.place
        return _Unlisted(
            {
                "title": title,
                "row": "",
                "shows": (made,),
                "drawn": drawn,
                "description": said,
                "style": style or Style(),
                "place": instrument.place,
            }
        )

    if kind == "count":
        yield view(f"{name} per second", "rate", few)
        if few:
            yield view(f"{name} by {few}", "increase", few, "piechart", Style(width=6))
            yield view(f"{name} per second by {few}", "rate", few, "bargauge", Style(height=8))
    elif kind in ("distribution", "histogram"):
        yield view(name)
        yield view(f"{name}, how often", drawn="heatmap")
    elif kind == "gauge":
        yield view(f"{name} now", "avg" if few else "sum", few)
        yield view(name, "avg" if few else "sum", few, "timeseries")
    else:
        yield view(name, "max")


def _objective(slo: SLO, service: str) -> Row:
    where = f"{{service={quoted(service)},slo={quoted(slo.name)},{narrowed((CLUSTER,))[0]}}}"
    windows = sorted({window for one in burns(slo.window) for window in (one.short, one.long)}, key=seconds)
    bad = [
        Query(expr=f"slo:sli_error:ratio_rate{window}{where}", legend=window, unit="percentunit") for window in windows
    ]
    share, small = "percentunit", Style(width=4, height=8, low=0.0, decimals=3)
    good = Query(expr=f"1 - slo:sli_error:ratio_rate5m{where}", unit=share)
    period = Query(expr=f"1 - slo:sli_error:ratio_rate{slo.window}{where}", unit=share)
    remaining = Query(expr=f"slo:error_budget_remaining:ratio{where}", unit=share)
    panels = [
        ("stat", Shown(title="Good now", queries=[good], style=small, thresholds=success(slo), high=1.0)),
        ("stat", Shown(title=f"Good over {slo.window}", queries=[period], style=small, thresholds=kept(slo), high=1.0)),
        (
            "gauge",
            Shown(
                title="Error budget left",
                queries=[remaining],
                style=Style(width=4, height=8, low=0.0),
                thresholds=left(),
                high=1.0,
            ),
        ),
        (
            "timeseries",
            Shown(
                title="Share of bad events over each window",
                queries=bad,
                style=Style(low=0.0, legend="table", legend_at="right", calcs=("lastNotNull", "max"), fill=0),
                thresholds=burning(slo),
                description="Somebody is told where a long window and a short one are both above a line.",
            ),
        ),
    ]
    drawn = [Placed(PANELS[kind](shown), shown.style) for kind, shown in panels]
    return Row(f"{slo.name}: {slo.description or 'objective'}, {slo.objective:%}"[:200], drawn)
