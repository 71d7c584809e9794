"""The ``tracestate`` header: kept as it came, but for Datadog's member, which has to agree with ours.

https://www.w3.org/TR/trace-context-2/#tracestate-header, and for the member ``dd``
https://docs.datadoghq.com/tracing/trace_collection/trace_context_propagation/.
"""

from __future__ import annotations

import re

from anytel import misuse
from anytel.backend import SpanContext

__all__ = ["checked", "forwarded", "from_datadog", "to_datadog"]

MAX_TRACESTATE = 512
MAX_MEMBERS = 32

_MEMBER = re.compile(r"[a-z0-9][a-z0-9_*/@-]{0,255}=[\x20-\x2b\x2d-\x3c\x3e-\x7e]{0,255}[\x21-\x2b\x2d-\x3c\x3e-\x7e]")
_OURS = ("s:", "p:", "t.dm:")
_DECIDED = re.compile(r"(?:^|,)_dd\.p\.dm=(-[0-9]{1,2})(?:,|$)")
_ORIGIN = re.compile(r"[a-z0-9_-]{1,64}")
_DD = re.compile(r"(?:^|,)dd=([^,]*)")


def checked(state: str) -> str:
    """Give *state* if it is well formed, else an empty string, counted; a long one loses its last members."""
    members = [stripped for member in state[: MAX_TRACESTATE * 8].split(",") if (stripped := member.strip(" \t"))]
    if not all(map(_MEMBER.fullmatch, members)):
        misuse.count("malformed_header")
        return ""
    return _fitting(members)


def forwarded(context: SpanContext, span: str, *, datadog: bool) -> str:
    """Give what is sent on with *context*: with the member ``dd`` in front if *datadog*, and otherwise as it came.

    *span* is the span's id as hex digits.
    """
    if not datadog:
        return context.tracestate
    if not context.tracestate:
        return f"dd=s:2;p:{span};t.dm:-4" if context.sampled else f"dd=s:-1;p:{span}"
    before, others = "", []
    for member in context.tracestate.split(","):
        name, _, value = member.partition("=")
        if name == "dd":
            before = value
        elif name != "ot" or context.sample_rate is None:  # OpenTelemetry's threshold belongs to a decision not ours
            others.append(member)
    return _fitting([_datadog(before.split(";"), context, span), *others])


def _datadog(before: list[str], context: SpanContext, span: str) -> str:
    """Bring Datadog's member up to date: who decided stays where it was not us, as does all else."""
    kept = [part for part in before if part and not part.startswith(_OURS)]
    upstream = context.sample_rate is None
    decided = next((part for part in before if upstream and part.startswith("t.dm:")), "t.dm:-4")
    own = [f"s:2;p:{span}", decided] if context.sampled else [f"s:-1;p:{span}"]
    return f"dd={';'.join([*own, *kept])[:256]}"


def from_datadog(tags: str, origin: str) -> str:
    """Give the ``tracestate`` that says what ``x-datadog-tags`` and ``x-datadog-origin`` do: who decided, and for whom.

    An empty string where they say nothing.
    """
    decided = _DECIDED.search(tags)
    parts = [f"o:{origin}"] if _ORIGIN.fullmatch(origin) else []
    parts += [f"t.dm:{decided[1]}"] if decided else []
    return f"dd={';'.join(parts)}" if parts else ""


def to_datadog(state: str) -> tuple[str, str]:
    """Give who decided (Datadog's mechanism, such as ``-4``) and the origin, as *state* has them, or empty strings."""
    found = _DD.search(state)
    parts = dict(part.split(":", 1) for part in found[1].split(";") if ":" in part) if found else {}
    return parts.get("t.dm", ""), parts.get("o", "")


def _fitting(members: list[str]) -> str:
    members = members[:MAX_MEMBERS]
    while len(joined := ",".join(members)) > MAX_TRACESTATE:
        members.pop()
    return joined
