"""OpenTelemetry's log records are lines and records of anytel, each of them once."""

import json
import logging

import pytest
from opentelemetry import trace
from opentelemetry._logs import LogRecord, SeverityNumber, get_logger, get_logger_provider
from opentelemetry.instrumentation.logging import LoggingInstrumentor
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags

import anytel


@pytest.fixture
def logging_as_it_was(monkeypatch):
    """Undo what the instrumentation of logging leaves behind."""
    import logging.config

    for module, name in [(logging, "basicConfig"), (logging.config, "dictConfig"), (logging.config, "fileConfig")]:
        monkeypatch.setattr(module, name, getattr(module, name))


def lines(capsys):
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_a_record_is_a_line_and_reaches_the_backends(memory, capsys):
    with anytel.span("work") as span:
        get_logger("a.library").emit(
            LogRecord(severity_number=SeverityNumber.WARN, body="it happened", attributes={"n": 1, "event": "e"})
        )
    (line,) = lines(capsys)
    assert (line["event"], line["level"], line["logger"], line["n"], line["event_"]) == (
        "it happened", "warning", "a.library", 1, "e",
    )  # fmt: skip
    assert line["trace_id"] == span.trace_id
    (record,) = memory.logs
    assert (record.message, record.context.span_id) == ("it happened", memory.span("work").context.span_id)


@pytest.mark.parametrize(
    ("severity", "level"),
    [
        (SeverityNumber.DEBUG4, "debug"),
        (SeverityNumber.TRACE, "debug"),
        (SeverityNumber.INFO, "info"),
        (SeverityNumber.UNSPECIFIED, "info"),
        (None, "info"),
        (SeverityNumber.WARN2, "warning"),
        (SeverityNumber.ERROR, "error"),
        (SeverityNumber.FATAL4, "critical"),
    ],
)
def test_levels_are_those_that_the_severity_has_reached(configured, severity, level):
    memory = configured(log_level="debug")
    get_logger("x").emit(severity_number=severity, body="said")
    assert memory.logs[0].level == level


def test_what_is_below_the_level_is_not_enabled(memory):
    logger = get_logger("x")
    assert not logger.enabled(severity_number=SeverityNumber.DEBUG)
    assert logger.enabled(severity_number=SeverityNumber.INFO)
    logger.emit(severity_number=SeverityNumber.DEBUG, body="quiet")
    assert memory.logs == []


def test_the_members_of_a_body_are_values_and_an_event_has_its_name(memory):
    logger = get_logger("x")
    logger.emit(body={"a": 1, "event": 2}, event_name="shop.sold", attributes={"b": 2})
    logger.emit(body="text", event_name="shop.sold")
    logger.emit(event_name="alone")
    logger.emit()
    first, second, third, fourth = memory.logs
    assert (first.message, first.attributes) == ("shop.sold", {"b": 2, "a": 1, "event_": 2})
    assert (second.message, second.attributes) == ("text", {"event.name": "shop.sold"})
    assert (third.message, fourth.message) == ("alone", "")


def test_the_context_of_a_record_is_that_of_the_event(memory):
    elsewhere = trace.set_span_in_context(NonRecordingSpan(SpanContext(5, 6, True, TraceFlags(1))))
    with anytel.span("around"):
        here = trace.set_span_in_context(trace.get_current_span())
    get_logger("x").emit(body="said", context=here)
    get_logger("x").emit(body="far away", context=elsewhere)
    assert memory.logs[0].context == memory.span("around").context
    assert anytel.current_span().trace_id == "0" * 32


def test_an_error_with_its_exception_is_one_report(memory, raised):
    get_logger("x").emit(severity_number=SeverityNumber.ERROR, body="failed", exception=raised)
    assert memory.error().exception.message == "boom"


def test_the_provider_can_be_flushed_and_survives_its_shutdown(memory):
    provider = get_logger_provider()
    get_logger("x").emit(body="one")
    assert provider.force_flush()
    provider.shutdown()
    get_logger("x").emit(body="two")
    assert [record.message for record in memory.logs] == ["one", "two"]


@pytest.mark.parametrize("capture", [None, True, False])
@pytest.mark.parametrize("order", ["anytel first", "instrumentation first"])
def test_a_record_of_logging_comes_out_once_with_the_instrumentation(
    configured, instrumented, logging_as_it_was, capsys, capture, order
):
    """Whether our handler is there or not, and whichever is first."""
    if order == "anytel first":
        memory = configured(capture_stdlib=capture)
        instrumented(LoggingInstrumentor())
    else:
        anytel.configure(service="shop", backends=[], log_format="json", capture_stdlib=False)
        instrumented(LoggingInstrumentor())
        memory = configured(capture_stdlib=capture)
    capsys.readouterr()
    try:
        raise ValueError("boom")
    except ValueError:
        logging.getLogger("app").exception("it %s", "failed", extra={"order": 7})
    (line,) = lines(capsys)
    assert (line["event"], line["order"], line["exception.type"]) == ("it failed", 7, "ValueError")
    assert [record.message for record in memory.logs] == ["it failed"]
    assert memory.error().exception.message == "boom"


def test_the_instrumentation_puts_our_ids_into_records(memory, instrumented, logging_as_it_was):
    instrumented(LoggingInstrumentor(), inject_trace_context=True)
    with anytel.span("work") as span:
        record = logging.getLogRecordFactory()("n", 20, "p", 1, "m", (), None)
    assert (record.otelTraceID, record.otelSpanID) == (span.trace_id, span.span_id)
