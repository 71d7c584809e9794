"""The lock: what breaks queries is told as breaking, what adds to them as an addition."""

from __future__ import annotations

import json

import pytest

import anytel
from anytel import runtime
from anytel.catalogue import Catalogue
from anytel.errors import ConfigError
from anytel.generate.lock import changes, locked, read


def lock(declare):
    """Give the lock of what *declare* declares, in a process of its own so to say."""
    runtime.reset()
    declare()
    return json.loads(locked(Catalogue.declared()))


def histogram(**more):
    given = {"tags": {"endpoint": None, "outcome": ("ok", "error")}, "unit": "s", "buckets": (0.1, 1), **more}
    return lambda: anytel.Histogram("response.time", **given)


CHANGES = [
    (lambda: None, True, "is no longer declared"),
    (lambda: anytel.Counter("response.time", unit="s"), True, "kind was 'histogram' and is 'count'"),
    (histogram(unit="ms"), True, "unit was 's' and is 'ms'"),
    (histogram(unit="By"), True, "in prometheus its name was 'response_time_seconds' and is 'response_time_bytes'"),
    (histogram(tags={"outcome": ("ok", "error")}), True, "tag 'endpoint' is gone"),
    (histogram(tags={"endpoint": None, "outcome": ("ok",)}), True, "value of tag 'outcome' 'error' is gone"),
    (histogram(tags={"endpoint": ("a",), "outcome": ("ok", "error")}), True, "tag 'endpoint' had any value"),
    (histogram(buckets=(0.1, 2)), True, "bucket 1.0 is gone"),
    (histogram(buckets=(0.1, 1, 2)), False, "bucket 2.0 is new"),
    (histogram(tags={"endpoint": None, "outcome": None}), False, "tag 'outcome' may have any value"),
    (histogram(tags={"endpoint": None, "more": None, "outcome": ("ok", "error")}), False, "tag 'more' is new"),
]


@pytest.mark.parametrize(("declare", "breaking", "what"), CHANGES)
def test_a_change_is_told_for_what_it_does(declare, breaking, what):
    """To whatever reads the metric."""
    before, now = lock(histogram()), lock(declare)
    found = list(changes(before, now))
    assert any(one.metric == "response.time" and one.what.startswith(what) for one in found), found
    assert any(one.breaking for one in found) is breaking


def test_a_new_metric_is_an_addition():
    """And nothing else changes."""

    def both():
        histogram()()
        anytel.Counter("calls")

    (change,) = changes(lock(histogram()), lock(both))
    assert (change.breaking, change.metric, change.what) == (False, "calls", "is new")


def test_the_order_of_declarations_and_their_texts_are_not_locked():
    """Nor where they stand."""

    def one():
        anytel.Counter("a", tags=("x", "y"), description="one")
        anytel.Counter("b")

    def other():
        anytel.Counter("b", owner="somebody")
        anytel.Counter("a", tags=("y", "x"), description="other")

    assert lock(one) == lock(other)


def test_another_spelling_at_a_vendor_is_told():
    """As after an update of a backend, though nothing was declared otherwise."""
    before, now = lock(histogram()), lock(histogram())
    before["metrics"]["response.time"]["names"]["prometheus"]["tags"]["endpoint"] = "endPoint"
    before["metrics"]["response.time"]["names"]["datadog"]["unit"] = "minute"
    assert {one.what for one in changes(before, now)} == {
        "in prometheus its tag 'endpoint' was 'endPoint' and is 'endpoint'",
        "in datadog its unit was 'minute' and is 'second'",
    }


def promises(name="kept", window="30d", objective="0.999", severity="info"):
    def declare():
        calls, errors = anytel.Counter("calls"), anytel.Counter("errors")
        anytel.SLO(name, objective, window, anytel.Ratio(bad=errors, total=calls))
        anytel.Alert(name, anytel.Stat(calls) > 1, severity=severity)

    return declare


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"window": "28d"}, [(True, "SLO 'kept'", "window was '30d' and is '28d'")]),
        ({"objective": "0.99"}, [(False, "SLO 'kept'", "objective was '0.999' and is '0.99'")]),
        ({"severity": "critical"}, [(False, "alert 'kept'", "severity was 'info' and is 'critical'")]),
        (
            {"name": "new"},
            [
                (True, "SLO 'kept'", "is no longer declared"),
                (False, "SLO 'new'", "is new"),
                (True, "alert 'kept'", "is no longer declared"),
                (False, "alert 'new'", "is new"),
            ],
        ),
    ],
)
def test_objectives_and_alerts_keep_their_names(given, told):
    """Recorded series, dashboards, silences and routes have them."""
    before, now = lock(promises()), lock(promises(**given))
    assert [tuple(one) for one in changes(before, now)] == told


def test_a_lock_of_metrics_only_is_compared_as_far_as_it_goes():
    """Such as one of an earlier version."""
    before, now = lock(promises()), lock(promises(name="new"))
    del before["slos"], before["alerts"]
    assert list(changes(before, now)) == []


def test_another_text_of_a_bucket_is_told():
    """Queries name buckets by it."""
    before, now = lock(histogram()), lock(histogram())
    before["metrics"]["response.time"]["names"]["prometheus"]["buckets"][1] = "1"
    assert [one.what for one in changes(before, now)] == ["in prometheus its bucket '1' is '1.0'"]


UNREADABLE = [
    None,
    "no json",
    "[]",
    '{"version": 2, "metrics": {}}',
    '{"version": 1}',
    '{"version": 1, "metrics": {}}',
    '{"version": 1, "backends": [], "metrics": {"a": {}}}',
    '{"version": 1, "backends": [], "metrics": {"a": 1}}',
    '{"version": 1, "backends": [], "metrics": {}, "slos": {"a": 1}, "alerts": {}}',
]


@pytest.mark.parametrize("text", UNREADABLE)
def test_a_lock_that_cannot_be_read_is_told(tmp_path, text):
    """With how to write it."""
    path = tmp_path / "anytel.lock.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(ConfigError, match="Write it: anytel lock"):
        read(path)
