"""A host that gives what the tests put into it, and the backend opened on it."""

import time
from itertools import accumulate

import pytest

from anytel.backend import Exemplar, MetricBatch, Point, Series, SpanContext
from anytel.testing.receivers.prometheus import ACCEPT, parse
from anytel_prometheus import PrometheusBackend
from anytel_prometheus.publication import published

TRACE, SPAN, NOW = 0x0AF7651916CD43DD8448EB211C80319C, 0x00F067AA0BA902B7, 1_700_000_000_123_456_789
CONTEXT = SpanContext(TRACE, SPAN, sampled=True)


class TotalsHost:
    """The core as the backend sees it: its totals are the points added here."""

    def __init__(self):
        self.points = []

    @property
    def resource(self):
        return {"service.name": "shop"}

    def current(self):
        return None

    def keep(self, trace_id):
        return True

    def redact(self, attributes):
        return attributes

    def lost(self, signal, count, reason):
        raise AssertionError(f"lost {count} {signal}: {reason}")

    def collect(self):
        return MetricBatch(NOW, time.time_ns(), "pull", list(self.points))

    def add(self, kind, name, value=1.0, tags=(), *, unit="", description="", exemplars=None):
        series = Series(name, kind, unit, description, (), tuple(sorted(dict(tags).items())))
        kept = {index: Exemplar(value, NOW, CONTEXT) for index, value in (exemplars or {}).items()}
        self.points.append(Point(series=series, value=value, count=1, start_ns=NOW, exemplars=kept))

    def record(self, kind, name, values, bounds, tags=(), *, unit="", description="", exemplars=None):
        series = Series(name, kind, unit, description, tuple(bounds), tuple(sorted(dict(tags).items())))
        upto = [sum(value <= bound for value in values) for bound in bounds] + [len(values)]
        buckets = [now - before for before, now in zip([0, *upto], upto, strict=False)]
        assert list(accumulate(buckets))[-1] == len(values)
        kept = {index: Exemplar(value, NOW, CONTEXT) for index, value in (exemplars or {}).items()}
        self.points.append(
            Point(
                series=series,
                value=sum(values),
                count=len(values),
                start_ns=NOW,
                low=min(values),
                high=max(values),
                buckets=buckets,
                exemplars=kept,
            )
        )


class Prometheus:
    """A backend opened on a host, and how a Prometheus server would read it."""

    def __init__(self):
        self.host = TotalsHost()
        self.backend = PrometheusBackend()
        self.backend.open(self.host)

    def scrape(self, accept=ACCEPT):
        content_type, body = published().scrape(accept)
        return parse(body, content_type)

    def close(self):
        self.backend.close(time.monotonic() + 2)


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch):
    monkeypatch.delenv("OTEL_EXPORTER_PROMETHEUS_HOST", raising=False)
    monkeypatch.delenv("OTEL_EXPORTER_PROMETHEUS_PORT", raising=False)


@pytest.fixture
def host():
    return TotalsHost()


@pytest.fixture
def prometheus():
    opened = Prometheus()
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def open_prometheus():
    """For property tests, which open one backend per example and close it themselves."""
    return Prometheus
