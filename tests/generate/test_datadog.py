"""What is generated for Datadog, and that a broken one of each is refused. `tests/ops` looks at it by its schemas."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

import anytel
from anytel.catalogue import Catalogue
from anytel.errors import ConfigError, DeclarationError
from anytel.generate import generate
from anytel.generate.checking import check
from anytel.generate.datadog.query import Tag, parse_monitor, parse_query, queries
from anytel.generate.options import options as from_command_line
from anytel.generate.writer import write
from generate import shop as shop_module


class Unusual:
    """Alerts of each kind that Datadog has a monitor for."""

    def __init__(self, shop):
        calls, time = shop.calls, shop.time
        ok = anytel.Ratio(good=anytel.Stat(calls, where={"outcome": "ok"}), total=anytel.Stat(calls, by="endpoint"))
        anytel.Receiver("oncall", slack="#shop-alerts", pagerduty=True, severities="critical", owners="core")
        anytel.Receiver(
            "team", slack="#shop", email="shop@example.com", webhook="https://example.com/hook", default=True
        )
        said = "Only {value} of the calls of {endpoint} succeed, {threshold} is promised."
        anytel.Alert("Failing", ok < 0.99, severity="critical", message=said, recovery=0.995, no_data="30m")
        anytel.Alert("FailingSoon", ok < 0.999, severity="warning", message=said)
        anytel.Alert("Spike", anytel.Change(calls, since="1h") > 0.5, severity="warning")
        anytel.Alert("Busy", anytel.Stat(calls) > 0.5, severity="info")
        anytel.Alert("Many1h", anytel.Stat(calls, "increase", window="1h") > 1000, severity="info")
        anytel.Alert("Half", anytel.Stat(calls, "increase", window="90s") > 1000, severity="info")
        anytel.Alert("Mean", anytel.Stat(time, "avg") > 300, severity="info")
        anytel.Alert("Slow", anytel.Stat(time, "p95", by=("endpoint",)) > 500, severity="critical")
        anytel.Alert("Gone", anytel.Stat(calls, window="10m") <= 0, severity="critical", for_="10m")
        anytel.Alert("Deep", anytel.Stat(shop.depth, "max", by="queue") > 100, severity="info", for_="15m")
        anytel.Alert("Odd", anytel.Anomaly(ok, direction="below", bounds=2, trigger="30m"), severity="warning")
        many = anytel.Anomaly(anytel.Stat(calls, by="endpoint"), direction="above", algorithm="basic")
        anytel.Alert("Many", many, severity="warning", message="Too many calls of {endpoint}.")
        anytel.Alert(
            "Own",
            anytel.Raw(datadog="avg(last_5m):avg:system.load.1{*} > 3"),
            severity="info",
            message="It is {value}.",
        )
        anytel.Alert("Theirs", anytel.Raw(promql="up == 0"), severity="info")
        anytel.SLO(
            "calls", "0.999", "30d", anytel.Ratio(bad=anytel.Stat(calls, where={"outcome": "error"}), total=calls)
        )
        anytel.SLO("fast", "0.95", "7d", anytel.Latency(time, le=250))
        anytel.SLO("odd", "0.95", "28d", anytel.Latency(time, le=250))
        for drawn in ("timeseries", "stat", "gauge", "bargauge", "piechart", "table"):
            anytel.View(f"By {drawn}", anytel.Stat(calls, "increase", by="endpoint"), row="Calls", drawn=drawn)
        anytel.View("Share", ok, anytel.Stat(time, "p95"), row="Calls")
        anytel.View("P95", anytel.Stat(time, "p95", by="endpoint"), row="Calls")
        anytel.View("Times", time, row="Calls", drawn="heatmap")
        queries_took = anytel.Histogram("db.time", unit="s", buckets=(0.1, 1))
        anytel.View("Queries", queries_took, drawn="heatmap")
        anytel.View("Lines", anytel.Raw(logql='{service_name="shop"}'), drawn="logs")
        anytel.View("Promise", *[slo for slo in Catalogue.declared().slos if slo.name in ("calls", "odd")])


@pytest.fixture
def catalogue(shop):
    Unusual(shop)
    return Catalogue.declared("shop.telemetry")


@pytest.fixture
def files(catalogue, options):
    return generate("datadog", catalogue, options)


@pytest.fixture
def data(files):
    return {path.removeprefix("datadog/"): json.loads(text) for path, text in files.items()}


@pytest.fixture
def folder(tmp_path, files):
    write(tmp_path, {"datadog": files})
    return tmp_path


def failed(folder, catalogue=None):
    return [(one.file, one.check, one.detail) for one in check(folder, catalogue) if one.outcome == "failed"]


def test_the_same_declarations_give_the_same_bytes(catalogue, options, files):
    """Whatever the order of a set is in this process."""
    assert generate("datadog", catalogue, options) == files


def test_what_is_generated_passes(folder, catalogue):
    """By our rules, and by the models of Datadog's client."""
    findings = list(check(folder, catalogue))
    assert [one for one in findings if one.outcome == "failed"] == []
    assert {"datadog", "datadog-api-client"} <= {one.check for one in findings if one.outcome == "passed"}
    noted = [one.detail for one in findings if one.outcome == "noted"]
    assert [one.partition(" ")[0] for one in noted] == ["odd", "Half", "Theirs"]


@pytest.mark.parametrize("app", ["anytel.demo.telemetry", "shop_declared"])
def test_the_demo_and_another_shop_pass(app, tmp_path):
    """Generated and checked as a person does it, with a cluster for each of which monitors alert."""
    source = Path(shop_module.__file__).read_text()
    (tmp_path / "shop_declared.py").write_text(f"{source}\nShop().declare()\n")
    anytel_command = [Path(sys.executable).with_name("anytel")]
    options = ["--app", app, "--out", "ops", "--service", "shop", "--datadog-by", "cluster"]
    for target in ("datadog", "docs"):
        subprocess.run([*anytel_command, "generate", target, *options], cwd=tmp_path, check=True, capture_output=True)
    command = [*anytel_command, "check", "ops", "--app", app, "--json"]
    done = subprocess.run(command, cwd=tmp_path, check=False, capture_output=True, text=True)
    found = json.loads(done.stdout)
    assert [one for one in found if one["outcome"] == "failed"] == []
    assert {"datadog", "datadog-api-client"} <= {one["check"] for one in found if one["outcome"] == "passed"}
    assert done.returncode == 0


def test_of_all_targets_those_without_their_backend_are_skipped(tmp_path):
    """Who has only Prometheus is not bothered; who asks for Datadog is told what to install."""
    (tmp_path / "declared.py").write_text("import anytel\nanytel.Counter('a.b')\n")
    blocked = "import sys; sys.modules['datadog'] = None; from anytel.cli import main; main()"

    def run(target):
        command = [sys.executable, "-c", blocked, "generate", target, "--app", "declared", "--out", "ops"]
        return subprocess.run(command, cwd=tmp_path, check=False, capture_output=True, text=True)

    every = run("all")
    assert every.returncode == 0, every.stderr
    assert "skipped  datadog: it follows the backend 'datadog'. Run: pip install 'anytel[datadog]'" in every.stdout
    assert not (tmp_path / "ops/datadog").exists()
    assert "Datadog" not in (tmp_path / "ops/docs/METRICS.md").read_text()
    one = run("datadog")
    assert one.returncode == 2
    assert "pip install 'anytel[datadog]'" in one.stderr


QUERIES = {
    "Failing": (
        "sum(last_5m):100 * default_zero(sum:mcp.calls{service:shop,outcome:ok} by {endpoint}.as_count())"
        " / sum:mcp.calls{service:shop} by {endpoint}.as_count() < 99"
    ),
    "Spike": "pct_change(sum(last_5m),last_1h):sum:mcp.calls{service:shop}.as_count() > 50",
    "Busy": "sum(last_5m):sum:mcp.calls{service:shop}.as_count() / 300 > 0.5",
    "Many1h": "sum(last_1h):sum:mcp.calls{service:shop}.as_count() > 1000",
    "Mean": "avg(last_5m):avg:response.time{service:shop} > 300",
    "Slow": "percentile(last_5m):p95:response.time{service:shop} by {endpoint} > 500",
    "Gone": "sum(last_10m):default_zero(sum:mcp.calls{service:shop}.as_count()) / 600 <= 0",
    "Deep": "min(last_15m):max:queue.depth{service:shop} by {queue} > 100",
    "Odd": (
        "avg(last_4h):anomalies(100 * default_zero(sum:mcp.calls{service:shop,outcome:ok} by {endpoint}.as_count())"
        " / sum:mcp.calls{service:shop} by {endpoint}.as_count(), 'agile', 2, direction='below', interval=120,"
        " alert_window='last_30m', count_default_zero='true', seasonality='weekly') >= 1"
    ),
    "Many": (
        "avg(last_4h):anomalies(sum:mcp.calls{service:shop} by {endpoint}.as_count(), 'basic', 3, direction='above',"
        " interval=60, alert_window='last_15m', count_default_zero='true') >= 1"
    ),
    "Own": "avg(last_5m):avg:system.load.1{*} > 3",
}


@pytest.mark.parametrize("name", QUERIES)
def test_an_alert_is_this_monitor(data, name):
    """The number is in the query and in the options."""
    body = data[f"monitors/{name}.json"]
    assert body["query"] == QUERIES[name]
    assert body["query"].endswith(f" {body['options']['thresholds']['critical']}")


def test_a_warning_on_the_same_query_is_part_of_the_monitor(data):
    """It comes first: of what is too low, the warning is the higher number."""
    assert "monitors/FailingSoon.json" not in data
    body = data["monitors/Failing.json"]
    assert body["options"]["thresholds"] == {"critical": 99, "warning": 99.9, "critical_recovery": 99.5}
    assert {"alert:failing", "alert:failingsoon"} <= set(body["tags"])


def test_a_warning_after_the_alert_is_refused(shop, options):
    """With the places of both."""
    depth = anytel.Stat(shop.depth, "sum")
    anytel.Alert("Full", depth > 100, severity="critical")
    anytel.Alert("Filling", depth > 200, severity="warning")
    with pytest.raises(
        DeclarationError, match=r"test_datadog\.py:\d+: alert 'Filling': .*'Full', at .*number below 100"
    ):
        generate("datadog", Catalogue.declared(), options)


def test_no_data_is_told_after_twice_the_window(data):
    """If it was asked for."""
    asked = data["monitors/Failing.json"]["options"]
    assert (asked["notify_no_data"], asked["no_data_timeframe"]) == (True, 30)
    assert data["monitors/Slow.json"]["options"]["notify_no_data"] is False


ONLY = "Only {{value}} % of the calls of {{endpoint.name}} succeed"


def test_a_message_tells_each_state_to_those_who_want_to_know(data):
    """Tags and numbers are filled in by Datadog, shares in percent."""
    assert data["monitors/Failing.json"]["message"].splitlines() == [
        "{{#is_alert}}",
        f"{ONLY}, {{{{threshold}}}} % is promised. @slack-shop-alerts @pagerduty-oncall",
        "{{/is_alert}}",
        "{{#is_warning}}",
        f"{ONLY}, {{{{warn_threshold}}}} % is promised. @slack-shop @shop@example.com @webhook-team",
        "{{/is_warning}}",
        "{{#is_no_data}}",
        "Failing: there has been no data for 30m. @slack-shop-alerts @pagerduty-oncall",
        "{{/is_no_data}}",
        "{{#is_recovery}}",
        "Failing is over. @slack-shop-alerts @pagerduty-oncall @slack-shop @shop@example.com @webhook-team",
        "{{/is_recovery}}",
    ]


def test_an_anomaly_has_windows_to_trigger_and_to_recover(data):
    """The one to trigger is that of the query."""
    options = data["monitors/Odd.json"]["options"]
    assert options["threshold_windows"] == {"trigger_window": "last_30m", "recovery_window": "last_15m"}
    assert options["thresholds"] == {"critical": 1, "critical_recovery": 0}


def test_monitors_are_told_apart_by_tags_of_hosts(catalogue, options):
    """Such as the cluster, in the query and in the name."""
    chosen = replace(options, datadog_by=("cluster",), datadog_tags=("env:prod",))
    body = json.loads(generate("datadog", catalogue, chosen)["datadog/monitors/Many.json"])
    assert "sum:mcp.calls{service:shop,env:prod} by {endpoint,cluster}" in body["query"]
    assert body["name"] == "[shop] Many: {{endpoint.name}}, {{cluster.name}}"


def test_an_objective_counts_good_events(data):
    """Of those that are bad the opposite, in percent."""
    body = data["slos/calls.json"]
    assert body["query"] == {
        "numerator": "sum:mcp.calls{service:shop,!outcome:error}.as_count()",
        "denominator": "sum:mcp.calls{service:shop}.as_count()",
    }
    assert body["thresholds"] == [{"timeframe": "30d", "target": 99.9, "warning": 99.95}]


def test_an_objective_has_burn_rate_alerts(data):
    """As far back as Datadog can look; over longer times it tells how much of the budget has gone."""
    queries = {path: body["query"] for path, body in data.items() if path.startswith("monitors/slo-calls-")}
    assert queries == {
        "monitors/slo-calls-burn-1h.json": (
            'burn_rate("SLO_ID:calls").over("30d").long_window("1h").short_window("5m") > 14.4'
        ),
        "monitors/slo-calls-burn-6h.json": (
            'burn_rate("SLO_ID:calls").over("30d").long_window("6h").short_window("30m") > 6'
        ),
        "monitors/slo-calls-burn-1d.json": (
            'burn_rate("SLO_ID:calls").over("30d").long_window("1d").short_window("2h") > 3'
        ),
        "monitors/slo-calls-budget.json": 'error_budget("SLO_ID:calls").over("30d") > 75',
    }


def test_percentiles_are_switched_on_where_they_are_asked_for(data):
    """And no tag is taken away."""
    (path,) = [path for path in data if path.startswith("tag_configurations/")]
    assert path == "tag_configurations/response.time.json"
    assert data[path]["data"]["attributes"] == {
        "metric_type": "distribution",
        "include_percentiles": True,
        "exclude_tags_mode": True,
        "tags": [],
    }


def test_metrics_are_described(data):
    """In Datadog's words for type and unit; that something is a distribution it knows by itself."""
    assert data["metrics/response.time.json"] == {"description": "response.time", "unit": "millisecond"}
    assert data["metrics/mcp.errors.json"] == {"type": "count", "description": "mcp.errors"}


def test_a_view_is_a_widget(data):
    """Of the kind that fits how it is drawn."""
    groups = {
        one["definition"]["title"]: one["definition"]["widgets"] for one in data["dashboards/shop.json"]["widgets"]
    }
    kinds = {one["definition"].get("title", "note"): one["definition"]["type"] for one in groups["Calls"]}
    assert kinds == {
        "By timeseries": "timeseries",
        "By stat": "query_value",
        "By gauge": "query_value",
        "By bargauge": "toplist",
        "By piechart": "sunburst",
        "By table": "query_table",
        "Share": "timeseries",
        "P95": "timeseries",
        "Times": "heatmap",
    }
    assert [one["definition"]["type"] for one in groups["shop"]] == ["note", "list_stream", "slo", "note"]


def test_a_widget_and_the_monitor_on_the_same_expression_ask_the_same(data):
    """And the widget has a line where the monitor alerts."""
    calls = data["dashboards/shop.json"]["widgets"][1]["definition"]["widgets"]
    widgets = {one["definition"]["title"]: one["definition"] for one in calls}
    (query,) = queries(parse_query(widgets["P95"]["requests"][0]["queries"][0]["query"]))
    (watched,) = queries(parse_monitor(data["monitors/Slow.json"]["query"]).expression)
    assert replace(query, scope=watched.scope) == watched
    assert set(watched.scope.tags) == set(query.scope.tags) - {Tag("$env", None)}
    assert widgets["P95"]["markers"] == [{"label": "Slow", "value": "y > 500", "display_type": "error dashed"}]
    share = [one["value"] for one in widgets["Share"]["markers"]]
    assert share == ["y < 99", "y < 99.9"]


def test_what_datadog_cannot_have_is_told_on_the_dashboard(data):
    """With the reason."""
    state = data["dashboards/shop.json"]["widgets"][0]["definition"]["widgets"]
    note = state[-1]["definition"]["content"]
    assert "- odd: Datadog has objectives over 7d, 30d, 90d, and not over 28d" in note
    assert "- Theirs: it is a query in another vendor's words" in note


def test_terraform_has_all_of_it_and_refers_to_objectives(data):
    """Where the API has to be told the id of what was made before."""
    resources = data["terraform/main.tf.json"]["resource"]
    assert {f"monitors/{name}.json" for name in resources["datadog_monitor"]} == {
        path for path in data if path.startswith("monitors/")
    }
    burn = resources["datadog_monitor"]["slo-calls-burn-1h"]["query"]
    assert burn.startswith('burn_rate("${datadog_service_level_objective.calls.id}")')
    board = json.loads(resources["datadog_dashboard_json"]["shop"]["dashboard"])
    assert "${datadog_service_level_objective.calls.id}" in json.dumps(board)
    assert "SLO_ID:" not in json.dumps(resources)


def test_the_names_of_monitors_on_objectives_are_kept(shop, options):
    """They would overwrite each other."""
    Unusual(shop)
    anytel.Alert("slo-calls-budget", anytel.Stat(shop.calls) > 1, severity="info")
    with pytest.raises(
        DeclarationError, match=r"'slo-calls-budget': anytel makes monitors of such names\. Rename it\."
    ):
        generate("datadog", Catalogue.declared(), options)


RAW = [
    (lambda: anytel.Alert("R", anytel.Raw(datadog="garbage(("), severity="info"), "is no query of a monitor"),
    (lambda: anytel.Alert("R", anytel.Raw(datadog="avg:x{*}"), severity="info"), "is no query of a monitor"),
    (lambda: anytel.View("R", anytel.Raw(datadog="avg:x{*} by host")), "is no query: unexpected 'host'"),
]


@pytest.mark.parametrize(("declare", "told"), RAW)
def test_a_query_in_datadogs_words_is_read(declare, told, options):
    """At the place where it is written."""
    declare()
    with pytest.raises(DeclarationError, match=rf"test_datadog\.py:\d+: .*{told}"):
        generate("datadog", Catalogue.declared(), options)


@pytest.mark.parametrize(("name", "value"), [("datadog_tags", "prod"), ("datadog_by", "my cluster")])
def test_an_option_that_is_no_tag_is_refused(name, value):
    """With an example."""
    with pytest.raises(ConfigError, match="Datadog has no such tag"):
        from_command_line("shop", {name: (value,)})


def spoilt(old, new):
    """Give what replaces a part of a query."""
    return lambda body: body.update(query=body["query"].replace(old, new))


def option(**values):
    """Give what sets options of a monitor."""
    return lambda body: body["options"].update(values)


def threshold(**values):
    """Give what sets thresholds of a monitor."""
    return lambda body: body["options"]["thresholds"].update(values)


FAILING, GONE, SLO = "monitors/Failing.json", "monitors/Gone.json", "slos/calls.json"
BROKEN = [
    ("monitors/Slow.json", lambda d: d.update(query="garbage(("), "unexpected 'garbage(('"),
    ("monitors/Slow.json", threshold(critical=5), "compares with 500"),
    (
        FAILING,
        threshold(warning=95),
        "the warning at 95 comes after < 99",
    ),
    (FAILING, threshold(critical_recovery=98), "does not end"),
    (FAILING, option(no_data_timeframe=5), "less than twice the window"),
    (FAILING, lambda d: d.update(message="{{#is_alert}}x{{/is_warning}}"), "closes {{/is_warning}}"),
    (FAILING, lambda d: d.update(message="{{#is_alert}}x"), "does not close {{#is_alert}}"),
    (FAILING, lambda d: d.update(message="at {{cluster.name}}"), "the query is not by {cluster}"),
    (FAILING, lambda d: d.update(priority=9), "the priority 9"),
    (
        "monitors/Odd.json",
        option(threshold_windows={"trigger_window": "last_5m"}),
        "alert_window=",
    ),
    (
        GONE,
        spoilt("mcp.calls", "mcp.cals"),
        "did you mean 'mcp.calls'?",
    ),
    (GONE, spoilt("}", ",color:red}"), "has no tag 'color'"),
    (GONE, option(threshholds={}), "MonitorOptions has no such key"),
    (GONE, lambda d: d.update(type="metric allert"), "'metric allert' is none of the values"),
    (GONE, option(include_tags="yes"), "Invalid type"),
    (
        "monitors/slo-calls-budget.json",
        spoilt("calls", "cals"),
        "no objective 'cals'",
    ),
    (SLO, lambda d: d["query"].update(numerator="sum:mcp.calls{"), "numerator: it ends too early"),
    (SLO, lambda d: d["thresholds"][0].update(warning=99), "is not above the target"),
    (SLO, lambda d: d["thresholds"][0].update(timeframe="28d"), "none of 7d, 30d, 90d"),
    ("dashboards/shop.json", lambda d: d.update(template_variables=[]), "no template variable $env"),
    ("dashboards/shop.json", lambda d: d.update(layout_type="orderly"), "'orderly' is none of the values"),
    (
        "dashboards/shop.json",
        lambda d: d["widgets"][1]["definition"]["widgets"][0]["definition"]["requests"][0].update(display_type="lines"),
        "'lines' is none of the values",
    ),
    ("metrics/mcp.calls.json", lambda d: d.update(unit=3), "Invalid type"),
    (
        "tag_configurations/response.time.json",
        lambda d: d["data"]["attributes"].update(metric_type="sketch"),
        "'sketch'",
    ),
]


@pytest.mark.parametrize(("path", "spoil", "told"), BROKEN)
def test_a_broken_artefact_is_refused(folder, catalogue, path, spoil, told):
    """The finding names the file and what is wrong with it."""
    file = folder / "datadog" / path
    body = json.loads(file.read_text())
    spoil(body)
    file.write_text(json.dumps(body))
    found = [detail for where, _, detail in failed(folder, catalogue) if where == f"datadog/{path}"]
    assert any(told in detail for detail in found), failed(folder, catalogue)


def test_percentiles_that_are_not_computed_are_told(folder, catalogue):
    """By each monitor and widget that asks for them."""
    (folder / "datadog/tag_configurations/response.time.json").unlink()
    told = {path for path, _, detail in failed(folder, catalogue) if "has the percentiles of response.time" in detail}
    assert {"datadog/monitors/Slow.json", "datadog/slos/fast.json", "datadog/dashboards/shop.json"} <= told


def test_without_the_client_its_check_is_skipped(folder, catalogue, monkeypatch):
    """Which is not passed."""
    monkeypatch.setitem(sys.modules, "datadog_api_client", None)
    (found,) = [one for one in check(folder, catalogue) if one.check == "datadog-api-client"]
    assert found.outcome == "skipped"
    assert "is not installed" in found.detail
