"""Expressions as PromQL: each kind and stat, in the names of an exposition."""

from __future__ import annotations

import pytest

import anytel
from anytel.catalogue import Catalogue
from anytel.generate.promql import PromQL
from anytel.generate.queries import parse
from anytel.generate.spelling import speller


def compiled(window=""):
    return PromQL(Catalogue.declared(), speller("prometheus"), {"job": "shop"}, window)


SHOP, FAILED, FAST = '{job="shop"}', '{job="shop",outcome="error"}', '{job="shop",le="0.25"}'
CASES = [
    (lambda s: anytel.Stat(s.calls), 'sum(rate(mcp_calls_total{job="shop"}[5m]))'),
    (
        lambda s: anytel.Stat(s.calls, "increase", by=("endpoint", "outcome"), window="1h"),
        'sum by (endpoint, outcome) (increase(mcp_calls_total{job="shop"}[1h]))',
    ),
    (
        lambda s: anytel.Stat(s.calls, where={"outcome": "!ok", "endpoint": ("revalidate", "skills")}),
        'sum(rate(mcp_calls_total{job="shop",endpoint=~"revalidate|skills",outcome!="ok"}[5m]))',
    ),
    (
        lambda s: anytel.Stat(s.time, where={"http.response.status_code": "5*", "endpoint": "!*"}),
        'sum(rate(response_time_seconds_count{job="shop",endpoint!~".+",http_response_status_code=~"5.*"}[5m]))',
    ),
    (
        lambda s: anytel.Stat(s.time, where={"endpoint": ('a"b\\', "c.d")}),
        r'sum(rate(response_time_seconds_count{job="shop",endpoint=~"a\"b\\\\|c\\.d"}[5m]))',
    ),
    (lambda s: anytel.Stat(s.depth, "avg", by="queue"), 'avg by (queue) (queue_depth{job="shop"})'),
    (lambda s: anytel.Stat(s.disk, "sum"), 'sum(disk_used_bytes{job="shop"})'),
    (lambda s: anytel.Stat(s.users), 'max(unique_users{job="shop"})'),
    (
        lambda s: anytel.Stat(s.time, "p99.9", by="endpoint"),
        'histogram_quantile(0.999, sum by (le, endpoint) (rate(response_time_seconds_bucket{job="shop"}[5m])))',
    ),
    (
        lambda s: anytel.Stat(s.time, "avg"),
        f"sum(rate(response_time_seconds_sum{SHOP}[5m])) / (sum(rate(response_time_seconds_count{SHOP}[5m])) > 0)",
    ),
    (
        lambda s: anytel.Ratio(bad=anytel.Stat(s.calls, where={"outcome": "error"}), total=s.calls),
        (
            f"(sum(rate(mcp_calls_total{FAILED}[5m])) or 0 * sum(rate(mcp_calls_total{SHOP}[5m])))"
            f" / (sum(rate(mcp_calls_total{SHOP}[5m])) > 0)"
        ),
    ),
    (
        lambda s: anytel.Latency(s.time, le=250),
        f"sum(rate(response_time_seconds_bucket{FAST}[5m])) / (sum(rate(response_time_seconds_count{SHOP}[5m])) > 0)",
    ),
    (lambda s: anytel.Raw(promql=" up == 0 "), "up == 0"),
    (lambda s: anytel.Raw(datadog="avg:x{*}"), ""),
]


@pytest.mark.parametrize(("expression", "promql"), CASES)
def test_an_expression_compiles_to_promql(shop, expression, promql):
    """Which a parser that is not ours can read."""
    found = compiled().expression(expression(shop))
    assert found == promql
    if promql:
        parse(found)


@pytest.mark.parametrize(
    ("condition", "end"),
    [
        (lambda s: anytel.Stat(s.time, "p95") > 500, "> 0.5"),
        (lambda s: anytel.Stat(s.time, "avg") <= 0.001, "<= 0.000001"),
        (lambda s: anytel.Stat(s.time, "rate") > 500, "> 500"),
        (lambda s: anytel.Stat(s.disk, "max") >= 1.5, ">= 1572864"),
        (lambda s: anytel.Stat(s.calls) < 0.7, "< 0.7"),
        (lambda s: anytel.Latency(s.time, le=250) < 0.999, "< 0.999"),
        (lambda s: anytel.Stat(s.depth, "sum") > -1e20, "> -100000000000000000000"),
    ],
)
def test_a_threshold_is_in_the_unit_of_prometheus(shop, condition, end):
    """Numbers of events and shares are not converted, values are."""
    assert compiled().condition(condition(shop)).endswith(f") {end}")


def test_a_window_stands_for_all_others(shop):
    """As in Grafana's panels."""
    found = compiled("$__rate_interval").expression(anytel.Stat(shop.calls, window="1h"))
    assert found == 'sum(rate(mcp_calls_total{job="shop"}[$__rate_interval]))'


def test_a_value_that_a_tag_is_declared_to_have_is_no_pattern(shop):
    """Even with a star or a mark of exclamation in it."""
    odd = anytel.Counter("odd", tags={"way": ("*", "!a", "b*c")})
    found = [compiled().selector(anytel.Stat(odd, where={"way": value})) for value in ("*", "!a", "b*c")]
    assert found == [f'odd_total{{job="shop",way="{value}"}}' for value in ("*", "!a", "b*c")]
