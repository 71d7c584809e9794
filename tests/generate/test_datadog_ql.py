"""Expressions as Datadog's queries: each kind and stat, in the names that our backend sends."""

from __future__ import annotations

import pytest

import anytel
from anytel.catalogue import Catalogue
from anytel.generate.datadog.ql import DatadogQL, UnsaidError, tag_value
from anytel.generate.datadog.rules import query_problems
from anytel.generate.spelling import speller
from anytel_datadog import naming


def compiled(by=()):
    return DatadogQL(Catalogue.declared(), speller("datadog"), ("service:shop",), by)


SHOP, FAILED = "{service:shop}", "{service:shop,outcome:error}"
CASES = [
    (lambda s: anytel.Stat(s.calls), f"sum:mcp.calls{SHOP}.as_rate()"),
    (
        lambda s: anytel.Stat(s.calls, "increase", by=("endpoint", "outcome")),
        f"sum:mcp.calls{SHOP} by {{endpoint,outcome}}.as_count()",
    ),
    (lambda s: anytel.Stat(s.calls, where={"outcome": "!ok"}), "sum:mcp.calls{service:shop,!outcome:ok}.as_rate()"),
    (
        lambda s: anytel.Stat(s.calls, where={"outcome": "!ok", "endpoint": ("revalidate", "skills")}),
        "sum:mcp.calls{service:shop AND endpoint IN (revalidate,skills) AND NOT outcome:ok}.as_rate()",
    ),
    (
        lambda s: anytel.Stat(s.time, where={"endpoint": ("!a*", "!b")}),
        "count:response.time{service:shop AND NOT (endpoint:a* OR endpoint:b)}.as_rate()",
    ),
    (
        lambda s: anytel.Stat(s.time, where={"endpoint": "Get It!", "http.response.status_code": "!*"}),
        "count:response.time{service:shop,endpoint:get_it_,!http.response.status_code:*}.as_rate()",
    ),
    (lambda s: anytel.Stat(s.time, "p95", by="endpoint"), f"p95:response.time{SHOP} by {{endpoint}}"),
    (lambda s: anytel.Stat(s.time, "avg"), f"avg:response.time{SHOP}"),
    (lambda s: anytel.Stat(s.depth, "max", by="queue"), f"max:queue.depth{SHOP} by {{queue}}"),
    (lambda s: anytel.Stat(s.users), f"max:unique.users{SHOP}"),
    (
        lambda s: anytel.Ratio(bad=anytel.Stat(s.calls, where={"outcome": "error"}), total=s.calls),
        f"100 * default_zero(sum:mcp.calls{FAILED}.as_count()) / sum:mcp.calls{SHOP}.as_count()",
    ),
    (
        lambda s: anytel.Latency(s.time, le=250),
        f"100 * count(v: v<=250):response.time{SHOP}.as_count() / count:response.time{SHOP}.as_count()",
    ),
    (lambda s: anytel.Raw(datadog=" avg:x{*} "), "avg:x{*}"),
]


@pytest.mark.parametrize(("make", "query"), CASES)
def test_an_expression_is_this_query(shop, make, query):
    """And it is one of Datadog's grammar."""
    found = compiled().expression(make(shop))
    assert found == query
    assert query_problems(found) == []


def test_a_histogram_is_asked_for_its_counts(shop):
    """The agent makes a metric of each of its aggregations."""
    histogram = anytel.Histogram("db.time", unit="s", buckets=(1, 2))
    assert compiled().expression(anytel.Stat(histogram)) == "sum:db.time.count{service:shop}.as_rate()"


@pytest.mark.parametrize("stat", ["p95", "avg"])
def test_a_histogram_has_no_percentiles_over_all_hosts(shop, stat):
    """The reason is told, and what to declare instead."""
    histogram = anytel.Histogram("db.time", unit="s", buckets=(1, 2))
    with pytest.raises(UnsaidError, match="only a distribution has"):
        compiled().expression(anytel.Stat(histogram, stat))
    with pytest.raises(UnsaidError, match="only a distribution has"):
        compiled().expression(anytel.Latency(histogram, le=1))


GOOD = [
    (lambda s: {"good": anytel.Stat(s.calls, where={"outcome": "ok"})}, "sum:mcp.calls{service:shop,outcome:ok}"),
    (lambda s: {"bad": anytel.Stat(s.calls, where={"outcome": "error"})}, "sum:mcp.calls{service:shop,!outcome:error}"),
    (lambda s: {"bad": anytel.Stat(s.calls, where={"outcome": "!ok"})}, "sum:mcp.calls{service:shop,outcome:ok}"),
]


@pytest.mark.parametrize(("given", "query"), GOOD)
def test_good_events_are_those_that_are_not_bad(shop, given, query):
    """By the opposite of what tells the bad ones."""
    assert compiled().good(anytel.Ratio(total=shop.calls, **given(shop))) == f"{query}.as_count()"


def test_bad_events_of_another_metric_are_taken_away(shop):
    """Also while none was ever counted."""
    found = compiled().good(anytel.Ratio(total=shop.calls, bad=shop.errors))
    assert found == f"sum:mcp.calls{SHOP}.as_count() - default_zero(sum:mcp.errors{SHOP}.as_count())"
    assert query_problems(found) == []


def test_tags_of_all_hosts_tell_values_apart_too(shop):
    """Such as the cluster, which no metric has declared."""
    ratio = anytel.Ratio(
        good=anytel.Stat(shop.calls, where={"outcome": "ok"}), total=anytel.Stat(shop.calls, by="endpoint")
    )
    found = compiled(by=("cluster",)).expression(ratio)
    assert found.count(" by {endpoint,cluster}") == 2


@pytest.mark.parametrize("value", ["ok", "a b", "GET /x", "5xx,4xx", "naïve", "a{b}"])
def test_values_are_what_the_backend_sends(value):
    """In lower case, as Datadog keeps them."""
    assert tag_value(value) == naming.tag("key", value).partition(":")[2].lower()
