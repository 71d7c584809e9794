"""What OpenTelemetry's Collector and Datadog's test agent decode is what was sent, message for message."""

import pytest
from google.protobuf import json_format
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

import anytel
from anytel.testing.receivers.otlp import OtlpReceiver

PREFIX = "OTEL_EXPORTER_OTLP_"
SECRET = "key=a%20b"


@pytest.fixture
def direct():
    """Give a receiver of ours, to which the same is sent."""
    with OtlpReceiver() as receiver:
        yield receiver
        assert receiver.malformed == []


@pytest.fixture
def send_to(direct, monkeypatch, delivered):
    """Give a function that sends the same records of every kind to an address and to the receiver of ours."""
    from anytel_otlp import OtlpBackend

    class Second(OtlpBackend):
        name = "second"

    def send(url, **env):
        for name, value in env.items():
            monkeypatch.setenv(PREFIX + name, value)
        backends = [OtlpBackend(url), Second(direct.url)]
        anytel.configure(
            service="shop",
            version="1.4.0",
            environment="test",
            backends=backends,
            log_format="json",
            flush_interval=3600,
        )
        record()
        delivered()

    return send


def record():
    attributes = {"flag": True, "n": -3, "f": 1.5, "text": "x\u00e9", "many": ("a", "b")}
    parent = anytel.extract({"traceparent": f"00-{7:032x}-{8:016x}-01", "tracestate": "vendor=x"})
    with anytel.span("POST /pay", kind="server", attributes=attributes, parent=parent) as root:
        root.event("retry", {"attempt": 2})
        with pytest.raises(ValueError), anytel.span("pg.query", attributes={"service.name": "shop-db"}, links=[root]):
            raise ValueError("declined")
        for value in (0.1, 0.2, 30.0):
            anytel.distribution("response.time", value, unit="s", tags={"endpoint": "pay"})
            anytel.histogram("db.query.time", value, unit="s")
        anytel.count("mcp.calls", 2, tags={"endpoint": "pay"})
        anytel.gauge("queue.depth", -12)
        anytel.set("unique.users", "me")
        try:
            raise LookupError("gone")
        except LookupError:
            anytel.get_logger("shop.pay").exception("payment_failed", **attributes)


def wires(items):
    """Give the messages as text, in an order of their own."""
    return sorted(str(one.wire) for one in items)


@pytest.mark.go
@pytest.mark.parametrize("temporality", ["cumulative", "delta"])
@pytest.mark.parametrize("compression", ["none", "gzip", "deflate"])
def test_a_collector_passes_on_what_it_was_sent(opentelemetry, direct, send_to, temporality, compression):
    """Every field of every span, point and log record, of every kind, through its decoder and its encoder."""
    send_to(opentelemetry.url, COMPRESSION=compression, METRICS_TEMPORALITY_PREFERENCE=temporality, HEADERS=SECRET)

    passed = opentelemetry.behind
    assert passed.malformed == []
    assert len(direct.spans) == 2
    assert len(direct.metrics) == 5
    assert len(direct.logs) == 2
    for signal in ("spans", "metrics", "logs"):
        assert wires(getattr(passed, signal)) == wires(getattr(direct, signal)), signal


@pytest.mark.go
def test_a_collector_knows_the_resource_and_the_scopes(opentelemetry, direct, send_to):
    """They differ in the instance alone, of which each backend has its own."""
    send_to(opentelemetry.url)

    def resources(receiver):
        items = (*receiver.spans, *receiver.metrics, *receiver.logs)
        return {
            (one.scope, *(pair for pair in sorted(one.resource.items()) if pair[0] != "service.instance.id"))
            for one in items
        }

    assert resources(opentelemetry.behind) == resources(direct)
    assert {one.service for one in opentelemetry.behind.spans} == {"shop", "shop-db"}


@pytest.mark.go
def test_a_collector_knows_exponential_histograms(opentelemetry, direct, send_to):
    """Of distributions, where they are asked for."""
    aggregation = "base2_exponential_bucket_histogram"
    send_to(
        opentelemetry.url, METRICS_TEMPORALITY_PREFERENCE="delta", METRICS_DEFAULT_HISTOGRAM_AGGREGATION=aggregation
    )

    [found] = [one.wire for one in opentelemetry.behind.metrics if one.name == "response.time"]
    [point] = found.exponential_histogram.data_points
    assert point.count == 3
    point.ClearField("negative")  # the collector writes it also where it is empty
    assert wires(opentelemetry.behind.metrics) == wires(direct.metrics)


def test_datadogs_test_agent_decodes_what_it_was_sent(agent, direct, send_to):
    """Of all three signals."""
    send_to(agent.otlp, COMPRESSION="gzip")

    assert [len(one) for one in (direct.spans, direct.metrics, direct.logs)] == [2, 5, 2]
    assert decoded(agent, "traces", ExportTraceServiceRequest, "spans") == wires(direct.spans)
    assert decoded(agent, "metrics", ExportMetricsServiceRequest, "metrics") == wires(direct.metrics)
    assert decoded(agent, "logs", ExportLogsServiceRequest, "log_records") == wires(direct.logs)


def decoded(agent, signal, kind, items):
    """Give the messages that the agent shows in protobuf's own JSON."""
    name = {"traces": "spans"}.get(signal, signal)
    requests = [json_format.ParseDict(one, kind()) for one in agent.otlp_of(signal)]
    resources = [of for request in requests for of in getattr(request, f"resource_{name}")]
    scopes = [scope for of in resources for scope in getattr(of, f"scope_{name}")]
    return sorted(str(one) for scope in scopes for one in getattr(scope, items))
