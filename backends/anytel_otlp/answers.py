"""Reads the bodies of answers (https://opentelemetry.io/docs/specs/otlp/#otlphttp-response)."""

from __future__ import annotations

from typing import NamedTuple

from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceResponse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTracePartialSuccess,
    ExportTraceServiceResponse,
)

from anytel_otlp.settings import Stream

__all__ = ["Rejected", "problem_in", "rejected_in"]

MAX_MESSAGE = 500


class Rejected(NamedTuple):
    """How many items the receiver did not take, and why. A reason without a number is a warning."""

    number: int = 0
    message: str = ""


def rejected_in(stream: Stream, body: bytes) -> Rejected:
    """Read the answer to an accepted request; what cannot be read rejects nothing."""
    try:
        match stream:
            case "traces":
                traces = ExportTraceServiceResponse.FromString(body).partial_success
                count, message = traces.rejected_spans, traces.error_message
            case "metrics":
                metrics = ExportMetricsServiceResponse.FromString(body).partial_success
                count, message = metrics.rejected_data_points, metrics.error_message
            case "logs":
                logs = ExportLogsServiceResponse.FromString(body).partial_success
                count, message = logs.rejected_log_records, logs.error_message
    except DecodeError:
        return Rejected()
    return Rejected(max(0, count), message[:MAX_MESSAGE])


def problem_in(body: bytes) -> str:
    """Read the message of a ``google.rpc.Status``, the body of a refusal; empty where there is none."""
    try:
        # Both are a number in field 1 and a text in field 2, and the class of Status is in another distribution.
        message: str = ExportTracePartialSuccess.FromString(body).error_message
        return message[:MAX_MESSAGE]
    except DecodeError:
        return ""
