"""One setting sends the same telemetry to Sentry, Datadog, Prometheus and a collector, under one trace id."""

import asyncio
import json
from concurrent.futures import ThreadPoolExecutor

import pytest

import anytel
from anytel.backend import Backend
from anytel.testing.receivers.datadog import trace_id_of
from anytel.tracing.ids import keep


def test_a_trace_has_one_id_at_every_vendor_in_the_log_line_and_in_the_exemplar(vendors, capsys):
    """Inside one span, everything that leaves the process carries the same 128-bit trace id."""
    anytel.configure(sample_rate=1.0)

    with anytel.span("checkout") as span:
        anytel.histogram("db.query.time", 0.003, unit="s")
        anytel.get_logger("shop").info("checked_out")
        try:
            raise ValueError("declined")
        except ValueError as exc:
            anytel.capture_exception(exc)
    assert anytel.flush(5)

    line = json.loads(capsys.readouterr().out.splitlines()[-1])
    (sentry_span,) = vendors.sentry.spans
    (event,) = vendors.sentry.events
    (chunk,) = vendors.agent.traces
    assert {
        line["trace_id"],
        line["dd.trace_id"],
        sentry_span.trace_id,
        event["contexts"]["trace"]["trace_id"],
        f"{trace_id_of(chunk):032x}",
        vendors.scrape().exemplars("db_query_time_seconds_bucket")[0].labels["trace_id"],
        vendors.collector.metrics[0].wire.histogram.data_points[0].exemplars[0].trace_id.hex(),
        *(one.trace_id for one in (*vendors.collector.spans, *vendors.collector.logs)),
    } == {span.trace_id}
    assert len(vendors.collector.logs) == 2  # the line and the report
    assert {line["span_id"], sentry_span.span_id, event["contexts"]["trace"]["span_id"]} == {span.span_id}
    assert line["dd.span_id"] == str(chunk[0]["span_id"]) == str(int(span.span_id, 16))


def test_all_vendors_keep_the_same_half_of_a_thousand_traces(vendors, monkeypatch):
    """At a sample rate of 0.5, all keep exactly the traces that the shared function keeps."""
    monkeypatch.setenv("TELEMETRY_SAMPLE_RATE", "0.5")
    anytel.configure()

    made = set()
    for _ in range(1_000):
        with anytel.span("job") as span:
            made.add(int(span.trace_id, 16))
    assert anytel.flush(20)

    kept = {trace_id for trace_id in made if keep(trace_id, 0.5)}
    sentry = {int(span.trace_id, 16) for span in vendors.sentry.spans}
    by_priority = {priority: set() for priority in (2, -1)}
    for chunk in vendors.agent.traces:
        by_priority[chunk[0]["metrics"]["_sampling_priority_v1"]].add(trace_id_of(chunk))
    assert 400 < len(kept) < 600
    assert sentry == kept == {int(span.trace_id, 16) for span in vendors.collector.spans}
    assert by_priority[2] == kept
    assert by_priority[-1] == made - kept


def _emit() -> None:
    anytel.count("mcp.calls", 2, tags={"endpoint": "revalidate"})
    anytel.count("mcp.calls", tags={"endpoint": "revalidate"})
    anytel.gauge("queue.depth", 3)
    anytel.gauge("queue.depth", 12)
    for value in (0.1, 0.2, 0.3):
        anytel.distribution("response.time", value, unit="s")
        anytel.histogram("db.query.time", value, unit="s")
    for member in ("a", "b", "a"):
        anytel.set("unique.fragments", member)


def _sentry(vendors, name):
    items = [metric for metric in vendors.sentry.metrics if metric.name == name]
    return {metric.type for metric in items}, sorted(metric.value for metric in items)


def _datadog(vendors, name):
    vendors.statsd.wait(lambda statsd: statsd.named(name))  # a datagram has no answer: flush() cannot wait for it
    items = vendors.statsd.named(name)
    return {metric.kind for metric in items}, sorted(value for metric in items for value in metric.values)


def _collector(vendors, name):
    [metric] = [one.wire for one in vendors.collector.metrics if one.name == name]
    kind = metric.WhichOneof("data")
    [point] = getattr(metric, kind).data_points
    return kind, point.sum if kind == "histogram" else getattr(point, point.WhichOneof("value"))


@pytest.mark.parametrize(
    ("name", "sentry", "datadog", "prometheus", "collector"),
    [
        ("mcp.calls", ({"counter"}, [3]), ({"count"}, [3]), {"mcp_calls_total": 3}, ("sum", 3)),
        ("queue.depth", ({"gauge"}, [12]), ({"gauge"}, [12]), {"queue_depth": 12}, ("gauge", 12)),
        (
            "response.time",
            ({"distribution"}, [0.1, 0.2, 0.3]),
            ({"distribution"}, [0.1, 0.2, 0.3]),
            {"response_time_seconds_count": 3, "response_time_seconds_sum": 0.6},
            ("histogram", pytest.approx(0.6)),
        ),
        (
            "db.query.time",
            ({"distribution"}, [0.1, 0.2, 0.3]),
            ({"histogram"}, [0.1, 0.2, 0.3]),
            {"db_query_time_seconds_count": 3, "db_query_time_seconds_sum": 0.6},
            ("histogram", pytest.approx(0.6)),
        ),
        ("unique.fragments", ({"gauge"}, [2]), ({"set"}, ["a", "b"]), {"unique_fragments": 2}, ("gauge", 2)),
    ],
)
def test_each_metric_kind_arrives_at_each_vendor_as_its_fidelity_says(
    vendors, name, sentry, datadog, prometheus, collector
):
    """A kind is rendered to what the vendor has for it, with the values that were recorded."""
    anytel.configure()

    _emit()
    assert anytel.flush(5)

    assert _sentry(vendors, name) == sentry
    assert _datadog(vendors, name) == datadog
    assert _collector(vendors, name) == collector
    scraped = vendors.scrape()
    for sample, value in prometheus.items():
        assert [found.value for found in scraped.samples(sample)] == [pytest.approx(value)]


@anytel.traced
def plain() -> None:
    with anytel.span("inner"):
        pass


@anytel.traced
async def coroutine() -> None:
    await asyncio.sleep(0)
    with anytel.span("inner"):
        pass


@anytel.traced
def generator():
    with anytel.span("inner"):
        yield


@anytel.traced
async def async_generator():
    with anytel.span("inner"):
        yield


@anytel.traced
class Service:
    def method(self) -> None:
        with anytel.span("inner"):
            pass


async def _drain() -> None:
    async for _ in async_generator():
        pass


@pytest.mark.parametrize(
    ("name", "call"),
    [
        ("plain", plain),
        ("coroutine", lambda: asyncio.run(coroutine())),
        ("generator", lambda: list(generator())),
        ("async_generator", lambda: asyncio.run(_drain())),
        ("Service.method", lambda: Service().method()),
        ("in.thread", lambda: _in_thread() or None),
    ],
)
def test_every_way_to_make_a_span_gives_the_same_tree_at_all_vendors(vendors, name, call):
    """Names, ids and parents are equal at all vendors, whatever the span was made by."""
    anytel.configure()

    with anytel.span("root") as root:
        call()
    assert anytel.flush(5)

    sentry = {(s.name, s.span_id, s.parent_span_id or "0" * 16) for s in vendors.sentry.spans}
    datadog = {(s["name"], f"{s['span_id']:016x}", f"{s.get('parent_id', 0):016x}") for s in vendors.agent.spans}
    otlp = {(s.name, s.span_id, s.parent_span_id or "0" * 16) for s in vendors.collector.spans}
    assert sentry == datadog == otlp
    ids = {one: (span_id, parent) for one, span_id, parent in sentry}
    assert ids["root"] == (root.span_id, "0" * 16)
    assert ids[name][1] == root.span_id
    assert ids["inner"][1] == ids[name][0]


def _in_thread() -> None:
    def work() -> None:
        with anytel.span("in.thread"), anytel.span("inner"):
            pass

    with ThreadPoolExecutor(1) as pool:
        pool.submit(anytel.propagate(work)).result()


def test_gathered_tasks_are_siblings_at_both_vendors(vendors):
    """Concurrent tasks do not become one another's parents, as they do in Sentry's SDK."""
    anytel.configure()

    async def task(number: int) -> None:
        with anytel.span(f"task.{number}"):
            await asyncio.sleep(0)

    async def main() -> None:
        with anytel.span("root"):
            await asyncio.gather(*(task(number) for number in range(5)))

    asyncio.run(main())
    assert anytel.flush(5)

    (root,) = (span for span in vendors.sentry.spans if span.name == "root")
    assert {span.parent_span_id for span in vendors.sentry.spans if span is not root} == {root.span_id}
    assert {f"{span['parent_id']:016x}" for span in vendors.agent.spans if span["name"] != "root"} == {root.span_id}


def test_an_exception_through_nested_spans_is_one_issue_with_the_innermost_span(vendors):
    """An exception that leaves three spans is reported once, and fails each span at both vendors."""
    anytel.configure()

    with pytest.raises(ZeroDivisionError), anytel.span("outer"), anytel.span("middle"), anytel.span("inner"):
        _ = 1 / 0
    assert anytel.flush(5)

    (event,) = vendors.sentry.events
    (inner,) = (span for span in vendors.sentry.spans if span.name == "inner")
    assert event["contexts"]["trace"]["span_id"] == inner.span_id
    assert event["exception"]["values"][-1]["mechanism"]["handled"] is False
    assert {span.status for span in vendors.sentry.spans} == {"error"}
    assert {span["error"] for span in vendors.agent.spans} == {1}
    assert {span["meta"]["error.type"] for span in vendors.agent.spans} == {"builtins.ZeroDivisionError"}


class _Unprintable:
    def __str__(self) -> str:
        raise RuntimeError


HOSTILE = [None, b"\xff\x00", float("nan"), float("inf"), 10**400, "\ud800", "x" * 1_000_000, _Unprintable(), {"a": {}}]


@pytest.mark.parametrize("value", HOSTILE, ids=lambda value: type(value).__name__)
def test_a_hostile_value_loses_nothing_else_at_any_vendor(vendors, value):
    """Whatever is given as a value, a tag or a name, the neighbour's span and metric arrive everywhere."""
    anytel.configure()

    with anytel.span("hostile", attributes={"value": value, "list": [value]}) as span:
        span.set({"more": value}).event("event", {"value": value})
        anytel.count("hostile", value)
        anytel.count("hostile.tag", tags={"value": value})
        anytel.count(value)
        anytel.distribution("hostile.sample", value)
        anytel.set("hostile.member", value)
        anytel.get_logger("shop").info("hostile", value=value)
        with anytel.span("neighbour"):
            anytel.count("neighbour")
            anytel.distribution("neighbour.sample", 1.5)
    assert anytel.flush(10)

    assert {span.name for span in vendors.sentry.spans} == {"hostile", "neighbour"}
    assert {span["name"] for span in vendors.agent.spans} == {"hostile", "neighbour"}
    assert _sentry(vendors, "neighbour") == ({"counter"}, [1])
    assert _datadog(vendors, "neighbour.sample") == ({"distribution"}, [1.5])
    assert vendors.scrape().value("neighbour_total") == 1
    assert {span.name for span in vendors.collector.spans} == {"hostile", "neighbour"}
    assert _collector(vendors, "neighbour") == ("sum", 1)
    assert not vendors.collector.malformed
    assert not vendors.sentry.malformed
    assert not vendors.agent.malformed
    assert not vendors.statsd.malformed


class Raising(Backend):
    """Raises wherever it is called."""

    name = "raising"

    def open(self, host) -> None:
        pass

    def _raise(self, *args) -> None:
        raise RuntimeError("backend down")

    spans = metrics = logs = errors = flush = close = _raise


def test_a_backend_that_raises_in_every_method_changes_nothing_for_the_vendors(vendors, caplog):
    """The siblings of a broken backend receive everything, and its losses are counted."""
    anytel.configure(backends=["sentry", "datadog", "prometheus", "otlp", Raising()])

    with anytel.span("checkout"):
        anytel.count("mcp.calls")
        anytel.capture_exception(ValueError("declined"))
    assert anytel.flush(5) is False

    assert [span.name for span in vendors.sentry.spans] == ["checkout"]
    assert [span["name"] for span in vendors.agent.spans] == ["checkout"]
    assert [span.name for span in vendors.collector.spans] == ["checkout"]
    assert len(vendors.sentry.events) == 1
    assert vendors.scrape().value("mcp_calls_total") == 1
    accounts = anytel.stats().backends
    assert accounts["raising"]["span"].dropped == {"backend_error": 1}
    assert accounts["sentry"]["span"].delivered == accounts["datadog"]["span"].delivered == 1
    assert any("backend 'raising' failed" in message for message in caplog.messages)


def test_a_missing_dsn_switches_sentry_off_with_one_warning_and_the_others_work(vendors, monkeypatch, caplog):
    """Without SENTRY_DSN there is a warning that names it; Datadog receives everything."""
    monkeypatch.delenv("SENTRY_DSN")

    anytel.configure()
    with anytel.span("checkout"):
        pass
    assert anytel.flush(5)

    (warning,) = (record for record in caplog.records if record.levelname == "WARNING")
    assert "SENTRY_DSN" in warning.getMessage()
    assert [span["name"] for span in vendors.agent.spans] == ["checkout"]
    assert set(anytel.stats().backends) == {"datadog", "prometheus", "otlp"}


def test_with_the_strict_setting_a_missing_dsn_is_an_error(vendors, monkeypatch):
    """TELEMETRY_STRICT=1 turns the warning into a ConfigError."""
    monkeypatch.delenv("SENTRY_DSN")
    monkeypatch.setenv("TELEMETRY_STRICT", "1")

    with pytest.raises(anytel.ConfigError, match="SENTRY_DSN"):
        anytel.configure()
