"""The ``tracestate`` header: kept as it came, but for Datadog's member, which has to agree with ours.

https://www.w3.org/TR/trace-context-2/#tracestate-header, and for the member ``dd``
https://docs.datadoghq.com/tracing/trace_collection/trace_context_propagation/.
"""

from __future__ import annotations

import re

from anytel import misuse
from anytel.backend import SpanContext
from anytel.tracing.ids import span_hex

__all__ = ["checked", "forwarded"]

MAX_TRACESTATE = 512
MAX_MEMBERS = 32

_MEMBER = re.compile(r"[a-z0-9][a-z0-9_*/@-]{0,255}=[\x20-\x2b\x2d-\x3c\x3e-\x7e]{0,255}[\x21-\x2b\x2d-\x3c\x3e-\x7e]")
_OURS = ("s:", "p:", "t.dm:")


def checked(state: str) -> str:
    """Give *state* if it is well formed, else an empty string, counted; a long one loses its last members."""
    members = [stripped for member in state[: MAX_TRACESTATE * 8].split(",") if (stripped := member.strip(" \t"))]
    if not all(map(_MEMBER.fullmatch, members)):
        misuse.count("malformed_header")
        return ""
    return _fitting(members)


def forwarded(context: SpanContext, *, datadog: bool) -> str:
    """Give what is sent on with *context*: with the member ``dd`` in front if *datadog*, and otherwise as it came."""
    if not datadog:
        return context.tracestate
    before, others = "", []
    for member in context.tracestate.split(",") if context.tracestate else ():
        name, _, value = member.partition("=")
        if name == "dd":
            before = value
        elif name != "ot" or context.sample_rate is None:  # OpenTelemetry's threshold belongs to a decision not ours
            others.append(member)
    kept = [part for part in before.split(";") if part and not part.startswith(_OURS)]
    decided = next((part for part in before.split(";") if part.startswith("t.dm:")), "t.dm:-4")
    own = [f"s:{2 if context.sampled else -1}", f"p:{span_hex(context.span_id)}"]
    own += [decided] if context.sampled else []
    return _fitting([f"dd={';'.join([*own, *kept])[:256]}", *others])


def _fitting(members: list[str]) -> str:
    members = members[:MAX_MEMBERS]
    while len(joined := ",".join(members)) > MAX_TRACESTATE:
        members.pop()
    return joined
