"""Panels: the eight kinds, as Grafana 13's schema has them, each with what a `Style` may change."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from anytel.catalogue.durations import seconds
from anytel.catalogue.style import Style
from anytel.generate.grafana.source import LOGS, METRICS, Data, source

__all__ = ["PANELS", "Query", "Shown"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """One query: *legend* names its series, *unit* is Grafana's id of their unit; *by* are the labels that differ."""

    expr: str
    legend: str = ""
    unit: str = "short"
    by: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What a panel shows, and how. *links* are the data links of its values."""

    title: str
    queries: Sequence[Query]
    style: Style = field(default_factory=Style)
    thresholds: Data = field(default_factory=dict)
    description: str = ""
    high: float | None = None
    links: Sequence[Data] = ()
    exemplars: bool = False


def _timeseries(shown: Shown) -> Data:
    style, many = shown.style, len(shown.queries) > 1 or any(query.by for query in shown.queries)
    graph = style.graph or "line"
    stacked = style.stack or "none"
    custom: Data = {
        "drawStyle": {"area": "line", "steps": "line"}.get(graph, graph),
        "lineInterpolation": "stepAfter" if graph == "steps" else "linear",
        "lineWidth": 1,
        "pointSize": 5,
        "showPoints": "auto",
        "fillOpacity": _fill(style, graph, stacked),
        "gradientMode": style.gradient or ("opacity" if graph == "area" else "none"),
        "spanNulls": _spanned(style.nulls),
        "stacking": {"mode": stacked, "group": "A"},
        "axisPlacement": "auto",
        "scaleDistribution": _scale(style),
        "thresholdsStyle": {"mode": style.limits or ("line" if len(shown.thresholds["steps"]) > 1 else "off")},
    }
    legend = style.legend or ("table" if many else "list")
    options = {
        "legend": {
            "displayMode": "list" if legend == "hidden" else legend,
            "placement": style.legend_at or ("right" if legend == "table" else "bottom"),
            "showLegend": legend != "hidden",
            "calcs": list(style.calcs) or (["mean", "max"] if legend == "table" else []),
        },
        "tooltip": {"mode": style.tooltip or "multi", "sort": "desc"},
    }
    return _panel("timeseries", shown, options, custom, _right(shown), exemplar=shown.exemplars)


def _stat(shown: Shown) -> Data:
    style = shown.style
    sparkline = style.sparkline is not False
    options = {
        **_reduced(style),
        "colorMode": style.colour or ("background" if len(shown.thresholds["steps"]) > 1 else "value"),
        "graphMode": "area" if sparkline else "none",
        "justifyMode": "auto",
        "textMode": style.text or "auto",
        "wideLayout": True,
        "showPercentChange": False,
        "percentChangeColorMode": "standard",
    }
    return _panel("stat", shown, options, instant=not sparkline)


def _gauge(shown: Shown) -> Data:
    options = {
        **_reduced(shown.style),
        "shape": "gauge",
        "barShape": "flat",
        "barWidthFactor": 0.4,
        "segmentCount": 1,
        "segmentSpacing": 0.3,
        "effects": {"barGlow": False, "centerGlow": False, "gradient": False},
        "minVizHeight": 75,
        "minVizWidth": 75,
        "sizing": "auto",
        "showThresholdLabels": len(shown.thresholds["steps"]) > 1,
        "showThresholdMarkers": True,
        "sparkline": bool(shown.style.sparkline),
    }
    return _panel("gauge", shown, options, instant=not shown.style.sparkline)


def _bargauge(shown: Shown) -> Data:
    style = shown.style
    options = {
        **_reduced(style),
        "orientation": "horizontal" if style.orientation == "auto" else style.orientation,
        "displayMode": "gradient",
        "valueMode": "color",
        "namePlacement": "auto",
        "showUnfilled": True,
        "sizing": "auto",
        "minVizHeight": 16,
        "minVizWidth": 8,
        "maxVizHeight": 300,
        "legend": {"displayMode": "list", "placement": "bottom", "showLegend": False, "calcs": []},
    }
    return _panel("bargauge", shown, options, instant=True)


def _piechart(shown: Shown) -> Data:
    style = shown.style
    options = {
        **_reduced(style),
        "pieType": "pie",
        "displayLabels": ["percent"],
        "sort": "desc",
        "legend": {
            "displayMode": "list" if style.legend in ("list", "hidden") else "table",
            "placement": style.legend_at or "right",
            "showLegend": style.legend != "hidden",
            "calcs": [],
            "values": ["value", "percent"],
        },
        "tooltip": {"mode": style.tooltip or "single", "sort": "none"},
    }
    del options["text"]
    return _panel("piechart", shown, options, instant=True)


def _table(shown: Shown) -> Data:
    names = [query.legend or shown.title for query in shown.queries]
    values = ["Value"] if len(names) == 1 else [f"Value #{_ref(number)}" for number in range(len(names))]
    labels = list(dict.fromkeys(label for query in shown.queries for label in query.by))
    organized = {
        "id": "organize",
        "options": {
            "excludeByName": {"Time": True},
            "indexByName": {name: place for place, name in enumerate([*labels, *values])},
            "renameByName": dict(zip(values, names, strict=True)),
        },
    }
    merged = [{"id": "merge", "options": {}}] if len(names) > 1 else []
    options = {
        "cellHeight": "sm",
        "frameIndex": 0,
        "showHeader": True,
        "sortBy": [{"displayName": names[0], "desc": True}],
    }
    custom = {"align": "auto", "cellOptions": {"type": "auto"}, "inspect": False, "filterable": True}
    units = [
        _override("byName", name, {"unit": query.unit})
        for name, query in zip(names, shown.queries, strict=True)
        if query.unit != shown.queries[0].unit
    ]
    made = _panel("table", shown, options, custom, units, instant=True, form="table")
    return {**made, "transformations": [*merged, organized]}


def _heatmap(shown: Shown) -> Data:
    style = shown.style
    options = {
        "calculate": False,
        "cellGap": 1,
        "cellValues": {"unit": "short"},
        "color": {
            "mode": "scheme", "scheme": style.scheme, "scale": "exponential", "exponent": 0.5, "steps": 64,
            "fill": "dark-red", "reverse": False,
        },
        "exemplars": {"color": "rgba(255,0,255,0.7)"},
        "filterValues": {"le": 1e-9},
        "legend": {"show": style.legend != "hidden"},
        "rowsFrame": {"layout": "auto"},
        "showValue": "never",
        "tooltip": {"mode": style.tooltip or "single", "showColorScale": True, "yHistogram": True},
        "yAxis": {"axisPlacement": "left", "reverse": False, "unit": shown.queries[0].unit},
    }  # fmt: skip
    custom = {"scaleDistribution": _scale(style), "hideFrom": {"legend": False, "tooltip": False, "viz": False}}
    made = _panel("heatmap", shown, options, custom, form="heatmap", exemplar=shown.exemplars)
    del made["fieldConfig"]["defaults"]["unit"]
    return made


def _logs(shown: Shown) -> Data:
    options = {
        "dedupStrategy": "none",
        "enableLogDetails": True,
        "enableInfiniteScrolling": True,
        "prettifyLogMessage": True,
        "showCommonLabels": False,
        "showLabels": False,
        "showLogContextToggle": True,
        "showTime": True,
        "sortOrder": "Descending",
        "wrapLogMessage": True,
    }
    targets = [
        {"refId": _ref(number), "datasource": source(LOGS), "expr": query.expr, "queryType": "range"}
        for number, query in enumerate(shown.queries)
    ]
    made = _framed("logs", shown, LOGS, targets, options)
    return {**made, "fieldConfig": {"defaults": {}, "overrides": []}}


PANELS: Mapping[str, Callable[[Shown], Data]] = {
    "timeseries": _timeseries,
    "stat": _stat,
    "gauge": _gauge,
    "bargauge": _bargauge,
    "piechart": _piechart,
    "table": _table,
    "heatmap": _heatmap,
    "logs": _logs,
}
"""What makes a panel of each kind."""


def _panel(
    kind: str,
    shown: Shown,
    options: Data,
    custom: Data | None = None,
    overrides: Iterable[Data] = (),
    *,
    instant: bool = False,
    form: str = "time_series",
    exemplar: bool = False,
) -> Data:
    targets = [
        {
            "refId": _ref(number),
            "datasource": source(METRICS),
            "expr": query.expr,
            "legendFormat": query.legend or "__auto",
            "editorMode": "code",
            "format": form,
            "instant": instant,
            "range": not instant,
            **({"exemplar": True} if exemplar else {}),
        }
        for number, query in enumerate(shown.queries)
    ]
    made = _framed(kind, shown, METRICS, targets, options)
    return {**made, "fieldConfig": {"defaults": _defaults(kind, shown, custom), "overrides": list(overrides)}}


def _framed(kind: str, shown: Shown, name: str, targets: Sequence[Data], options: Data) -> Data:
    return {
        "title": shown.title,
        **({"description": shown.description} if shown.description else {}),
        "type": kind,
        "datasource": source(name),
        **({"interval": shown.style.interval} if shown.style.interval else {}),
        "targets": list(targets),
        "options": options,
    }


_COLOURED = ("stat", "gauge")


def _defaults(kind: str, shown: Shown, custom: Data | None) -> Data:
    style = shown.style
    limited = kind in _COLOURED or (kind in ("bargauge", "table") and len(shown.thresholds["steps"]) > 1)
    given = {
        "unit": shown.queries[0].unit,
        "decimals": style.decimals,
        "min": 0.0 if style.low is None and kind == "gauge" else style.low,
        "max": style.high if style.high is not None else shown.high,
        "color": {"mode": "thresholds" if limited else "palette-classic"},
        "thresholds": shown.thresholds,
        "links": list(shown.links) or None,
        "custom": custom,
    }
    return {name: value for name, value in given.items() if value is not None}


def _reduced(style: Style) -> Data:
    """Of a series one number: the last that is there."""
    size = {"valueSize": style.text_size} if style.text_size else {}
    return {
        "orientation": style.orientation,
        "reduceOptions": {"calcs": list(style.calcs) or ["lastNotNull"], "fields": "", "values": False},
        "text": size,
    }


def _right(shown: Shown) -> Iterator[Data]:
    """What has a unit of its own is on the right."""
    for number, query in enumerate(shown.queries):
        right = number in shown.style.right or (not shown.style.right and query.unit != shown.queries[0].unit)
        changed = {"custom.axisPlacement": "right"} if right else {}
        changed |= {"unit": query.unit} if query.unit != shown.queries[0].unit else {}
        if changed:
            yield _override("byFrameRefID", _ref(number), changed)


def _override(matcher: str, what: str, changed: Mapping[str, Any]) -> Data:
    properties = [{"id": name, "value": value} for name, value in changed.items()]
    return {"matcher": {"id": matcher, "options": what}, "properties": properties}


def _fill(style: Style, graph: str, stacked: str) -> int:
    if style.fill is not None:
        return style.fill
    return {"area": 50, "bars": 80}.get(graph, 30 if stacked != "none" else 10)


def _spanned(nulls: str) -> bool | int:
    """Grafana wants whether a gap is bridged, or up to how many milliseconds it is."""
    return nulls == "connect" if nulls in ("gap", "connect") else seconds(nulls) * 1000


def _scale(style: Style) -> Data:
    return {"type": "linear"} if style.scale == "linear" else {"type": "log", "log": int(style.scale[3:])}


def _ref(number: int) -> str:
    return chr(ord("A") + number)
