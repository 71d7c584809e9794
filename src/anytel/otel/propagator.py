"""The propagator: what OpenTelemetry's instrumentations send and receive, in every vendor's headers."""

from __future__ import annotations

from collections.abc import MutableMapping
from dataclasses import replace
from typing import Any

from opentelemetry import context as api
from opentelemetry import propagate, trace
from opentelemetry.context.context import Context
from opentelemetry.propagators.textmap import Getter, Setter, TextMapPropagator, default_getter, default_setter

from anytel import misuse, runtime
from anytel.otel.span import Remote, place
from anytel.tracing import baggage, headers
from anytel.tracing.context import RemoteContext, bound

__all__ = ["Propagator", "install"]

_OURS = frozenset({
    "traceparent", "tracestate", "sentry-trace", "x-datadog-trace-id", "x-datadog-parent-id",
    "x-datadog-sampling-priority", "x-datadog-tags", "x-datadog-origin",
})  # fmt: skip


class Propagator(TextMapPropagator):
    """Writes the current span for all vendors, and reads what any of them has written.

    *below* is the propagator that was in force, by default OpenTelemetry's of W3C Trace Context and Baggage: it writes
    first and reads last, so that baggage, and formats that only it knows, go on as they did.
    """

    def __init__(self, below: TextMapPropagator | None = None) -> None:
        self._below = below if below is not None else propagate.get_global_textmap()

    def inject(self, carrier: Any, context: Context | None = None, setter: Setter[Any] = default_setter) -> None:
        """Write the span of *context*, by default the current one, and the baggage; each header once. Never raises."""
        try:
            self._inject(carrier, context, setter)
        except Exception:
            misuse.count("headers")

    def _inject(self, carrier: Any, context: Context | None, setter: Setter[Any]) -> None:
        written: dict[str, str] = {}
        self._below.inject(written, context)
        span, remote = place(trace.get_current_span(context))
        found = span.context if span is not None else remote.context if remote is not None else None
        if found is not None:  # in the formats that are chosen, and in those that only the one below knows
            written = {name: value for name, value in written.items() if name not in _OURS}
            runtime.active.propagator.write(found, written, bound.get())
        _make_room(carrier, written)
        for name, value in written.items():
            setter.set(carrier, name, value)

    def extract(self, carrier: Any, context: Context | None = None, getter: Getter[Any] = default_getter) -> Context:
        """Give *context* with the parent that the headers name, and their baggage. Never raises."""
        try:
            after = self._below.extract(carrier, context, getter)
        except Exception:
            misuse.count("headers")
            return context if isinstance(context, Context) else api.get_current()
        found = _trusted(headers.read(_pairs(carrier, getter), runtime.active.propagator.names))
        if found.context is None:
            return after
        return trace.set_span_in_context(Remote(found, found.context), after)

    @property
    def fields(self) -> set[str]:
        """The names of the headers that are written."""
        return {*_OURS, "baggage", *self._below.fields}


def install() -> None:
    """Put ours over what is in force, if it is not there."""
    present = propagate.get_global_textmap()
    if not isinstance(present, Propagator):
        propagate.set_global_textmap(Propagator(present))


def _pairs(carrier: object, getter: Getter[Any]) -> list[tuple[str, str]]:
    """Give the headers of *carrier*, whatever it is."""
    try:
        names = getter.keys(carrier)
        return [(str(name), str(value)) for name in names for value in getter.get(carrier, name) or ()]
    except Exception:
        misuse.count("headers")
        return []


def _trusted(found: RemoteContext) -> RemoteContext:
    settings = runtime.active.settings
    return found if settings is None or settings.trust_incoming.value else replace(found, decided=False)


def _make_room(carrier: object, written: dict[str, str]) -> None:
    """Take the headers that will be written out of *carrier*, however they are spelled, and keep others' baggage."""
    if not isinstance(carrier, MutableMapping):
        return
    for name in [name for name in carrier if str(name).lower() in written]:
        if str(name).lower() == "baggage":
            written["baggage"] = baggage.merged(str(carrier[name]), written["baggage"])
        del carrier[name]
