"""Changes, anomalies and recoveries: what is declared wrongly, and what Prometheus is asked."""

from __future__ import annotations

import pytest

import anytel
from anytel.catalogue import Catalogue
from anytel.catalogue.validate import problems
from anytel.generate import Options, generate
from anytel.generate.promql import PromQL
from anytel.generate.queries import looks_back, parse
from anytel.generate.spelling import speller


@pytest.fixture
def calls():
    return anytel.Counter("mcp.calls", tags={"endpoint": None, "outcome": ("ok", "error")})


WRONG = [
    (lambda c: anytel.Anomaly(c, direction="down"), "no direction 'down'", "above, below, both"),
    (lambda c: anytel.Anomaly(c, algorithm="seasonal"), "no algorithm 'seasonal'", "basic, agile, robust"),
    (lambda c: anytel.Anomaly(c, seasonality="monthly"), "no seasonality 'monthly'", "hourly, daily, weekly"),
    (lambda c: anytel.Anomaly(c, algorithm="basic", seasonality="daily"), "'basic' knows no seasonality", "agile"),
    (lambda c: anytel.Anomaly(c, bounds=0), "bounds=0 is no number of standard deviations", "2 or 3"),
    (lambda c: anytel.Anomaly(c, trigger="5 minutes"), "trigger: '5 minutes' is no duration", "Write a number"),
    (lambda c: anytel.Anomaly(c, recovery="30s"), "shorter than a minute", "15m"),
    (lambda c: anytel.Anomaly(anytel.Anomaly(c)), "Anomaly does not change", "Give a metric"),
    (lambda c: anytel.Change(c, since="yesterday") > 0.5, "since: 'yesterday' is no duration", "Write a number"),
    (lambda c: anytel.Change(anytel.Raw(datadog="avg:x{*}")) > 0.5, "Raw does not change", "Give a metric"),
    (lambda c: anytel.Change(anytel.Stat("mcp.cals")) > 0.5, "no declared metric 'mcp.cals'", "Did you mean"),
]


@pytest.mark.parametrize(("make", "wrong", "fix"), WRONG)
def test_what_is_wrong_is_told_with_its_place(calls, make, wrong, fix):
    """And the fix."""
    anytel.Alert("Unusual", make(calls), severity="info")
    (told, *_) = problems(Catalogue.declared())
    assert "test_unusual.py:" in told
    assert "alert 'Unusual'" in told
    assert wrong in told
    assert fix in told


@pytest.mark.parametrize("recovery", [5, 6, float("nan"), "4", True])
def test_a_recovery_is_a_number_that_ends_the_alert(calls, recovery):
    """At the threshold itself it may go on for ever."""
    anytel.Alert("High", anytel.Stat(calls) > 5, severity="info", recovery=recovery)
    assert len(problems(Catalogue.declared())) == 1


def test_a_recovery_is_on_the_quiet_side(calls):
    """Below of what alerts above, and above of what alerts below."""
    anytel.Alert("High", anytel.Stat(calls) > 5, severity="info", recovery=4)
    anytel.Alert("Low", anytel.Stat(calls) < 5, severity="info", recovery=6)
    assert problems(Catalogue.declared()) == []


def test_the_tags_of_an_anomaly_can_be_told(calls):
    """There is no threshold to tell."""
    anytel.Alert("A", anytel.Anomaly(anytel.Stat(calls, by="endpoint")), severity="info", message="{endpoint}: {value}")
    anytel.Alert("B", anytel.Anomaly(calls), severity="info", message="{threshold}")
    (told,) = problems(Catalogue.declared())
    assert "alert 'B'" in told


@pytest.mark.parametrize(
    ("query", "seconds"),
    [
        ("x", 0),
        ("x offset 1d", 86_400),
        ("rate(x[5m])", 300),
        ("rate(x[5m] offset 1h)", 3900),
        ("max_over_time(x[1h:1m])", 3600),
    ],
)
def test_a_query_looks_back_by_its_windows_and_offsets(query, seconds):
    """So that it is evaluated where samples are kept long enough."""
    assert looks_back(parse(query)) == seconds


def test_what_looks_back_further_than_prometheus_keeps_is_asked_of_thanos(calls):
    """An anomaly by the week, where two days are kept; the others stay."""
    anytel.Alert("Weekly", anytel.Anomaly(calls), severity="info")
    anytel.Alert("Spike", anytel.Change(calls) > 0.5, severity="info")
    files = generate("stack", Catalogue.declared(), Options(service="shop", retention="2d"))
    assert {"stack/thanos/rules/alert-Weekly.yml", "stack/prometheus/rules/alert-Spike.yml"} <= files.keys()
    assert "stack/prometheus/rules/alert-Weekly.yml" not in files


def test_prometheus_compares_with_the_past(calls):
    """A change with the value at that time; an anomaly with the same time a season ago."""
    compiled = PromQL(Catalogue.declared(), speller("prometheus"))
    now = "sum(rate(mcp_calls_total[5m]))"
    change = compiled.condition(anytel.Change(calls, since="1h") > 0.5)
    assert change == f"({now}) / (last_over_time(({now})[1m:1m] offset 1h) > 0) - 1 > 0.5"
    assert looks_back(parse(change)) == 3660
    for direction in ("above", "below", "both"):
        for seasonality in ("hourly", "daily", "weekly"):
            parse(compiled.condition(anytel.Anomaly(calls, direction=direction, seasonality=seasonality)))
    basic = compiled.condition(anytel.Anomaly(calls, algorithm="basic", direction="above", bounds=2))
    assert basic == f"({now}) > avg_over_time(({now})[1d:5m]) + 2 * stddev_over_time(({now})[1d:5m])"
