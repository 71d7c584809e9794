"""What is current: the span, and the attributes bound with `anytel.context`."""

from __future__ import annotations

from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING

from anytel.attributes import Value
from anytel.backend import SpanContext

if TYPE_CHECKING:
    from anytel.tracing.record import Span

__all__ = ["RemoteContext", "bound", "current", "incoming"]

current: ContextVar[Span | None] = ContextVar("anytel_span", default=None)
bound: ContextVar[Mapping[str, Value]] = ContextVar("anytel_context", default=MappingProxyType({}))


@dataclass(frozen=True, slots=True)
class RemoteContext:
    """What `anytel.extract` found in a message's headers: the parent of a span in this process.

    *context* is None where the headers held nothing usable; *decided* says whether upstream has taken the sampling
    decision (`SpanContext.sampled`).
    """

    context: SpanContext | None = None
    decided: bool = False
    baggage: Mapping[str, str] = field(default_factory=dict, hash=False)
    """The members of the baggage that ``TELEMETRY_BAGGAGE`` names."""

    @property
    def trace_id(self) -> str:
        """The trace id as 32 hex digits, or an empty string."""
        return f"{self.context.trace_id:032x}" if self.context else ""


incoming: ContextVar[RemoteContext | None] = ContextVar("anytel_incoming", default=None)
"""The parent of spans that have none in this process, where OpenTelemetry's context names one."""
