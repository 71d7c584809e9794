"""Exceptions that the application's SDK reports too: one issue each, whoever is first."""

from __future__ import annotations

from collections import deque
from typing import Any, ClassVar

from sentry_sdk.scope import add_global_event_processor

from anytel.backend import Host

__all__ = ["Reports"]

_REMEMBERED = 1_000


class Reports:
    """While open, the SDK and we do not report an exception twice.

    What we have reported, the SDK does not send; what the SDK has reported, our report has the same id as, and
    `reported_by_sdk` says that it is there already.
    """

    _open: ClassVar[Reports | None] = None
    _registered: ClassVar[bool] = False

    def __init__(self, host: Host) -> None:
        self._host = host
        self._theirs: deque[str] = deque(maxlen=_REMEMBERED)

    def open(self) -> None:
        """Look at all events from now on."""
        Reports._open = self
        if not Reports._registered:  # the SDK has no way to undo it
            add_global_event_processor(_process)
            Reports._registered = True

    def close(self) -> None:
        """Undo `open`, unless a later backend is open."""
        if Reports._open is self:
            Reports._open = None

    def reported_by_sdk(self, error_id: str) -> bool:
        """Say whether the SDK has sent this report itself."""
        return error_id in self._theirs

    def process(self, event: dict[str, Any], exc: BaseException) -> dict[str, Any] | None:
        """Refuse *event* where *exc* was reported; else give it the ids of the span that *exc* comes from."""
        context, error_id = self._host.known(exc)
        if error_id:
            return None
        self._host.reported(exc, event["event_id"])
        self._theirs.append(event["event_id"])
        if context is not None:
            trace = event.setdefault("contexts", {}).setdefault("trace", {})
            trace |= {"trace_id": f"{context.trace_id:032x}", "span_id": f"{context.span_id:016x}"}
        return event


def _process(event: Any, hint: dict[str, Any]) -> Any:
    reports, raised = Reports._open, (hint or {}).get("exc_info")
    if reports is None or not raised or raised[1] is None or "event_id" not in event:
        return event
    return reports.process(event, raised[1])
