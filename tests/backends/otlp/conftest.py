"""A host, and the backend opened on it and on a loopback collector."""

import os
import time
from types import MappingProxyType

import pytest

from anytel.backend import LogRecord, MetricBatch, Point, Series
from anytel.testing.receivers.otlp import OtlpReceiver
from anytel_otlp import OtlpBackend

START = 1_700_000_000_000_000_000


class FixedHost:
    """The core as the backend sees it: a resource, and nothing that this backend should ask for."""

    resource = MappingProxyType(
        {"service.name": "shop", "deployment.environment.name": "prod", "service.version": "1.4.0"}
    )

    def lost(self, signal, count, reason):
        raise AssertionError(f"lost {count} {signal}: {reason}")


class Records:
    """Builds the plainest possible records."""

    start = START

    @staticmethod
    def logs(count=1, **attributes):
        return [LogRecord(START, "info", "shop", f"n{number}", None, attributes) for number in range(count)]

    @staticmethod
    def point(kind="count", name="n", value=1, tags=(), **fields):
        series = fields.pop("series", None) or Series(name, kind, "", "", fields.pop("bounds", ()), tags)
        return Point(series=series, value=value, start_ns=START - 60 * 10**9, **({"count": 1} | fields))

    @staticmethod
    def batch(*points, flow="delta", end_ns=START + 10**10):
        return MetricBatch(START, end_ns, flow, points)

    @staticmethod
    def soon(seconds=10.0):
        return time.monotonic() + seconds


@pytest.fixture(autouse=True)
def environment(monkeypatch):
    """No setting of the machine's reaches a test."""
    for name in [one for one in os.environ if one.startswith("OTEL_") or one.lower().endswith("_proxy")]:
        monkeypatch.delenv(name)
    return monkeypatch


@pytest.fixture
def make():
    return Records


@pytest.fixture
def host():
    return FixedHost()


@pytest.fixture
def collector():
    with OtlpReceiver() as receiver:
        yield receiver
        assert receiver.malformed == []


@pytest.fixture
def connect(opened):
    """Open a backend, by default on an address."""
    return lambda url=None, **arguments: opened(OtlpBackend(url, **arguments))
