"""The loopback collector takes what the protocol allows, and says what it does not."""

import json
import urllib.request

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord, ResourceLogs, ScopeLogs
from opentelemetry.proto.metrics.v1 import metrics_pb2 as wire
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span

from anytel.testing.receivers.otlp import OtlpReceiver

TRACE, SPAN = "0123456789abcdeffedcba9876543210", "00f067aa0ba902b7"


@pytest.fixture
def receiver():
    with OtlpReceiver() as running:
        yield running


def post(receiver, path, body, content_type="application/x-protobuf"):
    request = urllib.request.Request(receiver.url + path, body, {"Content-Type": content_type})
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), _Lenient())
    with opener.open(request, timeout=10) as answer:
        return answer.status, answer.headers["content-type"], answer.read()


class _Lenient(urllib.request.HTTPErrorProcessor):
    def http_response(self, request, response):
        return response


def test_json_is_read_as_protobuf_is(receiver):
    """With ids in hex and numbers as text, as Node's exporters write them, and it is answered in kind."""
    span = {
        "traceId": TRACE,
        "spanId": SPAN,
        "parentSpanId": SPAN[::-1],
        "name": "GET /",
        "kind": 2,
        "startTimeUnixNano": "1700000000000000000",
        "endTimeUnixNano": "1700000000000000005",
        "attributes": [{"key": "n", "value": {"intValue": "3"}}, {"key": "l", "value": {"arrayValue": {"values": []}}}],
        "unknownField": 1,
    }
    resource = {"attributes": [{"key": "service.name", "value": {"stringValue": "web"}}]}
    body = {"resourceSpans": [{"resource": resource, "scopeSpans": [{"scope": {"name": "next"}, "spans": [span]}]}]}
    assert post(receiver, "/v1/traces", json.dumps(body).encode(), "application/json") == (
        200,
        "application/json",
        b"{}",
    )
    [got] = receiver.spans
    assert (got.trace_id, got.span_id, got.parent_span_id) == (TRACE, SPAN, SPAN[::-1])
    assert (got.service, got.scope, got.name, got.attributes) == ("web", "next", "GET /", {"n": 3, "l": []})
    assert got.wire.kind == Span.SPAN_KIND_SERVER


def spans(**fields):
    plain = {"trace_id": bytes.fromhex(TRACE), "span_id": bytes.fromhex(SPAN), "name": "a"}
    plain |= {"start_time_unix_nano": 1, "end_time_unix_nano": 2}
    scoped = ScopeSpans(spans=[Span(**plain | fields)])
    return "/v1/traces", ExportTraceServiceRequest(resource_spans=[ResourceSpans(scope_spans=[scoped])])


def logs(**fields):
    scoped = ScopeLogs(log_records=[LogRecord(**fields)])
    return "/v1/logs", ExportLogsServiceRequest(resource_logs=[ResourceLogs(scope_logs=[scoped])])


def metrics(**fields):
    scoped = wire.ScopeMetrics(metrics=[wire.Metric(**{"name": "n"} | fields)])
    return "/v1/metrics", ExportMetricsServiceRequest(resource_metrics=[wire.ResourceMetrics(scope_metrics=[scoped])])


def pair(key):
    return KeyValue(key=key, value=AnyValue(string_value="v"))


POINT = wire.NumberDataPoint(as_int=1, time_unix_nano=2)


@pytest.mark.parametrize(
    ("path", "message", "problem"),
    [
        (*spans(trace_id=b"short"), "these are no ids"),
        (*spans(span_id=bytes(8)), "these are no ids"),
        (*spans(parent_span_id=bytes(8)), "the parent is"),
        (*spans(start_time_unix_nano=3), "from 3 to 2"),
        (*spans(attributes=[pair("a"), pair("a")]), "there twice"),
        (*spans(links=[Span.Link()]), "these are no ids"),
        (*logs(), "has no time"),
        (*logs(time_unix_nano=1, span_id=b"1"), "these are no ids"),
        (*logs(time_unix_nano=1, attributes=[pair("")]), "is empty"),
        (*metrics(name=""), "has no name"),
        (*metrics(), "there is no data"),
        (*metrics(sum=wire.Sum(data_points=[POINT])), "the temporality is not stated"),
        (*metrics(gauge=wire.Gauge(data_points=[POINT, POINT])), "two points of the series"),
        (*metrics(gauge=wire.Gauge(data_points=[wire.NumberDataPoint()])), "from 0 to 0"),
        (
            *metrics(
                histogram=wire.Histogram(
                    aggregation_temporality=1,
                    data_points=[wire.HistogramDataPoint(time_unix_nano=1, count=1, bucket_counts=[1, 1, 1])],
                )
            ),
            "3 buckets for 0 bounds",
        ),
    ],
)
def test_what_breaks_the_protocol_is_refused_and_told(receiver, path, message, problem):
    """Nothing of the request is kept."""
    assert post(receiver, path, message.SerializeToString())[0] == 400
    assert problem in receiver.malformed[0]
    assert receiver.spans == receiver.logs == receiver.metrics == []


@pytest.mark.parametrize(
    ("body", "content_type"),
    [(b"\xff", "application/x-protobuf"), (b"{", "application/json"), (b"", "text/plain"), (b"[]", "application/json")],
)
def test_what_cannot_be_read_is_refused(receiver, body, content_type):
    """Whatever it calls itself."""
    assert post(receiver, "/v1/traces", body, content_type)[0] == 400
    assert len(receiver.malformed) == 1


def test_another_path_is_not_found(receiver):
    """As at a collector."""
    assert post(receiver, "/v1/profiles", b"")[0] == 404


def test_clearing_forgets_everything(receiver):
    """Of every signal."""
    path, message = spans()
    post(receiver, path, message.SerializeToString())
    post(receiver, path, b"\xff")
    assert receiver.spans
    receiver.clear()
    assert receiver.spans == receiver.malformed == receiver.requests == []
