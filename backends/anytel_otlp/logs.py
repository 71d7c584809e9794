"""Renders log events and error reports as an ``ExportLogsServiceRequest``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue
from opentelemetry.proto.logs.v1 import logs_pb2
from opentelemetry.proto.logs.v1.logs_pb2 import ResourceLogs, ScopeLogs, SeverityNumber

from anytel.backend import Attributes, ErrorRecord, Level, LogRecord, SpanContext
from anytel_otlp.common import Resources, attributes, scope, span_id, trace_id

__all__ = ["render_errors", "render_logs"]

_SEVERITY: Mapping[Level, SeverityNumber.ValueType] = {
    "debug": logs_pb2.SEVERITY_NUMBER_DEBUG,
    "info": logs_pb2.SEVERITY_NUMBER_INFO,
    "warning": logs_pb2.SEVERITY_NUMBER_WARN,
    "error": logs_pb2.SEVERITY_NUMBER_ERROR,
    "critical": logs_pb2.SEVERITY_NUMBER_FATAL,
}


def render_logs(batch: Sequence[LogRecord], resources: Resources) -> ExportLogsServiceRequest:
    """Render log events, those of one logger together, in their order."""
    return _request(((record.logger, _log(record)) for record in batch), resources)


def render_errors(batch: Sequence[ErrorRecord], resources: Resources) -> ExportLogsServiceRequest:
    """Render error reports as log records; ``error.handled`` tells them from the lines that name their ``error.id``."""
    return _request(((record.logger, _error(record)) for record in batch), resources)


def _request(records: Iterable[tuple[str, logs_pb2.LogRecord]], resources: Resources) -> ExportLogsServiceRequest:
    scopes: dict[str, list[logs_pb2.LogRecord]] = {}
    for logger, record in records:
        scopes.setdefault(logger, []).append(record)
    scope_logs = [ScopeLogs(scope=scope(logger), log_records=some) for logger, some in scopes.items()]
    return ExportLogsServiceRequest(resource_logs=[ResourceLogs(resource=resources.own, scope_logs=scope_logs)])


def _log(record: LogRecord) -> logs_pb2.LogRecord:
    raised = record.exception.attributes() if record.exception is not None else {}
    return _record(record.time_ns, record.level, record.message, record.context, {**record.attributes, **raised})


def _error(record: ErrorRecord) -> logs_pb2.LogRecord:
    own: Attributes = {"error.id": record.id, "error.handled": record.handled}
    body = record.message
    if record.exception is not None:
        raised = record.exception.attributes()
        own = {**own, **raised}
        body = f"{raised['exception.type']}: {raised['exception.message']}"
    return _record(record.time_ns, record.level, body, record.context, {**record.attributes, **own})


def _record(time_ns: int, level: Level, body: str, context: SpanContext | None, more: Attributes) -> logs_pb2.LogRecord:
    return logs_pb2.LogRecord(
        time_unix_nano=time_ns,
        observed_time_unix_nano=time_ns,
        severity_number=_SEVERITY[level],
        severity_text=level,
        body=AnyValue(string_value=body),
        attributes=attributes(more.items()),
        trace_id=trace_id(context.trace_id) if context is not None else b"",
        span_id=span_id(context.span_id) if context is not None else b"",
        flags=int(context.sampled) if context is not None else 0,
    )
