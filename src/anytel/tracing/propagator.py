"""Writing trace headers: the ids and the decision of a span, in the formats that are chosen."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, MutableMapping
from types import MappingProxyType

from anytel.attributes import Value
from anytel.backend import SpanContext
from anytel.tracing import baggage, tracestate
from anytel.tracing.ids import MASK64, span_hex, trace_hex

__all__ = ["DEFAULT", "FORMATS", "Propagator"]

Carrier = MutableMapping[str, str]
_NONE: Mapping[str, Value] = MappingProxyType({})
_NOTHING: Mapping[str, str] = MappingProxyType({})


def _b3(context: SpanContext) -> dict[str, str]:
    return {"b3": f"{trace_hex(context.trace_id)}-{span_hex(context.span_id)}-{int(context.sampled)}"}


def _b3_multi(context: SpanContext) -> dict[str, str]:
    ids = {"x-b3-traceid": trace_hex(context.trace_id), "x-b3-spanid": span_hex(context.span_id)}
    return {**ids, "x-b3-sampled": str(int(context.sampled))}


def _datadog(context: SpanContext) -> dict[str, str]:
    sampled = context.sampled
    return {
        "x-datadog-trace-id": str(context.trace_id & MASK64),
        "x-datadog-parent-id": str(context.span_id),
        "x-datadog-sampling-priority": "2" if sampled else "-1",
        "x-datadog-tags": f"_dd.p.tid={trace_hex(context.trace_id)[:16]}" + (",_dd.p.dm=-4" if sampled else ""),
    }


def _sentry(context: SpanContext) -> dict[str, str]:
    return {"sentry-trace": f"{trace_hex(context.trace_id)}-{span_hex(context.span_id)}-{int(context.sampled)}"}


def _tracecontext(context: SpanContext) -> dict[str, str]:
    flags = int(context.sampled)
    return {"traceparent": f"00-{trace_hex(context.trace_id)}-{span_hex(context.span_id)}-{flags:02x}"}


FORMATS: Mapping[str, Callable[[SpanContext], dict[str, str]]] = {
    "tracecontext": _tracecontext,
    "datadog": _datadog,
    "sentry": _sentry,
    "b3": _b3,
    "b3multi": _b3_multi,
}
DEFAULT = ("tracecontext", "datadog", "sentry")


class Propagator:
    """Writes headers in *formats*, and the bound attributes *names* as baggage."""

    def __init__(
        self, formats: Collection[str] = DEFAULT, names: Collection[str] = (), resource: Mapping[str, str] = _NOTHING
    ) -> None:
        self.names = frozenset(names)
        self._writers = [FORMATS[name] for name in FORMATS if name in formats]
        self._state, self._datadog = "tracecontext" in formats, "datadog" in formats
        self._sentry = "sentry" in formats
        environment = resource.get("deployment.environment.name", "")
        self._environment = f"sentry-environment={baggage.quoted(environment)}" if environment else ""

    def write(self, context: SpanContext, carrier: Carrier, bound: Mapping[str, Value] = _NONE) -> None:
        """Write *context* into *carrier*; baggage of others that is there already is kept.

        A header that is there is replaced, in whichever case it is spelled: none is sent twice.
        """
        written: dict[str, str] = {}
        for writer in self._writers:
            written |= writer(context)
        if self._state:
            written["tracestate"] = tracestate.forwarded(context, datadog=self._datadog)
        spelled = _spelled(carrier)
        own = self._members(context, bound)
        if own:
            present = ",".join(carrier[name] for name in spelled.get("baggage", ()))
            written["baggage"] = baggage.merged(present, own)
        for name, value in written.items():
            _put(carrier, name, value, spelled.get(name, ()))

    def _members(self, context: SpanContext, bound: Mapping[str, Value]) -> list[str]:
        own = [f"{name}={baggage.quoted(bound[name])}" for name in self.names if name in bound]
        if self._sentry:
            own += [f"sentry-trace_id={trace_hex(context.trace_id)}"]
            own += [f"sentry-sampled={'true' if context.sampled else 'false'}"]
            own += [f"sentry-sample_rate={context.sample_rate}"] if context.sample_rate is not None else []
            own += [self._environment] if self._environment else []
        return own


def _spelled(carrier: Carrier) -> dict[str, list[str]]:
    """Give how the names in *carrier* are spelled, by lower-case name."""
    spelled: dict[str, list[str]] = {}
    for name in carrier:
        spelled.setdefault(name.lower(), []).append(name)
    return spelled


def _put(carrier: Carrier, name: str, value: str, spelled: Collection[str]) -> None:
    for other in spelled:
        if other != name or not value:
            del carrier[other]
    if value:
        carrier[name] = value
