"""OpenTelemetry: what is instrumented with its API is recorded by anytel, with no SDK in between.

`anytel.configure` installs it, and nothing of it is loaded before the application or a library imports
``opentelemetry``. An application with an SDK of its own adds `SpanProcessor` and `LogRecordProcessor` to
its providers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from anytel.otel.logger import LoggerProvider
    from anytel.otel.meter import MeterProvider
    from anytel.otel.processor import LogRecordProcessor, SpanProcessor
    from anytel.otel.propagator import Propagator
    from anytel.otel.tracer import TracerProvider

__all__ = ["LogRecordProcessor", "LoggerProvider", "MeterProvider", "Propagator", "SpanProcessor", "TracerProvider"]

_MODULES = {
    "LogRecordProcessor": "processor",
    "LoggerProvider": "logger",
    "MeterProvider": "meter",
    "Propagator": "propagator",
    "SpanProcessor": "processor",
    "TracerProvider": "tracer",
}


def __getattr__(name: str) -> object:
    """Load what is asked for, and ``opentelemetry`` with it."""
    from importlib import import_module  # noqa: PLC0415 -- most processes never come here

    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
