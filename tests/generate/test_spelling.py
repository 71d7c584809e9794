"""Names: what is generated is what a scrape of a real endpoint shows, whatever is declared."""

from __future__ import annotations

import re

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, given, settings

import anytel
import anytel_prometheus
from anytel import runtime
from anytel.catalogue import Catalogue
from anytel.errors import ConfigError, DeclarationError
from anytel.generate.clashes import refuse_clashes
from anytel.generate.spelling import backends, speller
from anytel.testing.receivers.dogstatsd import DogStatsD
from anytel.testing.receivers.prometheus import scrape

KINDS = (anytel.Counter, anytel.Gauge, anytel.Distribution, anytel.Histogram, anytel.Set)
UNITS = ("", "1", "s", "ms", "us", "By", "MiBy", "%", "{call}", "By/s", "{x}/s", "furlong", "Cel", "h")
NAMES = st.from_regex(r"[A-Za-z][A-Za-z0-9_.\-/]{0,20}", fullmatch=True)
TAGS = st.lists(
    st.text(st.characters(codec="ascii", min_codepoint=33), min_size=1, max_size=8), max_size=3, unique=True
)
BUCKETS = st.lists(st.floats(0.0001, 1e6, allow_nan=False), min_size=1, max_size=5, unique=True)


def record(instrument, tags):
    if isinstance(instrument, anytel.Counter | anytel.Set):
        instrument.add(1, tags)
    elif isinstance(instrument, anytel.Gauge):
        instrument.set(1, tags)
    else:
        instrument.record(1, tags)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(kind=st.sampled_from(KINDS), name=NAMES, unit=st.sampled_from(UNITS), tags=TAGS, buckets=BUCKETS)
def test_generated_names_are_those_of_a_real_scrape(kind, name, unit, tags, buckets):
    """Of the series, their labels and their buckets' bounds; or the metric is refused at generation."""
    runtime.reset()
    sampled = kind in (anytel.Distribution, anytel.Histogram)
    instrument = kind(name, unit=unit, tags=tags, **({"buckets": buckets} if sampled else {}))
    spell = speller("prometheus")
    try:
        refuse_clashes(Catalogue.declared(), spell)
    except DeclarationError:
        return
    spelling = spell(instrument)
    anytel.configure(service="shop", backends="prometheus", log_format="json")
    try:
        record(instrument, {tag: f"v{number}" for number, tag in enumerate(tags)})
        server = anytel_prometheus.start_http_server()
        text = scrape(server.url).text
        server.close()
    finally:
        anytel.shutdown(timeout=5)
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    ours = [line for line in lines if re.match(rf"{re.escape(spelling.name)}(_\w+)?[ {{]", line)]
    assert {re.split(r"[ {]", line)[0] for line in ours} == set(spelling.series)
    labels = {label for line in ours for label in re.findall(r'[{,](\w+)="', line)}
    assert labels - {"le"} == set(spelling.tags.values())
    assert re.findall(r'le="([^"]+)"', "\n".join(ours)) == [*spelling.bounds, *(["+Inf"] if sampled else [])]


@pytest.mark.parametrize(
    ("backend", "name", "kind", "unit", "tag"),
    [
        ("prometheus", "db_query_time_seconds", "histogram", "seconds", "db_operation"),
        ("datadog", "db.query.time", "distribution", "millisecond", "db.operation"),
        ("sentry", "db.query.time", "distribution", "millisecond", "db.operation"),
        ("otlp", "db.query.time", "histogram", "ms", "db.operation"),
    ],
)
def test_each_vendor_has_its_own_words(backend, name, kind, unit, tag):
    """For the name, the kind, the unit and a tag."""
    spelling = speller(backend)(anytel.Distribution("db.query.time", unit="ms", tags=("db.operation",)))
    assert (spelling.name, spelling.type, spelling.unit, spelling.tags) == (name, kind, unit, {"db.operation": tag})


def test_a_histogram_of_datadog_is_several_gauges():
    """Which another metric's name may not be."""
    spelling = speller("datadog")(anytel.Histogram("db.query.time", unit="s"))
    assert "db.query.time.95percentile" in spelling.series
    assert spelling.reserved > set(spelling.series)


def test_what_has_no_names_of_its_own_is_told():
    """With what to install."""
    with pytest.raises(ConfigError, match=r"anytel\[graphite\]"):
        speller("graphite")
    assert {"prometheus", "datadog", "sentry", "memory"} <= backends().keys()


@pytest.mark.parametrize("kind", KINDS)
def test_the_names_of_datadog_are_those_on_the_wire(kind, monkeypatch):
    """Also where they are no names for it as they stand."""
    monkeypatch.setenv("DD_TRACE_AGENT_URL", "http://127.0.0.1:9")
    instrument = kind("db/query-time", unit="ms", tags=("9 lives", "db.op:x", "Ünit"))
    spelling = speller("datadog")(instrument)
    with DogStatsD() as server:
        monkeypatch.setenv("DD_DOGSTATSD_URL", server.url)
        anytel.configure(service="shop", backends="datadog", log_format="json")
        record(instrument, dict.fromkeys(instrument.tags, "v"))
        assert anytel.flush(10)
        assert server.wait(lambda one: one.metrics)
        (metric,) = server.metrics
    assert metric.name == spelling.name
    sent = {tag.rpartition(":")[0] for tag in metric.tags} - {"service"}
    assert sent == set(spelling.tags.values())
