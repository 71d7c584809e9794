"""Dashboards: panels laid out in rows, with variables, links and what was told in the meantime."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from anytel.catalogue.style import Style
from anytel.generate.grafana.source import METRICS, Data, source
from anytel.generate.grafana.uids import uid
from anytel.generate.promql import quoted

__all__ = ["Placed", "Row", "dashboard"]

SCHEMA = 42
"""Grafana's version of the classic form of dashboards, which it upgrades itself."""
_COLUMNS = 24
_SIZES = {
    "timeseries": (12, 8),
    "stat": (6, 5),
    "gauge": (6, 7),
    "heatmap": (12, 8),
    "table": (12, 8),
    "bargauge": (6, 7),
    "piechart": (8, 8),
    "logs": (24, 10),
}


@dataclass(frozen=True, slots=True)
class Placed:
    """A panel, and the style that may say how large it is."""

    panel: Data
    style: Style


@dataclass(frozen=True, slots=True)
class Row:
    """A part of a dashboard; it is there once for each value of the variable *repeat*."""

    title: str
    panels: Sequence[Placed]
    repeat: str = ""


def dashboard(
    service: str, name: str, title: str, rows: Iterable[Row], variables: Sequence[Data], description: str
) -> Data:
    """Give a dashboard. Ids count its panels in their order, and its uid follows from the two names."""
    return {
        "uid": uid(service, name),
        "title": title,
        "description": description,
        "tags": ["anytel", service],
        "schemaVersion": SCHEMA,
        "editable": False,
        "timezone": "browser",
        "refresh": "30s",
        "time": {"from": "now-6h", "to": "now"},
        "graphTooltip": 1,
        "annotations": {"list": [_told(service)]},
        "links": [_others(service)],
        "templating": {"list": list(variables)},
        "panels": _laid_out(rows),
    }


def _told(service: str) -> Data:
    """Mark when alerts began to fire."""
    return {
        "name": "Alerts",
        "datasource": source(METRICS),
        "enable": True,
        "hide": False,
        "iconColor": "red",
        "target": {
            "refId": "alerts",
            "expr": f'ALERTS{{alertstate="firing",service={quoted(service)}}}',
            "legendFormat": "{{alertname}}",
        },
    }


def _others(service: str) -> Data:
    return {
        "title": "Other dashboards",
        "type": "dashboards",
        "tags": ["anytel", service],
        "asDropdown": True,
        "includeVars": True,
        "keepTime": True,
        "targetBlank": False,
        "icon": "external link",
        "tooltip": "",
        "url": "",
    }


def _laid_out(rows: Iterable[Row]) -> list[Data]:
    """Fill lines from left to right; a panel that has no room begins the next one."""
    made: list[Data] = []
    top = 0
    for row in rows:
        if row.title:
            made.append(_head(row, len(made) + 1, top))
            top += 1
        left = tallest = 0
        for placed in row.panels:
            width, height = _size(placed)
            if left + width > _COLUMNS:
                left, top, tallest = 0, top + tallest, 0
            place = {"x": left, "y": top, "w": width, "h": height}
            made.append({"id": len(made) + 1, **placed.panel, "gridPos": place})
            left, tallest = left + width, max(tallest, height)
        top += tallest
    return made


def _head(row: Row, number: int, top: int) -> Data:
    repeated = {"repeat": row.repeat} if row.repeat else {}
    place = {"x": 0, "y": top, "w": _COLUMNS, "h": 1}
    return {
        "id": number,
        "type": "row",
        "title": row.title,
        "collapsed": False,
        "panels": [],
        **repeated,
        "gridPos": place,
    }


def _size(placed: Placed) -> tuple[int, int]:
    width, height = _SIZES[placed.panel["type"]]
    return placed.style.width or width, placed.style.height or height
