"""Draws the pictures of ``docs/dashboards``: each kind of panel of the demo, from what a Prometheus has scraped.

No Grafana draws them: its panels are in no package. Vega-Lite does (vl-convert), from a panel's own JSON: its type,
queries, unit, thresholds, colours and stacking. ``make pictures`` runs it.
"""

from __future__ import annotations

import json
import math
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeAlias

from generate import samples
from ops.scraped import World, answer, api, scraped
from real.install import TOOLS

__all__ = ["main"]

Spec: TypeAlias = dict[str, Any]
OUT = Path(__file__).parents[2] / "docs" / "dashboards"
SCRAPES, WINDOW = 60, "10s"
TOOL = TOOLS["vl-convert-1.9.0"]
_COLOURS = {"green": "#73bf69", "yellow": "#fade2a", "orange": "#ff9830", "red": "#f2495c"}
_CONFIG: Spec = {
    "background": "#181b1f",
    "title": {"color": "#ccccdc", "anchor": "start", "fontSize": 13, "offset": 10},
    "axis": {
        "labelColor": "#9fa7b3", "titleColor": "#9fa7b3", "gridColor": "#2c3235", "domainColor": "#2c3235",
        "tickColor": "#2c3235",
    },
    "legend": {"labelColor": "#ccccdc", "titleColor": "#9fa7b3", "title": None},
    "view": {"stroke": None},
    "range": {"category": ["#73bf69", "#fade2a", "#5794f2", "#ff9830", "#f2495c", "#b877d9", "#8ab8ff"]},
    "text": {"color": "#ccccdc"},
}  # fmt: skip
_PROGRAM = """\
import io, json, sys
import vl_convert
from PIL import Image
for path in sys.argv[1:]:
    png = vl_convert.vegalite_to_png(vl_spec=json.load(open(path)), scale=1)
    Image.open(io.BytesIO(png)).convert("RGB").quantize(64).save(path.replace(".json", ".png"), optimize=True)
"""


class Drawing:
    """Draws panels of a world."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._start, self._end = world.scrapes[12][0] / 1000, world.scrapes[-1][0] / 1000

    def spec(self, panel: Mapping[str, Any]) -> Spec:
        """Give the Vega-Lite specification of a panel."""
        kinds: Mapping[str, Callable[[Mapping[str, Any]], Spec]] = {
            "timeseries": self._timeseries,
            "stat": self._stat,
            "gauge": self._gauge,
            "bargauge": self._bargauge,
            "piechart": self._pie,
            "heatmap": self._heatmap,
            "table": self._table,
        }
        title = {"text": panel["title"]}
        return {"config": _CONFIG, "title": title, "padding": 12, **kinds[panel["type"]](panel)}

    def _timeseries(self, panel: Mapping[str, Any]) -> Spec:
        custom, unit = panel["fieldConfig"]["defaults"]["custom"], _unit(panel)
        rows = [row for target in panel["targets"] for row in self._course(target)]
        stacked = custom["stacking"]["mode"] != "none"
        y = {
            "field": "value", "type": "quantitative", "title": None, "stack": "zero" if stacked else None,
            "axis": {"labelExpr": _label(unit)}, "scale": {"type": custom["scaleDistribution"]["type"]},
        }  # fmt: skip
        opacity = custom["fillOpacity"] / 100
        mark: Spec = (
            {"type": "bar"} if custom["drawStyle"] == "bars" else {"type": "area", "opacity": opacity, "line": True}
        )
        encoding = {"x": _X, "y": y, "color": {"field": "series", "type": "nominal"}}
        lines = [
            {"mark": {"type": "rule", "color": _COLOURS[one["color"]]}, "encoding": {"y": {"datum": one["value"]}}}
            for one in _steps(panel)[1:]
        ]
        return {**_SIZE, "layer": [{"data": {"values": rows}, "mark": mark, "encoding": encoding}, *lines]}

    def _heatmap(self, panel: Mapping[str, Any]) -> Spec:
        (target,) = panel["targets"]
        found: dict[float, dict[float, float]] = {}
        for row in self._course(target, step=4):
            found.setdefault(row["time"], {})[float(row["series"])] = row["value"]
        rows = []
        for time, buckets in found.items():
            below = 0.0
            for bound in sorted(buckets):
                count, below = buckets[bound] - below, buckets[bound]
                if count > 1e-9:
                    rows.append({"time": time, "le": bound, "value": count})
        bounds = sorted({row["le"] for row in rows}, reverse=True)
        y = {"field": "le", "type": "ordinal", "sort": bounds, "title": None, "axis": {"labelExpr": _label("s")}}
        scheme = panel["options"]["color"]["scheme"].lower()
        colour = {"field": "value", "type": "quantitative", "scale": {"scheme": scheme}}
        x = {
            **_X,
            "type": "ordinal",
            "timeUnit": "hoursminutesseconds",
            "axis": {"labelAngle": 0, "labelOverlap": True},
        }
        return {**_SIZE, "data": {"values": rows}, "mark": "rect", "encoding": {"x": x, "y": y, "color": colour}}

    def _stat(self, panel: Mapping[str, Any]) -> Spec:
        (target,) = panel["targets"]
        rows = self._course(target)
        colour = _colour(panel, rows[-1]["value"])
        course = {"data": {"values": rows}, "mark": {"type": "area", "color": "#ffffff", "opacity": 0.25, "clip": True}}
        values = [row["value"] for row in rows]
        spread = max(values) - min(values) or 1.0
        domain = {"domain": [min(values) - spread, max(values) + spread]}
        y = {"field": "value", "type": "quantitative", "axis": None, "scale": domain}
        size = panel["options"]["text"].get("valueSize", 40)
        text = _shown(values[-1], _unit(panel))
        number = {"text": text, "fontSize": size, "fontWeight": "bold", "color": "#ffffff"}
        return {
            "width": 300, "height": 120, "view": {"fill": colour},
            "layer": [
                {**course, "encoding": {"x": {**_X, "axis": None}, "y": y}},
                {"data": {"values": [{}]}, "mark": {"type": "text", "x": 150, "y": 55, **number}},
            ],
        }  # fmt: skip

    def _gauge(self, panel: Mapping[str, Any]) -> Spec:
        ((_, value),) = self._now(panel["targets"][0])
        defaults = panel["fieldConfig"]["defaults"]
        low, high = defaults["min"], defaults["max"]

        def angle(given: float) -> float:
            return (-0.65 + 1.3 * (min(given, high) - low) / (high - low)) * math.pi

        def arc(start: float, end: float, colour: str, inner: int, outer: int) -> Spec:
            mark = {
                "type": "arc",
                "theta": angle(start),
                "theta2": angle(end),
                "radius": outer,
                "radius2": inner,
                "color": colour,
            }
            return {"data": {"values": [{}]}, "mark": mark}

        steps = _steps(panel)
        starts = [low if one["value"] is None else one["value"] for one in steps]
        edges = [
            arc(start, end, _COLOURS[one["color"]], 96, 102)
            for start, end, one in zip(starts, [*starts[1:], high], steps, strict=True)
        ]
        number = {
            "text": _shown(value, _unit(panel)),
            "fontSize": 34,
            "fontWeight": "bold",
            "color": _colour(panel, value),
        }
        text = {"data": {"values": [{}]}, "mark": {"type": "text", **number}}
        body = [arc(low, high, "#2c3235", 65, 92), arc(low, max(value, high / 200), _colour(panel, value), 65, 92)]
        return {"width": 300, "height": 180, "layer": [*body, *edges, text]}

    def _bargauge(self, panel: Mapping[str, Any]) -> Spec:
        unit = _unit(panel)
        rows = [
            {"series": name, "value": value, "text": _shown(value, unit), "colour": _colour(panel, value)}
            for name, value in self._now(panel["targets"][0])
        ]
        y = {"field": "series", "type": "nominal", "title": None, "axis": {"labelFontSize": 13}}
        x = {"field": "value", "type": "quantitative", "axis": None, "scale": {"zero": True}}
        bar = {
            "mark": {"type": "bar", "height": {"band": 0.7}},
            "encoding": {"color": {"field": "colour", "scale": None}},
        }
        text = {
            "mark": {"type": "text", "align": "left", "dx": 6, "fontSize": 14},
            "encoding": {"text": {"field": "text"}},
        }
        return {
            "width": 300,
            "height": {"step": 44},
            "data": {"values": rows},
            "encoding": {"x": x, "y": y},
            "layer": [bar, text],
        }

    def _pie(self, panel: Mapping[str, Any]) -> Spec:
        found = self._now(panel["targets"][0])
        total = sum(value for _, value in found) or 1
        rows = [
            {"series": f"{name}: {_shown(value, 'short')}, {value / total:.0%}", "value": value, "share": value / total}
            for name, value in sorted(found, key=lambda one: -one[1])
        ]
        theta = {"field": "value", "type": "quantitative", "stack": True}
        colour = {"field": "series", "type": "nominal", "sort": None}
        order = {"field": "value", "sort": "descending"}
        arc = {"mark": {"type": "arc", "outerRadius": 95}, "encoding": {"color": colour}}
        written = {"text": {"field": "share", "format": ".0%"}, "detail": colour}
        text = {"mark": {"type": "text", "radius": 68, "fontSize": 13, "color": "#181b1f"}, "encoding": written}
        size = {"width": 230, "height": 200}
        return {**size, "data": {"values": rows}, "encoding": {"theta": theta, "order": order}, "layer": [arc, text]}

    def _table(self, panel: Mapping[str, Any]) -> Spec:
        (target,) = panel["targets"]
        found = sorted(api(self._world.url, self._expr(target), self._now_ms), key=lambda one: -float(one["value"][1]))
        (organized,) = panel["transformations"]
        columns = [name for name in organized["options"]["indexByName"] if name != "Value"]
        names = [*columns, *organized["options"]["renameByName"].values()]
        cells = [{"row": 0, "column": place, "text": name, "head": True} for place, name in enumerate(names)]
        for row, one in enumerate(found[:10], 1):
            texts = [one["metric"].get(name, "") for name in columns] + [_shown(float(one["value"][1]), _unit(panel))]
            cells += [{"row": row, "column": place, "text": text, "head": False} for place, text in enumerate(texts)]
        colour = {"condition": {"test": "datum.head", "value": "#6e9fff"}, "value": "#ccccdc"}
        return _texts(cells, [160 * place for place in range(len(names))], 160 * len(names), colour)

    def logs(self, panel: Mapping[str, Any], lines: list[str]) -> Spec:
        """Give that of log lines."""
        cells = []
        for place, line in enumerate(lines[-1:-9:-1]):
            row = json.loads(line)
            texts = row["timestamp"][:23], row["level"], row["event"], f"trace_id={row['trace_id']}"
            cells += [
                {"row": place, "column": column, "text": text, "level": row["level"]}
                for column, text in enumerate(texts)
            ]
        red = {"test": "datum.level == 'error'", "value": _COLOURS["red"]}
        colour = {"condition": red, "value": _COLOURS["orange"]}
        spec = _texts(cells, [0, 165, 230, 365], 640, colour, font="monospace", fontSize=11)
        return {"config": _CONFIG, "title": {"text": panel["title"]}, "padding": 12, **spec}

    @property
    def _now_ms(self) -> int:
        return int(self._end * 1000) + 50

    def _expr(self, target: Mapping[str, Any]) -> str:
        expr = (
            target["expr"].replace("$__rate_interval", WINDOW).replace("$__range", f"{int(self._end - self._start)}s")
        )
        return re.sub(r'"\$\w+"', '".*"', expr)

    def _course(self, target: Mapping[str, Any], step: int = 1) -> list[Spec]:
        given = {
            "query": self._expr(target),
            "start": f"{self._start:.3f}",
            "end": f"{self._end + 0.05:.3f}",
            "step": str(step),
        }
        return [
            {"series": _legend(target, one["metric"]), "time": float(time) * 1000, "value": float(value)}
            for one in answer(self._world.url, "query_range", given)
            for time, value in one["values"]
            if value != "NaN"
        ]

    def _now(self, target: Mapping[str, Any]) -> list[tuple[str, float]]:
        found = api(self._world.url, self._expr(target), self._now_ms)
        return [(_legend(target, one["metric"]), float(one["value"][1])) for one in found]


_SIZE = {"width": 460, "height": 200}
_X: Spec = {"field": "time", "type": "temporal", "title": None, "axis": {"format": "%H:%M:%S", "tickCount": 5}}


def _texts(cells: list[Spec], lefts: list[int], width: int, colour: Spec, **font: object) -> Spec:
    """Write *cells*, each in its row, at the left of its column."""
    placed = [{**cell, "left": lefts[cell["column"]]} for cell in cells]
    x = {"field": "left", "type": "quantitative", "axis": None, "scale": {"domain": [0, width], "nice": False}}
    y = {"field": "row", "type": "ordinal", "axis": None}
    mark = {"type": "text", "align": "left", "fontSize": 13, **font}
    encoding = {"x": x, "y": y, "text": {"field": "text"}, "color": colour}
    return {"width": width, "height": {"step": 22}, "data": {"values": placed}, "mark": mark, "encoding": encoding}


def _legend(target: Mapping[str, Any], metric: Mapping[str, str]) -> str:
    given = target["legendFormat"]
    if given == "__auto":
        return (
            " ".join(value for name, value in metric.items() if name not in ("__name__", "job", "instance")) or "value"
        )
    return re.sub(r"\{\{(\w+)\}\}", lambda found: metric.get(found[1], ""), given)


def _unit(panel: Mapping[str, Any]) -> str:
    return str(panel["fieldConfig"]["defaults"]["unit"])


def _steps(panel: Mapping[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = panel["fieldConfig"]["defaults"]["thresholds"]["steps"]
    return found


def _colour(panel: Mapping[str, Any], value: float) -> str:
    reached = [one for one in _steps(panel) if one["value"] is None or value >= one["value"]]
    return _COLOURS[reached[-1]["color"]]


def _shown(value: float, unit: str) -> str:
    if unit == "percentunit":
        return f"{value:.2%}"
    if unit == "s":
        return f"{value * 1000:.3g} ms" if value < 1 else f"{value:.3g} s"
    return f"{value:.3g}{ {'cps': ' c/s', 'reqps': ' req/s'}.get(unit, '') }"


def _label(unit: str) -> str:
    if unit == "percentunit":
        return "format(datum.value, '.1%')"
    if unit == "s":
        return "+datum.value < 1 ? format(+datum.value * 1000, '.3~g') + ' ms' : format(+datum.value, '.3~g') + ' s'"
    end = {"cps": " c/s", "reqps": " req/s"}.get(unit, "")
    return f"format(datum.value, '.3~g') + '{end}'"


WANTED = {
    "timeseries": "Requests", "stat": "Success", "gauge": "Active users", "heatmap": "Response times",
    "table": "Requests by endpoint", "bargauge": "MCP calls", "piechart": "Errors", "logs": "Log lines",
}  # fmt: skip


def main() -> int:
    """Run the demo for a minute, and write a picture of each kind of panel."""
    OUT.mkdir(parents=True, exist_ok=True)
    TOOL.ensure()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        output = folder / "output"
        with scraped("debian", folder / "world", samples.demo(), SCRAPES, lines=output) as world:
            board = json.loads((world.folder / "grafana/dashboards/service.json").read_text())
            panels = {one["title"]: one for one in board["panels"] if one["type"] != "row"}
            drawing = Drawing(world)
            specs = {kind: drawing.spec(panels[title]) for kind, title in WANTED.items() if kind != "logs"}
        specs["logs"] = drawing.logs(panels[WANTED["logs"]], output.read_text().splitlines())
        for kind, spec in specs.items():
            (folder / f"{kind}.json").write_text(json.dumps(spec))
        paths = [str(folder / f"{kind}.json") for kind in specs]
        subprocess.run([TOOL.path, "-c", _PROGRAM, *paths], check=True)
        for kind in specs:
            (OUT / f"{kind}.png").write_bytes((folder / f"{kind}.png").read_bytes())
    return 0


if __name__ == "__main__":
    sys.exit(main())
