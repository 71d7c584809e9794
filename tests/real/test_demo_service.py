"""The demo service under uvicorn with every backend, watched by what its vendors' users would run."""

import json
from urllib.request import Request

from google.protobuf import json_format
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from real.demo import demo_service
from real.processes import free_ports
from real.prometheus import prometheus
from real.web import await_value, send

FRAGMENT = {"fragmentKey": "home-hero", "pageSlug": "home"}


def revalidate(url):
    headers = {"Content-Type": "application/json", "X-Revalidate-Secret": "test-secret"}
    send(Request(f"{url}/revalidate", data=json.dumps(FRAGMENT).encode(), headers=headers))


def otlp_spans(agent):
    requests = [json_format.ParseDict(one, ExportTraceServiceRequest()) for one in agent.otlp_of("traces")]
    return [span for one in requests for of in one.resource_spans for scope in of.scope_spans for span in scope.spans]


def test_a_request_has_one_trace_id_at_every_vendor(sentry, agent, folder):
    """The spans at Sentry, at Datadog and by OTLP, Prometheus' exemplar and the log lines lead to one another."""
    where = folder("demo")
    (port,) = free_ports(1)
    scraped = f"http://127.0.0.1:{port}/metrics"
    settings = {
        "TELEMETRY_BACKENDS": "sentry,datadog,prometheus,otlp",
        "TELEMETRY_LOG_FORMAT": "json",
        "SENTRY_DSN": sentry.dsn,
        "DD_TRACE_AGENT_URL": agent.url,
        "DD_DOGSTATSD_URL": "udp://127.0.0.1:9",
        "OTEL_EXPORTER_OTLP_ENDPOINT": agent.otlp,
        "OTEL_EXPORTER_PROMETHEUS_HOST": "127.0.0.1",
        "OTEL_EXPORTER_PROMETHEUS_PORT": str(port),
    }
    with demo_service(where, **settings) as (url, program), prometheus("debian", scraped, where) as server:
        revalidate(url)
        calls = await_value(lambda: server.query('mcp_calls_total{endpoint="revalidate"}'))
        (exemplar,) = server.exemplars('mcp_calls_total{endpoint="revalidate"}')

    trace_id = exemplar["labels"]["trace_id"]
    sentry_spans = [span for span in sentry.received().of("span") if span["trace_id"] == trace_id]
    low = int(trace_id[16:], 16)
    (trace,) = (found for found in agent.traces() if found[0]["trace_id"] == low)
    lines = [json.loads(line) for line in program.log.read_text().splitlines() if line.startswith("{")]
    assert list(calls.values()) == [1]
    assert {f"{span['span_id']:016x}" for span in trace} == {span["span_id"] for span in sentry_spans}
    assert {one.span_id.hex() for one in otlp_spans(agent) if one.trace_id.hex() == trace_id} == {
        span["span_id"] for span in sentry_spans
    }
    assert exemplar["labels"]["span_id"] in {span["span_id"] for span in sentry_spans}
    assert len(trace) > 2
    root = next(span for span in sentry_spans if span["is_segment"])
    assert root["name"] == "POST /revalidate"
    assert [line["event"] for line in lines if line.get("trace_id") == trace_id]
    assert not [line for line in lines if line["level"] in ("error", "critical")]
