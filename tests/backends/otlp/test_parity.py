"""The same input through OpenTelemetry's SDK with its OTLP exporters and through anytel, compared on the wire.

Stated differences, all else being equal:

* ids and times: of each their own; the shape of the tree is compared instead.
* the resource: ``telemetry.sdk.*`` tell us apart, and ours also has ``service.instance.id`` and ``process.*``.
* a span's ``flags``: ours have the sampled bit of W3C Trace Context in bits 0 to 7, as the protocol asks; a link's say
  nothing of whether it is remote, which a record does not know.
* a link's ``trace_state``: the SDK leaves it out.
* an exception: the SDK puts the type before the message of the status, adds ``exception.escaped`` to the event and
  dates it at the raise, ours at the end of the span; its stack trace has position marks (``^^^^``).
* exemplars: the SDK has one per bucket and interval too, but keeps an arbitrary one.
* ``severity_text``: of the SDK what the caller says; ours is the level's name, as in the log line.
* ``error.id``: what we report as an error says by which id.
* ``observed_time_unix_nano``: ours is the time of the event.
"""

import contextlib
import re
from collections import Counter

import pytest
from opentelemetry import trace
from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import SimpleLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor

import anytel
from anytel import runtime
from anytel.testing.receivers.otlp import OtlpReceiver, attributes_of

TRACE, REMOTE = 0x0123456789ABCDEF_FEDCBA9876543210, 0x1122334455667788
HEADERS = {"traceparent": f"00-{TRACE:032x}-{REMOTE:016x}-01", "tracestate": "vendor=x"}
ATTRIBUTES = {"flag": True, "n": -3, "f": 1.5, "text": "x\u00e9", "many": ("a", "b"), "numbers": (1, 2)}
RESOURCE = {"service.name": "shop", "deployment.environment.name": "prod", "service.version": "1.4.0", "team": "core"}
BOUNDS = (0.1, 1.0)
PREFERENCE = "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE"
KINDS = ("internal", "server", "client", "producer", "consumer")


@pytest.fixture
def collectors():
    with OtlpReceiver() as theirs, OtlpReceiver() as ours:
        yield theirs, ours
        assert theirs.malformed == ours.malformed == []


@pytest.fixture
def configured(collectors, environment):
    environment.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collectors[1].url)
    environment.setenv("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip")
    environment.setenv("OTEL_RESOURCE_ATTRIBUTES", "team=core,service.name=ignored")

    def configure():
        runtime.reset()
        anytel.configure(service="shop", environment="prod", version="1.4.0", backends="otlp", flush_interval=3600)

    yield configure
    runtime.reset()


def fail():
    raise ValueError("declined")


def tree_of_theirs(url):
    provider = TracerProvider(resource=Resource(RESOURCE))
    exporter = OTLPSpanExporter(f"{url}/v1/traces", compression=Compression.Gzip)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    tracer = provider.get_tracer("anytel")
    state = trace.TraceState([("vendor", "x")])
    parent = trace.SpanContext(TRACE, REMOTE, is_remote=True, trace_flags=trace.TraceFlags(1), trace_state=state)
    around = trace.set_span_in_context(trace.NonRecordingSpan(parent))
    with tracer.start_as_current_span("POST /pay", around, trace.SpanKind.SERVER, ATTRIBUTES) as root:
        root.add_event("retry", {"attempt": 2, "who": "x"})
        for kind in KINDS:
            with tracer.start_as_current_span(
                kind, kind=trace.SpanKind[kind.upper()], links=[trace.Link(parent, {"a": 1})]
            ):
                pass
        with contextlib.suppress(ValueError), tracer.start_as_current_span("boom"):
            fail()
    provider.shutdown()


def tree_of_ours():
    with anytel.span("POST /pay", kind="server", attributes=ATTRIBUTES, parent=anytel.extract(HEADERS)) as root:
        root.event("retry", {"attempt": 2, "who": "x"})
        for kind in KINDS:
            with anytel.span(kind, kind=kind, links=[(anytel.extract(HEADERS), {"a": 1})]):
                pass
        with contextlib.suppress(ValueError), anytel.span("boom"):
            fail()
    assert anytel.flush(10)


@pytest.fixture
def trees(collectors, configured):
    theirs, ours = collectors
    configured()
    tree_of_theirs(theirs.url)
    tree_of_ours()
    return [{one.name: one for one in got.spans} for got in (theirs, ours)]


def comparable(span):
    """Give a copy of all but what is stated to differ."""
    copy = type(span.wire)()
    copy.CopyFrom(span.wire)
    for field in ("span_id", "parent_span_id", "start_time_unix_nano", "end_time_unix_nano", "flags"):
        copy.ClearField(field)
    copy.status.message = copy.status.message.removeprefix("ValueError: ")
    for event in copy.events:
        event.time_unix_nano = 0
        kept = [pair for pair in event.attributes if pair.key not in ("exception.escaped", "exception.stacktrace")]
        del event.attributes[:]
        event.attributes.extend(kept)
    for link in copy.links:
        link.flags, link.trace_state = 0, ""
    return copy


def test_every_field_of_every_span_is_what_the_sdk_sends(trees):
    """Protobuf for protobuf, save the stated differences."""
    theirs, ours = trees
    assert set(theirs) == set(ours) == {"POST /pay", "boom", *KINDS}
    for name, span in ours.items():
        assert comparable(span) == comparable(theirs[name]), name


def test_the_flags_are_those_of_the_sdk_and_the_sampled_bit(trees):
    """Whether the parent is remote is known, and true of the root alone."""
    theirs, ours = trees
    assert {name: one.wire.flags & 0xFF for name, one in ours.items()} == dict.fromkeys(ours, 1)
    assert {name: one.wire.flags & ~0xFF for name, one in ours.items()} == {
        name: one.wire.flags & ~0xFF for name, one in theirs.items()
    }
    assert [name for name, one in ours.items() if one.wire.flags & 0x200] == ["POST /pay"]


def test_the_tree_has_the_same_shape(trees):
    """Every span has the same parent."""
    for spans in trees:
        root = spans.pop("POST /pay")
        assert root.parent_span_id == f"{REMOTE:016x}"
        assert {one.parent_span_id for one in spans.values()} == {root.span_id}
        assert {one.trace_id for one in (root, *spans.values())} == {f"{TRACE:032x}"}


def test_the_stacks_tell_the_same_story(trees):
    """Without the marks, line by line below the frame of the program."""
    stacks = [attributes_of(spans["boom"].wire.events[0].attributes)["exception.stacktrace"] for spans in trees]
    theirs, ours = ([line for line in stack.splitlines() if not re.fullmatch(r"[ ^~]+", line)] for stack in stacks)
    assert (ours[0], ours[-3:]) == (theirs[0], theirs[-3:])


def test_the_resources_and_scopes_differ_as_stated(trees):
    """The service and what OTEL_RESOURCE_ATTRIBUTES adds are the same."""
    theirs, ours = (spans["boom"] for spans in trees)
    own = {name: value for name, value in ours.resource.items() if not name.startswith(("telemetry.sdk.", "process."))}
    assert own.pop("service.instance.id")
    assert own == theirs.resource == RESOURCE
    assert ours.scope == theirs.scope == "anytel"


def test_the_requests_differ_in_their_user_agent_alone(trees, collectors):
    """And in what is HTTP's own."""
    transport = {"host", "user-agent", "content-length", "accept-encoding", "accept", "connection"}
    theirs, ours = (
        {
            (one.path, name, value)
            for one in got.requests
            for name, value in one.headers.items()
            if name not in transport
        }
        for got in collectors
    )
    assert ours == theirs


def metrics_of_theirs(url):
    reader = PeriodicExportingMetricReader(OTLPMetricExporter(f"{url}/v1/metrics"), export_interval_millis=3_600_000)
    provider = MeterProvider([reader], Resource(RESOURCE))
    meter = provider.get_meter("anytel")
    calls = meter.create_counter("mcp.calls", "{call}", "MCP calls")
    depth = meter.create_gauge("queue.depth")
    query = meter.create_histogram("db.time", "s", explicit_bucket_boundaries_advisory=BOUNDS)
    for value in (1.0, 2.5):
        calls.add(value, {"endpoint": "pay"})
        calls.add(1.0, {"endpoint": "ask"})
        depth.set(value)
        for sample in (0.05, 0.1, 0.5, value):
            query.record(sample, {"table": "a"})
        provider.force_flush()
    provider.shutdown()


def metrics_of_ours():
    calls = anytel.Counter("mcp.calls", tags=("endpoint",), unit="{call}", description="MCP calls")
    depth = anytel.Gauge("queue.depth")
    query = anytel.Histogram("db.time", tags=("table",), unit="s", buckets=BOUNDS)
    for value in (1.0, 2.5):
        calls.add(value, {"endpoint": "pay"})
        calls.add(1.0, {"endpoint": "ask"})
        depth.set(value)
        for sample in (0.05, 0.1, 0.5, value):
            query.record(sample, {"table": "a"})
        assert anytel.flush(10)


@pytest.mark.parametrize("temporality", ["cumulative", "delta"])
def test_every_point_of_every_metric_is_what_the_sdk_sends(collectors, configured, environment, temporality):
    """Twice in a row: totals go on, increments begin anew, and each interval's times join the last one's."""
    environment.setenv(PREFERENCE, temporality)
    theirs, ours = collectors
    configured()
    metrics_of_theirs(theirs.url)
    metrics_of_ours()
    assert len(ours.metrics) == 6
    reference = [timeless(one.wire) for one in theirs.metrics[: len(ours.metrics)]]
    assert [timeless(one.wire) for one in ours.metrics] == reference
    for got in (ours, theirs):
        first, second = [intervals(one.wire) for one in got.metrics if one.name == "mcp.calls"][:2]
        assert {start for start, _ in second} == {at for _, at in first} or temporality == "cumulative"
        assert [start for start, _ in second] == [start for start, _ in first] or temporality == "delta"


SAMPLES = {
    "one": [0.25],
    "a decade": [0.01 * number for number in range(1, 100)],
    "zeros": [0.0, 0.0, 0.5, 7.0],
    "far apart": [1e-9, 1.0, 1e9],
    "powers of two": [0.5, 1.0, 2.0, 4.0],
}


@pytest.mark.parametrize("samples", SAMPLES.values(), ids=SAMPLES)
def test_an_exponential_histogram_has_the_buckets_of_the_sdk(collectors, configured, environment, samples):
    """At the same scale: what is in which bucket, and how many are zero. The SDK takes no negative values."""
    environment.setenv(PREFERENCE, "delta")
    environment.setenv("OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION", "base2_exponential_bucket_histogram")
    theirs, ours = collectors
    configured()
    exporter = OTLPMetricExporter(f"{theirs.url}/v1/metrics")
    provider = MeterProvider([PeriodicExportingMetricReader(exporter, export_interval_millis=3_600_000)])
    histogram = provider.get_meter("anytel").create_histogram("size")
    for sample in samples:
        histogram.record(sample)
        anytel.distribution("size", sample)
    provider.shutdown()
    assert anytel.flush(10)

    [mine], [reference] = (one.wire.exponential_histogram.data_points for one in (ours.metrics[0], theirs.metrics[0]))
    for part in ("count", "sum", "min", "max", "scale", "zero_count"):
        assert getattr(mine, part) == pytest.approx(getattr(reference, part)), part
    for sign in ("positive", "negative"):
        assert filled(getattr(mine, sign)) == filled(getattr(reference, sign))


def filled(buckets):
    return {buckets.offset + place: count for place, count in enumerate(buckets.bucket_counts) if count}


def timeless(metric):
    """Give a copy without times, its points in the order of their attributes."""
    copy = type(metric)()
    copy.CopyFrom(metric)
    data = getattr(copy, copy.WhichOneof("data"))
    points = sorted(data.data_points, key=lambda point: str(point.attributes))
    for point in points:
        point.time_unix_nano = point.start_time_unix_nano = 0
        del point.exemplars[:]
    del data.data_points[:]
    data.data_points.extend(points)
    return copy


def intervals(metric):
    data = getattr(metric, metric.WhichOneof("data"))
    return [(point.start_time_unix_nano, point.time_unix_nano) for point in data.data_points]


def test_every_field_of_a_log_record_is_what_the_sdk_sends(collectors, configured):
    """Save its time and the stated differences."""
    theirs, ours = collectors
    configured()
    provider = LoggerProvider(Resource(RESOURCE), shutdown_on_exit=False)
    provider.add_log_record_processor(SimpleLogRecordProcessor(OTLPLogExporter(f"{theirs.url}/v1/logs")))
    numbers = {"debug": 5, "info": 9, "warning": 13, "error": 17, "critical": 21}
    with anytel.span("checkout") as span:
        context = trace.SpanContext(int(span.trace_id, 16), int(span.span_id, 16), False, trace.TraceFlags(1))
        around = trace.set_span_in_context(trace.NonRecordingSpan(context))
        for level in ("info", "warning", "error", "critical"):
            getattr(anytel.get_logger("shop"), level)(f"{level} happened", **ATTRIBUTES)
            provider.get_logger("shop").emit(
                LogRecord(
                    timestamp=1,
                    context=around,
                    severity_number=SeverityNumber(numbers[level]),
                    severity_text=level,
                    body=f"{level} happened",
                    attributes=ATTRIBUTES,
                )
            )
    assert anytel.flush(10)
    provider.shutdown()

    records = [one for one in ours.logs if "error.handled" not in one.attributes]
    assert [comparable_log(one) for one in records] == [comparable_log(one) for one in theirs.logs]
    assert Counter(one.scope for one in records) == Counter(one.scope for one in theirs.logs)
    assert {one.trace_id for one in records} == {span.trace_id}


def comparable_log(log):
    copy = type(log.wire)()
    copy.CopyFrom(log.wire)
    copy.time_unix_nano = copy.observed_time_unix_nano = 0
    kept = [pair for pair in copy.attributes if pair.key != "error.id"]
    del copy.attributes[:]
    copy.attributes.extend(kept)
    return copy
