"""What standard output got: the log lines, which Datadog's Agent and other collectors read there."""

from __future__ import annotations

import contextlib
import io
import json
from types import TracebackType
from typing import Any, Self

from anytel.testing.observe.seen import Seen, SeenLog

__all__ = ["OutputObserver"]


class OutputObserver:
    """Takes standard output between ``__enter__`` and ``__exit__``; log lines are written there as JSON."""

    def __init__(self) -> None:
        self._text = io.StringIO()
        self._redirected = contextlib.redirect_stdout(self._text)

    def __enter__(self) -> Self:
        self._redirected.__enter__()
        return self

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None) -> None:
        self._redirected.__exit__(kind, exc, tb)

    def seen(self) -> Seen:
        """Tell which log lines were written."""
        lines = [(line, _decoded(line)) for line in self._text.getvalue().splitlines()]
        return Seen(
            place="stdout",
            logs=[_log(event) for _, event in lines if event is not None],
            malformed=[problem for line, event in lines if (problem := _problem(line, event))],
        )


def _decoded(line: str) -> dict[str, Any] | None:
    try:
        event = json.loads(line)
    except ValueError:
        return None
    return event if isinstance(event, dict) and "event" in event else None


def _log(event: dict[str, Any]) -> SeenLog:
    return SeenLog(event["event"], event.get("trace_id", ""), event.get("span_id", ""))


def _problem(line: str, event: dict[str, Any] | None) -> str:
    """Say what is wrong with a line: it is none, or the ids that Datadog correlates by are other ones."""
    if event is None:
        return f"not a log line: {line[:100]!r}"
    if "trace_id" not in event:
        return ""
    same = event["dd.trace_id"] == event["trace_id"] and int(event["dd.span_id"]) == int(event["span_id"], 16)
    return "" if same else f"the ids of Datadog differ: {line[:300]!r}"
