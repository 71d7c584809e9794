"""A host, records built by hand, and the backend opened on both and on loopback receivers."""

import time

import pytest

from anytel.backend import ExceptionRecord, Frame, MetricBatch, Point, Series, SpanContext, SpanRecord
from anytel.testing.receivers.datadog import DatadogAgent
from anytel.testing.receivers.dogstatsd import DogStatsD
from anytel_datadog import DatadogBackend

TRACE = 0x0123456789ABCDEF_FEDCBA9876543210
START = 1_700_000_000_123_456_789
RESOURCE = {"service.name": "shop", "deployment.environment.name": "prod", "service.version": "1.4.0"}


class FixedHost:
    """The core as the backend sees it: a resource, and nothing that this backend should ask for."""

    resource = RESOURCE

    def current(self):
        raise AssertionError("asked for the current span")

    def keep(self, trace_id):
        raise AssertionError(f"asked to decide for {trace_id}")

    def redact(self, attributes):
        raise AssertionError(f"asked to redact {attributes}")

    def collect(self):
        raise AssertionError("asked for totals")

    def lost(self, signal, count, reason):
        raise AssertionError(f"lost {count} {signal}: {reason}")


class Records:
    """Builds records of which only what a test is about differs from the plainest possible."""

    trace_id = TRACE
    start = START

    @staticmethod
    def context(span_id=1, trace_id=TRACE, *, sampled=True, sample_rate=1.0, tracestate=""):
        return SpanContext(trace_id, span_id, sampled, sample_rate, tracestate)

    @classmethod
    def span(cls, name="work", span_id=1, **fields):
        context = fields.pop("context", None) or cls.context(span_id)
        plain = {
            "kind": "internal",
            "parent_id": 0,
            "remote_parent": False,
            "root_id": context.span_id,
            "root_name": name,
            "service": "shop",
            "service_entry": fields.get("root_id", context.span_id) == context.span_id,
            "start_ns": START + context.span_id,
            "end_ns": START + 1_000_000,
            "status": "unset",
            "status_message": "",
            "exception": None,
            "attributes": {},
            "events": (),
            "links": (),
        }
        return SpanRecord(name=name, context=context, **(plain | fields))

    @staticmethod
    def exception(kind="ValueError", message="bad", module="builtins", **fields):
        frames = fields.pop("frames", (Frame("/srv/shop.py", 7, "pay", "shop"),))
        return ExceptionRecord(kind, module, message, frames, **fields)

    @staticmethod
    def point(kind, name, value=1.0, tags=None, **fields):
        series = Series(name, kind, "", "", (), tuple(sorted((tags or {}).items())))
        return Point(series=series, value=value, start_ns=START, **({"count": 1} | fields))

    @staticmethod
    def batch(*points):
        return MetricBatch(START, START + 10_000_000_000, "delta", points)

    @staticmethod
    def soon(seconds=10.0):
        return time.monotonic() + seconds


@pytest.fixture(autouse=True)
def environment(monkeypatch):
    """No setting of the machine's reaches a test."""
    for name in ("AGENT_HOST", "TRACE_AGENT_PORT", "TRACE_AGENT_URL", "TAGS", "ENV", "SERVICE", "VERSION"):
        monkeypatch.delenv(f"DD_{name}", raising=False)
    for name in ("URL", "HOST", "PORT", "DISABLE"):
        monkeypatch.delenv(f"DD_DOGSTATSD_{name}", raising=False)
    monkeypatch.setenv("DD_ORIGIN_DETECTION_ENABLED", "false")
    return monkeypatch


@pytest.fixture
def make():
    return Records


@pytest.fixture
def host():
    return FixedHost()


@pytest.fixture
def agent():
    with DatadogAgent() as receiver:
        yield receiver
        assert receiver.malformed == []


@pytest.fixture
def statsd():
    with DogStatsD() as receiver:
        yield receiver
        assert receiver.malformed == []


@pytest.fixture
def backend(agent, statsd, opened):
    return opened(DatadogBackend(agent_url=agent.url, dogstatsd_url=statsd.url))


@pytest.fixture
def send(backend, agent, make):
    """Send spans, and give the one trace that arrives."""

    def deliver(*spans):
        agent.clear()
        assert backend.spans(spans, make.soon()).delivered == len(spans)
        [trace] = agent.traces
        return trace

    return deliver
