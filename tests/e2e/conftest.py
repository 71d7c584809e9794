"""Every vendor's receiver on loopback, and anytel pointed at them by the vendors' own settings."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass

import pytest

import anytel
from anytel import runtime
from anytel.testing.receivers.datadog import DatadogAgent
from anytel.testing.receivers.dogstatsd import DogStatsD
from anytel.testing.receivers.otlp import OtlpReceiver
from anytel.testing.receivers.prometheus import Scrape, scrape
from anytel.testing.receivers.sentry import SentryReceiver


@dataclass
class Vendors:
    """What each vendor has received."""

    sentry: SentryReceiver
    agent: DatadogAgent
    statsd: DogStatsD
    collector: OtlpReceiver

    def scrape(self) -> Scrape:
        (prometheus,) = (backend for backend in runtime.active.pipeline.backends if backend.name == "prometheus")
        return scrape(prometheus.url)


@pytest.fixture
def vendors(monkeypatch: pytest.MonkeyPatch) -> Iterator[Vendors]:
    with ExitStack() as stack:
        sentry = stack.enter_context(SentryReceiver())
        agent = stack.enter_context(DatadogAgent())
        statsd = stack.enter_context(DogStatsD())
        collector = stack.enter_context(OtlpReceiver())
        monkeypatch.setenv("SENTRY_DSN", sentry.dsn)
        monkeypatch.setenv("DD_TRACE_AGENT_URL", agent.url)
        monkeypatch.setenv("DD_DOGSTATSD_URL", statsd.url)
        monkeypatch.setenv("OTEL_EXPORTER_PROMETHEUS_PORT", "0")
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
        monkeypatch.setenv("TELEMETRY_BACKENDS", "sentry,datadog,prometheus,otlp")
        monkeypatch.setenv("TELEMETRY_SERVICE", "shop")
        yield Vendors(sentry, agent, statsd, collector)
        anytel.shutdown(5)
