"""What is wrong with declarations is told before anything is generated: the place, the problem, the fix."""

from __future__ import annotations

import math
from decimal import Decimal

import pytest

import anytel
from anytel.catalogue import Catalogue
from anytel.catalogue.burn import burns
from anytel.catalogue.validate import problems, validate
from anytel.errors import DeclarationError


class Metrics:
    """Some of each kind."""

    def __init__(self):
        self.calls = anytel.Counter("mcp.calls", tags={"endpoint": None, "outcome": ("ok", "error")})
        self.other = anytel.Counter("mcp.errors")
        self.time = anytel.Histogram("response.time", tags=("endpoint",), unit="s", buckets=(0.1, 0.25, 1))
        self.depth = anytel.Gauge("queue.depth", tags=("queue",))
        self.users = anytel.Set("unique.users")


@pytest.fixture
def metrics():
    return Metrics()


BAD_CONDITIONS = [
    (lambda m: anytel.Stat("mcp.cals") > 1, "no declared metric 'mcp.cals'", "Did you mean 'mcp.calls'?"),
    (
        lambda m: anytel.Stat("nothing.like.it") > 1,
        "no declared metric",
        "Declare it: anytel.Counter('nothing.like.it'",
    ),
    (lambda m: anytel.Stat(m.depth) > 1, "no usual stat", "sum, avg, min, max"),
    (lambda m: anytel.Stat(m.calls, "p95") > 1, "a count such as 'mcp.calls' has no 'p95'", "rate, increase"),
    (lambda m: anytel.Stat(m.depth, "rate") > 1, "a gauge such as 'queue.depth' has no 'rate'", "Use one of"),
    (lambda m: anytel.Stat(m.users, "sum") > 1, "a set such as 'unique.users' has no 'sum'", "max"),
    (lambda m: anytel.Stat(m.time, "p0") > 1, "has no 'p0'", "p95"),
    (lambda m: anytel.Stat(m.calls, by="endpont") > 1, "has no tag 'endpont'", "Did you mean 'endpoint'?"),
    (lambda m: anytel.Stat(m.calls, where={"status": "ok"}) > 1, "has no tag 'status'", "Declared at"),
    (
        lambda m: anytel.Stat(m.calls, where={"outcome": "fail"}) > 1,
        "outcome='fail' is none of error, ok",
        "declared at",
    ),
    (lambda m: anytel.Stat(m.calls, where={"outcome": "x*"}) > 1, "outcome='x*' is none of", "declared at"),
    (lambda m: anytel.Stat(m.calls, where={"outcome": ()}) > 1, "outcome has no value", "declared at"),
    (lambda m: anytel.Stat(m.calls, where={"endpoint": ""}) > 1, "matches nothing", "'!*'"),
    (lambda m: anytel.Stat(m.calls, where={"endpoint": ("a", "!b")}) > 1, "mixes values with their opposite", "'!'"),
    (lambda m: anytel.Stat(m.calls, where={"outcome": ("!ok", "!error")}) > 1, "no series of 'mcp.calls'", "where="),
    (lambda m: anytel.Stat(m.calls, window="5 minutes") > 1, "'5 minutes' is no duration", "Write a number"),
    (lambda m: anytel.Stat(m.calls, window="0s") > 1, "the window is empty", "above 0"),
    (lambda m: anytel.Stat(m.calls) > "many", "compared with 'many'", "finite number"),
    (lambda m: anytel.Stat(m.calls) > math.inf, "compared with inf", "finite number"),
    (lambda m: anytel.Stat(m.calls), "Stat is no condition", "Compare an expression with a number"),
    (lambda m: anytel.Stat(m.calls) < 0, "it never holds: it is never below 0", "another number"),
    (lambda m: anytel.Stat(m.calls) >= 0, "it always holds: it is never below 0", "another number"),
    (lambda m: anytel.Stat(m.time, "p95") > 2, "it never holds: p95 of 'response.time' is from 0.095 to 1", "another"),
    (lambda m: anytel.Stat(m.time, "p95") > 0.05, "it always holds: p95", "another number"),
    (lambda m: anytel.Ratio(bad=m.other, total=m.calls) > 5, "a share is from 0 to 1", "Write 5 % as 0.05"),
    (lambda m: anytel.Ratio(bad=m.other, total=m.calls) > 1, "it never holds: a share", "another number"),
    (lambda m: anytel.Ratio(total=m.calls) > 0.1, "one of good=, bad= and part=, not none", "exactly one"),
    (lambda m: anytel.Ratio(good=m.other, bad=m.other, total=m.calls) > 0.1, "not good, bad", "exactly one"),
    (lambda m: anytel.Ratio(bad=m.calls, total=m.calls) > 0.1, "the share is always 1", "Narrow"),
    (
        lambda m: anytel.Ratio(bad=anytel.Stat(m.calls, "increase"), total=m.calls) > 0.1,
        "a Ratio of increase and rate",
        "the same stat",
    ),
    (
        lambda m: anytel.Ratio(bad=anytel.Stat(m.calls, by="endpoint"), total=m.calls) > 0.1,
        "by endpoint and by nothing",
        "the same by=",
    ),
    (
        lambda m: anytel.Ratio(bad=anytel.Stat(m.other, window="1h"), total=m.calls) > 0.1,
        "look back 1h and 5m",
        "one window=",
    ),
    (
        lambda m: (
            anytel.Ratio(bad=anytel.Stat(m.calls, where={"outcome": "error"}), total=anytel.Stat(m.calls, by="outcome"))
            > 0.1
        ),
        "by outcome, which tells the part from the rest",
        "out of by=",
    ),
    (lambda m: anytel.Latency(m.time, le=0.3) < 0.9, "le=0.3 is no bound of a bucket", "0.1, 0.25, 1"),
    (lambda m: anytel.Latency(m.calls, le=0.25) < 0.9, "'mcp.calls' is a count", "distribution or histogram"),
    (lambda m: anytel.Raw(), "has no query", "promql="),
    (lambda m: None, "NoneType is no condition", "Compare"),
]


@pytest.mark.parametrize(("condition", "problem", "fix"), BAD_CONDITIONS)
def test_a_condition_that_cannot_be_watched_is_told(metrics, condition, problem, fix):
    """In one line that begins with the place."""
    alert = anytel.Alert("Watched", condition(metrics), severity="warning")
    lines = problems(Catalogue.declared())
    assert any(problem in line and fix in line for line in lines), lines
    assert all(line.startswith(f"{alert.place}: alert 'Watched': ") for line in lines)


def ratio(metrics):
    return anytel.Ratio(bad=anytel.Stat(metrics.calls, where={"outcome": "error"}), total=metrics.calls)


BAD_OBJECTIVES = [
    ({"objective": 99.9}, "the objective 99.9 is no share", "0.999"),
    ({"objective": "x"}, "the objective NaN is no share", "0.999"),
    ({"objective": 1}, "the objective 1 is no share", "0.999"),
    ({"objective": "0.9"}, "14.4 times the budget of 0.1, which is more than all events", "above 0.9306"),
    ({"objective": "0.95", "window": "90d"}, "21.6 times the budget", "above 0.9537"),
    ({"window": "1d"}, "over 1d", "7d, 28d, 30d or 90d"),
    ({"window": "6d"}, "over 6d, 42 % of the budget within 3d is no faster than allowed", "7d, 28d, 30d or 90d"),
    ({"window": "a month"}, "'a month' is no duration", "Write a number"),
    ({"min_events": -1}, "min_events=-1", "0 or more"),
    ({"runbook": "wiki"}, "'wiki' is no address", "https://"),
    ({"notify": ("on call",)}, "notify='on call' names no receiver", "letters"),
    ({"name": "../etc"}, "that is no name", "letters"),
    ({"sli": lambda m: None}, "says of no event whether it is good", "Ratio or a Latency"),
    ({"sli": lambda m: anytel.Ratio(part=m.other, total=m.calls)}, "neither good nor bad", "good= or bad="),
    (
        {"sli": lambda m: anytel.Ratio(bad=anytel.Stat(m.depth, "sum"), total=m.calls)},
        "a Ratio of sum and rate says nothing",
        "the same stat",
    ),
    ({"sli": lambda m: anytel.Latency(m.time, le=0.25, by="endpoint")}, "not one by endpoint", "Leave by= out"),
    ({"sli": lambda m: anytel.Latency(m.time, le=5)}, "le=5 is no bound", "declare buckets= with it at"),
]


@pytest.mark.parametrize(("given", "problem", "fix"), BAD_OBJECTIVES)
def test_an_objective_that_cannot_be_kept_is_told(metrics, given, problem, fix):
    """Each with its fix."""
    settings = {"name": "kept", "objective": "0.999", "window": "30d", "sli": ratio, **given}
    settings["sli"] = settings["sli"](metrics)
    anytel.SLO(**settings)
    lines = problems(Catalogue.declared())
    assert any(problem in line and fix in line for line in lines), lines


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"severity": "loud"}, "there is no severity 'loud'"),
        ({"for_": "soon"}, "for_: 'soon' is no duration"),
        ({"no_data": "0s"}, "no_data is empty"),
        ({"name": "with space"}, "that is no name"),
        ({"message": "{endpoint} is slow"}, "the message has {endpoint}, which is not known there"),
        ({"message": "{"}, "the message cannot be read"),
    ],
)
def test_an_alert_that_cannot_be_told_is_told(metrics, given, problem):
    """What surrounds the condition."""
    settings = {"name": "Told", "severity": "warning", **given}
    anytel.Alert(condition=anytel.Stat(metrics.calls) > 1, **settings)
    assert any(problem in line for line in problems(Catalogue.declared()))


def test_names_are_used_once(metrics):
    """Also where only the case differs: they become names of files."""
    first = anytel.Alert("Slow", anytel.Stat(metrics.calls) > 1, severity="info")
    anytel.Alert("slow", anytel.Stat(metrics.calls) > 2, severity="info")
    (line,) = problems(Catalogue.declared())
    assert f"the name is used at {first.place} already" in line


def test_a_view_shows_something_declared(metrics):
    """A gauge without a stat is fine there: all its series are shown."""
    anytel.View("Depth", metrics.depth)
    anytel.View("Nothing")
    anytel.View("Wrong", "no.such.metric", row="R")
    lines = problems(Catalogue.declared())
    assert [line.split(": ")[1] for line in lines] == ["view 'Nothing'", "view 'R/Wrong'"]


def test_all_problems_are_told_at_once(metrics):
    """One round trip, not one for each."""
    anytel.Alert("One", anytel.Stat("nope") > 1, severity="loud", for_="x")
    with pytest.raises(DeclarationError) as raised:
        validate(Catalogue.declared())
    assert len(raised.value.problems) == 3
    assert str(raised.value).count("\n") == 2


GOOD_CONDITIONS = [
    lambda m: anytel.Stat(m.calls) > 0,
    lambda m: anytel.Stat(m.calls) <= 0,
    lambda m: anytel.Stat(m.calls, "increase", window="1h30m", by=("endpoint", "outcome")) > 1000,
    lambda m: anytel.Stat(m.calls, where={"outcome": ("ok", "error"), "endpoint": "!*"}) > 1,
    lambda m: anytel.Stat(m.depth, "max", by="queue") < -3,
    lambda m: anytel.Stat(m.depth, "sum") < -1e20,
    lambda m: anytel.Stat(m.depth, "sum") >= 0,
    lambda m: anytel.Stat(m.users) >= 5,
    lambda m: anytel.Stat(m.time, "p99.9", where={"endpoint": "a*b"}) > 0.5,
    lambda m: anytel.Stat(m.time, "avg") > 100,
    lambda m: (
        anytel.Ratio(part=anytel.Stat(m.depth, "sum", where={"queue": "mail"}), total=anytel.Stat(m.depth, "sum")) > 0.5
    ),
    lambda m: anytel.Latency(m.time, le=0.25, by="endpoint") < 0.99,
    lambda m: anytel.Raw(promql="up == 0"),
]


@pytest.mark.parametrize("condition", GOOD_CONDITIONS)
def test_a_condition_that_makes_sense_is_accepted(metrics, condition):
    """Of every kind of metric."""
    anytel.Alert("Fine", condition(metrics), severity="critical", message="{value} {{literally}}")
    assert problems(Catalogue.declared()) == []


@pytest.mark.parametrize(
    ("window", "factors"),
    [
        ("30d", ["14.4", "6", "3", "1"]),
        ("28d", ["13.44", "5.6", "2.8", "0.9333"]),
        ("7d", ["13.44", "3.5", "1.4", "0.98"]),
        ("1w", ["13.44", "3.5", "1.4", "0.98"]),
        ("90d", ["21.6", "7.2", "3.6", "1.5"]),
        ("14d", ["13.44", "5.6", "2.8", "0.9333"]),
        ("21d", ["20.16", "8.4", "4.2", "1.4"]),
        ("46d", ["22.08", "9.2", "4.6", "1.5333"]),
    ],
)
def test_burn_rates_follow_from_the_window(window, factors):
    """For 30 days they are those of The Site Reliability Workbook, for a week sloth's."""
    assert [f"{burn.factor:.4f}".rstrip("0").rstrip(".") for burn in burns(window)] == factors


@pytest.mark.parametrize("days", range(7, 366))
def test_no_window_alerts_on_what_its_budget_allows(metrics, days):
    """The slowest row is about as fast as evenly over the window, and the others are faster."""
    *fast, slowest = (burn.factor for burn in burns(f"{days}d"))
    assert min(fast) > 1
    assert slowest >= Decimal("0.9")
