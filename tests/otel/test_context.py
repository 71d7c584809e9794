"""OpenTelemetry's context and anytel's current span are never of different opinions."""

import asyncio
import threading

import pytest
from opentelemetry import baggage, context, trace
from opentelemetry.context import _SUPPRESS_INSTRUMENTATION_KEY, Context
from opentelemetry.instrumentation.utils import is_instrumentation_enabled, suppress_instrumentation
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags, TraceState

import anytel
from otel.conftest import current_ids, ids

TRACE, SPAN = 0x0AF7651916CD43DD8448EB211C80319C, 0xB7AD6B7169203331


def remote(flags=1, state=""):
    span = NonRecordingSpan(SpanContext(TRACE, SPAN, True, TraceFlags(flags), TraceState.from_header([state])))
    return trace.set_span_in_context(span)


def test_baggage_survives_spans_of_both_kinds(memory, tracer):
    with anytel.span("outer"):
        token = context.attach(baggage.set_baggage("user", "7"))
        with anytel.span("inner"), tracer.start_as_current_span("innermost"):
            assert baggage.get_baggage("user") == "7"
        context.detach(token)
        assert baggage.get_baggage("user") is None
        assert trace.get_current_span().is_recording()


def test_a_remote_parent_in_an_explicit_context_is_the_parent(memory, tracer):
    with anytel.span("elsewhere"):
        tracer.start_span("served", remote(state="vendor=1")).end()
    span = memory.span("served")
    assert (span.context.trace_id, span.parent_id, span.remote_parent) == (TRACE, SPAN, True)
    assert span.context.tracestate == "vendor=1"
    assert span.context.sample_rate is None


def test_the_decision_of_a_remote_parent_holds(memory, tracer):
    assert not tracer.start_span("served", remote(flags=0)).get_span_context().trace_flags.sampled


def test_a_remote_parent_that_is_attached_is_that_of_anytels_spans(memory, tracer):
    with anytel.span("around"):
        token = context.attach(remote())
        assert ids(trace.get_current_span()) == (f"{TRACE:032x}", f"{SPAN:016x}")
        assert anytel.current_span().span_id == "0" * 16
        with anytel.span("consumed"):
            assert trace.get_current_span().is_recording()
        assert ids(trace.get_current_span()) == (f"{TRACE:032x}", f"{SPAN:016x}")
        tracer.start_span("too").end()
        carrier = {}
        anytel.inject(carrier)
        assert carrier["traceparent"] == f"00-{TRACE:032x}-{SPAN:016x}-01"
        context.detach(token)
        assert anytel.current_span().recording
    assert {memory.span(name).parent_id for name in ("consumed", "too")} == {SPAN}


def test_an_extracted_context_of_anytel_still_wins_over_one_that_is_attached(memory):
    token = context.attach(remote())
    with anytel.span("root", parent=anytel.extract({})) as span:
        assert span.trace_id != f"{TRACE:032x}"
    context.detach(token)


@pytest.mark.parametrize("how", ["empty context", "invalid span", "attached empty", "attached invalid"])
def test_no_valid_span_in_the_context_begins_a_trace(memory, tracer, how):
    with anytel.span("around") as around:
        chosen = Context() if "empty" in how else trace.set_span_in_context(trace.INVALID_SPAN)
        if "attached" in how:
            token = context.attach(chosen)
            spans = [tracer.start_span("root"), anytel.start_span("anytel root")]
            context.detach(token)
            assert anytel.current_span() is around
        else:
            spans = [tracer.start_span("root", chosen)]
        for span in spans:
            span.end()
    assert memory.span("root").parent_id == 0
    assert memory.span("root").context.trace_id != memory.span("around").context.trace_id
    if len(spans) > 1:
        assert memory.span("anytel root").parent_id == 0


def test_a_context_that_was_kept_is_a_parent_in_another_thread(memory, tracer):
    def work(kept):
        token = context.attach(kept)
        with anytel.span("in thread"):
            pass
        context.detach(token)
        assert trace.get_current_span() is trace.INVALID_SPAN

    with anytel.span("outer"):
        thread = threading.Thread(target=work, args=(context.get_current(),))
        thread.start()
        thread.join()
    assert memory.span("in thread").parent_id == memory.span("outer").context.span_id


def test_detaching_out_of_order_neither_raises_nor_logs(memory, tracer, caplog):
    first = context.attach(baggage.set_baggage("a", "1"))
    second = context.attach(baggage.set_baggage("b", "2"))
    context.detach(first)
    context.detach(second)
    context.detach(second)
    context.detach(first)
    context.attach(Context())
    assert caplog.records == []


def test_detaching_in_another_context_neither_raises_nor_logs(memory, tracer, caplog):
    """As when an asynchronous generator is closed by another task: the top complaint about OpenTelemetry."""

    async def numbers():
        with tracer.start_as_current_span("generator"):
            yield 1
            yield 2

    async def main():
        generator = numbers()
        await asyncio.create_task(generator.__anext__())
        await asyncio.create_task(generator.aclose())
        assert trace.get_current_span() is trace.INVALID_SPAN

    asyncio.run(main())
    assert memory.span("generator").status == "unset"
    assert caplog.records == []


def test_a_detach_elsewhere_undoes_the_copy_that_it_finds_there(memory, tracer):
    async def main():
        token = context.attach(baggage.set_baggage("a", "1"))

        async def other():
            assert baggage.get_baggage("a") == "1"
            context.detach(token)
            assert baggage.get_baggage("a") is None

        await asyncio.create_task(other())
        assert baggage.get_baggage("a") == "1"

    asyncio.run(main())


def test_tasks_have_the_span_of_their_creation(memory, tracer):
    async def child(name):
        with tracer.start_as_current_span(name):
            await asyncio.sleep(0)

    async def main():
        with anytel.span("main"):
            await asyncio.gather(child("one"), child("two"))

    asyncio.run(main())
    assert {memory.span(name).parent_id for name in ("one", "two")} == {memory.span("main").context.span_id}


def test_suppressed_instrumentation_records_nothing_while_anytel_goes_on(memory, tracer):
    with anytel.span("outer") as outer:
        with suppress_instrumentation():
            assert not is_instrumentation_enabled()
            with tracer.start_as_current_span("hidden") as hidden:
                assert not hidden.is_recording()
                assert ids(hidden) == (outer.trace_id, outer.span_id)
        tracer.start_span("hidden", context.set_value(_SUPPRESS_INSTRUMENTATION_KEY, True)).end()
        assert is_instrumentation_enabled()
        tracer.start_span("seen").end()
    assert [span.name for span in memory.spans] == ["seen", "outer"]


@pytest.mark.parametrize("name", ["anytel-dispatcher", "anytel-sentry", "sentry-sdk.BackgroundWorker"])
def test_nothing_is_traced_on_the_threads_that_deliver(memory, tracer, name):
    found = []
    thread = threading.Thread(target=lambda: found.append(is_instrumentation_enabled()), name=name)
    thread.start()
    thread.join()
    assert found == [False]


def test_use_span_makes_a_span_of_anytel_current(memory):
    span = anytel.start_span("job")
    with anytel.span("other"):
        pass
    with anytel.span("outer"):
        seen = trace.get_current_span()
    with trace.use_span(seen):
        assert current_ids() == ids(seen)
    span.end()


def test_nothing_is_made_for_opentelemetry_before_it_asks(memory, monkeypatch):
    """A span of anytel costs the same whether OpenTelemetry is loaded or not."""
    from anytel.otel import context as ours

    made = []
    monkeypatch.setattr(ours, "Span", lambda span: made.append(span) or trace.INVALID_SPAN)
    with anytel.span("one"), anytel.span("two"):
        anytel.get_logger("test").info("logged")
    assert made == []
