"""Where lines go: a stream, or a function of the user's."""

from __future__ import annotations

import io
import os
import select
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Protocol, TextIO, TypeAlias

from anytel.logs.render import escaped

__all__ = ["Sink", "Target", "sink_for", "write_all"]

ATOMIC = getattr(select, "PIPE_BUF", 512)
"""Bytes that POSIX writes to a pipe in one piece: lines of processes that share one do not mix."""

Target: TypeAlias = "Callable[[str], object] | TextIO | None"


class Sink(Protocol):
    """Takes one or more whole lines, each with its newline; raises where they are not all written."""

    size: int
    """Bytes that it wants at once at most; a longer line comes alone."""

    def __call__(self, text: str, /) -> object:
        """Write *text*, and let it be seen at once."""


def sink_for(target: Target) -> Sink:
    """Give the sink for a function, a text stream, or None: standard output, as it is at each moment."""
    if target is None:
        return _Stream(lambda: sys.stdout)
    if callable(target):
        return _Function(target)
    return _Stream(lambda: target)


def write_all(sink: Sink, lines: Sequence[str]) -> int:
    """Write *lines* in order until *sink* raises, and give how many it has taken."""
    written = 0
    try:
        for piece, count in _pieces(lines, sink.size):
            sink(piece)
            written += count
    except KeyboardInterrupt:
        raise
    except BaseException:
        return written
    return written


def _pieces(lines: Sequence[str], size: int) -> Iterator[tuple[str, int]]:
    """Join *lines*, each with its newline, into texts of at most *size* bytes; gives each and its number of lines."""
    start = filled = 0
    for index, line in enumerate(lines):
        needed = 1 + (len(line) if line.isascii() else len(line.encode("utf-8", "backslashreplace")))
        if filled and filled + needed > size:
            yield "\n".join(lines[start:index]) + "\n", index - start
            start, filled = index, 0
        filled += needed
    if filled:
        yield "\n".join(lines[start:]) + "\n", len(lines) - start


class _Function:
    size = sys.maxsize

    def __init__(self, function: Callable[[str], object]) -> None:
        self._function = function

    def __call__(self, text: str, /) -> object:
        return self._function(text)


class _Stream:
    size = ATOMIC

    def __init__(self, find: Callable[[], TextIO]) -> None:
        self._find = find

    def __call__(self, text: str, /) -> None:
        stream = self._find()
        descriptor = _descriptor(stream)
        if descriptor is not None:
            stream.flush()  # what the application has printed before
            _write(descriptor, _encoded(text, stream.encoding or "utf-8"))
            return
        try:
            stream.write(text)
        except UnicodeEncodeError:
            stream.write(escaped(text))
        stream.flush()


def _encoded(text: str, encoding: str) -> bytes:
    try:
        return text.encode(encoding)
    except UnicodeEncodeError:
        return escaped(text).encode(encoding)


def _descriptor(stream: TextIO) -> int | None:
    """Give the descriptor of an ordinary file, pipe or terminal opened for writing.

    Past Python's buffer: a thread that blocks in `io.BufferedWriter` holds its lock, over which a forked child hangs
    and the interpreter aborts at exit, and a fork copies what is in it.
    """
    if os.name != "posix" or type(stream) is not io.TextIOWrapper:
        return None
    buffer: object = stream.buffer
    raw = buffer.raw if type(buffer) is io.BufferedWriter else buffer
    return raw.fileno() if type(raw) is io.FileIO else None


def _write(descriptor: int, data: bytes) -> None:
    while data:
        try:
            data = data[os.write(descriptor, data) :]
        except BlockingIOError:  # somebody has made it non-blocking; it still has to be waited for
            poll = select.poll()
            poll.register(descriptor, select.POLLOUT)
            poll.poll()
