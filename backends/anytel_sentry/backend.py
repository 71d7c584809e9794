"""The backend: what `anytel` calls."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import ClassVar

import sentry_sdk
from sentry_sdk.client import BaseClient

from anytel.backend import (
    Ack,
    Backend,
    CredentialsMissing,
    ErrorRecord,
    Host,
    LogRecord,
    MetricBatch,
    MetricFlow,
    Series,
    Signal,
    SpanContext,
    SpanRecord,
    Spelling,
    VendorTracing,
)
from anytel_sentry import clients
from anytel_sentry.conflicts import conflicts
from anytel_sentry.delivery import Delivery, Parcel, Remembered
from anytel_sentry.fidelity import FIDELITY
from anytel_sentry.joining import Tracing, is_traced
from anytel_sentry.metrics import Metrics
from anytel_sentry.reports import Reports
from anytel_sentry.resource import Resource
from anytel_sentry.session import Session
from anytel_sentry.settings import Settings

__all__ = ["SentryBackend"]

logger = logging.getLogger("anytel")


class SentryBackend(Backend):
    """Sends spans, errors, logs and metrics to Sentry.

    *dsn* and *spans* ("items" or "transactions") stand for ``SENTRY_DSN`` and ``TELEMETRY_SENTRY_SPANS``. An SDK that
    the application has initialised, before or later, is used as it is, with its options and hooks; else the SDK is
    initialised here, and closed with the backend.

    Raises:
        CredentialsMissing: there is no DSN, and the application has not initialised the SDK.
        ConfigError: a setting cannot be used.
    """

    name: ClassVar[str] = "sentry"
    signals: ClassVar[frozenset[Signal]] = frozenset({"span", "metric", "log", "error"})
    metric_flow: MetricFlow = "delta"
    fidelity: ClassVar[Mapping[str, str]] = FIDELITY

    def __init__(self, dsn: str | None = None, spans: str | None = None) -> None:
        self._settings = Settings.read(dsn, spans, initialised=clients.adoptable() is not None)
        self._session: Session
        self._inherited: BaseClient | None = None
        self._remembered = Remembered()

    @classmethod
    def spelling(cls, series: Series, /) -> Spelling:
        """Give the names as they are sent, which are ours."""
        return Metrics.spelling(series)

    def open(self, host: Host) -> None:
        """Take the application's SDK or initialise one; in a forked child, forget what the parent was to send."""
        self._host = host
        inherited, self._remembered = self._inherited, Remembered()
        client = clients.adoptable() or inherited or clients.initialise(self._settings.dsn, host.resource)
        self._use(client)
        if inherited is not None and client.transport is not None:
            clients.forget_inherited(client.transport)
        self._linked = clients.Linked(self._ids)
        self._linked.open()
        self._reports = Reports(host)
        self._reports.open()
        self._tracing: tuple[BaseClient | None, Tracing | None] = (None, None)

    def tracing(self) -> VendorTracing | None:
        """Give the tracing of the application's SDK, if it has initialised one that traces."""
        client = sentry_sdk.get_global_scope().client
        if client is not self._tracing[0]:
            self._tracing = (client, self._joined(client) if client is not None else None)
        return self._tracing[1]

    def _joined(self, client: BaseClient) -> Tracing | None:
        if client is not clients.adoptable():
            return None
        for conflict in conflicts(client):
            logger.warning("%s", conflict)
        if not is_traced(client):
            return None
        self._linked.close()  # stand-ins do it better, and with it the SDK would write no headers outside of spans
        return Tracing(client, Resource(client, self._host.resource), self._host)

    def baggage(self, context: SpanContext) -> str:
        """Give the trace's dynamic sampling context: upstream's, or one with this project's key."""
        return self._session.resource.baggage(context)

    def spans(self, batch: Sequence[SpanRecord], deadline: float) -> Ack:
        """Send spans, one envelope per trace."""
        delivery, session = Delivery(len(batch)), self._current()
        self._remembered.recall(batch, delivery)
        delivery.send(session.traces.parcels(batch, delivery), session.sender, deadline)
        self._remembered.keep(batch, delivery)
        return delivery.ack()

    def metrics(self, batch: MetricBatch, deadline: float) -> Ack:
        """Send points, at most 1,000 values per envelope."""
        return self._send(
            len(batch.points), lambda session, delivery: session.metrics.parcels(batch, delivery), deadline
        )

    def logs(self, batch: Sequence[LogRecord], deadline: float) -> Ack:
        """Send logs, at most 100 per envelope."""
        return self._send(len(batch), lambda session, delivery: session.logs.parcels(batch, delivery), deadline)

    def errors(self, batch: Sequence[ErrorRecord], deadline: float) -> Ack:
        """Send error reports, one per envelope."""
        delivery, session = Delivery(len(batch)), self._current()
        theirs = [place for place, record in enumerate(batch) if self._reports.reported_by_sdk(record.id)]
        delivery.settle(theirs)
        delivery.send(session.errors(batch, delivery), session.sender, deadline)
        return delivery.ack()

    def flush(self, deadline: float) -> bool:
        """Send what the SDK holds of the application's own captures."""
        return clients.drain(self._session.client, deadline)

    def close(self, deadline: float) -> bool:
        """Send what is held, and close the SDK if it was initialised here."""
        Delivery(0).send(self._session.traces.rest(), self._session.sender, deadline)
        self._session.traces.abandon()
        self._session.sender.close()
        self._linked.close()
        self._reports.close()
        return clients.close(self._session.client, deadline)

    def _send(self, size: int, parcels: Callable[[Session, Delivery], Iterator[Parcel]], deadline: float) -> Ack:
        delivery, session = Delivery(size), self._current()
        delivery.send(parcels(session, delivery), session.sender, deadline)
        return delivery.ack()

    def _current(self) -> Session:
        """Give the session of the SDK as it is now: the application may initialise it after us."""
        client = clients.adoptable()
        if client is not None and client is not self._session.client:
            self._use(client)
        return self._session

    def _use(self, client: BaseClient) -> None:
        if client.transport is None:
            raise CredentialsMissing.of(
                "sentry", "SENTRY_DSN", "The application has closed its own Sentry SDK: set it."
            )
        self.native = self._inherited = client
        self._session = Session(client, client.transport, self._host.resource, self._settings.spans, self._lost)

    def _lost(self, count: int, reason: str) -> None:
        self._host.lost("span", count, reason)

    def _ids(self) -> tuple[str, str] | None:
        context = self._host.current()
        return None if context is None else (f"{context.trace_id:032x}", f"{context.span_id:016x}")
