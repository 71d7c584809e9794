"""Frames: what every panel has, whatever its kind: queries, unit, thresholds and links."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from anytel.catalogue.style import Style
from anytel.generate.grafana.source import METRICS, Data, source

__all__ = ["Query", "Shown", "framed", "override", "panel", "ref"]


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


def panel(
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
    """Give a panel of a *kind* that asks for metrics: at once where *instant*, in the *form* that it reads."""
    targets = [
        {
            "refId": ref(number),
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
    made = framed(kind, shown, METRICS, targets, options)
    return {**made, "fieldConfig": {"defaults": _defaults(kind, shown, custom), "overrides": list(overrides)}}


def framed(kind: str, shown: Shown, name: str, targets: Sequence[Data], options: Data) -> Data:
    """Give a panel without what its fields are configured by; *name* is the variable of its data source."""
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


def override(matcher: str, what: str, changed: Mapping[str, Any]) -> Data:
    """Give what is *changed* for those fields that a *matcher* finds by *what*."""
    properties = [{"id": name, "value": value} for name, value in changed.items()]
    return {"matcher": {"id": matcher, "options": what}, "properties": properties}


def ref(number: int) -> str:
    """Give the letter of a query by its place, from 0."""
    return chr(ord("A") + number)
