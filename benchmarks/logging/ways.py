"""The ways of logging that are compared. Each logs the same fields as JSON lines to standard output."""

from __future__ import annotations

import logging
import logging.handlers
import queue
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from typing import NamedTuple

import orjson
import structlog

from anytel.logs import logger, render
from anytel.logs.background import AsyncRenderer, BackgroundWriter
from anytel.logs.chain import Chain
from anytel.redaction import Redactor

RESOURCE = {"service": "shop", "environment": "prod", "version": "1.4.0"}


class Way(NamedTuple):
    """``log(path, status, duration)`` logs a line; ``finish()`` waits until all are written and gives the lost ones."""

    log: Callable[[str, int, float], None]
    finish: Callable[[], int]


def _nothing_lost() -> int:
    return 0


def _anytel(policy: str | None) -> Way:
    names = {"service": "service.name", "environment": "deployment.environment.name", "version": "service.version"}
    resource = {names[short]: value for short, value in RESOURCE.items()}
    rendered = render.for_format("json")
    writer = BackgroundWriter(rendered, when_full=policy) if policy else None
    logger.use(Chain(resource, Redactor(), rendered, None, put=writer.put if writer else None), "info")
    log = logger.get_logger("shop", request_id="7b5d0b9e")

    def finish() -> int:
        if writer is None:
            return 0
        writer.close(60)
        return sum(writer.stats().dropped.values())

    return Way(lambda path, status, s: log.info("request_finished", path=path, status=status, duration=s), finish)


def _structlog(policy: str | None) -> Way:
    def resource(_: object, __: str, event: dict[str, object]) -> dict[str, object]:
        event["logger"] = "shop"
        event.update(RESOURCE)
        return event

    last = structlog.processors.JSONRenderer(serializer=orjson.dumps)
    background = AsyncRenderer(last, when_full=policy) if policy else None
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.format_exc_info,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            resource,
            background or last,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.BytesLoggerFactory(),
        cache_logger_on_first_use=True,
    )
    log = structlog.get_logger(request_id="7b5d0b9e").bind()

    def finish() -> int:
        if background is None:
            return 0
        background.close(60)
        return sum(background.stats().dropped.values())

    return Way(lambda path, status, s: log.info("request_finished", path=path, status=status, duration=s), finish)


class _Json(logging.Formatter):
    """What one writes by hand around the standard library."""

    def format(self, record: logging.LogRecord) -> str:
        event = {
            "timestamp": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="microseconds"),
            "level": record.levelname.lower(),
            "event": record.getMessage(),
            "logger": record.name,
            "request_id": record.request_id,
            "path": record.path,
            "status": record.status,
            "duration": record.duration,
        }
        return orjson.dumps(event | RESOURCE).decode()


def _stdlib(*, queued: bool) -> Way:
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(_Json())
    log = logging.getLogger("shop")
    log.setLevel(logging.INFO)
    finish = _nothing_lost
    if queued:
        waiting: queue.SimpleQueue[logging.LogRecord] = queue.SimpleQueue()  # unbounded, as the documentation shows it
        listener = logging.handlers.QueueListener(waiting, handler)
        listener.start()
        log.addHandler(logging.handlers.QueueHandler(waiting))

        def finish() -> int:
            listener.stop()
            return 0
    else:
        log.addHandler(handler)

    def put(path: str, status: int, seconds: float) -> None:
        extra = {"request_id": "7b5d0b9e", "path": path, "status": status, "duration": seconds}
        log.info("request_finished", extra=extra)

    return Way(put, finish)


WAYS: dict[str, Callable[[], Way]] = {
    "structlog by hand": lambda: _structlog(None),
    "anytel, sync": lambda: _anytel(None),
    "anytel, async, block": lambda: _anytel("block"),
    "anytel, async, drop_oldest": lambda: _anytel("drop_oldest"),
    "anytel, async, drop_newest": lambda: _anytel("drop_newest"),
    "structlog by hand + AsyncRenderer": lambda: _structlog("block"),
    "logging": lambda: _stdlib(queued=False),
    "logging + QueueHandler": lambda: _stdlib(queued=True),
}
REFERENCE = "structlog by hand"
