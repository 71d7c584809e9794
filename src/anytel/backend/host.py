"""What surrounds a backend: the core, and the vendor's own tracing."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any, Literal, NamedTuple, Protocol, TypeAlias

from anytel.backend.metrics import MetricBatch
from anytel.backend.records import Attributes, SpanContext, SpanRecord

__all__ = ["Host", "ScrapeApp", "Signal", "VendorSpan", "VendorTracing"]

Signal: TypeAlias = Literal["span", "metric", "log", "error"]


class Host(Protocol):
    """The core, as a backend sees it. Every method may be called from any thread."""

    @property
    def resource(self) -> Mapping[str, str]:
        """``service.name``, ``deployment.environment.name``, ``service.version``, where known."""

    def current(self) -> SpanContext | None:
        """Give the span that is current in the calling thread or task."""

    def keep(self, trace_id: int, /) -> bool:
        """Decide for a trace that the vendor itself has started."""

    def redact(self, attributes: Attributes, /) -> Attributes:
        """Apply the user's redaction rules to what the vendor's SDK collected itself."""

    def record(self, span: SpanRecord, /) -> None:
        """Take a span that the vendor's own instrumentation has made within ours: it goes to this backend alone."""

    def represented(self, span: VendorSpan, /) -> int | None:
        """Let the vendor's own server span stand for our current one: this backend is not sent ours.

        Gives the id of the span's parent, 0 for none; None where ours is no server span or stands for itself.
        """

    def native(self) -> VendorSpan | None:
        """Give the vendor's own span that stands for our current one, if there is one."""

    def annotate(self, attributes: Mapping[str, object], /) -> None:
        """Set attributes on the span that is current in the calling thread or task."""

    def known(self, exc: BaseException, /) -> tuple[SpanContext | None, str]:
        """Give the innermost span that *exc* has left, and the id of its report, empty if there is none."""

    def reported(self, exc: BaseException, error_id: str, /) -> None:
        """Note that the vendor's own SDK has reported *exc*: should we do so too, the report has this id."""

    def collect(self) -> MetricBatch:
        """Give the totals as of now: what a pull backend answers a scrape with."""

    def lost(self, signal: Signal, count: int, reason: str, /) -> None:
        """Report what was acknowledged as delivered and turned out lost."""


ScrapeApp: TypeAlias = Callable[
    [
        MutableMapping[str, Any],
        Callable[[], Awaitable[MutableMapping[str, Any]]],
        Callable[[MutableMapping[str, Any]], Awaitable[None]],
    ],
    Awaitable[None],
]
"""An ASGI application."""


class VendorSpan(NamedTuple):
    """A span that the vendor's own instrumentation has begun; *native* is the vendor's object.

    *server* says that it stands for a request which this process serves.
    """

    native: object
    context: SpanContext
    server: bool = False


class VendorTracing:
    """The vendor's own tracing where it is active in this process, and how it and ours take part in one trace.

    Every method runs on the caller's thread, without I/O. What it raises is caught and reported.
    """

    def current(self) -> VendorSpan | None:
        """Give the vendor's own span that is innermost here: None where there is none, or one of ours is within it."""
        return None

    def enter(self, span: SpanContext, root: SpanContext, root_name: str, /) -> object:
        """Show the vendor's instrumentation that our *span* is current, below the local *root*.

        What is given goes to `leave`, unless it is None.
        """
        return None

    def leave(self, token: object, /) -> None:
        """Undo one `enter`."""

    def set(self, native: object, attributes: Attributes, /) -> None:
        """Set attributes on the vendor's own span that stands for ours (see `Host.represented`)."""
