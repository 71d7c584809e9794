"""OpenTelemetry: what is instrumented with its API is recorded by anytel, with no SDK in between.

`anytel.configure` installs it, and nothing of it is loaded before the application or a library imports
``opentelemetry``. An application with an SDK of its own adds `SpanProcessor` and `LogRecordProcessor` to
its providers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from anytel._lazy import lazily

if TYPE_CHECKING:
    from anytel.otel.logger import LoggerProvider
    from anytel.otel.meter import MeterProvider
    from anytel.otel.processor import LogRecordProcessor, SpanProcessor
    from anytel.otel.propagator import Propagator
    from anytel.otel.tracer import TracerProvider

__all__ = ["LogRecordProcessor", "LoggerProvider", "MeterProvider", "Propagator", "SpanProcessor", "TracerProvider"]

__getattr__ = lazily(
    __name__,
    {
        "LogRecordProcessor": "processor",
        "LoggerProvider": "logger",
        "MeterProvider": "meter",
        "Propagator": "propagator",
        "SpanProcessor": "processor",
        "TracerProvider": "tracer",
    },
)
