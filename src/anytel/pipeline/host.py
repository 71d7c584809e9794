"""The core, as one backend sees it."""

from __future__ import annotations

from collections.abc import Mapping

from anytel.backend import Attributes, Host, MetricBatch, Signal, SpanContext
from anytel.metrics.store import Store
from anytel.pipeline.accounts import Account
from anytel.redaction import Redactor
from anytel.tracing.context import current
from anytel.tracing.ids import keep

__all__ = ["BackendHost"]


class BackendHost:
    """What `anytel.backend.Host` promises, with the account of the one backend it is given to."""

    def __init__(self, resource: Mapping[str, str], sample_rate: float, redactor: Redactor, store: Store) -> None:
        self.resource = resource
        self.account = Account()
        self._sample_rate = sample_rate
        self._redactor = redactor
        self._store = store

    def current(self) -> SpanContext | None:
        """Give the span that is current in the calling thread or task."""
        span = current.get()
        return span.context if span is not None else None

    def keep(self, trace_id: int, /) -> bool:
        """Decide for a trace that the vendor itself has started."""
        return keep(trace_id, self._sample_rate)

    def redact(self, attributes: Attributes, /) -> Attributes:
        """Apply the user's redaction rules."""
        return self._redactor.attributes(dict(attributes))

    def collect(self) -> MetricBatch:
        """Give the totals as of now."""
        return self._store.totals()

    def lost(self, signal: Signal, count: int, reason: str, /) -> None:
        """Report what was acknowledged as delivered and turned out lost."""
        self.account.delivered(signal, -count)
        self.account.dropped(signal, count, reason)


_check: type[Host] = BackendHost
