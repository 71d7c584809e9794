"""Spans of OpenTelemetry's API are spans of anytel, with the API's semantics."""

import asyncio
import time

import pytest
from opentelemetry import trace
from opentelemetry.trace import Link, NonRecordingSpan, SpanContext, SpanKind, Status, StatusCode, TraceFlags

import anytel
from anytel.tracing.context import bound
from otel.conftest import current_ids, ids

LINKED = SpanContext(0xABC, 0xDEF, is_remote=True, trace_flags=TraceFlags(1))


def test_an_anytel_span_is_the_current_span_of_opentelemetry(memory):
    with anytel.span("work") as span:
        seen = trace.get_current_span()
        assert ids(seen) == (span.trace_id, span.span_id)
        assert seen.is_recording()
        assert seen.get_span_context().is_valid
        assert seen.get_span_context().trace_flags.sampled
        assert trace.get_current_span() is seen
    assert trace.get_current_span() is trace.INVALID_SPAN
    assert not seen.is_recording()


def test_what_is_done_to_the_current_span_is_done_to_ours(memory, raised):
    with anytel.span("work", kind="client"):
        seen = trace.get_current_span()
        seen.set_attribute("one", 1)
        seen.set_attributes({"two": ["a", "b"], "three": 3.5})
        seen.add_event("happened", {"x": True}, timestamp=1_700_000_000_000_000_000)
        seen.record_exception(raised, {"extra": 1})
        seen.add_link(LINKED, {"why": "because"})
        seen.update_name("better name")
        seen.set_status(StatusCode.OK)
        assert (seen.name, seen.kind) == ("better name", SpanKind.CLIENT)
        assert seen.attributes["one"] == 1
        assert seen.status.status_code is StatusCode.OK
    span = memory.span("better name")
    assert span.attributes == {"one": 1, "two": ("a", "b"), "three": 3.5}
    assert [event.name for event in span.events] == ["happened", "exception"]
    assert span.events[0].time_ns == 1_700_000_000_000_000_000
    assert span.events[1].attributes["exception.type"] == "ValueError"
    assert span.events[1].attributes["exception.message"] == "boom"
    assert span.events[1].attributes["extra"] == 1
    assert span.links[0].context.trace_id == 0xABC
    assert span.links[0].attributes == {"why": "because"}
    assert (span.status, span.exception) == ("ok", None)


def test_a_span_of_opentelemetry_is_the_current_span_of_anytel(memory, tracer):
    with tracer.start_as_current_span("outer", kind=SpanKind.SERVER, attributes={"a": 1}) as outer:
        assert trace.get_current_span() is outer
        assert current_ids() == ids(outer)
        with anytel.span("inner") as inner:
            anytel.get_logger("test").info("logged")
            assert inner.trace_id == ids(outer)[0]
        assert trace.get_current_span() is outer
        anytel.current_span().set(b=2)
    assert anytel.current_span().span_id == "0" * 16
    span = memory.span("outer")
    assert (span.kind, span.scope, span.attributes) == ("server", "a.library", {"a": 1, "b": 2})
    assert memory.span("inner").parent_id == span.context.span_id
    assert memory.logs[0].context == memory.span("inner").context


def test_start_span_is_not_current_and_can_be_entered_without_being_so(memory, tracer):
    span = tracer.start_span("apart")
    with span as entered:
        assert entered is span
        assert trace.get_current_span() is trace.INVALID_SPAN
    assert memory.span("apart").end_ns


def test_the_times_that_are_given_hold(memory, tracer):
    tracer.start_span("timed", start_time=1_700_000_000_000_000_001).end(end_time=1_700_000_000_000_000_777)
    span = memory.span("timed")
    assert (span.start_ns, span.end_ns) == (1_700_000_000_000_000_001, 1_700_000_000_000_000_777)


def test_links_at_the_start_and_late_are_kept_and_invalid_ones_are_not(memory, tracer):
    span = tracer.start_span("linked", links=[Link(LINKED, {"n": 1}), Link(trace.INVALID_SPAN_CONTEXT)])
    span.add_link(SpanContext(1, 2, is_remote=False))
    span.add_link(trace.INVALID_SPAN_CONTEXT)
    span.end()
    assert [link.context.span_id for link in memory.span("linked").links] == [0xDEF, 2]


def test_links_over_the_limit_are_counted(memory, tracer):
    span = tracer.start_span("linked")
    for _ in range(130):
        span.add_link(LINKED)
    span.end()
    assert len(memory.span("linked").links) == 128
    assert memory.span("linked").dropped == {"links": 2}


@pytest.mark.parametrize(
    ("calls", "status", "message"),
    [
        ([(StatusCode.OK,), (StatusCode.ERROR, "late")], "ok", ""),
        ([(StatusCode.ERROR, "why"), (StatusCode.UNSET,)], "error", "why"),
        ([(StatusCode.ERROR, "why"), (StatusCode.OK,)], "ok", ""),
        ([(Status(StatusCode.ERROR, "inside"),)], "error", "inside"),
        ([(StatusCode.ERROR,)], "error", ""),
        ([(StatusCode.OK, "ignored")], "ok", ""),
        ([], "unset", ""),
    ],
)
def test_ok_is_final_unset_changes_nothing_and_only_an_error_has_a_description(memory, tracer, calls, status, message):
    with tracer.start_as_current_span("work") as span:
        for call in calls:
            span.set_status(*call)
    assert (memory.span("work").status, memory.span("work").status_message) == (status, message)


def test_record_exception_alone_does_not_fail_the_span_and_reports_nothing(memory, tracer, raised):
    with tracer.start_as_current_span("work") as span:
        span.record_exception(raised)
    assert (memory.span("work").status, memory.span("work").exception) == ("unset", None)
    assert memory.errors == []


def test_an_exception_that_was_recorded_is_that_of_the_failed_span(memory, tracer, raised):
    with tracer.start_as_current_span("outer"), tracer.start_as_current_span("work") as span:
        span.record_exception(raised)
        span.set_status(StatusCode.ERROR, "it broke")
    assert memory.span("work").exception.type == "ValueError"
    assert memory.span("work").status_message == "it broke"


def test_an_exception_that_leaves_a_local_root_is_one_report(memory, tracer):
    with (
        pytest.raises(ValueError, match="boom"),
        tracer.start_as_current_span("root"),
        anytel.span("middle"),
        tracer.start_as_current_span("inner") as inner,
    ):
        raise ValueError("boom")
    assert [span.status for span in memory.spans] == ["error"] * 3
    assert memory.span("root").status_message == "ValueError: boom"
    assert [event.name for event in memory.span("root").events] == ["exception"]
    assert memory.error().context.span_id == inner.get_span_context().span_id


@pytest.mark.parametrize("how", ["use_span", "by hand", "with"])
def test_an_exception_is_reported_once_however_the_root_was_made_current(memory, tracer, how):
    span = tracer.start_span("root")
    with pytest.raises(ValueError, match="boom"):
        if how == "use_span":
            with trace.use_span(span, end_on_exit=True):
                raise ValueError("boom")
        elif how == "with":
            with span:
                raise ValueError("boom")
        else:
            try:
                raise ValueError("boom")
            except ValueError as exc:
                span.record_exception(exc)
                span.set_status(StatusCode.ERROR)
                span.end()
                raise
    assert memory.error().exception.message == "boom"
    assert memory.span("root").exception.type == "ValueError"


@pytest.mark.parametrize("record", [True, False])
@pytest.mark.parametrize("fail", [True, False])
@pytest.mark.parametrize("through", ["start_as_current_span", "use_span"])
def test_whether_an_exception_is_recorded_and_fails_the_span_can_be_chosen(memory, tracer, record, fail, through):
    options = {"record_exception": record, "set_status_on_exception": fail}
    with anytel.span("root"), pytest.raises(KeyError):
        if through == "use_span":
            with trace.use_span(tracer.start_span("work"), end_on_exit=True, **options):
                raise KeyError("x")
        else:
            with tracer.start_as_current_span("work", **options):
                raise KeyError("x")
    span = memory.span("work")
    assert [event.name for event in span.events] == ["exception"] * record
    assert span.status == ("error" if fail else "unset")


def test_cancellation_is_no_error(memory, tracer):
    async def work():
        with tracer.start_as_current_span("work"):
            raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(work())
    assert memory.span("work").status == "unset"
    assert memory.errors == []


def test_end_on_exit_can_be_refused(memory, tracer):
    with tracer.start_as_current_span("long", end_on_exit=False) as span:
        pass
    assert span.is_recording()
    span.end()
    assert memory.span("long")


def test_what_comes_after_the_end_is_ignored_without_a_word(configured, tracer, raised, capsys):
    memory = configured(strict=True)
    span = tracer.start_span("work")
    span.end()
    capsys.readouterr()
    span.set_attribute("a", 1)
    span.set_attributes({"a": 1})
    span.add_event("e")
    span.add_link(LINKED)
    span.update_name("n")
    span.set_status(StatusCode.ERROR)
    span.record_exception(raised)
    span.end()
    assert capsys.readouterr().out == ""
    assert memory.span("work").attributes == {}


def test_start_as_current_span_decorates_functions_and_coroutine_functions(memory, tracer):
    @tracer.start_as_current_span("plain")
    def plain(number):
        return number + int(trace.get_current_span().is_recording())

    @tracer.start_as_current_span("waiting")
    async def waiting(number):
        await asyncio.sleep(0)
        return number + int(trace.get_current_span().is_recording())

    assert [plain(1), plain(2), asyncio.run(waiting(3))] == [2, 3, 4]
    assert plain.__name__ == "plain"
    assert sorted(span.name for span in memory.spans) == ["plain", "plain", "waiting"]


def test_values_bound_with_anytel_context_are_on_spans_of_opentelemetry(memory, tracer):
    with anytel.context({"user.id": 7}), tracer.start_as_current_span("work"):
        assert bound.get()["user.id"] == 7
    assert memory.span("work").attributes == {"user.id": 7}


def test_an_unsampled_trace_is_so_for_all_of_its_spans(configured, tracer):
    memory = configured(sample_rate=0)
    with tracer.start_as_current_span("root") as root:
        assert not root.get_span_context().trace_flags.sampled
        with tracer.start_as_current_span("child") as child:
            assert not child.is_recording()
            assert ids(child)[0] == ids(root)[0]
            with anytel.span("grandchild") as grandchild:
                assert grandchild.trace_id == ids(root)[0]
                assert not grandchild.recording
        assert current_ids() == ids(root)
    assert memory.spans == []


@pytest.mark.parametrize("state", ["off", "shut down"])
def test_without_backends_in_force_a_remote_parent_is_passed_on(configured, tracer, state):
    if state == "off":
        anytel.configure(backends="none")
    else:
        anytel.shutdown()
    assert tracer.start_span("nothing") is trace.INVALID_SPAN
    context = trace.set_span_in_context(NonRecordingSpan(LINKED))
    assert tracer.start_span("nothing", context).get_span_context() == LINKED
    with tracer.start_as_current_span("nothing", context) as span:
        assert not span.is_recording()


def test_a_tracer_follows_configure(configured, tracer):
    first = configured()
    tracer.start_span("one").end()
    assert [span.name for span in first.spans] == ["one"]
    second = configured()
    tracer.start_span("two").end()
    assert [span.name for span in second.spans] == ["two"]


def test_no_exception_of_opentelemetrys_callers_is_swallowed_and_none_of_ours_raised(memory, tracer):
    """Wrong kinds, names and attributes are refused, as everywhere."""
    span = tracer.start_span(None, kind="client", attributes={1: object()}, start_time="yesterday")
    span.set_attribute(None, object())
    span.add_event(None, {None: None}, timestamp="now")
    span.end(end_time="later")
    assert len(memory.spans) == 1


def test_the_parent_of_a_span_can_be_read(memory, tracer):
    with anytel.span("outer") as outer, tracer.start_as_current_span("inner") as inner:
        assert f"{inner.parent.span_id:016x}" == outer.span_id
    assert tracer.start_span("root").parent is None


def test_a_span_lasts(memory, tracer):
    before = time.time_ns()
    tracer.start_span("work").end()
    span = memory.span("work")
    assert before - 10**9 < span.start_ns <= span.end_ns < time.time_ns() + 10**9
