"""What a log call costs its caller: ``python -m benchmarks.logging.caller [ROUNDS LINES]`` prints it as JSON.

The ways take turns within one process, on one thread, in blocks of a few hundred lines; what counts is the CPU time of
that thread (`time.thread_time_ns`, with the kernel's part of the writes), so that what else the machine does matters
little. All lines have the same fields and go to the same file.
"""

from __future__ import annotations

import gc
import json
import logging
import os
import sys
import tempfile
import time
from collections.abc import Callable
from statistics import median

import orjson
import structlog
from benchmarks.logging.ways import RESOURCE

import anytel
from anytel.backends.memory import MemoryBackend

BLOCK = 400
"""Lines of one way in a row."""
ROUNDS = 60
REFERENCE = "structlog by hand"
Log = Callable[[str, int, float], None]


def by_hand(ids: dict[str, str]) -> Log:
    """Give structlog with its fastest documented settings, and the ids bound once as text."""

    def resource(_: object, __: str, event: dict[str, object]) -> dict[str, object]:
        event["logger"] = "shop"
        event.update(RESOURCE)
        return event

    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.format_exc_info,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            resource,
            structlog.processors.JSONRenderer(serializer=orjson.dumps),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.BytesLoggerFactory(),
        cache_logger_on_first_use=True,
    )
    structlog.contextvars.bind_contextvars(request_id="7b5d0b9e", **ids)
    log = structlog.get_logger().bind()
    return lambda path, status, s: log.info("request_finished", path=path, status=status, duration=s)


def ours() -> Log:
    """Give the logger of whatever is configured."""
    log = anytel.get_logger("shop")
    return lambda path, status, s: log.info("request_finished", path=path, status=status, duration=s)


def configure(*backends: anytel.backend.Backend, mode: str) -> None:
    """Configure as a service does that sends its lines to a file."""
    anytel.configure(
        **RESOURCE, backends=list(backends), log_format="json", log_mode=mode, capture_stdlib=False, log_level="info"
    )


WAYS: dict[str, Callable[[], None]] = {
    "anytel, sync": lambda: configure(mode="sync"),
    "anytel, sync, with a backend": lambda: configure(MemoryBackend(), mode="sync"),
    "anytel, async": lambda: configure(mode="async"),
}


def block(log: Log, lines: int) -> float:
    """Give the microseconds of CPU that this thread needs for a line."""
    clock = time.thread_time_ns
    started = clock()
    for n in range(lines):
        log("/fragments/revalidate", 200, n * 0.001)
    return (clock() - started) / lines / 1e3


def measure(rounds: int = ROUNDS, lines: int = BLOCK) -> dict[str, dict[str, float]]:
    """Give the median cost of each way, and the median of its ratio to the reference in the same round."""
    results: dict[str, dict[str, float]] = {}
    for name, begin in WAYS.items():
        begin()
        with anytel.context(request_id="7b5d0b9e"), anytel.span("request") as span:
            ids = {"trace_id": span.trace_id, "span_id": span.span_id, "dd.trace_id": span.trace_id}
            both = by_hand(ids | {"dd.span_id": str(int(span.span_id, 16))}), ours()
            check(*both)
            for log in both:
                block(log, lines)  # warms up
            gc.collect()
            pairs = [pair(both, lines, backwards=number % 2 == 1) for number in range(rounds)]
        anytel.shutdown(60)
        structlog.contextvars.clear_contextvars()
        results.setdefault(REFERENCE, {"cost": median(hand for hand, _ in pairs), "ratio": 1.0})
        ratios = sorted(our / hand for hand, our in pairs)
        quarter = len(ratios) // 4
        spread = {"low": ratios[quarter], "high": ratios[-quarter - 1]}
        results[name] = {"cost": median(our for _, our in pairs), "ratio": median(ratios), **spread}
    return results


def pair(both: tuple[Log, Log], lines: int, *, backwards: bool) -> tuple[float, float]:
    """Measure a block of each, one right after the other."""
    if backwards:
        second, first = block(both[1], lines), block(both[0], lines)
        return first, second
    return block(both[0], lines), block(both[1], lines)


def check(hand: Log, our: Log) -> None:
    """Check that both lines have the same fields."""
    sys.stdout.flush()
    end = os.lseek(1, 0, os.SEEK_CUR)
    for log in (hand, our):
        log("/fragments/revalidate", 200, 0.5)
    anytel.flush(60)
    sys.stdout.flush()
    first, second = os.pread(1, 10_000, end).decode().splitlines()
    theirs, mine = json.loads(first), json.loads(second)
    assert theirs.keys() == mine.keys(), theirs.keys() ^ mine.keys()
    assert theirs | {"timestamp": ""} == mine | {"timestamp": ""}, (theirs, mine)


def main() -> None:
    """Measure with a file as standard output, and print the result to the real one."""
    told = os.dup(1)
    with tempfile.TemporaryFile() as sink:
        os.dup2(sink.fileno(), 1)
        results = measure(*map(int, sys.argv[1:]))
    os.write(told, json.dumps(results).encode() + b"\n")


if __name__ == "__main__":
    main()
