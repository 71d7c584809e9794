"""What the records become on the wire, beyond what the conformance kit and the parity with the SDK show."""

import math
import random
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry import context

import anytel
from anytel import runtime
from anytel.backend import Exemplar, SpanContext
from anytel.testing.receivers.http import HttpReceiver
from anytel.tracing.ids import keep
from anytel_otlp.exponential import MAX_SIZE, histogram

PREFERENCE = "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE"
AGGREGATION = "OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION"


@pytest.fixture
def configured(collector, environment):
    """Configure by the vendor's own variables, and give the collector."""

    def configure(**settings):
        runtime.reset()
        environment.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
        anytel.configure(**({"service": "shop", "backends": "otlp", "flush_interval": 3600} | settings))
        return collector

    yield configure
    runtime.reset()


def points(collector, name):
    for one in collector.metrics:
        if one.wire.name == name:
            yield from getattr(one.wire, one.wire.WhichOneof("data")).data_points


def test_totals_begin_when_their_series_began_and_are_sent_in_quiet_intervals_too(configured):
    """A collector takes a series that is not sent for one that has ended."""
    collector = configured()
    before = time.time_ns()
    anytel.count("n", 2)
    for _ in range(3):
        assert anytel.flush(10)
    found = list(points(collector, "n"))
    assert [point.as_double or point.as_int for point in found] == [2, 2, 2]
    assert len({point.start_time_unix_nano for point in found}) == 1
    assert before <= found[0].start_time_unix_nano <= found[0].time_unix_nano < found[1].time_unix_nano


def test_an_exemplar_is_shown_once_by_totals(connect, collector, make):
    """In the first batch that is delivered after it was recorded."""
    backend, series = connect(collector.url), make.point().series
    old = Exemplar(1.0, make.start + 1, SpanContext(7, 8, sampled=True))
    new = Exemplar(2.0, make.start + 2 * 10**10 + 1, SpanContext(9, 10, sampled=True))
    for end_ns, exemplar in (
        (make.start + 10**10, old),
        (make.start + 2 * 10**10, old),
        (make.start + 3 * 10**10, new),
    ):
        point = make.point(series=series, exemplars={0: exemplar})
        assert backend.metrics(make.batch(point, flow="cumulative", end_ns=end_ns), make.soon()).delivered == 1
    shown = [[one.span_id[-1] for one in point.exemplars] for point in points(collector, "n")]
    assert shown == [[8], [], [10]]


def test_a_gauge_that_was_not_written_is_sent_again(configured, environment):
    """It has its value until it gets another."""
    environment.setenv(PREFERENCE, "delta")
    collector = configured()
    anytel.gauge("depth", 12)
    for _ in range(2):
        assert anytel.flush(10)
    assert [point.as_double for point in points(collector, "depth")] == [12, 12]


def test_series_of_one_metric_are_points_of_one_metric(configured):
    """With its unit and description once."""
    collector = configured()
    calls = anytel.Counter("calls", tags=("to",), unit="{call}", description="Calls")
    for to in ("a", "b"):
        calls.add(1, {"to": to})
    assert anytel.flush(10)
    [metric] = [one.wire for one in collector.metrics]
    assert (metric.unit, metric.description, metric.sum.is_monotonic) == ("{call}", "Calls", True)
    assert len(metric.sum.data_points) == 2


def test_only_distributions_become_exponential(configured, environment):
    """A histogram's buckets were declared."""
    environment.setenv(PREFERENCE, "delta")
    environment.setenv(AGGREGATION, "base2_exponential_bucket_histogram")
    collector = configured()
    for value in (0.0, 0.5, 1.0, 100.0):
        anytel.distribution("size", value)
        anytel.histogram("time", value)
    assert anytel.flush(10)
    kinds = {one.wire.name: one.wire.WhichOneof("data") for one in collector.metrics}
    assert kinds == {"size": "exponential_histogram", "time": "histogram"}
    [point] = points(collector, "size")
    assert (point.count, point.sum, point.min, point.max, point.zero_count) == (4, 101.5, 0.0, 100.0, 1)


VALUES = st.floats(-1e300, 1e300).map(lambda value: 0.0 if abs(value) < 1e-300 else value)


@given(st.lists(VALUES, min_size=1, max_size=300), st.integers(0, 5_000))
def test_an_exponential_histogram_holds_every_value_in_its_bucket(samples, more):
    """At the scale it states, within the size, and as many as there were."""
    found = histogram(samples, len(samples) + more)
    assert found.zeros + sum(found.positive.counts) + sum(found.negative.counts) == len(samples) + more
    for sign, buckets in ((1, found.positive), (-1, found.negative)):
        assert len(buckets.counts) <= MAX_SIZE
        for value in (abs(one) for one in samples if one * sign > 0):
            place = math.ldexp(math.log2(value), found.scale) - buckets.offset
            assert -1e-6 <= place <= len(buckets.counts) + 1e-6
            if not more:
                assert any(buckets.counts[max(0, math.floor(place - 1e-6)) : math.floor(place + 1e-6) + 1])


def test_a_power_of_two_is_in_the_bucket_that_it_bounds():
    """Upper bounds are inclusive."""
    found = histogram([1.0, 2.0, 4.0, 1e30], 4)
    index = [found.positive.offset + n for n, count in enumerate(found.positive.counts) if count]
    assert index[:3] == [math.ldexp(power, found.scale) - 1 for power in (0, 1, 2)]


def test_a_probability_that_was_decided_here_is_in_the_tracestate(configured):
    """As the specification's threshold and randomness, which agree with what was kept."""
    collector = configured(sample_rate=0.25)
    for _ in range(200):
        with anytel.span("job"):
            pass
    assert anytel.flush(10)
    assert 10 < len(collector.spans) < 120
    for span in collector.spans:
        threshold, randomness = (
            part.partition(":")[2] for part in span.wire.trace_state.removeprefix("ot=").split(";")
        )
        assert threshold == "c"
        assert int(randomness, 16) >= int(threshold.ljust(14, "0"), 16)
        assert keep(int(span.trace_id, 16), 0.25)


@pytest.mark.parametrize(("rate", "upstream"), [(1.0, None), (0.25, "vendor=x"), (0.25, "ot=th:8")])
def test_a_tracestate_that_says_enough_is_left_alone(configured, rate, upstream):
    """Where everything is kept, and where somebody upstream has decided."""
    collector = configured(sample_rate=rate)
    headers = {"traceparent": f"00-{random.getrandbits(120) + 1:032x}-{7:016x}-01", "tracestate": upstream or ""}
    with anytel.span("job", parent=anytel.extract(headers) if upstream else None):
        pass
    assert anytel.flush(10)
    assert collector.spans[0].wire.trace_state == (upstream or "")


def test_a_span_of_another_service_is_in_a_resource_of_its_own(configured):
    """Without our version and instance, which are not its."""
    collector = configured(version="1.4.0", environment="prod")
    with anytel.span("shop"), anytel.span("query", attributes={"service.name": "shop-db"}):
        pass
    assert anytel.flush(10)
    shop, db = ({one.wire.name: one for one in collector.spans}[name].resource for name in ("shop", "query"))
    assert (shop["service.name"], db["service.name"]) == ("shop", "shop-db")
    assert {"service.version", "service.instance.id"} <= shop.keys()
    assert not {"service.version", "service.instance.id"} & db.keys()
    assert db["deployment.environment.name"] == "prod"


def test_a_process_stays_the_same_instance_when_it_is_configured_again(configured):
    """Else its totals would be series of somebody else."""
    for _ in range(2):
        collector = configured()
        with anytel.span("job"):
            pass
        assert anytel.flush(10)
    assert len({span.resource["service.instance.id"] for span in collector.spans}) == 1


def test_the_exception_of_a_span_is_one_event(configured):
    """Also where somebody has recorded it already."""
    collector = configured()
    with pytest.raises(ValueError, match="bad"), anytel.span("job") as span:
        span.event("exception", {"exception.type": "ValueError", "exception.message": "bad"})
        raise ValueError("bad")
    assert anytel.flush(10)
    assert len(collector.spans[0].wire.events) == 1


def test_dropped_attributes_and_events_are_counted(configured):
    """In the fields that the protocol has for them."""
    collector = configured()
    with anytel.span("job") as span:
        span.set({f"a{number}": number for number in range(130)})
        for number in range(131):
            span.event(f"e{number}")
    assert anytel.flush(10)
    wire = collector.spans[0].wire
    assert (wire.dropped_attributes_count, wire.dropped_events_count) == (2, 3)


def test_an_error_report_is_a_log_record_that_the_line_names(configured):
    """The line has the report's id; the report says whether it was handled."""
    collector = configured()
    try:
        raise ValueError("declined")
    except ValueError:
        anytel.get_logger("shop.pay").exception("payment_failed", order=7)
    assert anytel.flush(10)
    line, report = sorted(collector.logs, key=lambda one: "error.handled" in one.attributes)
    assert line.attributes["error.id"] == report.attributes["error.id"]
    assert (line.body, report.body) == ("payment_failed", "ValueError: declined")
    assert (report.scope, report.wire.severity_number) == ("shop.pay", 17)
    assert report.attributes["exception.type"] == "ValueError"


def test_our_uploads_are_not_traced_by_opentelemetrys_instrumentation(connect, make):
    """They would make spans to be uploaded, for ever."""
    seen = []
    with HttpReceiver() as receiver:
        backend = connect(receiver.url)
        pool = backend._senders["logs"]._pool
        plain = pool.urlopen

        def instrumented(*args, **kwargs):
            seen.append(context.get_value(context._SUPPRESS_INSTRUMENTATION_KEY))
            return plain(*args, **kwargs)

        pool.urlopen = instrumented
        assert backend.logs(make.logs(), make.soon()).delivered == 1
    assert seen == [True]
    assert context.get_value(context._SUPPRESS_INSTRUMENTATION_KEY) is None
