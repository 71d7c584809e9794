"""What `anytel` offers, what importing it costs, and what it does before it is configured."""

import inspect
import json

import anytel
from anytel.backend import Backend


def test_all_is_sorted_and_complete():
    """`__all__` is sorted and names everything public but `set`, which would hide the builtin from a star import."""
    catalogue = {"SLO", "Alert", "Anomaly", "Change", "Latency", "Lines", "Mute", "Ratio", "Raw", "Receiver", "Stat"}
    lazy = catalogue | {"Style", "View"}
    public = {name for name, value in vars(anytel).items() if not name.startswith("_") and not inspect.ismodule(value)}
    assert anytel.__all__ == sorted(anytel.__all__, key=lambda name: (not name.isupper(), name))
    assert set(anytel.__all__) == public - {"set"} | lazy
    assert callable(anytel.set)


def test_the_declarations_load_at_their_first_use(run_python):
    """A process that declares nothing but metrics does not pay for them, and a misspelt name is told as usual."""
    run_python(
        "import anytel, sys\n"
        "assert 'anytel.catalogue' not in sys.modules\n"
        "assert not hasattr(anytel, 'Slo')\n"
        "from anytel import SLO\n"
        "assert SLO is anytel.SLO and 'anytel.catalogue' in sys.modules\n"
        "assert 'yaml' not in sys.modules and 'anytel.generate' not in sys.modules\n"
    )


def test_everything_public_has_a_docstring():
    """Every public name says what a caller may rely on."""
    assert [name for name in [*anytel.__all__, "set"] if not inspect.getdoc(getattr(anytel, name))] == []


def test_import_loads_no_vendor_and_nothing_heavy(run_python):
    """`import anytel` loads no vendor SDK, no structlog and no OpenTelemetry."""
    done = run_python(
        "import anytel, sys, json\nprint(json.dumps(sorted({name.split('.')[0] for name in sys.modules})))"
    )
    heavy = {
        "sentry_sdk", "ddtrace", "datadog", "prometheus_client", "structlog", "opentelemetry", "orjson", "msgspec",
        "fastapi", "starlette", "click", "rich", "anytel_sentry", "anytel_datadog", "anytel_prometheus",
    }  # fmt: skip
    assert heavy.isdisjoint(json.loads(done.stdout))


UNCONFIGURED = """
import anytel, sys, threading

CALLS = anytel.Counter("calls", tags=("a",))
DEPTH = anytel.Gauge("depth")
bound = CALLS.bind(a="x")
with anytel.span("one", kind="client", attributes={"a": 1}) as span:
    assert span is anytel.current_span()
    assert span.set(a=1).set({"b": 2}).event("x").fail("y") is span
    assert (span.trace_id, span.span_id, span.recording, span.sampled) == ("0" * 32, "0" * 16, False, False)
    carrier = {}
    anytel.inject(carrier)
    assert carrier == {}
anytel.start_span("two").end()
anytel.count("n", tags={"a": 1}); anytel.gauge("g", 7); anytel.distribution("d", 1.0, unit="s")
anytel.histogram("h", 1); anytel.set("s", "x"); CALLS.add(); bound.add(); DEPTH.set(3)
with anytel.context({"user.id": 1}, request="r"):
    pass
assert anytel.traced(lambda: 5)() == 5
assert anytel.propagate(lambda: 6)() == 6
assert anytel.extract({}).context is None
try:
    1 / 0
except ZeroDivisionError:
    assert len(anytel.capture_exception()) == 32
assert dict(anytel.stats().backends) == {}
assert anytel.flush() and anytel.shutdown()
assert threading.active_count() == 1
assert "structlog" not in sys.modules and "orjson" not in sys.modules

anytel.get_logger("early").info("printed", amount=3)

from anytel.backends.memory import MemoryBackend
memory = MemoryBackend()
anytel.configure(backends=[memory])
CALLS.add(2, {"a": "x"}); bound.add()
assert anytel.flush(10)
print({point.series.name: point.value for point in memory.points})
"""


def test_before_configure_the_api_does_nothing(run_python):
    """Before `configure` spans and metrics do nothing, log lines print, and gauges and declarations are kept."""
    lines = run_python(UNCONFIGURED).stdout.splitlines()
    line = json.loads(lines[0])
    assert (line["event"], line["amount"], line["logger"], line["level"]) == ("printed", 3, "early", "info")
    assert eval(lines[1]) == {"calls": 3, "g": 7.0, "depth": 3.0}


def test_flush_before_configure_keeps_gauges_fresh(configured):
    """A flush before `configure` takes nothing away from what the first backend will see."""
    anytel.gauge("depth", 4)
    assert anytel.flush()
    memory = configured()
    assert memory.point("depth").fresh


def test_functions_imported_by_name_follow_configure(configured):
    """`from anytel import count` and handles bound before `configure` go to what is in force now."""
    from anytel import count, span

    handle = anytel.Counter("orders", tags=("channel",)).bind(channel="web")
    first = configured()
    with span("one"):
        count("n")
        handle.add()
    assert first.total("n") == 1
    second = configured()
    with span("two"):
        count("n")
        handle.add()
    assert (second.total("n"), second.total("orders")) == (1, 1)
    assert [one.name for one in second.spans] == ["two"]
    assert [one.name for one in first.backend.finished] == ["one"]


def test_none_records_nothing(capsys):
    """`backends="none"` switches spans and metrics off; log lines print."""
    anytel.configure(backends="none", log_format="json")
    with anytel.span("off") as span:
        anytel.count("n")
        anytel.get_logger().info("still here")
    assert not span.recording
    assert dict(anytel.stats().backends) == {}
    assert json.loads(capsys.readouterr().out)["event"] == "still here"


def test_a_backend_that_overrides_nothing_accepts_everything(configured):
    """The contract's own class is a backend that accepts everything."""

    class Nothing(Backend):
        name = "nothing"

    configured(Nothing())
    with anytel.span("one"):
        anytel.count("n")
    anytel.get_logger().info("line")
    anytel.capture_exception(ValueError("x"))
    assert anytel.flush(10)
    counts = anytel.stats().backends["nothing"]
    assert {signal: (one.emitted, one.delivered) for signal, one in counts.items()} == {
        "span": (1, 1), "metric": (1, 1), "log": (1, 1), "error": (1, 1),
    }  # fmt: skip
