"""Dashboards: which panel shows what, in which unit, with which colours, and what of it can be changed."""

from __future__ import annotations

import json
import re

import pytest

import anytel
from anytel.catalogue import Catalogue, Condition
from anytel.errors import DeclarationError
from anytel.generate import Options, generate
from anytel.generate.grafana.panels import PANELS
from anytel.generate.grafana.uids import uid
from anytel.generate.grafana.units import KNOWN
from anytel.generate.prometheus.labels import scope
from anytel.generate.promql import PromQL
from anytel.generate.spelling import speller
from generate import samples

OPTIONS = Options(service="shop")


def dashboards(catalogue, options=OPTIONS):
    """Give the dashboards by their names."""
    files = generate("grafana", catalogue, options)
    found = {path.rpartition("/")[2][:-5]: text for path, text in files.items() if path.endswith(".json")}
    return {name: json.loads(text) for name, text in found.items()}


def panels(dashboard):
    return {one["title"]: one for one in dashboard["panels"] if one["type"] != "row"}


@pytest.fixture
def drawn(shop):
    """Give a function that draws one view of a shop in which somebody is told."""
    anytel.Receiver("slack", slack="#shop")

    def draw(*shows, **given):
        anytel.View("Shown", *shows, **given)
        return panels(dashboards(Catalogue.declared("shop.telemetry"))["service"])["Shown"]

    return draw


def steps(panel):
    return [(one["value"], one["color"]) for one in panel["fieldConfig"]["defaults"]["thresholds"]["steps"]]


def test_the_demo_has_each_kind_of_panel():
    """In the dashboard that its views make."""
    assert {one["type"] for one in panels(dashboards(samples.demo())["service"]).values()} == set(PANELS)


def test_every_metric_is_drawn_without_anybody_having_asked_for_it(shop):
    anytel.Receiver("slack", slack="#shop")
    found = dashboards(Catalogue.declared("shop.telemetry"))

    assert "service" not in found
    asked = json.dumps(found["metrics"])
    for name in ("mcp_calls_total", "mcp_errors_total", "response_time_seconds_bucket", "queue_depth", "unique_users"):
        assert name in asked


@pytest.mark.parametrize("sample", [samples.demo, samples.shop])
def test_the_same_declarations_give_the_same_bytes(sample):
    """And no two dashboards of a service, and no two panels of a dashboard, are known by one id."""
    catalogue = sample()
    first, second = (generate("grafana", catalogue, OPTIONS) for _ in range(2))

    assert first == second
    found = dashboards(catalogue)
    assert len({one["uid"] for one in found.values()}) == len(found)
    for one in found.values():
        ids = [panel["id"] for panel in one["panels"]]
        assert ids == list(range(1, len(ids) + 1))


@pytest.mark.parametrize("sample", [samples.demo, samples.shop])
def test_no_panel_covers_another_one(sample):
    for dashboard in dashboards(sample()).values():
        taken = set()
        for panel in dashboard["panels"]:
            place = panel["gridPos"]
            cells = {(place["x"] + x, place["y"] + y) for x in range(place["w"]) for y in range(place["h"])}
            assert not cells & taken
            assert max(x for x, _ in cells) < 24
            taken |= cells


def test_a_long_name_makes_a_uid_that_grafana_takes():
    assert uid("shop", "service") == "shop-service"
    assert len(uid("shop", "x" * 60)) <= 40
    assert uid("shop", "x" * 60) != uid("shop", "x" * 61)
    assert uid("käse", "a") != uid("kase", "a")


KINDS = [
    (lambda s: s.calls, "timeseries"),
    (lambda s: anytel.Stat(s.calls, by="endpoint"), "timeseries"),
    (lambda s: anytel.Stat(s.calls, by=("endpoint", "outcome")), "table"),
    (lambda s: anytel.Stat(s.calls, "increase", by="outcome"), "piechart"),
    (lambda s: anytel.Stat(s.calls, "increase"), "stat"),
    (lambda s: s.time, "timeseries"),
    (lambda s: s.depth, "stat"),
    (lambda s: anytel.Stat(s.depth, "max", by="queue"), "bargauge"),
    (lambda s: s.users, "stat"),
    (lambda s: anytel.Ratio(bad=s.errors, total=s.calls), "stat"),
    (lambda s: anytel.Latency(s.time, le=250, by="endpoint"), "timeseries"),
    (lambda s: anytel.Raw(promql="up"), "timeseries"),
    (lambda s: anytel.Raw(logql='{a="b"}'), "logs"),
    (lambda s: anytel.SLO("fast", 0.95, "30d", anytel.Latency(s.time, le=250)), "stat"),
]


@pytest.mark.parametrize(("shown", "kind"), KINDS)
def test_what_is_shown_says_how_it_is_drawn(shop, drawn, shown, kind):
    assert drawn(shown(shop))["type"] == kind


def test_a_gauge_with_an_alert_has_an_end(shop, drawn):
    """A quarter above its limit, which is red; below all is well."""
    anytel.Alert("Deep", anytel.Stat(shop.depth, "sum") > 80, severity="critical")
    panel = drawn(shop.depth)

    assert panel["type"] == "gauge"
    assert (panel["fieldConfig"]["defaults"]["min"], panel["fieldConfig"]["defaults"]["max"]) == (0, 100)
    assert steps(panel) == [(None, "green"), (80, "red")]


UNITS = [
    (lambda s: s.calls, "cps"),
    (lambda s: anytel.Stat(s.calls, "increase"), "short"),
    (lambda s: s.time, "s"),
    (lambda s: anytel.Stat(s.time, "rate"), "cps"),
    (lambda s: anytel.Stat(s.disk, "max"), "bytes"),
    (lambda s: anytel.Stat(s.depth, "max"), "short"),
    (lambda s: anytel.Ratio(bad=s.errors, total=s.calls), "percentunit"),
    (lambda s: anytel.Stat(anytel.Counter("http.server.requests", unit="{request}")), "reqps"),
    (lambda s: anytel.Stat(anytel.Counter("sent", unit="KiBy")), "binBps"),
    (lambda s: anytel.Stat(anytel.Gauge("room", unit="Cel"), "max"), "celsius"),
]


@pytest.mark.parametrize(("shown", "unit"), UNITS)
def test_the_unit_is_that_of_the_metric_in_prometheus(shop, drawn, shown, unit):
    """Milliseconds are seconds there, and something per second is told as such."""
    assert drawn(shown(shop))["fieldConfig"]["defaults"]["unit"] == unit
    assert unit in KNOWN


def test_thresholds_are_those_of_the_alerts_in_prometheus_unit(shop, drawn):
    """500 and 1000 ms; between nothing and the first it is green."""
    p95 = anytel.Stat(shop.time, "p95", by="endpoint")
    anytel.Alert("Slow", p95 > 500, severity="warning")
    anytel.Alert("VerySlow", p95 > 750, severity="critical")
    panel = drawn(anytel.Stat(shop.time, "p95", by="endpoint"))

    assert steps(panel) == [(None, "green"), (0.5, "orange"), (0.75, "red")]
    assert panel["fieldConfig"]["defaults"]["custom"]["thresholdsStyle"] == {"mode": "line"}


def test_what_should_be_high_is_red_below(shop, drawn):
    """And an alert on something else colours nothing."""
    anytel.Alert("Few", anytel.Stat(shop.calls) < 5, severity="critical")
    anytel.Alert("Fewer", anytel.Stat(shop.calls) < 10, severity="info")
    anytel.Alert("Other", anytel.Stat(shop.calls, by="endpoint") < 7, severity="warning")

    assert steps(drawn(shop.calls)) == [(None, "red"), (5, "yellow"), (10, "green")]


def test_an_objective_is_green_where_it_is_kept_and_red_where_somebody_is_woken(shop, drawn):
    """99.9 % may lose 14.4 times 0.1 % before it pages."""
    slo = anytel.SLO("good", "0.999", "30d", anytel.Ratio(bad=shop.errors, total=shop.calls))

    assert steps(drawn(slo)) == [(None, "red"), (0.9856, "yellow"), (0.999, "green")]


STYLES = [
    ({"graph": "bars"}, "custom.drawStyle", "bars"),
    ({"graph": "points"}, "custom.drawStyle", "points"),
    ({"graph": "steps"}, "custom.lineInterpolation", "stepAfter"),
    ({"graph": "area"}, "custom.fillOpacity", 50),
    ({"fill": 70}, "custom.fillOpacity", 70),
    ({"gradient": "hue"}, "custom.gradientMode", "hue"),
    ({"stack": "percent"}, "custom.stacking.mode", "percent"),
    ({}, "custom.stacking.mode", "normal"),
    ({}, "custom.spanNulls", False),
    ({"nulls": "connect"}, "custom.spanNulls", True),
    ({"nulls": "5m"}, "custom.spanNulls", 300_000),
    ({"scale": "log2"}, "custom.scaleDistribution", {"type": "log", "log": 2}),
    ({"limits": "dashed+area"}, "custom.thresholdsStyle.mode", "dashed+area"),
    ({"decimals": 3}, "decimals", 3),
    ({"high": 10}, "max", 10),
    ({"low": -1}, "min", -1),
    ({"thresholds": {"red": 2, "yellow": 1}}, "thresholds.steps.1.value", 1),
]
OPTIONS_OF = [
    ("timeseries", {}, "legend.displayMode", "table"),
    ("timeseries", {}, "legend.calcs", ["mean", "max"]),
    ("timeseries", {"legend": "list"}, "legend.placement", "bottom"),
    ("timeseries", {"legend": "hidden"}, "legend.showLegend", False),
    ("timeseries", {"legend_at": "bottom"}, "legend.placement", "bottom"),
    ("timeseries", {"calcs": ("sum",)}, "legend.calcs", ["sum"]),
    ("timeseries", {"tooltip": "single"}, "tooltip.mode", "single"),
    ("stat", {}, "graphMode", "area"),
    ("stat", {"sparkline": False}, "graphMode", "none"),
    ("stat", {"colour": "background_solid"}, "colorMode", "background_solid"),
    ("stat", {"text": "value"}, "textMode", "value"),
    ("stat", {"text_size": 48}, "text.valueSize", 48),
    ("stat", {"orientation": "vertical"}, "orientation", "vertical"),
    ("bargauge", {}, "orientation", "horizontal"),
    ("piechart", {}, "legend.values", ["value", "percent"]),
    ("gauge", {"thresholds": {"red": 5}}, "showThresholdLabels", True),
]


def at(data, path):
    for part in path.split("."):
        data = data[int(part)] if part.isdecimal() else data[part]
    return data


@pytest.mark.parametrize(("style", "path", "value"), STYLES)
def test_a_style_changes_how_a_graph_is_drawn(shop, drawn, style, path, value):
    panel = drawn(anytel.Stat(shop.calls, by="endpoint"), style=anytel.Style(**style))

    assert at(panel["fieldConfig"]["defaults"], path) == value


@pytest.mark.parametrize(("kind", "style", "path", "value"), OPTIONS_OF)
def test_a_style_changes_the_options_of_a_panel(shop, drawn, kind, style, path, value):
    panel = drawn(anytel.Stat(shop.calls, by="endpoint"), drawn=kind, style=anytel.Style(**style))

    assert at(panel["options"], path) == value


def test_a_heatmap_is_of_the_buckets_that_are_there(shop, drawn):
    """Nothing is calculated from them, and several clusters are not laid over each other."""
    panel = drawn(shop.time, drawn="heatmap", style=anytel.Style(scheme="Oranges", interval="5m"))

    assert panel["options"]["calculate"] is False
    assert panel["options"]["color"]["scheme"] == "Oranges"
    assert panel["options"]["yAxis"]["unit"] == "s"
    assert panel["interval"] == "5m"
    (target,) = panel["targets"]
    assert target["format"] == "heatmap"
    assert target["exemplar"] is True
    assert target["expr"].startswith("sum by (le) (increase(response_time_seconds_bucket{")


def test_what_has_another_unit_is_on_the_right(shop, drawn):
    panel = drawn(anytel.Stat(shop.time, "p95"), anytel.Stat(shop.calls))

    assert panel["fieldConfig"]["overrides"] == [
        {
            "matcher": {"id": "byFrameRefID", "options": "B"},
            "properties": [{"id": "custom.axisPlacement", "value": "right"}, {"id": "unit", "value": "cps"}],
        }
    ]


def test_a_table_hides_the_time_and_names_its_columns(shop, drawn):
    """Sorted by the value, of which there is one for each row."""
    panel = drawn(anytel.Stat(shop.calls, by=("endpoint", "outcome")))
    (organize,) = panel["transformations"]

    assert organize["options"]["excludeByName"] == {"Time": True}
    assert organize["options"]["renameByName"] == {"Value": "Shown"}
    assert panel["options"]["sortBy"] == [{"displayName": "Shown", "desc": True}]
    assert [(one["instant"], one["range"], one["format"]) for one in panel["targets"]] == [(True, False, "table")]


def test_a_pie_counts_over_the_time_that_is_shown(shop, drawn):
    (target,) = drawn(anytel.Stat(shop.calls, by="outcome"), drawn="piechart")["targets"]

    assert re.fullmatch(r"sum by \(outcome\) \(increase\(mcp_calls_total\{.*\}\[\$__range\]\)\)", target["expr"])
    assert target["legendFormat"] == "{{outcome}}"


def test_logs_are_those_of_the_service_and_of_the_trace_that_is_typed_in(drawn):
    panel = drawn(drawn="logs")

    assert panel["datasource"] == {"type": "loki", "uid": "${logs}"}
    assert [one["expr"] for one in panel["targets"]] == ['{service_name="shop"} |= `$trace` | json']


def test_values_lead_to_the_logs_of_their_time(shop, drawn):
    (link,) = drawn(shop.time)["fieldConfig"]["defaults"]["links"]

    assert link["url"].startswith("/explore?")
    assert "${__from}" in link["url"]
    assert "service_name%3D%5C%22shop" in link["url"]


def test_everything_is_asked_of_sources_and_labels_that_are_chosen():
    """Of the metrics' source and of the logs', for clusters and instances, and for one trace."""
    variables = {one["name"]: one for one in dashboards(samples.demo())["service"]["templating"]["list"]}

    assert list(variables) == ["metrics", "logs", "cluster", "instance", "trace"]
    assert variables["cluster"]["query"]["query"] == 'label_values(up{job="shop"}, cluster)'
    assert variables["cluster"]["multi"]
    assert variables["cluster"]["allValue"] == ".*"


def test_the_clusters_have_a_row_each():
    """It is repeated, of what is recorded: a central server has nothing else."""
    board = dashboards(samples.demo())["federation"]
    rows = [one for one in board["panels"] if one["type"] == "row"]

    assert [one.get("repeat") for one in rows] == [None, "cluster"]
    for panel in panels(board).values():
        for target in panel["targets"]:
            assert re.search(r"\b(job|slo):", target["expr"])
            assert 'cluster=~"$cluster"' in target["expr"]


def unnarrowed(expr):
    return re.sub(r',(?:cluster|instance)=~"\$(?:cluster|instance)"', "", expr)


def test_a_panel_and_the_alert_on_the_same_thing_ask_the_same():
    """But for the window, which is that of the screen, and for the clusters and instances that are chosen."""
    catalogue = samples.demo()
    asked = {
        unnarrowed(target["expr"])
        for panel in panels(dashboards(catalogue)["service"]).values()
        for target in panel["targets"]
    }
    compiled = PromQL(catalogue, speller("prometheus"), scope("shop"), "$__rate_interval")
    watched = {
        alert.name: compiled.expression(alert.condition.expression)
        for alert in catalogue.alerts
        if isinstance(alert.condition, Condition)
    }

    assert {name for name, expr in watched.items() if expr in asked} >= {
        "SlowResponses", "McpErrors", "TrinityScoreLow", "TooManyUsers",
    }  # fmt: skip


def test_an_objective_is_drawn_from_what_its_alerts_watch():
    """Each series that an alert on burning compares is drawn, and its limit is the line."""
    files = generate("prometheus", samples.demo(), OPTIONS)
    board = dashboards(samples.demo())["objectives"]
    asked = {unnarrowed(one["expr"]) for panel in board["panels"] for one in panel.get("targets", ())}
    compared = re.findall(r"(slo:sli_error:ratio_rate\w+\{[^}]*\}) > ([\d.]+) \* ([\d.]+)", "".join(files.values()))

    assert compared
    assert {series for series, _, _ in compared} <= asked
    lines = [value for panel in board["panels"] if panel["type"] == "timeseries" for value, _ in steps(panel)]
    assert 0.006 in lines
    assert {float(factor) * float(budget) for _, factor, budget in compared if factor == "6"} & set(lines)


WRONG = [
    (lambda s: anytel.View("A", s.calls, drawn="heatmap"), "a heatmap is of buckets"),
    (lambda s: anytel.View("A", anytel.Stat(s.time, by="endpoint"), drawn="heatmap"), "lay several over each other"),
    (lambda s: anytel.View("A", s.calls, drawn="piechart"), "a pie of one part"),
    (lambda s: anytel.View("A", s.calls, drawn="logs"), "log lines are asked for in LogQL"),
    (lambda s: anytel.View("A", s.calls, drawn="pie"), "there is no way to draw it as 'pie'"),
    (lambda s: anytel.View("A", s.calls, style=anytel.Style(graph="lines")), "Use one of line, area, bars"),
    (lambda s: anytel.View("A", s.calls, style=anytel.Style(fill=0.5)), "fill=0.5 is not from 0 to 100"),
    (lambda s: anytel.View("A", s.calls, style=anytel.Style(thresholds={"gold": 1})), "there is no colour 'gold'"),
    (lambda s: anytel.View("A", s.calls, style=anytel.Style(nulls="never")), "nulls='never'"),
]


@pytest.mark.parametrize(("declare", "told"), WRONG)
def test_a_view_that_cannot_be_drawn_so_is_refused_with_its_place(shop, declare, told):
    declare(shop)
    anytel.Receiver("slack", slack="#shop")

    with pytest.raises(DeclarationError) as refused:
        generate("grafana", Catalogue.declared("shop.telemetry"), OPTIONS)
    assert told in str(refused.value)
    assert "test_grafana.py:" in str(refused.value)
