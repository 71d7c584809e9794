"""What every event goes through: context, ids, time, exception, redaction; then the backends and the line."""

from __future__ import annotations

import sys
from collections.abc import Mapping, MutableMapping
from datetime import UTC, datetime
from time import time_ns
from typing import TYPE_CHECKING, cast

import structlog

from anytel.attributes import flatten, text
from anytel.backend import Level, LogRecord, SpanContext
from anytel.logs.render import Event, Render, write
from anytel.logs.tree import plain
from anytel.redaction import FILTERED, Redactor
from anytel.tracing import exceptions
from anytel.tracing.context import bound, current
from anytel.tracing.ids import span_hex, trace_hex

if TYPE_CHECKING:
    from anytel.pipeline.pipeline import Pipeline

__all__ = ["Chain"]

_LEVELS: Mapping[str, Level] = {"exception": "error", "warn": "warning", "fatal": "critical", "msg": "info"}
_RESOURCE = {"service.name": "service", "deployment.environment.name": "environment", "service.version": "version"}
_STACK = structlog.processors.StackInfoRenderer(additional_ignores=["anytel"])
EventDict = MutableMapping[str, object]


class Chain:
    """The one processor of our loggers. *pipeline* is None before `anytel.configure`: then lines are only written."""

    def __init__(
        self, resource: Mapping[str, str], redactor: Redactor, render: Render, pipeline: Pipeline | None
    ) -> None:
        self._resource = {short: resource[name] for name, short in _RESOURCE.items() if name in resource}
        self._redactor = redactor
        self._render = render
        self._pipeline = pipeline

    def __call__(self, logger: Output, method: str, values: EventDict) -> str:
        """Give the line; called by structlog with the event's values."""
        now = time_ns()
        level = _LEVELS.get(method, cast("Level", method))
        event = text(values.pop("event", ""))
        raised = _raised(values.pop("exc_info", method == "exception"))
        stack = values.pop("stack_info", None)
        merged = {**bound.get(), **values}
        span = current.get()
        context = span.context if span is not None else None
        if raised is not None and level in ("error", "critical") and self._pipeline is not None:
            known = exceptions.marked(raised).context or context
            root = span._trace.root.name if span is not None else ""
            merged["error.id"] = self._pipeline.take_exception(raised, known, root, merged, handled=True)
        record = self._redactor.exception(exceptions.snapshot(raised)) if raised is not None else None
        line: Event = {
            "timestamp": datetime.fromtimestamp(now / 1e9, UTC)
            .isoformat(timespec="microseconds")
            .replace("+00:00", "Z"),
            "level": level,
            "event": self._redactor.text(event),
            "logger": logger.name,
            **self._values(merged),
            **(_ids(context) if context is not None else {}),
            **self._resource,
        }
        if record is not None:
            line["exception.type"] = f"{record.module}.{record.type}"
            line["exception.message"] = record.message
            line["exception.stacktrace"] = record.stacktrace()
        if stack:
            line["stack"] = self._redactor.text(str(_STACK(None, method, {"stack_info": True})["stack"]))
        if self._pipeline is not None and self._pipeline.wants_logs:
            attributes = self._redactor.attributes(flatten(merged))
            self._pipeline.take_log(LogRecord(now, level, logger.name, str(line["event"]), context, attributes, record))
        return self._render(line)

    def _values(self, values: Mapping[str, object]) -> Event:
        redactor = self._redactor
        return {
            redactor.key(name): FILTERED if redactor.secret(name) else plain(value, redactor)
            for name, value in values.items()
        }


def _ids(context: SpanContext) -> Event:
    """Give the ids as OpenTelemetry writes them, and as Datadog correlates: the trace in hex, the span in decimal."""
    trace = trace_hex(context.trace_id)
    return {
        "trace_id": trace,
        "span_id": span_hex(context.span_id),
        "dd.trace_id": trace,
        "dd.span_id": str(context.span_id),
    }


def _raised(exc_info: object) -> BaseException | None:
    """Give the exception that ``exc_info=`` means: itself, a tuple, or for true values the one being handled."""
    if isinstance(exc_info, BaseException):
        return exc_info
    if isinstance(exc_info, tuple):
        return exc_info[1] if len(exc_info) == 3 and isinstance(exc_info[1], BaseException) else None
    return sys.exc_info()[1] if exc_info else None


class Output:
    """What structlog calls with the finished line: every level writes it."""

    def __init__(self, name: str) -> None:
        self.name = name

    def msg(self, line: str) -> None:
        """Write *line*."""
        write(line)

    debug = info = warning = error = critical = fatal = exception = log = warn = msg


def _iso(time_ns: int) -> str:
    return datetime.fromtimestamp(time_ns / 1e9, UTC).isoformat(timespec="microseconds")[:-6] + "Z"
