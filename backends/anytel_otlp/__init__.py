"""The OTLP backend: spans, metrics, logs and errors over HTTP and protobuf, to any OpenTelemetry collector."""

from anytel_otlp.backend import OtlpBackend

__all__ = ["OtlpBackend"]
