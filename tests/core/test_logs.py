"""Loggers: levels, bound values, arguments and exceptions, as they arrive in a line and at a backend."""

import asyncio
import json
import sys

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import anytel
from core.hostile import VALUES, Unprintable

LEVELS = ["debug", "info", "warning", "error", "critical"]
log = anytel.get_logger("shop", made="early")


def lines(capsys):
    *found, last = capsys.readouterr().out.split("\n")
    assert last == ""
    return [json.loads(line) for line in found]


def line(capsys):
    (found,) = lines(capsys)
    return found


def test_a_line_and_a_record(memory, capsys):
    """An event is one JSON line with level, time, logger, ids and context, and the same at the backend."""
    with anytel.context({"user": {"id": 1}}), anytel.span("s") as span:
        log.info("order_placed", amount=3)
    shown = line(capsys)
    assert {**shown, "timestamp": ""} == {
        "timestamp": "", "level": "info", "event": "order_placed", "logger": "shop", "made": "early", "amount": 3,
        "user.id": 1, "trace_id": span.trace_id, "span_id": span.span_id, "dd.trace_id": span.trace_id,
        "dd.span_id": str(int(span.span_id, 16)), "service": "shop",
    }  # fmt: skip
    assert shown["timestamp"].endswith("Z")
    (record,) = memory.logs
    assert (record.level, record.logger, record.message) == ("info", "shop", "order_placed")
    assert record.attributes == {"made": "early", "amount": 3, "user.id": 1}
    assert f"{record.context.span_id:016x}" == span.span_id


@pytest.mark.parametrize("level", LEVELS)
def test_levels_are_filtered(configured, capsys, level):
    """Lines below the level are neither written nor sent; a second `configure` changes that for existing loggers."""
    memory = configured(log_level=level)
    for one in LEVELS:
        getattr(log, one)(one)
    log.exception("exception")  # noqa: LOG004 -- it is a method with a level too
    expected = LEVELS[LEVELS.index(level) :]
    assert [one["event"] for one in lines(capsys) if one["event"] != "exception"] == expected
    assert [record.message for record in memory.logs if record.message != "exception"] == expected
    configured(log_level="debug")
    log.debug("now")
    assert line(capsys)["event"] == "now"


def test_the_level_of_an_environment(configured, capsys):
    """In `development` debug lines are shown."""
    for environment, shown in (("development", 1), ("production", 0)):
        configured(environment=environment)
        log.debug("detail")
        assert len(lines(capsys)) == shown


def test_bind_and_unbind(memory, capsys):
    """`bind` and `unbind` give other loggers; a call's own values win over bound ones, these over the context's."""
    bound = log.bind(a=1, b=2)
    with anytel.context(a=0, c=3):
        bound.info("one", b=5)
        bound.unbind("a", "made", "absent").info("two")
        log.info("three")
    one, two, three = lines(capsys)
    assert (one["a"], one["b"], one["c"], one["made"]) == (1, 5, 3, "early")
    assert (two["a"], two["b"], "made" in two) == (0, 2, False)
    assert (three["a"], "b" in three) == (0, False)


@pytest.mark.parametrize(
    ("event", "args", "shown"),
    [
        ("%s has %d", ("a", 2), "a has 2"),
        ("100%", (), "100%"),
        ("%(a)s", ({"a": 1},), "1"),
    ],
)
def test_arguments_are_formatted(memory, capsys, event, args, shown):
    """Positional arguments are formatted into the event with `%`; without any the event is as it is."""
    log.info(event, *args)
    assert line(capsys)["event"] == shown


@pytest.mark.parametrize("args", [("a",), (1, 2, 3), (Unprintable(), 1)], ids=["type", "many", "unprintable"])
def test_wrong_arguments_keep_the_line(memory, capsys, args):
    """Arguments that do not fit the event are shown beside it; the values stay, and it is counted."""
    log.info("%d items", *args, kept=1)
    shown = line(capsys)
    assert (shown["event"], shown["kept"]) == ("%d items", 1)
    assert "log_error" in shown
    assert anytel.stats().refused["log"] == 1


@pytest.mark.parametrize(
    "name", ["event", "self", "method_name", "level", "logger", "name", "args", "exc", "msg", "values"]
)
def test_any_name_can_be_a_value(memory, capsys, name):
    """A value may have any name, also those of our own parameters and fields."""
    log.info("line", **{name: "mine"})
    log.bind(**{name: "mine"}).warning("line")
    for shown in lines(capsys):
        assert shown["event"] == "line"
        assert "mine" in (shown.get(name), shown.get(f"{name}_"))


@pytest.mark.parametrize("form", ["true", "exception", "tuple", "method"])
def test_forms_of_exc_info(memory, capsys, form):
    """`exc_info` is true, an exception, or a tuple; `exception()` means the one being handled."""
    try:
        raise ValueError("bad")
    except ValueError as exc:
        given = {"true": True, "exception": exc, "tuple": sys.exc_info()}
        if form == "method":
            log.exception("failed")
        else:
            log.error("failed", exc_info=given[form])
    shown = line(capsys)
    assert (shown["exception.type"], shown["exception.message"]) == ("ValueError", "bad")
    assert shown["exception.stacktrace"].startswith("Traceback (most recent call last):\n")
    assert shown["error.id"] == memory.error().id
    assert memory.logs[0].exception.type == "ValueError"


@pytest.mark.parametrize("value", [True, None, 5, (), (1, 2, 3), "x", Unprintable()])
def test_exc_info_without_an_exception(memory, capsys, value):
    """`exc_info` outside an except block, or of another type, is a line without an exception."""
    log.error("failed", exc_info=value)
    shown = line(capsys)
    assert shown["event"] == "failed"
    assert "exception.type" not in shown


def test_an_exception_below_error_is_no_report(memory, capsys):
    """An exception logged below error level is in the line, and reported nowhere."""
    try:
        raise ValueError("bad")
    except ValueError:
        log.warning("retrying", exc_info=True)
    assert line(capsys)["exception.type"] == "ValueError"
    assert memory.errors == []


def test_stack_info(memory, capsys):
    """`stack_info=True` shows where the line was logged, without our own frames."""
    log.info("here", stack_info=True)
    stack = line(capsys)["stack"]
    assert "test_stack_info" in stack
    assert "anytel/logs" not in stack


def test_async_methods(memory, capsys):
    """The asynchronous methods give the same line, with the task's context, and do not raise either."""

    async def main():
        with anytel.context(a=1), anytel.span("s") as span:
            await log.ainfo("%s", "one")
            await log.ainfo("%d", "two")
            try:
                raise ValueError("bad")
            except ValueError:
                await log.aexception("three")
        return span.trace_id

    trace = asyncio.run(main())
    one, two, three = lines(capsys)
    assert (one["event"], two["event"], three["event"]) == ("one", "%d", "three")
    assert {shown["trace_id"] for shown in (one, two, three)} == {trace}
    assert three["exception.type"] == "ValueError"


def test_a_logger_made_before_configure_follows(configured, capsys):
    """Before `configure` lines print; afterwards the same logger has ids and reaches the backends."""
    log.info("before")
    first = configured()
    with anytel.span("s"):
        log.info("after")
    before, after = lines(capsys)
    assert ("trace_id" in before, "trace_id" in after) == (False, True)
    assert [record.message for record in first.logs] == ["after"]


@pytest.mark.parametrize("name", VALUES)
def test_hostile_events_and_names(memory, capsys, name):
    """Any event, logger name and bound value gives a JSON line."""
    anytel.get_logger(VALUES[name], bound=VALUES[name]).info(VALUES[name])
    shown = line(capsys)
    assert type(shown["event"]) is str
    (record,) = memory.logs
    record.message.encode()
    record.logger.encode()


json_like = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.binary(), st.datetimes(), st.uuids()),
    lambda inner: st.one_of(st.lists(inner), st.dictionaries(st.text(), inner), st.sets(st.text())),
)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(event=st.text(), values=st.dictionaries(st.text(), json_like), bound=st.dictionaries(st.text(), json_like))
def test_any_event_is_one_parseable_line(memory, capsys, event, values, bound):
    """Whatever the event, the names and the values, there is one line, and it is JSON."""
    with anytel.context(bound):
        log.info(event, **values)
    shown = line(capsys)
    assert shown["level"] == "info"
    assert shown["logger"] == "shop"
    assert json.dumps(shown)
