"""The same application under OpenTelemetry's SDK and under anytel yields the same spans.

The differences, and why there are:

- Attribute values that few backends can show: the SDK keeps None, bytes and mappings; anytel leaves None out, makes
  bytes text, and gives mappings dotted names.
- Spans of one local trace are handed over together, so that they come in another order.
- An unsampled child has ids of its own in the SDK; in anytel it has those of the local root, whose record nobody needs.
- Within `suppress_instrumentation` the SDK still records; anytel records nothing of OpenTelemetry's API.
- A span that ends before it began ends, in anytel, at its beginning.
- The version, schema URL and attributes of an instrumentation scope are not kept; its name is.
- The SDK warns about what comes after the end of a span; anytel ignores it without a word.
"""

import asyncio

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    TraceState,
)

REMOTE = SpanContext(0xABC, 0xDEF, True, TraceFlags(1), TraceState([("vendor", "x")]))


def plain(tracer):
    for kind in SpanKind:
        tracer.start_span(f"kind {kind.name}", kind=kind).end()


def nested(tracer):
    with tracer.start_as_current_span("outer"):
        with tracer.start_as_current_span("inner", attributes={"a": 1}):
            tracer.start_span("innermost").end()
        with tracer.start_as_current_span("sibling"):
            pass
        tracer.start_span("apart", context=trace.set_span_in_context(trace.INVALID_SPAN)).end()


def attributes(tracer):
    given = {"text": "t", "yes": True, "whole": 3, "part": 0.5, "list": ["a", "b"], "numbers": (1, 2), "empty": []}
    with tracer.start_as_current_span("first", attributes=given) as span:
        span.set_attribute("text", "other")
        span.set_attributes({"more": [True, False]})


def events(tracer):
    with tracer.start_as_current_span("work") as span:
        span.add_event("one")
        span.add_event("two", {"a": ["x"]}, timestamp=1_700_000_000_000_000_005)
        span.record_exception(ValueError("handled"), {"own": 1}, timestamp=1_700_000_000_000_000_006)


def links(tracer):
    given = [Link(REMOTE, {"l": 1}), Link(trace.INVALID_SPAN_CONTEXT)]
    with tracer.start_as_current_span("work", links=given) as span:
        span.add_link(SpanContext(1, 2, False), {"late": True})


def statuses(tracer):
    for name, calls in {
        "ok": [(StatusCode.OK,)],
        "final": [(StatusCode.OK,), (StatusCode.ERROR, "x")],
        "error": [(StatusCode.ERROR, "why")],
        "object": [(Status(StatusCode.ERROR, "why"),)],
        "unset": [(StatusCode.ERROR, "why"), (StatusCode.UNSET,)],
    }.items():
        with tracer.start_as_current_span(name) as span:
            for call in calls:
                span.set_status(*call)


class ShopError(Exception):
    pass


def raising(tracer):
    for options in ({}, {"record_exception": False}, {"set_status_on_exception": False}):
        with (
            pytest.raises(ShopError),
            tracer.start_as_current_span("outer"),
            tracer.start_as_current_span("inner", **options),
        ):
            raise ShopError("boom")
    with pytest.raises(ShopError), tracer.start_span("entered"):
        raise ShopError("boom")
    with pytest.raises(KeyboardInterrupt), tracer.start_as_current_span("interrupted"):
        raise KeyboardInterrupt
    with pytest.raises(ShopError), trace.use_span(tracer.start_span("used"), end_on_exit=True):
        raise ShopError("boom")


def decorated(tracer):
    @tracer.start_as_current_span("plain")
    def function():
        return trace.get_current_span().update_name("renamed")

    @tracer.start_as_current_span("waiting")
    async def coroutine():
        function()

    asyncio.run(coroutine())
    function()


def remote(tracer):
    context = trace.set_span_in_context(NonRecordingSpan(REMOTE))
    with tracer.start_as_current_span("served", context, kind=SpanKind.SERVER), tracer.start_as_current_span("child"):
        pass


def unsampled(tracer):
    context = trace.set_span_in_context(NonRecordingSpan(SpanContext(0xABC, 0xDEF, True, TraceFlags(0))))
    with tracer.start_as_current_span("served", context), tracer.start_as_current_span("child"):
        pass


def timed(tracer):
    tracer.start_span("timed", start_time=1_700_000_000_000_000_001).end(1_700_000_000_000_000_009)


def late(tracer):
    span = tracer.start_span("done")
    span.end()
    span.set_attribute("a", 1)
    span.add_event("e")
    span.update_name("n")
    span.set_status(StatusCode.ERROR)
    span.end()


def renamed(tracer):
    with tracer.start_as_current_span("first") as span:
        span.update_name("second")


APPLICATIONS = [
    plain, nested, attributes, events, links, statuses, raising, decorated, remote, unsampled, timed, late, renamed,
]  # fmt: skip


def of_the_sdk(application):
    exporter = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    application(provider.get_tracer("a.library", "1.2.3"))
    return [
        {
            "id": (span.context.trace_id, span.context.span_id),
            "parent": span.parent.span_id if span.parent else 0,
            "remote": bool(span.parent and span.parent.is_remote),
            "state": span.context.trace_state.to_header(),
            "name": span.name,
            "kind": span.kind.name.lower(),
            "attributes": dict(span.attributes),
            "events": [(event.name, event.timestamp, dict(event.attributes)) for event in span.events],
            "links": [(link.context.trace_id, link.context.span_id, dict(link.attributes)) for link in span.links],
            "status": (span.status.status_code.name.lower(), span.status.description or ""),
            "scope": span.instrumentation_scope.name,
            "times": (span.start_time, span.end_time),
        }
        for span in exporter.get_finished_spans()
    ]


def of_anytel(application, memory):
    application(trace.get_tracer("a.library", "1.2.3"))
    return [
        {
            "id": (span.context.trace_id, span.context.span_id),
            "parent": span.parent_id,
            "remote": span.remote_parent,
            "state": span.context.tracestate,
            "name": span.name,
            "kind": span.kind,
            "attributes": dict(span.attributes),
            "events": [(event.name, event.time_ns, dict(event.attributes)) for event in span.events],
            "links": [(link.context.trace_id, link.context.span_id, dict(link.attributes)) for link in span.links],
            "status": (span.status, span.status_message),
            "scope": span.scope,
            "times": (span.start_ns, span.end_ns),
        }
        for span in memory.spans
    ]


GIVEN = range(1_700_000_000_000_000_000, 1_700_000_000_000_000_010)


def comparable(spans):
    """Give the spans with what differs from run to run, ids, times and line numbers, made comparable."""
    spans = sorted(spans, key=lambda span: span["times"][1])
    names = {span["id"]: number for number, span in enumerate(spans)}
    by_span = {ident[1]: number for ident, number in names.items()}
    traces = {}
    shown = []
    for span in spans:
        trace_id = span["id"][0]
        when = lambda moment: moment if moment in GIVEN else "now"  # noqa: E731
        events = [
            (name, when(at), {key: value for key, value in more.items() if key != "exception.stacktrace"})
            for name, at, more in span["events"]
        ]
        stacks = [
            more["exception.stacktrace"].splitlines()[-1] for _, _, more in span["events"] if "exception.type" in more
        ]
        shown.append(
            {
                **span,
                "id": trace_id if trace_id == 0xABC else traces.setdefault(trace_id, len(traces)),
                "parent": by_span.get(span["parent"], span["parent"]),
                "events": events,
                "stacks": stacks,
                "times": tuple(map(when, span["times"])),
            }
        )
    return shown


@pytest.mark.parametrize("application", APPLICATIONS)
def test_an_application_yields_the_same_spans(application, memory):
    theirs, ours = comparable(of_the_sdk(application)), comparable(of_anytel(application, memory))
    assert ours == theirs
    assert theirs or application is unsampled
