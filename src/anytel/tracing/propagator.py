"""Writing trace headers: the ids and the decision of a span, in the formats that are chosen."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, MutableMapping, Sequence
from types import MappingProxyType

from anytel import misuse
from anytel.attributes import Value
from anytel.backend import SpanContext
from anytel.tracing import baggage, tracestate
from anytel.tracing.ids import MASK64, span_hex, trace_hex

__all__ = ["DEFAULT", "FORMATS", "Propagator"]

Carrier = MutableMapping[str, str]
Writer = Callable[[SpanContext, str, str, dict[str, str]], None]
"""Writes a context, whose ids are given as hex digits too, into a dict."""
Members = Callable[[SpanContext], str]
"""Gives a vendor's members of the baggage; see `anytel.backend.Backend.baggage`."""
_NONE: Mapping[str, Value] = MappingProxyType({})
_NOTHING: Mapping[str, str] = MappingProxyType({})


def _tracecontext(context: SpanContext, trace: str, span: str, written: dict[str, str]) -> None:
    written["traceparent"] = f"00-{trace}-{span}-{'01' if context.sampled else '00'}"


def _datadog(context: SpanContext, trace: str, span: str, written: dict[str, str]) -> None:
    written["x-datadog-trace-id"] = str(context.trace_id & MASK64)
    written["x-datadog-parent-id"] = str(context.span_id)
    written["x-datadog-sampling-priority"] = "2" if context.sampled else "-1"
    decided, origin = tracestate.to_datadog(context.tracestate) if context.tracestate else ("", "")
    if context.sample_rate is not None or not decided:
        decided = "-4"
    written["x-datadog-tags"] = f"_dd.p.tid={trace[:16]}" + (f",_dd.p.dm={decided}" if context.sampled else "")
    if origin:
        written["x-datadog-origin"] = origin


def _sentry(context: SpanContext, trace: str, span: str, written: dict[str, str]) -> None:
    written["sentry-trace"] = f"{trace}-{span}-{'1' if context.sampled else '0'}"


def _b3(context: SpanContext, trace: str, span: str, written: dict[str, str]) -> None:
    written["b3"] = f"{trace}-{span}-{'1' if context.sampled else '0'}"


def _b3_multi(context: SpanContext, trace: str, span: str, written: dict[str, str]) -> None:
    written["x-b3-traceid"], written["x-b3-spanid"] = trace, span
    written["x-b3-sampled"] = "1" if context.sampled else "0"


FORMATS: Mapping[str, Writer] = {
    "tracecontext": _tracecontext,
    "datadog": _datadog,
    "sentry": _sentry,
    "b3": _b3,
    "b3multi": _b3_multi,
}
DEFAULT = ("tracecontext", "datadog", "sentry")


class Propagator:
    """Writes headers in *formats*, and as baggage the bound attributes *names* and what the *vendors* add."""

    def __init__(
        self,
        formats: Collection[str] = DEFAULT,
        names: Collection[str] = (),
        resource: Mapping[str, str] = _NOTHING,
        vendors: Sequence[Members] = (),
    ) -> None:
        self._vendors = vendors
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
        trace, span = trace_hex(context.trace_id), span_hex(context.span_id)
        written: dict[str, str] = {}
        for write in self._writers:
            write(context, trace, span, written)
        if self._state:
            written["tracestate"] = tracestate.forwarded(context, span, datadog=self._datadog)
        own = self._members(context, trace, bound)
        if own:
            written["baggage"] = ",".join(own)
        for name in [name for name in carrier if name.lower() in written]:
            if name.lower() == "baggage":
                written["baggage"] = baggage.merged(carrier[name], written["baggage"])
            del carrier[name]
        for name, value in written.items():
            if value:  # a tracestate may be empty
                carrier[name] = value

    def _members(self, context: SpanContext, trace: str, bound: Mapping[str, Value]) -> list[str]:
        own = [f"{name}={baggage.quoted(bound[name])}" for name in self.names if name in bound] if self.names else []
        own += [members for vendor in self._vendors if (members := _asked(vendor, context))]
        if self._sentry and not any("sentry-trace_id=" in members for members in own):
            own += self._sampling(context, trace)
        return own

    def _sampling(self, context: SpanContext, trace: str) -> list[str]:
        """Give Sentry's dynamic sampling context where no backend knows it: upstream's, or what is known of ours."""
        if context.dynamic_sampling and context.sample_rate is None:
            # Downstream may be of another organisation, for whose SDK the name of this one would end the trace.
            return [one for one in context.dynamic_sampling.split(",") if not one.startswith("sentry-org_id=")]
        own = [f"sentry-trace_id={trace}", "sentry-sampled=true" if context.sampled else "sentry-sampled=false"]
        if context.sample_rate is not None:
            own.append(f"sentry-sample_rate={context.sample_rate}")
        if self._environment:
            own.append(self._environment)
        return own


def _asked(vendor: Members, context: SpanContext) -> str:
    try:
        return vendor(context)
    except Exception:  # the other headers are written all the same
        misuse.count("baggage")
        return ""
