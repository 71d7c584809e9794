"""Where the lines of a measurement go; each counts those that have arrived."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

MARK = b'"request_finished"'
READER = """
import os, sys, time
rate, pause, every = map(float, sys.argv[1:])
count, rest, resume = 0, b"", time.monotonic() + every
while piece := os.read(0, 32768):
    *lines, rest = (rest + piece).split(b"\\n")
    count += sum(b'"request_finished"' in line for line in lines)
    if rate:
        time.sleep(len(piece) / rate)
    if every and time.monotonic() >= resume:
        time.sleep(pause)
        resume = time.monotonic() + every
print(count)
"""


class Arrived:
    """How many lines have come, once the sink is closed."""

    count = 0


Sink = AbstractContextManager[tuple[int, Arrived]]


@contextmanager
def file() -> Iterator[tuple[int, Arrived]]:
    """Give a file in the temporary directory."""
    arrived = Arrived()
    with tempfile.TemporaryFile() as stream:
        yield stream.fileno(), arrived
        stream.seek(0)
        arrived.count = sum(MARK in line for line in stream)


@contextmanager
def _pipe(rate: float, pause: float, every: float) -> Iterator[tuple[int, Arrived]]:
    arrived = Arrived()
    command = [sys.executable, "-S", "-c", READER, str(rate), str(pause), str(every)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as reader:
        assert reader.stdin is not None
        yield reader.stdin.fileno(), arrived
        arrived.count = int(reader.communicate()[0])


def slow() -> Sink:
    """Give a pipe whose reader takes 8 MB a second."""
    return _pipe(8e6, 0.0, 0.0)


def stalling() -> Sink:
    """Give a pipe whose reader is fast, and pauses for 250 ms after every 500."""
    return _pipe(0.0, 0.25, 0.5)


SINKS: dict[str, Callable[[], Sink]] = {"file": file, "slow": slow, "stalling": stalling}
assert os.name == "posix"
