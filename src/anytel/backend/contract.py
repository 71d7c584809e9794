"""The backend itself, and how it answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from anytel.backend.host import Host, ScrapeApp, Signal, VendorTracing
from anytel.backend.metrics import MetricBatch, MetricFlow, Series, Spelling
from anytel.backend.records import ErrorRecord, LogRecord, SpanContext, SpanRecord

__all__ = ["Ack", "Backend"]


@dataclass(frozen=True, slots=True)
class Ack:
    """What became of a batch: ``delivered + sum(dropped) + retry`` is its length.

    *delivered*: answered with success, or handed to the socket where the protocol has no answer. *dropped* counts by
    reason. The last *retry* items are offered again, not before *retry_after* seconds.
    """

    delivered: int
    dropped: Mapping[str, int] = field(default_factory=dict)
    retry: int = 0
    retry_after: float = 0.0


class Backend:
    """A backend that accepts everything and sends nothing; override what your vendor can do.

    The constructor reads and checks the vendor's settings, without I/O and without starting threads. It raises
    `CredentialsMissing` where a credential is not set, and `ConfigError` where a setting is wrong. The methods that
    take a batch run on a worker thread of this backend alone; they may block until *deadline* (`time.monotonic`)
    and may raise: what they raise is counted and reported, and the batch is dropped.
    """

    name: ClassVar[str] = "none"
    signals: ClassVar[frozenset[Signal]] = frozenset({"span", "metric", "log", "error"})
    metric_flow: MetricFlow = "delta"
    """What `metrics` is given. Set it in the class, or in the constructor where a setting decides."""
    unsampled_roots: ClassVar[bool] = False
    """Also wants the local roots of traces that are not sampled (Datadog's trace statistics count them)."""
    exemplars: ClassVar[bool] = False
    """Uses `Point.exemplars`; where no backend does, none are collected."""
    fidelity: ClassVar[Mapping[str, str]] = {}
    """Feature -> ``exact``, ``approximate: how`` or ``unsupported: why``."""

    native: object = None
    """The vendor's own client, once open."""

    @classmethod
    def spelling(cls, series: Series, /) -> Spelling | None:
        """Give the names under which the vendor knows a metric; None where it receives no metrics.

        It needs no settings: catalogues, rules and dashboards are made where nothing is sent. The tags of *series*
        are the declared ones, without values.
        """
        return None

    def open(self, host: Host, /) -> None:
        """Start. Called once per process, and again in a forked child: forget what was inherited."""

    def tracing(self) -> VendorTracing | None:
        """Give the vendor's own tracing if it is active in this process now.

        Asked on the caller's thread at each local root, as an SDK may be initialised at any time: cheap, without I/O,
        and never importing the SDK.
        """
        return None

    def baggage(self, context: SpanContext, /) -> str:
        """Give the members of the ``baggage`` header by which the vendor's SDKs downstream go on with a trace.

        Between commas, percent-encoded. Asked on the caller's thread for each message that carries the trace on.
        """
        return ""

    def scrape_app(self) -> ScrapeApp | None:
        """Give the ASGI application that answers a scrape, which must not block the event loop; None where none is."""
        return None

    def spans(self, batch: Sequence[SpanRecord], deadline: float, /) -> Ack:
        """Send finished spans, of any number of traces, in the order in which they ended."""
        return Ack(len(batch))

    def metrics(self, batch: MetricBatch, deadline: float, /) -> Ack:
        """Send one interval's points."""
        return Ack(len(batch.points))

    def logs(self, batch: Sequence[LogRecord], deadline: float, /) -> Ack:
        """Send log events."""
        return Ack(len(batch))

    def errors(self, batch: Sequence[ErrorRecord], deadline: float, /) -> Ack:
        """Send error reports."""
        return Ack(len(batch))

    def flush(self, deadline: float, /) -> bool:
        """Send what the vendor's SDK itself still holds; whether that was all."""
        return True

    def close(self, deadline: float, /) -> bool:
        """Flush and release everything. The last call."""
        return True
