"""The limits that the documentation names are those of the code."""

from __future__ import annotations

from anytel.attributes import MAX_ATTRIBUTES, MAX_TEXT
from anytel.metrics.aggregate import MAX_MEMBERS, MAX_SAMPLES
from anytel.metrics.instruments import MAX_TAG
from anytel.metrics.registry import MAX_UNDECLARED
from anytel.metrics.store import MAX_SERIES
from anytel.pipeline.outlet import ATTEMPT, BACKOFF, LIMITS, PERSISTENCE
from anytel.pipeline.pipeline import BUFFER
from anytel.redaction import DEFAULT_KEYS
from anytel.tracing import baggage, tracestate
from anytel.tracing.record import MAX_EVENTS
from anytel.tracing.trace import BREADCRUMBS, CHUNK
from anytel.tracing.tracer import MAX_LINKS
from docs.pages import DOCS, code, rows, section

PAGE = DOCS / "how-it-works.md"
LIMITED = {
    "Records that wait for the dispatcher": BUFFER,
    "Spans that wait for one backend": LIMITS["span"],
    "Log events that wait for one backend": LIMITS["log"],
    "Error reports that wait for one backend": LIMITS["error"],
    "Metric intervals that wait for one backend": LIMITS["metric"],
    "Spans that leave together": CHUNK,
    "Attributes of one record": MAX_ATTRIBUTES,
    "Characters of one value": MAX_TEXT,
    "Events of one span": MAX_EVENTS,
    "Links of one span": MAX_LINKS,
    "Members of a `tracestate`": tracestate.MAX_MEMBERS,
    "Characters of a `tracestate`": tracestate.MAX_TRACESTATE,
    "Members of a `baggage`": baggage.MAX_MEMBERS,
    "Characters of a `baggage`": baggage.MAX_BAGGAGE,
    "Log events that an error report shows": BREADCRUMBS,
    "Names of metrics": MAX_UNDECLARED,
    "Series of one metric": MAX_SERIES,
    "Characters of a tag value": MAX_TAG,
    "Samples of one series and interval": MAX_SAMPLES,
    "Members of one set and interval": MAX_MEMBERS,
    "Seconds one attempt to send may take": ATTEMPT,
}


def test_the_table_of_limits_has_the_numbers_of_the_code():
    """Row by row."""
    shown = {row[0]: row[1] for row in rows(PAGE) if row[0] in LIMITED}
    assert shown == {what: f"{limit:,.0f}" for what, limit in LIMITED.items()}


def test_the_waiting_times_are_those_of_the_code():
    """Of the retries."""
    text = section(PAGE, "When a vendor is down")
    first, longest = BACKOFF
    assert f"after {first} seconds" in text
    assert f"up to {longest:.0f} seconds" in text
    assert f"for {PERSISTENCE:.0f} seconds" in text


def test_the_redacted_names_are_those_of_the_code():
    """All of them, in their order."""
    [line] = [line for line in section(PAGE, "Redaction").splitlines() if line.startswith("`password`")]
    assert tuple(code(line)) == DEFAULT_KEYS
