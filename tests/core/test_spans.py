"""What a span records, and what a backend sees of it."""

import asyncio
import math
from datetime import UTC, datetime

import pytest

import anytel
from anytel.backend import Link, SpanContext
from core.hostile import VALUES, BadMapping, Unequal, Unprintable


def test_a_child_has_its_parents_trace(memory):
    """A span inside another has its trace and its id as parent; the outer one is the local root."""
    with anytel.span("outer") as outer, anytel.span("inner", kind="client") as inner:
        assert anytel.current_span() is inner
        assert (len(inner.trace_id), len(inner.span_id)) == (32, 16)
        assert inner.trace_id == outer.trace_id
    root, child = memory.span("outer"), memory.span("inner")
    assert (root.parent_id, root.is_root, root.remote_parent) == (0, True, False)
    assert (child.parent_id, child.is_root, child.kind) == (root.context.span_id, False, "client")
    assert (child.root_id, child.root_name) == (root.context.span_id, "outer")
    assert f"{child.context.trace_id:032x}" == outer.trace_id
    assert root.start_ns <= child.start_ns <= child.end_ns <= root.end_ns


def test_current_span_is_restored(memory):
    """After each block the span before it is current again, also when the block raises."""
    with anytel.span("a") as outer:
        with pytest.raises(KeyError), anytel.span("b"):
            raise KeyError("x")
        assert anytel.current_span() is outer
        with anytel.span("c"):
            pass
        assert anytel.current_span() is outer
    assert not anytel.current_span().recording
    assert memory.span("c").parent_id == memory.span("a").context.span_id


def test_attributes(memory):
    """None is left out, nested mappings become dotted names, other sequences tuples, and later values win."""
    with anytel.span("s", attributes={"a": 1, "none": None, "http": {"method": "GET", "deep": {"x": True}}}) as span:
        span.set({"a": 2, "list": [1, "b", None], "rows": [{"id": 7}, 8]}).set(b=1.5, none=None)
    found = memory.span("s").attributes
    assert found == {
        "a": 2, "http.method": "GET", "http.deep.x": True, "list": (1, "b", "None"),
        "rows.0.id": 7, "rows.1": 8, "b": 1.5,
    }  # fmt: skip


@pytest.mark.parametrize("value", VALUES)
def test_hostile_attribute_values(memory, value):
    """No value raises into the caller, none takes its neighbours with it, and what arrives is plain."""
    value = VALUES[value]
    with anytel.span("s", attributes={"before": 1, "bad": value, "after": 2}) as span:
        span.set({"x": 1, "bad": value, "y": 2})
        span.event("e", {"p": 1, "bad": value, "q": 2})
    record = memory.span("s")
    assert {"before": 1, "after": 2, "x": 1, "y": 2}.items() <= record.attributes.items()
    (event,) = record.events
    assert {"p": 1, "q": 2}.items() <= event.attributes.items()
    for name, found in [*record.attributes.items(), *event.attributes.items()]:
        assert_plain(name)
        for one in found if type(found) is tuple else (found,):
            assert_plain(one)


def assert_plain(value):
    assert type(value) in (str, bool, int, float)
    if type(value) is str:
        value.encode()
        assert len(value) <= 8_192
    if type(value) is int:
        assert -(2**63) <= value < 2**63
    if type(value) is float:
        assert math.isfinite(value)


@pytest.mark.parametrize("name", VALUES)
def test_hostile_names(memory, name):
    """A name of any type becomes text, and the span is not lost."""
    name = VALUES[name]
    with anytel.span(name) as span:
        span.event(name)
        span.fail(name)
    (record,) = memory.spans
    for found in (record.name, record.root_name, record.status_message, record.events[0].name):
        assert_plain(found)
        assert type(found) is str


@pytest.mark.parametrize(
    "arguments",
    [
        {"kind": "bogus"},
        {"kind": []},
        {"kind": Unprintable()},
        {"attributes": 5},
        {"attributes": Unequal()},
        {"attributes": BadMapping()},
        {"links": 5},
        {"links": [5, object(), Unprintable()]},
        {"links": Unequal()},
        {"links": [(1, 2, 3)]},
        {"parent": "x"},
        {"parent": Unprintable()},
        {"start_time": "x"},
        {"start_time": math.nan},
        {"start_time": Unprintable()},
        {"start_time": 10**30},
        {"start_time": -1.0},
    ],
)
def test_hostile_arguments_are_refused_and_counted(memory, arguments):
    """A wrong argument costs itself only: the span is recorded, and what was refused is counted."""
    with anytel.span("s", **arguments) as span:
        span.set(kept=1)
    record = memory.span("s")
    assert record.attributes["kept"] == 1
    assert (record.kind, record.links) == ("internal", ())
    assert 0 < record.start_ns <= record.end_ns < 2**63
    assert sum(anytel.stats().refused.values()) > 0


def test_a_span_is_not_changed_by_what_the_caller_does_later(memory):
    """Values are taken when they are given: mutating the mapping, the list or the ended span changes nothing."""
    attributes, members = {"a": 1}, [1]
    with anytel.span("s", attributes=attributes) as span:
        span.set({"members": members})
        attributes["a"] = 2
        members.append(2)
    span.set(late=1).event("late").fail("late")
    span.name = span.name
    record = memory.span("s")
    assert (record.attributes, record.events, record.status) == ({"a": 1, "members": (1,)}, (), "unset")
    assert anytel.stats().refused["span_ended"] == 3


def test_events(memory):
    """An event has a name, attributes and a time within the span, or the one it is given."""
    when = datetime(2030, 1, 2, tzinfo=UTC)
    with anytel.span("s") as span:
        span.event("retry", {"attempt": 2, "none": None}).event("given", time=when)
    record = memory.span("s")
    first, second = record.events
    assert (first.name, first.attributes) == ("retry", {"attempt": 2})
    assert record.start_ns <= first.time_ns <= record.end_ns
    assert second.time_ns == int(when.timestamp()) * 10**9


def test_fail_without_an_exception(memory):
    """`fail` marks the span with a reason; there is no exception and no report."""
    with anytel.span("s") as span:
        span.fail("quota")
    record = memory.span("s")
    assert (record.status, record.status_message, record.exception) == ("error", "quota", None)
    assert memory.errors == []


def test_fail_with_an_exception(memory):
    """`fail` takes an exception too, which is on the span and not reported."""
    with anytel.span("s") as span:
        span.fail(ValueError("bad"))
    record = memory.span("s")
    assert (record.status, record.exception.type, record.exception.message) == ("error", "ValueError", "bad")
    assert memory.errors == []


def test_links(memory):
    """A link is a span, an extracted context, a `SpanContext`, or a pair of one with attributes; no others."""
    headers = {"traceparent": f"00-{'1' * 32}-{'2' * 16}-01"}
    with anytel.span("other") as other:
        pass
    known = SpanContext(5, 6, sampled=True)
    links = [
        other, (other, {"why": "retry"}), anytel.extract(headers), known, Link(known, {"bad": object()}),
        anytel.extract({}), anytel.current_span(),
    ]  # fmt: skip
    with anytel.span("s", links=links):
        pass
    found = memory.span("s").links
    assert [link.context.span_id for link in found] == [int(other.span_id, 16)] * 2 + [int("2" * 16, 16), 6, 6]
    assert found[1].attributes == {"why": "retry"}
    assert_plain(found[4].attributes["bad"])


@pytest.mark.parametrize(
    "moment",
    [1_700_000_000_500_000_000, 1_700_000_000.5, datetime.fromtimestamp(1_700_000_000.5, UTC)],
    ids=["nanoseconds", "seconds", "datetime"],
)
def test_start_and_end_times(memory, moment):
    """Times are nanoseconds as an int, seconds as a float, or a datetime."""
    span = anytel.start_span("s", start_time=moment)
    later = moment + 10**9 if isinstance(moment, int) else 1_700_000_001.5
    span.end(later)
    record = memory.span("s")
    assert abs(record.start_ns - 1_700_000_000_500_000_000) < 1_000
    assert abs(record.end_ns - 1_700_000_001_500_000_000) < 1_000


def test_no_duration_is_negative(memory):
    """A span that is said to end before it began, or to begin in the future, has no length."""
    anytel.start_span("past").end(1.0)
    anytel.start_span("future", start_time=4_000_000_000.0).end()
    for record in memory.spans:
        assert record.end_ns == record.start_ns


@pytest.mark.parametrize(
    "moment",
    ["x", math.nan, math.inf, 10**30, Unprintable(), -5],
    ids=["text", "nan", "infinite", "huge", "unprintable", "negative"],
)
def test_hostile_end_times_are_refused(memory, moment):
    """A time that is none is refused; the span ends now."""
    anytel.start_span("s").end(moment)
    record = memory.span("s")
    assert 0 <= record.end_ns - record.start_ns < 60 * 10**9
    assert anytel.stats().refused["time"] == 1


def test_a_span_started_by_hand_is_not_current(memory):
    """`start_span` does not make its span current; it may be given as a parent."""
    span = anytel.start_span("job", kind="producer", attributes={"a": 1})
    assert not anytel.current_span().recording
    with anytel.span("child", parent=span):
        pass
    span.end()
    assert memory.span("child").parent_id == memory.span("job").context.span_id
    assert (memory.span("job").kind, memory.span("job").attributes) == ("producer", {"a": 1})


def test_an_explicit_parent_beats_the_current_span(memory):
    """`parent=` decides, and afterwards the span before is current again."""
    far = anytel.start_span("far")
    with anytel.span("near") as near:
        with anytel.span("child", parent=far):
            pass
        assert anytel.current_span() is near
    far.end()
    assert memory.span("child").parent_id == int(far.span_id, 16)


def test_ending_twice_is_counted_and_sent_once(memory):
    """A second `end()` changes nothing and is counted."""
    span = anytel.start_span("s")
    span.end()
    span.end()
    with anytel.span("t") as other:
        other.end()
    assert [record.name for record in memory.spans] == ["s", "t"]
    assert anytel.stats().refused["span_ended_twice"] == 2


def test_an_exception_fails_the_span_and_is_unchanged(memory):
    """The exception leaves the block as the same object; the span carries it with its frames and cause."""
    problem = ValueError("bad")

    def work():
        try:
            raise KeyError("first")
        except KeyError as exc:
            raise problem from exc

    with pytest.raises(ValueError) as caught, anytel.span("s"):
        work()
    assert caught.value is problem
    record = memory.span("s")
    assert (record.status, record.status_message) == ("error", "bad")
    assert (record.exception.type, record.exception.module) == ("ValueError", "builtins")
    assert record.exception.frames[-1].function.endswith("work")
    assert record.exception.cause.type == "KeyError"
    assert not record.exception.implicit


@pytest.mark.parametrize("problem", [KeyboardInterrupt, SystemExit, GeneratorExit, asyncio.CancelledError])
def test_cancellation_is_no_error(memory, problem):
    """Cancellation, generator exit, interrupt and exit end the span without an error and without a report."""
    with pytest.raises(problem), anytel.span("s"):
        raise problem
    assert (memory.span("s").status, memory.errors) == ("unset", [])


def test_a_cancelled_task_is_no_error(memory):
    """A task that is cancelled ends its span without an error."""

    async def main():
        started = asyncio.Event()

        async def work():
            with anytel.span("s"):
                started.set()
                await asyncio.Event().wait()

        task = asyncio.create_task(work())
        await started.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    assert (memory.span("s").status, memory.errors) == ("unset", [])


def test_limits_on_attributes_events_and_links(memory):
    """128 attributes, events and links are kept; what is over is counted."""
    many = {f"a{number}": number for number in range(200)}
    with anytel.span("start", attributes=many) as span:
        span.set({f"b{number}": number for number in range(50)})
        span.set({"a0": "changed"})
    with anytel.span("set") as span:
        span.set(many).set(many).set(more=1)
        for number in range(200):
            span.event("e", {"n": number})
    with anytel.span("links", links=[span] * 200):
        pass
    start, late, links = memory.span("start"), memory.span("set"), memory.span("links")
    assert (len(start.attributes), start.attributes["a0"], start.dropped["attributes"]) == (128, "changed", 122)
    assert (len(late.attributes), late.dropped["attributes"]) == (128, 72 + 72 + 1)
    assert (len(late.events), late.dropped["events"]) == (128, 72)
    assert [event.attributes["n"] for event in late.events] == list(range(128))
    assert (len(links.links), links.dropped["links"]) == (128, 72)


def test_context_reaches_spans(memory):
    """What is bound with `context` is on the spans started within; their own attributes win; it ends with its block."""
    outer, own = anytel.context({"user": {"id": 1}}, tenant="a"), {"tenant": "own"}
    with outer, anytel.span("in", attributes=own), anytel.context(tenant="b", none=None), anytel.span("deep"):
        pass
    with anytel.span("out"):
        pass
    assert memory.span("in").attributes == {"user.id": 1, "tenant": "own"}
    assert memory.span("deep").attributes == {"user.id": 1, "tenant": "b"}
    assert memory.span("out").attributes == {}


@pytest.mark.parametrize("given", [5, BadMapping(), [1, 2], Unequal()], ids=["int", "mapping", "list", "unequal"])
def test_hostile_contexts_are_refused(memory, given):
    """What is no mapping is refused and counted; the block runs, and what was bound around it stays."""
    with anytel.context(around=1), anytel.context(given), anytel.span("s"):
        pass
    assert memory.span("s").attributes == {"around": 1}
    assert anytel.stats().refused["context"] == 1


def test_service_of_a_span(memory):
    """`service.name` on a span is its service and that of the spans within; entries into a service are marked."""
    with anytel.span("a"), anytel.span("b", attributes={"service.name": "db"}), anytel.span("c"):
        pass
    found = {record.name: (record.service, record.service_entry) for record in memory.spans}
    assert found == {"a": ("shop", True), "b": ("db", True), "c": ("db", False)}


def test_misuse_is_an_error_when_strict(configured):
    """With the strict setting misuse raises."""
    configured(strict=True)
    span = anytel.start_span("s")
    span.end()
    with pytest.raises(anytel.MisuseError, match="ended twice"):
        span.end()
    with pytest.raises(anytel.MisuseError, match="kind"):
        anytel.start_span("s", kind="bogus")
