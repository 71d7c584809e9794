"""Parsers of DogStatsD that are not Datadog's read our metrics: values, kinds and tags."""

from contextlib import suppress

import pytest

import anytel
from real.web import Late, await_value

pytestmark = pytest.mark.go

NO_AGENT = "http://127.0.0.1:9"
CONSTANT = {("service", "shop"), ("env", "test"), ("version", "1.4.0")}


def measure():
    """Record every kind but the set; no negative gauge, which these two take for a change and Datadog for a value."""
    anytel.count("mcp.calls", 2, tags={"endpoint": "revalidate"})
    anytel.count("mcp.calls", tags={"endpoint": "a:b,c|d #é"})
    anytel.count("mcp.calls", tags={"endpoint": "revalidate"})
    anytel.gauge("queue.depth", 12)
    for value in (0.1, 0.2, 0.3):
        anytel.distribution("response.time", value, unit="s")
        anytel.histogram("db.query.time", value, unit="s", tags={"operation": "select"})


def labelled(*pairs):
    return frozenset(CONSTANT | set(pairs))


def agree(read, expected):
    """Wait until *read* gives what is expected: these programs show what they have received a little later."""
    with suppress(Late):
        await_value(read, lambda found: found == expected, timeout=10)
    assert read() == expected


def test_statsd_exporter_reads_every_line(exporter, configured, delivered):
    """Counts are added and both sampled kinds have their values; no line and no tag is refused."""
    configured("datadog", DD_DOGSTATSD_URL=exporter.statsd, DD_TRACE_AGENT_URL=NO_AGENT)
    measure()
    delivered()

    expected = {
        "mcp_calls_total": {labelled(("endpoint", "revalidate")): 3, labelled(("endpoint", "a:b_c_d__é")): 1},
        "queue_depth": {labelled(): 12},
    }
    for name, tags in (("response_time", ()), ("db_query_time", (("operation", "select"),))):
        expected[f"{name}_count"] = {labelled(*tags): 3}
        expected[f"{name}_sum"] = {labelled(*tags): pytest.approx(0.6)}
        bounds = ("0.15", "0.25", "+Inf")
        expected[f"{name}_bucket"] = {labelled(*tags, ("le", bound)): n for n, bound in enumerate(bounds, 1)}
    agree(lambda: {name: exporter.samples(name) for name in expected}, expected)
    assert exporter.refused() == {}


def test_the_counts_of_two_intervals_add_up(exporter, configured, delivered):
    """A count is sent as what was added since the last time, not as its total."""
    configured("datadog", DD_DOGSTATSD_URL=exporter.statsd, DD_TRACE_AGENT_URL=NO_AGENT)
    for amount in (2, 3):
        anytel.count("jobs", amount)
        delivered()

    agree(lambda: exporter.samples("jobs_total"), {labelled(): 5})


def test_telegraf_reads_every_kind(collector, configured, delivered):
    """Each kind is known as what it is, sets too: four members of which two are the same are three."""
    configured("datadog", DD_DOGSTATSD_URL=collector.statsd, DD_TRACE_AGENT_URL=NO_AGENT)
    measure()
    for member in ("a", "b", "a", "é ü"):
        anytel.set("unique.fragments", member, tags={"page": "home"})
    delivered()

    agree(
        lambda: {one["name"]: one["tags"]["metric_type"] for one in collector.metrics()},
        {
            "mcp.calls": "counter",
            "queue.depth": "gauge",
            "response.time": "distribution",
            "db.query.time": "histogram",
            "unique.fragments": "set",
        },
    )
    agree(lambda: [one["fields"]["value"] for one in collector.of("response.time")], [0.1, 0.2, 0.3])
    calls = {one["tags"]["endpoint"]: one["fields"]["value"] for one in collector.of("mcp.calls")}
    assert calls == {"revalidate": 3, "a:b_c_d__é": 1}
    assert collector.of("queue.depth")[-1]["fields"] == {"value": 12}
    query = collector.of("db.query.time")[-1]["fields"]
    assert (query["count"], query["lower"], query["upper"]) == (3, 0.1, 0.3)
    fragments = collector.of("unique.fragments")[-1]
    assert fragments["fields"] == {"value": 3}
    assert fragments["tags"].items() >= CONSTANT | {("page", "home")}
