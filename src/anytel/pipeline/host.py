"""The core, as one backend sees it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from anytel.attributes import flatten
from anytel.backend import Attributes, Host, MetricBatch, Signal, SpanContext, SpanRecord, VendorSpan
from anytel.metrics.store import Store
from anytel.pipeline.accounts import Account
from anytel.redaction import Redactor
from anytel.tracing import exceptions
from anytel.tracing.context import current
from anytel.tracing.ids import keep
from anytel.tracing.joined import JoinedSpan

__all__ = ["BackendHost"]


class BackendHost:
    """What `anytel.backend.Host` promises, with the account of the one backend it is given to."""

    def __init__(
        self, name: str, resource: Mapping[str, str], sample_rate: float, redactor: Redactor, store: Store
    ) -> None:
        self.name = name
        self.resource = resource
        self.account = Account()
        self.offer: Callable[[SpanRecord], None] = _nowhere
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

    def record(self, span: SpanRecord, /) -> None:
        """Take a span that the vendor's own instrumentation has made within ours."""
        self.offer(replace(span, attributes=self._redactor.attributes(flatten(span.attributes))))

    def represented(self, span: VendorSpan, /) -> int | None:
        """Let the vendor's own server span stand for our current one."""
        ours = current.get()
        if not isinstance(ours, JoinedSpan) or ours is not ours._trace.root or ours.kind != "server":
            return None
        trace, parent = ours._trace, ours._trace.remote_parent
        if not trace.adopts or self.name in trace.natives or self.name in trace.parents.get(ours._id, ()):
            return None
        trace.natives[self.name] = span
        return parent.span_id if parent is not None else 0

    def native(self) -> VendorSpan | None:
        """Give the vendor's own span that stands for our current one."""
        ours = current.get()
        return ours._trace.natives.get(self.name) if type(ours) is JoinedSpan and ours is ours._trace.root else None

    def annotate(self, attributes: Mapping[str, object], /) -> None:
        """Set attributes on the span that is current in the calling thread or task."""
        span = current.get()
        if span is not None and span.recording:
            span.set(attributes)

    def known(self, exc: BaseException, /) -> tuple[SpanContext | None, str]:
        """Give the innermost span that *exc* has left, and the id of its report, empty if there is none."""
        mark = exceptions.marked(exc)
        return mark.context, mark.error_id or ""

    def reported(self, exc: BaseException, error_id: str, /) -> None:
        """Note that the vendor's own SDK has reported *exc*."""
        exceptions.mark(exc, exceptions.marked(exc)._replace(reserved=error_id))

    def collect(self) -> MetricBatch:
        """Give the totals as of now."""
        return self._store.totals()

    def lost(self, signal: Signal, count: int, reason: str, /) -> None:
        """Report what was acknowledged as delivered and turned out lost."""
        self.account.delivered(signal, -count)
        self.account.dropped(signal, count, reason)


def _nowhere(span: SpanRecord) -> None:
    """Take what nobody is there for."""


_check: type[Host] = BackendHost
