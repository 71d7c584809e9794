"""Errors: reported once, with one id, linked to where they came from."""

import asyncio
import json
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

import anytel
from core.hostile import VALUES, Failing


def test_capture_in_an_except_block(memory):
    """Without an argument the exception being handled is reported, with its span, attributes and context."""
    with anytel.context(tenant="a"), anytel.span("root"), anytel.span("inner") as inner:
        try:
            raise ValueError("bad")
        except ValueError:
            error_id = anytel.capture_exception(attributes={"order": {"id": 7}, "none": None})
    report = memory.error()
    assert (report.id, len(error_id), report.handled, report.root_name) == (error_id, 32, True, "root")
    assert (report.exception.type, report.exception.message) == ("ValueError", "bad")
    assert report.exception.frames[-1].function == "test_capture_in_an_except_block"
    assert f"{report.context.span_id:016x}" == inner.span_id
    assert report.attributes == {"tenant": "a", "order.id": 7}
    assert memory.span("inner").status == "unset"


def test_capture_of_a_given_exception(memory):
    """An exception can be given, also one that was never raised, inside no span, and as not handled."""
    error_id = anytel.capture_exception(ValueError("bad"), handled=False)
    report = memory.error()
    assert (report.id, report.handled, report.context, report.root_name) == (error_id, False, None, "")
    assert report.exception.frames == ()


@pytest.mark.parametrize("given", [None, "text", 5, ValueError])
def test_no_exception_is_refused(memory, given):
    """Outside an except block, or given what is none, the id is empty and the call is counted."""
    assert anytel.capture_exception(given) == ""
    assert memory.errors == []
    assert anytel.stats().refused["exception"] == 1


def test_the_same_exception_has_the_same_id(memory):
    """Capturing, logging and letting it leave spans is one report."""
    ids = set()
    with pytest.raises(ValueError), anytel.span("root"), anytel.span("inner"):
        try:
            raise ValueError("bad")
        except ValueError as exc:
            ids |= {anytel.capture_exception(exc), anytel.capture_exception()}
            anytel.get_logger().exception("failed")
            raise
    assert ids == {memory.error().id}
    assert memory.span("inner").status == memory.span("root").status == "error"


def test_an_unhandled_exception_is_reported_once_from_its_innermost_span(memory):
    """What leaves the local root is reported, not handled, with the ids of the innermost span that it left."""
    with pytest.raises(ValueError), anytel.span("root"), anytel.span("middle"), anytel.span("inner"):
        raise ValueError("bad")
    report = memory.error()
    assert (report.handled, report.root_name) == (False, "root")
    assert report.context.span_id == memory.span("inner").context.span_id
    assert len([record for record in memory.spans if record.status == "error"]) == 3


def test_an_exception_that_is_handled_within_is_not_reported(memory):
    """An exception that leaves inner spans only fails these, and is not reported."""
    with anytel.span("root"):
        with pytest.raises(ValueError), anytel.span("inner"):
            raise ValueError("bad")
        assert anytel.current_span().name == "root"
    assert (memory.span("inner").status, memory.span("root").status, memory.errors) == ("error", "unset", [])


def test_a_chain_is_one_report(memory):
    """A report covers the causes: capturing one of them later gives the same id."""
    inner = None
    with pytest.raises(ValueError), anytel.span("root"):
        try:
            raise KeyError("first")
        except KeyError as exc:
            inner = exc
            raise ValueError("second") from exc
    report = memory.error()
    assert (report.exception.type, report.exception.cause.type, report.exception.implicit) == (
        "ValueError", "KeyError", False,
    )  # fmt: skip
    assert anytel.capture_exception(inner) == report.id
    assert len(memory.errors) == 1


def test_an_id_once_given_stays(memory):
    """A cause that was reported on its own keeps its id when what came of it is reported too."""
    first = KeyError("first")
    known = anytel.capture_exception(first)
    second = ValueError("second")
    second.__cause__ = first
    assert anytel.capture_exception(second) != known
    assert anytel.capture_exception(first) == known
    assert len(memory.errors) == 2


def test_contexts_are_causes_unless_suppressed(memory):
    """What an exception was raised during is its implicit cause; `from None` hides it."""
    for suppressed in (False, True):
        try:
            try:
                raise KeyError("first")
            except KeyError:
                if suppressed:
                    raise ValueError("second") from None
                raise ValueError("second")  # noqa: B904 -- the implicit chain is the point
        except ValueError:
            anytel.capture_exception()
    shown, hidden = (report.exception for report in memory.errors)
    assert (shown.cause.type, shown.implicit) == ("KeyError", True)
    assert hidden.cause is None


def test_groups_are_one_report(memory):
    """An exception group is one report that holds its members."""
    members = [ValueError("a"), ExceptionGroup("inner", [KeyError("b")])]
    with pytest.raises(ExceptionGroup), anytel.span("root"):
        raise ExceptionGroup("outer", members)
    report = memory.error()
    assert [one.type for one in report.exception.group] == ["ValueError", "ExceptionGroup"]
    assert report.exception.group[1].group[0].message == "'b'"
    assert anytel.capture_exception(members[1].exceptions[0]) == report.id
    assert len(memory.errors) == 1


def test_exceptions_that_refer_to_one_another_end(memory):
    """Cycles, very long chains, and groups whose members share causes are cut, in no time."""
    one, two = ValueError("one"), ValueError("two")
    one.__cause__, two.__cause__ = two, one
    assert anytel.capture_exception(one) == anytel.capture_exception(two)
    link = ValueError("0")
    for number in range(1, 1_000):
        following = ValueError(str(number))
        following.__cause__ = link
        link = following
    anytel.capture_exception(link)
    level = ExceptionGroup("0", [ValueError("x")])
    for number in range(12):
        members = [ValueError(f"{number}-{index}") for index in range(20)]
        for member in members:
            member.__context__ = level
        level = ExceptionGroup(str(number), members)
    anytel.capture_exception(level)
    cycle, chain, tree = memory.errors
    assert (cycle.exception.cause.message, cycle.exception.cause.cause) == ("two", None)
    assert chain.exception.cause.message == "998"
    assert len(tree.exception.group) == 20


def test_deep_recursion_keeps_both_ends(memory):
    """A very long traceback is cut in the middle."""

    def dive(depth):
        if depth == 0:
            raise ValueError("deep")
        dive(depth - 1)

    with pytest.raises(ValueError), anytel.span("root"):
        dive(500)
    frames = memory.error().exception.frames
    assert len(frames) == 100
    assert frames[0].function == "test_deep_recursion_keeps_both_ends"
    assert frames[-1].line == frames[-2].line - 1


@pytest.mark.parametrize("name", VALUES)
def test_hostile_exceptions(memory, name):
    """An exception with any argument, and attributes with any value, is reported and changes nothing."""
    value = VALUES[name]
    with pytest.raises(RuntimeError), anytel.span("root"):
        raise RuntimeError(value)
    anytel.capture_exception(RuntimeError(value, value), {"before": 1, "bad": value, "after": 2})
    first, second = memory.errors
    for report in (first, second):
        report.exception.message.encode()
        report.exception.stacktrace().encode()
        assert len(report.exception.message) <= 8_192
    assert (second.attributes["before"], second.attributes["after"]) == (1, 2)


def test_an_exception_that_takes_no_attributes_and_has_no_text(memory):
    """An exception that can be neither marked nor printed passes unchanged; its message says so."""
    problem = Failing()
    with pytest.raises(Failing) as caught, anytel.span("root"), anytel.span("inner"):
        raise problem
    assert caught.value is problem
    assert memory.errors[0].exception.message == "<unprintable Failing>"


@pytest.mark.parametrize("attributes", [5, "x", [1]])
def test_hostile_report_attributes(memory, attributes):
    """Attributes that are no mapping are refused; the error is reported all the same."""
    error_id = anytel.capture_exception(ValueError("x"), attributes)
    assert len(error_id) == 32
    assert memory.error().attributes == {}


def test_types_and_files_that_are_no_text(memory):
    """Names that UTF-8 cannot hold become such, in types, modules and files."""
    odd = type("Bad", (Exception,), {"__module__": "mod\ud800"})
    source = compile("def fail(kind):\n    raise kind('x')\n", "/srv/\udcff.py", "exec")
    names = {"__name__": "n\ud800"}
    exec(source, names)
    unnamed = type("Unnamed", (Exception,), {"__module__": None})
    for kind in (odd, unnamed):
        with pytest.raises(kind):
            try:
                names["fail"](kind)
            except Exception:
                anytel.get_logger().exception("line")
                raise
    assert len(memory.errors) == 2
    for report in memory.errors:
        record = report.exception
        for text in (record.type, record.module, record.stacktrace(), *map(str, record.frames[-1])):
            text.encode()


def test_in_tasks_and_threads(memory):
    """An exception that crosses tasks or executor threads is reported once, from the span where it happened."""

    async def leaf():
        with anytel.span("leaf"):
            await asyncio.sleep(0)
            raise ValueError("in task")

    async def main():
        with anytel.span("async root"):
            await asyncio.gather(leaf())

    with pytest.raises(ValueError):
        asyncio.run(main())

    def work():
        with anytel.span("in thread"):
            raise KeyError("in thread")

    with pytest.raises(KeyError), anytel.span("threaded root"), ThreadPoolExecutor(1) as pool:
        pool.submit(anytel.propagate(work)).result(10)
    first, second = memory.errors
    assert (first.root_name, first.context.span_id) == ("async root", memory.span("leaf").context.span_id)
    assert (second.root_name, second.context.span_id) == ("threaded root", memory.span("in thread").context.span_id)


def test_a_task_group_is_one_report(memory):
    """A task group's exception is one report, and its tasks' cancellation none."""

    async def main():
        with anytel.span("root"):
            async with asyncio.TaskGroup() as group:
                for _ in range(3):
                    group.create_task(wait())
                group.create_task(fail())

    async def wait():
        with anytel.span("waiting"):
            await asyncio.Event().wait()

    async def fail():
        with anytel.span("failing"):
            await asyncio.sleep(0)
            raise ValueError("bad")

    with pytest.raises(ExceptionGroup):
        asyncio.run(main())
    assert memory.error().exception.group[0].message == "bad"
    assert [record.status for record in memory.spans if record.name == "waiting"] == ["unset"] * 3


def test_racing_reports_of_one_exception(memory):
    """Threads that capture the same exception at once get ids, and nothing raises."""
    problem = ValueError("x")
    barrier = threading.Barrier(8)

    def capture():
        barrier.wait(10)
        return anytel.capture_exception(problem)

    with ThreadPoolExecutor(8) as pool:
        found = {one.result(10) for one in [pool.submit(capture) for _ in range(8)]}
    assert found == {report.id for report in memory.errors}


def test_what_backends_see_is_redacted(memory):
    """Messages, of causes too, and attributes are redacted; the line shows the same."""
    with pytest.raises(ValueError), anytel.span("root", attributes={"password": "x"}):
        try:
            raise KeyError("Bearer abcdefghijkl")
        except KeyError as exc:
            raise ValueError("postgres://u:hunter2@db/x") from exc
    anytel.capture_exception(ValueError("x"), {"api_key": "hunter2", "note": "Bearer abcdefghijkl"})
    seen = json.dumps([repr(one) for one in (*memory.errors, *memory.spans)])
    assert "hunter2" not in seen
    assert "abcdefghijkl" not in seen
    assert "[redacted]" in seen


def test_errors_without_a_backend_that_takes_them(configured):
    """Where no backend takes errors an id is given all the same."""
    from anytel.backends.memory import MemoryBackend

    class NoErrors(MemoryBackend):
        signals = frozenset({"span"})

    configured(NoErrors())
    problem = ValueError("x")
    assert len(anytel.capture_exception(problem)) == 32
    assert anytel.capture_exception(problem) == anytel.capture_exception(problem)
