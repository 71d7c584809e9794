"""A receiver, a host and builders of records; every test leaves the SDK as it found it."""

import itertools
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sentry_sdk
from sentry_sdk.scope import remove_external_propagation_context

from anytel.backend import (
    ErrorRecord,
    ExceptionRecord,
    Frame,
    LogRecord,
    MetricBatch,
    Point,
    Series,
    SpanContext,
    SpanRecord,
)
from anytel.testing.receivers.sentry import SentryReceiver
from anytel_sentry import SentryBackend

RESOURCE = {"service.name": "shop", "service.version": "1.4.0", "deployment.environment.name": "test"}
START = 1_700_000_000_000_000_000


class Host:
    """A small core: what a backend sees of it."""

    def __init__(self) -> None:
        self.resource = dict(RESOURCE)
        self.context: SpanContext | None = None
        self.losses: list[tuple[str, int, str]] = []

    def current(self):
        return self.context

    def keep(self, trace_id):
        return True

    def redact(self, attributes):
        return attributes

    def collect(self):
        return MetricBatch(START, START, "pull", ())

    def lost(self, signal, count, reason):
        self.losses.append((signal, count, reason))


class Make:
    """Builds records as the core would."""

    def __init__(self) -> None:
        self._ids = itertools.count(1)

    def context(self, trace_id=0xABC, *, sampled=True, sample_rate=1.0) -> SpanContext:
        return SpanContext(trace_id, next(self._ids), sampled, sample_rate)

    def span(self, name="work", context=None, root=None, **fields) -> SpanRecord:
        """Build a span below *root*, or a root."""
        context = context or self.context(*([root.context.trace_id] if root else []))
        defaults = {
            "name": name,
            "kind": "internal",
            "context": context,
            "parent_id": root.context.span_id if root else 0,
            "remote_parent": False,
            "root_id": root.context.span_id if root else context.span_id,
            "root_name": root.name if root else name,
            "service": "shop",
            "service_entry": root is None,
            "start_ns": START,
            "end_ns": START + 1_500_000,
            "status": "unset",
            "status_message": "",
            "exception": None,
            "attributes": {},
            "events": (),
            "links": (),
        }
        return SpanRecord(**(defaults | fields))

    def log(self, message="hello", **fields) -> LogRecord:
        defaults = {"time_ns": START, "level": "info", "logger": "", "message": message, "context": None}
        return LogRecord(**(defaults | {"attributes": {}} | fields))

    def point(self, kind="count", name="calls", value=1.0, *, unit="", tags=(), **fields) -> Point:
        series = Series(name, kind, unit, "", (), tuple(tags))
        return Point(**({"series": series, "value": value, "count": 1, "start_ns": START} | fields))

    def batch(self, *points: Point) -> MetricBatch:
        return MetricBatch(START, START + 10_000_000_000, "delta", points)

    def exception(self, name="ValueError", message="boom", **fields) -> ExceptionRecord:
        return ExceptionRecord(name, fields.pop("module", "builtins"), message, fields.pop("frames", ()), **fields)

    def error(self, exception=None, context=None, **fields) -> ErrorRecord:
        defaults = {"id": f"{next(self._ids):032x}", "root_name": "GET /", "handled": True, "time_ns": START}
        values = defaults | {"attributes": {}} | fields
        return ErrorRecord(exception=exception or self.exception(), context=context, **values)

    def frame(self, line: int) -> Frame:
        return Frame(str(Path(__file__)), line, "make", "backends.sentry.conftest")


@pytest.fixture
def make() -> Make:
    return Make()


@pytest.fixture
def host() -> Host:
    return Host()


@pytest.fixture
def receiver() -> Iterator[SentryReceiver]:
    with SentryReceiver() as receiver:
        yield receiver


@pytest.fixture(autouse=True)
def untouched_sdk(monkeypatch) -> Iterator[None]:
    """No setting comes from outside, and no client outlives a test."""
    for name in ("SENTRY_DSN", "SENTRY_RELEASE", "SENTRY_ENVIRONMENT", "TELEMETRY_SENTRY_SPANS"):
        monkeypatch.delenv(name, raising=False)
    yield
    sentry_sdk.get_client().close(timeout=0)
    sentry_sdk.get_global_scope().set_client(None)
    sentry_sdk.get_global_scope().clear()
    remove_external_propagation_context()


@pytest.fixture
def deadline() -> float:
    return time.monotonic() + 20


@pytest.fixture
def open_backend(receiver, opened) -> Callable[..., SentryBackend]:
    """Open a backend that sends to the receiver."""
    return lambda **arguments: opened(SentryBackend(**({"dsn": receiver.dsn} | arguments)))


@pytest.fixture
def backend(open_backend) -> SentryBackend:
    return open_backend()


@pytest.fixture
def sdk(receiver) -> Iterator[Callable[..., None]]:
    """Initialise the SDK as an application would, sending to the receiver."""

    def init(**options) -> None:
        defaults = {"dsn": receiver.dsn, "release": "shop@1.4.0", "environment": "test"}
        sentry_sdk.init(**(defaults | {"default_integrations": False, "auto_enabling_integrations": False} | options))

    return init
