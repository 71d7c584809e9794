"""OpenTelemetry's instrumentation of Redis against a real server: what commands and pipelines leave at the vendors."""

from __future__ import annotations

import pytest
import redis
from opentelemetry.instrumentation.redis import RedisInstrumentor

import anytel
from anytel.testing.receivers.datadog import DatadogAgent
from anytel.testing.receivers.sentry import SentryReceiver
from real.redis import redis_server


@pytest.fixture
def client(folder):
    """Give a client of a real server, instrumented."""
    RedisInstrumentor().instrument()
    with redis_server(folder("redis")) as port, redis.Redis(port=port) as made:
        yield made
    RedisInstrumentor().uninstrument()


def test_commands_pipelines_and_errors_are_spans_of_the_trace_around_them(client, configured, monkeypatch):
    with SentryReceiver() as sentry, DatadogAgent() as agent:
        monkeypatch.setenv("DD_TRACE_AGENT_URL", agent.url)
        configured("sentry,datadog", SENTRY_DSN=sentry.dsn)
        with anytel.span("work") as work:
            client.set("stock", 7)
            assert client.get("stock") == b"7"
            with client.pipeline() as pipeline:
                pipeline.incr("stock")
                pipeline.expire("stock", 60)
                pipeline.execute()
            with pytest.raises(redis.ResponseError):
                client.lpush("stock", "no list")
        assert anytel.flush(15)
        anytel.shutdown(15)
    spans = [span for span in sentry.spans if span.name != "work"]
    assert {span.parent_span_id for span in spans} == {work.span_id}
    assert {span.attributes["db.system"] for span in spans} == {"redis"}
    assert [span.name for span in sorted(spans, key=lambda span: span.start)] == [
        "SET",
        "GET",
        "INCRBY EXPIRE",
        "LPUSH",
    ]
    assert {span.name: span.status for span in spans}["LPUSH"] == "error"
    assert {span["resource"]: span["error"] for span in agent.spans}["LPUSH"] == 1
