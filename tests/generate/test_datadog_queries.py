"""Our reader of Datadog's queries: what it takes, and what it refuses with the reason."""

from __future__ import annotations

import pytest

from anytel.generate.datadog.query import Binary, Change, MetricQuery, Monitor, Tag, parse_monitor, parse_query, queries
from anytel.generate.datadog.rules import minutes, monitor_problems, query_problems
from generate.datadog_queries import MONITORS, WRONG


@pytest.mark.parametrize("query", MONITORS)
def test_the_forms_of_published_monitors_are_read(query):
    """And nothing is found wrong with them."""
    assert monitor_problems(query) == []


@pytest.mark.parametrize(("query", "told"), WRONG)
def test_what_is_wrong_is_told(query, told):
    """With the place in the query, where it cannot be read."""
    (first, *_) = monitor_problems(query)
    assert told in first


def test_a_query_is_a_tree():
    """Scope, groups and methods are there, so that names can be compared with the declarations."""
    found = parse_monitor("sum(last_10m):100 * sum:a{b:c,!d:e*} by {f}.as_count() / sum:g{*}.as_count() < 99")
    assert isinstance(found, Monitor)
    assert (found.window.span, found.comparator, found.threshold) == ("last_10m", "<", 99)
    one, other = queries(found.expression)
    assert (one.aggregator, one.metric, one.by) == ("sum", "a", ("f",))
    assert one.scope.tags == (Tag("b", "c"), Tag("d", "e*", negated=True))
    assert [method.name for method in one.methods] == ["as_count"]
    assert other == parse_query("sum:g{*}.as_count()")


def test_operators_bind_as_in_arithmetic():
    """Times before plus, and from left to right."""
    found = parse_query("avg:a{*} - avg:b{*} - avg:c{*} * 2")
    assert isinstance(found, Binary)
    assert isinstance(found.left, Binary)
    assert (found.operator, found.left.operator) == ("-", "-")
    assert isinstance(found.right, Binary)
    assert isinstance(found.right.left, MetricQuery)


def test_a_change_knows_since_when():
    """Both spellings of the past are read."""
    for ago in ("last_1h", "60m_ago"):
        found = parse_monitor(f"change(avg(last_5m),{ago}):avg:a{{*}} > 1")
        assert isinstance(found, Monitor)
        assert isinstance(found.window, Change)
        assert minutes(found.window.ago) == 60


def test_negation_reaches_all_that_is_in_brackets():
    """As in logic; twice is not at all."""
    found = parse_query("avg:a{NOT (b:c OR NOT d:e)}")
    assert isinstance(found, MetricQuery)
    assert found.scope.tags == (Tag("b", "c", negated=True), Tag("d", "e"))


def test_the_query_of_a_widget_has_no_window():
    """And one of a monitor is none."""
    assert query_problems("avg:shop.load{$env} by {host}") == []
    assert query_problems("avg(last_5m):avg:shop.load{*} > 1") != []
