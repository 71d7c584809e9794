"""What OpenTelemetry's instrumentations send and receive has every vendor's headers, each of them once."""

import pytest
from opentelemetry import baggage, context, propagate, trace
from opentelemetry.propagators.composite import CompositePropagator
from opentelemetry.propagators.textmap import Getter, Setter, TextMapPropagator
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

import anytel
from anytel.otel import Propagator
from otel.conftest import ids

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
LOW = int(TRACE[16:], 16)


class Lists(Getter, Setter):
    """Headers as pairs, as in ASGI and Kafka."""

    def get(self, carrier, key):
        return [value for name, value in carrier if name == key] or None

    def keys(self, carrier):
        return [name for name, _ in carrier]

    def set(self, carrier, key, value):
        carrier.append((key, value))


def test_opentelemetry_injects_what_anytel_injects(configured, tracer):
    configured(sample_rate=1.0, environment="test")
    with tracer.start_as_current_span("root"):
        by_otel, by_anytel = {}, {}
        propagate.inject(by_otel)
        anytel.inject(by_anytel)
    assert by_otel == by_anytel
    assert by_otel["sentry-trace"].endswith("-1")
    assert by_otel["x-datadog-sampling-priority"] == "2"


def test_the_decision_is_the_same_in_all_headers_also_when_it_is_no(configured, tracer):
    configured(sample_rate=0.0)
    with tracer.start_as_current_span("root") as root, tracer.start_as_current_span("child"):
        carrier = {}
        propagate.inject(carrier)
    trace_id, span_id = ids(root)
    assert carrier["traceparent"] == f"00-{trace_id}-{span_id}-00"
    assert carrier["sentry-trace"] == f"{trace_id}-{span_id}-0"
    assert carrier["x-datadog-sampling-priority"] == "-1"
    assert "sentry-sampled=false" in carrier["baggage"]


def test_baggage_of_all_sides_is_one_header(memory):
    with anytel.span("root"):
        ctx = baggage.set_baggage("user", "7")
        carrier = {"baggage": "user=old,mine=1,sentry-trace_id=other"}
        propagate.inject(carrier, ctx)
        pairs = []
        propagate.inject(pairs, ctx, setter=Lists())
    entries = carrier["baggage"].split(",")
    assert {"user=7", "mine=1"} <= set(entries)
    assert len({entry.partition("=")[0] for entry in entries}) == len(entries)
    assert f"sentry-trace_id={carrier['traceparent'][3:35]}" in entries
    assert len(pairs) == len({name for name, _ in pairs})


def test_no_header_is_sent_twice_however_it_is_spelled(memory):
    carrier = {"Baggage": "mine=1", "Sentry-Trace": "old"}
    with anytel.span("root"):
        propagate.inject(carrier)
    assert len(carrier) == len({name.lower() for name in carrier})
    assert carrier["baggage"].startswith("mine=1,sentry-trace_id=")


def test_only_the_formats_that_are_chosen_are_written(configured, monkeypatch):
    monkeypatch.setenv("TELEMETRY_PROPAGATORS", "datadog")
    configured()
    carrier = {}
    with anytel.span("root"):
        propagate.inject(carrier)
    assert {name[:10] for name in carrier} == {"x-datadog-"}


def test_without_a_span_only_baggage_is_sent(memory):
    carrier = {}
    propagate.inject(carrier)
    assert carrier == {}
    propagate.inject(carrier, baggage.set_baggage("a", "1"))
    assert carrier == {"baggage": "a=1"}


@pytest.mark.parametrize(
    "headers",
    [
        {"traceparent": f"00-{TRACE}-{SPAN}-01"},
        {"sentry-trace": f"{TRACE}-{SPAN}-1"},
        {
            "x-datadog-trace-id": str(LOW),
            "x-datadog-parent-id": str(int(SPAN, 16)),
            "x-datadog-sampling-priority": "1",
            "x-datadog-tags": f"_dd.p.tid={TRACE[:16]}",
        },
    ],
    ids=["w3c", "sentry", "datadog"],
)
@pytest.mark.parametrize("form", ["mapping", "pairs"])
def test_a_trace_of_any_vendor_is_continued(memory, tracer, headers, form):
    headers = {**headers, "baggage": "user=7"}
    if form == "mapping":
        found = propagate.extract(headers)
    else:
        found = propagate.extract(list(headers.items()), getter=Lists())
    assert baggage.get_baggage("user", found) == "7"
    tracer.start_span("served", found).end()
    span = memory.span("served")
    assert (f"{span.context.trace_id:032x}", f"{span.parent_id:016x}") == (TRACE, SPAN)
    assert span.remote_parent
    assert span.context.sampled


def test_a_decision_that_was_left_to_us_is_ours(configured, tracer):
    memory = configured(sample_rate=0.0)
    with tracer.start_as_current_span("served", propagate.extract({"sentry-trace": f"{TRACE}-{SPAN}"})) as span:
        assert not span.get_span_context().trace_flags.sampled
    assert memory.spans == []


def test_at_a_public_edge_only_the_ids_are_taken(configured, tracer):
    configured(sample_rate=1.0, trust_incoming=False)
    found = propagate.extract({"traceparent": f"00-{TRACE}-{SPAN}-00"})
    span = tracer.start_span("served", found)
    assert span.get_span_context().trace_flags.sampled
    assert ids(span)[0] == TRACE
    span.end()


@pytest.mark.parametrize("carrier", [{}, {"traceparent": "nonsense"}, {"traceparent": ["a", None, 3]}])
def test_nothing_usable_is_no_parent(memory, carrier):
    assert trace.get_current_span(propagate.extract(carrier)) is trace.INVALID_SPAN


def test_a_getter_that_raises_is_no_parent(memory):
    class Broken(Lists):
        def keys(self, carrier):
            raise RuntimeError

    found = propagate.extract([("traceparent", f"00-{TRACE}-{SPAN}-01")], getter=Broken())
    assert f"{trace.get_current_span(found).get_span_context().trace_id:032x}" == TRACE


def test_what_is_extracted_is_added_to_the_given_context(memory):
    given = context.set_value("key", "value", context.Context())
    assert propagate.extract({"traceparent": f"00-{TRACE}-{SPAN}-01"}, given)["key"] == "value"


class House(TextMapPropagator):
    """A company's own format."""

    fields = frozenset({"x-house"})

    def inject(self, carrier, context=None, setter=None):
        carrier["x-house"] = "1"

    def extract(self, carrier, context=None, getter=None):
        return trace.set_span_in_context(
            trace.NonRecordingSpan(trace.SpanContext(1, 2, True, trace.TraceFlags(1))), context
        )


def test_a_propagator_of_the_applications_is_respected(memory):
    """It writes too, and is asked where there is nothing that we know."""
    ours = Propagator(CompositePropagator([TraceContextTextMapPropagator(), House()]))
    with anytel.span("root") as root:
        carrier = {}
        ours.inject(carrier)
    assert carrier["x-house"] == "1"
    assert carrier["sentry-trace"].startswith(root.trace_id)
    assert trace.get_current_span(ours.extract({})).get_span_context().trace_id == 1
    found = ours.extract({"traceparent": f"00-{TRACE}-{SPAN}-01"})
    assert f"{trace.get_current_span(found).get_span_context().trace_id:032x}" == TRACE
    assert {"x-house", "traceparent", "sentry-trace", "baggage"} <= ours.fields


@pytest.mark.parametrize("rate", [0, 1])
def test_an_open_decision_is_taken_where_a_parent_is_sent_on_without_a_span(configured, rate):
    """As a span would take it here: so a relay without spans does not drop a trace that nobody has decided on."""
    memory = configured(sample_rate=rate)
    upstream = {"sentry-trace": f"{'ab' * 16}-{'cd' * 8}"}
    token = context.attach(propagate.extract(upstream))
    theirs, ours = {}, {}
    propagate.inject(theirs)
    anytel.inject(ours)
    with anytel.span("work"):
        pass
    context.detach(token)
    assert theirs["sentry-trace"] == ours["sentry-trace"] == f"{upstream['sentry-trace']}-{rate}"
    assert theirs["traceparent"][-2:] == ours["traceparent"][-2:] == f"0{rate}"
    assert theirs["x-datadog-sampling-priority"] == ours["x-datadog-sampling-priority"] == ("2" if rate else "-1")
    assert len(memory.spans) == rate
