"""Tracebacks from exception records, compared with Python's own."""

import re
import traceback

from anytel.backend import ExceptionRecord, Frame


def record(exc):
    """Take a record of an exception as the core does."""
    cause = exc.__cause__ or (None if exc.__suppress_context__ else exc.__context__)
    frames = [Frame(f.f_code.co_filename, n, f.f_code.co_name, "") for f, n in traceback.walk_tb(exc.__traceback__)]
    return ExceptionRecord(
        type(exc).__qualname__,
        type(exc).__module__,
        str(exc),
        frames,
        record(cause) if cause else None,
        exc.__cause__ is None,
        tuple(map(record, exc.exceptions)) if isinstance(exc, BaseExceptionGroup) else (),
    )


def python(exc):
    """Give Python's own text, without the marks below the lines."""
    return re.sub(r"^[ |]*[~^]+\n", "", "".join(traceback.format_exception(exc)), flags=re.MULTILINE)


def raised(function):
    try:
        function()
    except Exception as exc:
        return exc
    raise AssertionError


def explicit():
    try:
        {}["key"]
    except KeyError as exc:
        raise ValueError("two\nlines") from exc


def implicit():
    try:
        explicit()
    except ValueError:
        raise ImportError from RuntimeError("never raised")


def nested():
    try:
        int("x")
    except ValueError:
        [].pop()


def suppressed():
    try:
        int("x")
    except ValueError:
        raise LookupError("alone") from None


def grouped():
    raise ExceptionGroup("several", [raised(explicit), OSError("plain")])


def endless():
    return endless()


class Own(Exception):
    """An exception that does not belong to Python."""


def own():
    raise Own("mine")


def test_causes_contexts_and_plain_errors_read_as_pythons_own():
    """Line for line, for every way in which exceptions are connected."""
    for function in (explicit, implicit, nested, suppressed, own):
        exc = raised(function)
        assert record(exc).stacktrace() == python(exc)


def test_a_group_reads_as_pythons_own():
    """The members are numbered and indented."""
    exc = raised(grouped)
    assert record(exc).stacktrace() == python(exc)


def test_deep_recursion_is_folded_and_bounded():
    """Of a thousand frames the innermost are kept, and said to repeat."""
    text = record(raised(endless)).stacktrace(30)
    assert "Previous line repeated" in text
    assert text.endswith("RecursionError: maximum recursion depth exceeded\n")
