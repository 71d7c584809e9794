"""What the tests of OpenTelemetry share: its API with anytel behind it."""

import pytest
from opentelemetry import trace

import anytel


@pytest.fixture
def tracer(memory):
    """Give a tracer of OpenTelemetry's API, whose spans the memory backend keeps."""
    return trace.get_tracer("a.library", "1.2.3")


@pytest.fixture
def raised():
    """Give an exception that was raised."""
    try:
        raise ValueError("boom")
    except ValueError as exc:
        return exc


@pytest.fixture
def instrumented():
    """Give a function that uses an instrumentor, and undo all of it afterwards."""
    used = []

    def instrument(instrumentor, **options):
        instrumentor.instrument(**options)
        used.append(instrumentor)

    yield instrument
    for instrumentor in reversed(used):
        instrumentor.uninstrument()


def ids(span):
    """Give the ids of a span of OpenTelemetry as anytel writes them."""
    context = span.get_span_context()
    return f"{context.trace_id:032x}", f"{context.span_id:016x}"


def current_ids():
    """Give the ids of anytel's current span."""
    return anytel.current_span().trace_id, anytel.current_span().span_id
