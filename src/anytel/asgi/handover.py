"""What the application inside sees of the trace: vendors' own server spans continue from ours."""

from __future__ import annotations

from collections.abc import Mapping

from anytel import runtime
from anytel.asgi.protocol import Scope
from anytel.backend import SpanContext

__all__ = ["hand_over"]


def hand_over(scope: Scope, headers: Mapping[str, str], context: SpanContext) -> None:
    """Exchange the trace headers in *scope*, whose lower-case *headers* are given, for those of *context*."""
    carrier = dict(headers)
    runtime.active.inward.write(context, carrier)
    changed = {name: value for name, value in carrier.items() if headers.get(name) != value}
    gone = {name.encode("latin-1") for name in (*changed, *(headers.keys() - carrier.keys()))}
    kept = [pair for pair in scope["headers"] if pair[0].lower() not in gone]
    # In place: the application leaves the route that it has found in this very scope.
    scope["headers"] = [*kept, *((name.encode("latin-1"), value.encode("latin-1")) for name, value in changed.items())]
