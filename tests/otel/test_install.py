"""When and how anytel becomes OpenTelemetry's provider; each in a process of its own, as there is one per process."""

import pytest

CHECK = """
assert type(trace.get_tracer_provider()).__module__ == "anytel.otel.tracer"
with anytel.span("outer") as outer, trace.get_tracer("lib").start_as_current_span("inner") as inner:
    assert trace.get_current_span() is inner
    assert f"{inner.get_span_context().trace_id:032x}" == outer.trace_id
    carrier = {}
    from opentelemetry import propagate
    propagate.inject(carrier)
    assert carrier["sentry-trace"].startswith(outer.trace_id), carrier
from opentelemetry import metrics
from opentelemetry._logs import get_logger
metrics.get_meter("m").create_counter("calls").add(1)
get_logger("l").emit(body="said")
assert anytel.flush(10)
assert [span.name for span in backend.finished] == ["inner", "outer"]
assert backend.value("calls") == 1
assert [event.message for event in backend.events] == ["said"]
"""

CONFIGURE = """
import anytel, sys
from anytel.backends.memory import MemoryBackend
backend = MemoryBackend()
anytel.configure(service="shop", backends=[backend], log_format="json")
"""


def test_opentelemetry_that_is_imported_afterwards_has_our_providers(run_python):
    run_python(f"{CONFIGURE}\nassert 'opentelemetry' not in sys.modules\nfrom opentelemetry import trace\n{CHECK}")


def test_opentelemetry_that_was_imported_before_has_our_providers(run_python):
    run_python(
        f"from opentelemetry import trace, metrics, propagate, _logs\n"
        "proxy = trace.get_tracer('early')\nearly = metrics.get_meter('m').create_counter('early.calls')\n"
        f"{CONFIGURE}\n{CHECK}\n"
        "proxy.start_span('early').end()\nearly.add(1)\nassert anytel.flush(10)\n"
        "assert backend.finished[-1].name == 'early'\nassert backend.value('early.calls') == 1"
    )


def test_a_process_without_opentelemetry_does_not_load_it(run_python):
    run_python(
        f"{CONFIGURE}\nwith anytel.span('a'):\n    anytel.count('b')\n    anytel.get_logger('c').info('d')\n"
        "    anytel.inject({})\n"
        "assert anytel.flush(10)\nassert not [name for name in sys.modules if name.startswith('opentelemetry')]"
    )


@pytest.mark.parametrize("order", ["before", "after"])
def test_nothing_is_installed_where_telemetry_is_off(run_python, order):
    configure = "import anytel\nanytel.configure(backends='none')\n"
    load = "from opentelemetry import trace, propagate\n"
    run_python(
        f"{configure + load if order == 'after' else load + configure}\n"
        "assert type(trace.get_tracer_provider()).__name__ == 'ProxyTracerProvider'\n"
        "assert type(propagate.get_global_textmap()).__name__ == 'CompositePropagator'"
    )


SDK = """
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
trace.set_tracer_provider(TracerProvider())
"""


def test_a_provider_of_the_applications_stays_and_one_line_says_what_to_do(run_python):
    done = run_python(
        f"{SDK}\n{CONFIGURE}\nanytel.configure(backends=[backend], log_format='json')\n"
        "assert type(trace.get_tracer_provider()) is TracerProvider"
    )
    said = [line for line in done.stdout.splitlines() if "OpenTelemetry TracerProvider" in line]
    assert len(said) == 1
    assert "anytel.otel.SpanProcessor()" in said[0]
    assert "opentelemetry.sdk.trace.TracerProvider" in said[0]


def test_nothing_is_said_where_the_application_has_our_processor(run_python):
    done = run_python(
        "import anytel.otel\nfrom opentelemetry import trace\nfrom opentelemetry.sdk.trace import TracerProvider\n"
        "provider = TracerProvider()\nprovider.add_span_processor(anytel.otel.SpanProcessor())\n"
        f"trace.set_tracer_provider(provider)\n{CONFIGURE}"
    )
    assert "TracerProvider" not in done.stdout


TOO_LATE = {
    "TracerProvider": """
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
trace.set_tracer_provider(TracerProvider())
""",
    "MeterProvider": """
from opentelemetry import metrics
from opentelemetry.sdk.metrics import MeterProvider
metrics.set_meter_provider(MeterProvider())
""",
    "LoggerProvider": """
from opentelemetry import _logs
from opentelemetry.sdk._logs import LoggerProvider
_logs.set_logger_provider(LoggerProvider(shutdown_on_exit=False))
""",
}


@pytest.mark.parametrize("kind", TOO_LATE)
def test_a_provider_that_comes_too_late_is_refused_with_the_fix(run_python, kind):
    done = run_python(f"{CONFIGURE}\n{TOO_LATE[kind]}")
    (line,) = [line for line in done.stdout.splitlines() if f"anytel's OpenTelemetry {kind} is in force" in line]
    assert "before anytel.configure()" in line
    assert "Overriding" not in done.stdout + done.stderr


def test_a_propagator_that_the_application_has_set_is_below_ours(run_python):
    run_python(
        "from opentelemetry import propagate\n"
        "from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator\n"
        "propagate.set_global_textmap(TraceContextTextMapPropagator())\n"
        f"{CONFIGURE}\n"
        "carrier = {}\nwith anytel.span('a'):\n    propagate.inject(carrier)\n"
        "assert 'x-datadog-trace-id' in carrier\n"
        "propagate.set_global_textmap(TraceContextTextMapPropagator())\n"
        "carrier = {}\nwith anytel.span('a'):\n    propagate.inject(carrier)\nassert list(carrier) == ['traceparent']"
    )


def test_propagators_named_in_the_environment_are_below_ours(run_python):
    run_python(
        f"{CONFIGURE}\nfrom opentelemetry import propagate, baggage\n"
        "carrier = {}\nwith anytel.span('a'):\n    propagate.inject(carrier, baggage.set_baggage('user', '7'))\n"
        "assert 'user' not in carrier['baggage'] and 'sentry-trace' in carrier, carrier",
        OTEL_PROPAGATORS="tracecontext",
    )


def test_a_context_that_was_attached_before_holds_and_can_be_detached(run_python):
    run_python(
        "from opentelemetry import trace, context, baggage\n"
        "remote = trace.NonRecordingSpan(trace.SpanContext(5, 6, True, trace.TraceFlags(1)))\n"
        "token = context.attach(trace.set_span_in_context(remote, baggage.set_baggage('a', '1')))\n"
        f"{CONFIGURE}\nassert baggage.get_baggage('a') == '1'\nassert trace.get_current_span() is remote\n"
        "trace.get_tracer('x').start_span('child').end()\n"
        "context.detach(token)\nassert baggage.get_baggage('a') is None\n"
        "anytel.flush(10)\nassert backend.finished[0].parent_id == 6"
    )


def test_modules_look_as_if_nobody_had_been_there(run_python):
    run_python(
        f"{CONFIGURE}\nimport inspect\nfrom opentelemetry import trace\n"
        "assert type(trace.__loader__).__name__ == type(trace.__spec__.loader).__name__ == 'SourceFileLoader'\n"
        "assert 'def get_tracer(' in inspect.getsource(trace)"
    )


def test_without_opentelemetry_importing_it_fails_as_it_would(run_python):
    run_python(
        f"{CONFIGURE}\nimport sys\nsys.modules['opentelemetry'] = None\n"
        "try:\n    import opentelemetry.trace\nexcept ModuleNotFoundError:\n    pass\nelse:\n    raise SystemExit(1)"
    )
