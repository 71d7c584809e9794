"""The spans of an application with an OpenTelemetry SDK of its own reach us by `anytel.otel.SpanProcessor`."""

import logging

import pytest
from opentelemetry import trace
from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.instrumentation.logging.handler import LoggingHandler
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF
from opentelemetry.trace import Link, SpanContext, SpanKind, StatusCode

import anytel
import anytel.logs
from anytel.otel import LogRecordProcessor, SpanProcessor
from anytel.otel.span import adopted
from otel.conftest import current_ids, ids


@pytest.fixture
def exporter():
    """Give what the SDK itself exports."""
    return InMemorySpanExporter()


@pytest.fixture
def sdk(memory, exporter, monkeypatch):
    """Give a tracer of an SDK that has our processor."""
    monkeypatch.setattr(SpanProcessor, "made", SpanProcessor.made)
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    provider.add_span_processor(SpanProcessor())
    yield provider.get_tracer("app.tracer")
    assert adopted == {}


def test_what_the_sdk_has_recorded_is_recorded(memory, sdk, exporter):
    link = Link(SpanContext(7, 8, is_remote=True), {"l": 1})
    with sdk.start_as_current_span("work", kind=SpanKind.CLIENT, attributes={"a": 1}, links=[link]) as span:
        span.set_attribute("b", ["x", "y"])
        span.add_event("happened", {"c": 2})
        span.set_status(StatusCode.OK)
    (theirs,) = exporter.get_finished_spans()
    found = memory.span("work")
    assert found.context.trace_id == theirs.context.trace_id
    assert found.context.span_id == theirs.context.span_id
    assert (found.start_ns, found.end_ns) == (theirs.start_time, theirs.end_time)
    assert (found.kind, found.scope, found.status) == ("client", "app.tracer", "ok")
    assert found.attributes == {"a": 1, "b": ("x", "y")}
    assert [(event.name, event.time_ns, event.attributes) for event in found.events] == [
        ("happened", theirs.events[0].timestamp, {"c": 2})
    ]
    assert [(link.context.span_id, link.attributes) for link in found.links] == [(8, {"l": 1})]


def test_spans_of_both_nest_in_one_another_in_one_trace(memory, sdk, exporter):
    with sdk.start_as_current_span("sdk outer") as outer:
        assert current_ids() == ids(outer)
        assert trace.get_current_span() is outer
        with anytel.span("ours"):
            anytel.get_logger("test").info("logged")
            with sdk.start_as_current_span("sdk inner"):
                pass
        assert trace.get_current_span() is outer
        outer.set_attribute("late", True)
    spans = {span.name: span for span in memory.spans}
    assert len({span.context.trace_id for span in spans.values()}) == 1
    assert spans["ours"].parent_id == spans["sdk outer"].context.span_id
    assert spans["sdk inner"].parent_id == spans["ours"].context.span_id
    assert [spans[name].is_root for name in ("sdk outer", "ours", "sdk inner")] == [True, False, False]
    assert spans["sdk outer"].attributes == {"late": True}
    assert memory.logs[0].context.span_id == spans["ours"].context.span_id
    by_sdk = {span.name: span for span in exporter.get_finished_spans()}
    assert by_sdk["sdk inner"].parent.span_id == spans["ours"].context.span_id


def test_an_exception_of_an_sdk_span_fails_it(memory, sdk):
    with pytest.raises(ValueError, match="boom"), sdk.start_as_current_span("work"):
        raise ValueError("boom")
    span = memory.span("work")
    assert (span.status, span.status_message) == ("error", "ValueError: boom")
    assert (span.exception.type, span.exception.message) == ("ValueError", "boom")


def test_the_decision_of_the_sdk_holds_for_our_spans(memory, monkeypatch):
    provider = TracerProvider(sampler=ALWAYS_OFF, shutdown_on_exit=False)
    provider.add_span_processor(SpanProcessor())
    with provider.get_tracer("x").start_as_current_span("dropped"), anytel.span("ours"):
        pass
    assert memory.spans == []


def test_an_sdk_without_our_processor_shares_its_trace(memory):
    tracer = TracerProvider(shutdown_on_exit=False).get_tracer("x")
    with tracer.start_as_current_span("theirs") as theirs, anytel.span("ours"):
        pass
    span = memory.span("ours")
    assert (f"{span.context.trace_id:032x}", f"{span.parent_id:016x}") == ids(theirs)
    assert [found.name for found in memory.spans] == ["ours"]


def test_a_remote_parent_of_the_sdk_is_that_of_the_record(memory, sdk):
    remote = trace.NonRecordingSpan(SpanContext(5, 6, True, trace.TraceFlags(1)))
    sdk.start_span("served", trace.set_span_in_context(remote)).end()
    span = memory.span("served")
    assert (span.context.trace_id, span.parent_id, span.remote_parent) == (5, 6, True)


def test_the_processor_does_nothing_while_nothing_is_configured(sdk, memory):
    anytel.shutdown()
    with sdk.start_as_current_span("work"):
        pass


def test_flushing_the_provider_delivers(memory):
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SpanProcessor())
    provider.get_tracer("x").start_span("work").end()
    assert provider.force_flush()
    assert [span.name for span in memory.backend.finished] == ["work"]
    provider.shutdown()


def test_log_records_of_an_sdk_are_events_of_ours_once(memory, raised):
    provider = LoggerProvider(shutdown_on_exit=False)
    provider.add_log_record_processor(LogRecordProcessor())
    logger = provider.get_logger("app.logs")
    with anytel.span("work"):
        logger.emit(LogRecord(body="said", severity_number=SeverityNumber.WARN, attributes={"a": 1}))
    record = logging.LogRecord(
        "app", logging.ERROR, "f.py", 1, "failed", (), (ValueError, raised, raised.__traceback__)
    )
    LoggingHandler(logger_provider=provider).handle(record)
    anytel.logs.Handler().handle(record)
    said, failed = memory.logs
    assert (said.logger, said.level, said.message, said.attributes) == ("app.logs", "warning", "said", {"a": 1})
    assert said.context.span_id == memory.span("work").context.span_id
    assert (failed.logger, failed.message, failed.exception.message) == ("app", "failed", "boom")
