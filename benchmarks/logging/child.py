"""One measurement, in a process whose standard output is the sink: ``child.py FD WAY LOAD THREADS LINES``."""

from __future__ import annotations

import asyncio
import json
import os
import resource
import sys
import threading
import time
from array import array
from collections.abc import Callable

from benchmarks.logging.ways import WAYS, Way

TICK = 0.002
"""Seconds between two looks at the event loop's clock."""
REQUESTS = 40
"""Concurrent requests of the service; each logs 5 lines every 100 ms: 2,000 lines a second."""


def calls(log: Callable[[str, int, float], None], count: int, into: array[int]) -> None:
    """Log *count* lines as fast as possible, and note the nanoseconds of each call."""
    clock = time.perf_counter_ns
    for n in range(count):
        started = clock()
        log("/fragments/revalidate", 200, n * 0.001)
        into.append(clock() - started)


def threads(way: Way, number: int, lines: int) -> dict[str, float]:
    """Have *number* threads log together."""
    into = [array("q") for _ in range(number)]
    running = [threading.Thread(target=calls, args=(way.log, lines // number, one)) for one in into]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()
    return times(sorted(one for each in into for one in each))


def times(ordered: list[int]) -> dict[str, float]:
    """Give microseconds of calls and milliseconds of the worst."""
    at = len(ordered)
    return {"p50": ordered[at // 2] / 1e3, "p99": ordered[at * 99 // 100] / 1e3, "worst": ordered[-1] / 1e6}


def service(way: Way, lines: int) -> dict[str, float]:
    """Have a service on an event loop log, and note how late the loop comes to a timer."""
    into = array("q")
    lags: list[float] = []

    async def request(number: int) -> None:
        await asyncio.sleep(0.1 * number / REQUESTS)
        for _ in range(lines // REQUESTS // 5):
            calls(way.log, 5, into)
            await asyncio.sleep(0.1)

    async def watch() -> None:
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + TICK
            await asyncio.sleep(TICK)
            lags.append(loop.time() - due)

    async def serve() -> None:
        watching = asyncio.create_task(watch())
        await asyncio.gather(*(request(number) for number in range(REQUESTS)))
        watching.cancel()

    asyncio.run(serve())
    lags.sort()
    late = {"lag_p99": lags[len(lags) * 99 // 100] * 1e3, "lag_worst": lags[-1] * 1e3}
    return times(sorted(into)) | late


def main(fd: int, name: str, load: str, number: int, lines: int) -> None:
    """Measure and write the result to *fd*."""
    way = WAYS[name]()
    way.log("/warm/up", 200, 0.0)
    used, started = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
    result = service(way, lines) if load == "service" else threads(way, number, lines)
    returned = time.perf_counter() - started
    lost = way.finish()
    took, now = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_SELF)
    cpu = now.ru_utime + now.ru_stime - used.ru_utime - used.ru_stime
    result |= {"rate": lines / took, "returned": lines / returned, "cpu": cpu / lines * 1e6, "lost": lost}
    os.write(fd, json.dumps(result).encode())


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[4]), int(sys.argv[5]))
