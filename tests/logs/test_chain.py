"""What an event goes through, from the call to the line and to the backends."""

import asyncio
import dataclasses
import datetime as dt
import decimal
import enum
import json
import os
import subprocess
import sys
import uuid

import pytest
import structlog
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

import anytel


def lines(capsys) -> list[dict]:
    """Give the JSON lines written so far."""
    return [json.loads(line) for line in capsys.readouterr().out.split("\n") if line]


@dataclasses.dataclass
class Basket:
    owner: str
    items: list[int]


class Model(BaseModel):
    when: dt.date
    secret_token: str = "hidden"


class Colour(enum.Enum):
    RED = "red"


class Scalar:
    """Looks like one of numpy's."""

    def item(self):
        return 2.5


class Hostile:
    def __repr__(self):
        raise RuntimeError

    __str__ = __repr__


CYCLE: list = []
CYCLE.append(CYCLE)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, None),
        (True, True),
        (1.5, 1.5),
        ("täxt", "täxt"),
        ("\ud800", "?"),
        (2**70, str(2**70)),
        (float("nan"), "nan"),
        (b"raw\xff", "raw\\xff"),
        (dt.datetime(2026, 1, 2, 3, 4, tzinfo=dt.UTC), "2026-01-02T03:04:00+00:00"),
        (uuid.UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        (decimal.Decimal("1.10"), "1.10"),
        (Colour.RED, "red"),
        ([1, (2, {"a": None})], [1, [2, {"a": None}]]),
        ({"b"}, ["b"]),
        ({1: "one"}, {"1": "one"}),
        (Basket("ann", [1]), {"owner": "ann", "items": [1]}),
        (Model(when=dt.date(2026, 1, 2)), {"when": "2026-01-02", "secret_token": "[redacted]"}),
        (ValueError("no"), "ValueError: no"),
        (Scalar(), 2.5),
        (Hostile(), "<unprintable Hostile>"),
        (CYCLE, [[[[[[[["…"]]]]]]]]),
    ],
    ids=lambda value: type(value).__name__,
)
def test_every_type_of_value_survives(memory, capsys, value, shown):
    """A value that JSON has no form for is written as text or as its fields."""
    anytel.get_logger().info("event", value=value)

    (line,) = lines(capsys)
    assert line["value"] == shown


def test_a_huge_text_is_cut_and_marked(memory, capsys):
    """One value cannot make an unbounded line."""
    anytel.get_logger().info("event", value="x" * 100_000)

    (line,) = lines(capsys)
    assert len(line["value"]) == 8_192
    assert line["value"].endswith("…")


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary() | st.datetimes() | st.uuids(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text() | st.integers(), inner, max_size=3),
    max_leaves=5,
)


@settings(max_examples=500, deadline=None, suppress_health_check=list(HealthCheck))
@given(batch=st.lists(st.dictionaries(st.text(), VALUES, max_size=3), min_size=20, max_size=20))
def test_ten_thousand_arbitrary_events_are_ten_thousand_parseable_lines(memory, capsys, batch):
    """Whatever the names and values are, each call is one line of JSON with its event."""
    log = anytel.get_logger("property")
    capsys.readouterr()

    for number, values in enumerate(batch):
        log.info(f"event.{number}", **values)

    assert [line["event"] for line in lines(capsys)] == [f"event.{number}" for number in range(len(batch))]


def test_the_user_s_processors_see_context_and_ids_and_run_before_redaction(configured, capsys):
    """log_processors may add and change values; what they add is redacted and sent as well."""
    seen = {}

    def processor(logger, method, event):
        seen.update(event)
        return {**event, "added": method, "password": "hunter2"}

    memory = configured(log_processors=[processor])
    with anytel.span("job") as span, anytel.context(user="ann"):
        anytel.get_logger().info("event")

    assert (seen["trace_id"], seen["user"]) == (span.trace_id, "ann")
    (line,) = lines(capsys)
    assert (line["added"], line["password"]) == ("info", "[redacted]")
    assert memory.logs[0].attributes["password"] == "[redacted]"


def test_a_processor_that_raises_loses_no_line(configured, capsys):
    """It is skipped and counted."""

    def processor(logger, method, event):
        raise RuntimeError

    configured(log_processors=[processor])
    anytel.get_logger().info("event")

    assert lines(capsys)[-1]["event"] == "event"
    assert anytel.stats().refused["log_processor"] == 1


def test_a_processor_can_drop_an_event(configured, capsys):
    """structlog.DropEvent means: neither written nor sent."""

    def processor(logger, method, event):
        raise structlog.DropEvent

    memory = configured(log_processors=[processor])
    anytel.get_logger().info("event")

    assert lines(capsys) == []
    assert memory.logs == []


def test_values_cannot_pretend_to_be_the_line_s_own_fields(memory, capsys):
    """A value named like a field of the line is kept under that name with an underscore."""
    anytel.get_logger("shop").info("event", level="fake", timestamp="never", logger="fake", event="fake")

    (line,) = lines(capsys)
    assert (line["event"], line["level"], line["logger"]) == ("event", "info", "shop")
    assert (line["level_"], line["timestamp_"], line["logger_"], line["event_"]) == ("fake", "never", "fake", "fake")


def test_an_error_line_without_an_exception_is_a_report_by_its_event(memory):
    """It carries the values, the level and the trace, and no exception."""
    with anytel.span("job") as span:
        anytel.get_logger("shop").error("payment_failed", order="o1")

    report = memory.error()
    assert (report.message, report.level, report.logger, report.exception) == ("payment_failed", "error", "shop", None)
    assert report.attributes["order"] == "o1"
    assert f"{report.context.trace_id:032x}" == span.trace_id
    assert report.handled


def test_an_exception_is_one_report_however_often_it_is_logged_captured_or_bubbles(memory, capsys):
    """The lines, the capture and the span name the same report."""
    log = anytel.get_logger()
    error_ids = set()

    with pytest.raises(ValueError, match="declined"), anytel.span("job"):
        try:
            raise ValueError("declined")
        except ValueError as exc:
            log.exception("first")
            log.error("second", exc_info=exc)
            error_ids.add(anytel.capture_exception())
            raise

    error_ids |= {line["error.id"] for line in lines(capsys)}
    assert error_ids == {memory.error().id}


def test_the_lines_before_an_error_are_its_breadcrumbs(memory):
    """Those of the same trace, below error level, with their values."""
    log = anytel.get_logger("shop")
    with anytel.span("other"):
        log.info("elsewhere")
    with anytel.span("job"):
        log.info("opened", order="o1")
        log.warning("slow")
        log.error("payment_failed")

    crumbs = memory.error().breadcrumbs
    assert [(crumb.message, crumb.level) for crumb in crumbs] == [("opened", "info"), ("slow", "warning")]
    assert crumbs[0].attributes["order"] == "o1"


def test_error_tags_names_the_context_that_becomes_tags(configured):
    """Bound context, context of the block and the call's own values can be named; the rest stays context."""
    memory = configured(error_tags=("request_id", "tenant", "absent"))
    with anytel.context(request_id="r1", other=1):
        anytel.get_logger().bind(tenant="acme").error("failed")

    report = memory.error()
    assert dict(report.tags) == {"request_id": "r1", "tenant": "acme"}
    assert report.attributes["other"] == 1


def test_the_asynchronous_methods_give_the_same_line(memory, capsys):
    """``await log.ainfo()`` carries context, ids and, in an except block, the exception."""

    async def main():
        log = anytel.get_logger()
        with anytel.span("job") as span, anytel.context(user="ann"):
            await log.ainfo("plain")
            try:
                raise ValueError("declined")
            except ValueError:
                await log.aexception("failed")
            return span.trace_id

    trace_id = asyncio.run(main())

    plain, failed = lines(capsys)
    assert plain["user"] == failed["user"] == "ann"
    assert plain["trace_id"] == failed["trace_id"] == trace_id
    assert failed["exception.type"] == "ValueError"


def test_structlog_s_capture_logs_sees_our_events(memory, capsys):
    """A test that uses structlog's own helper keeps working, and nothing is written meanwhile."""
    log = anytel.get_logger("shop")

    with structlog.testing.capture_logs() as captured:
        log.info("event", n=1)
    log.info("after")

    assert captured == [{"event": "event", "n": 1, "log_level": "info"}]
    assert [line["event"] for line in lines(capsys)] == ["after"]


def test_structlog_s_own_loggers_give_our_lines(memory, capsys):
    """Where the application has not configured structlog, its loggers are ours."""
    with anytel.span("job") as span:
        structlog.get_logger("theirs").info("event", n=1)

    (line,) = lines(capsys)
    assert (line["event"], line["n"], line["logger"], line["trace_id"]) == ("event", 1, "theirs", span.trace_id)


def test_an_application_s_structlog_configuration_is_left_alone(tmp_path):
    """A process that has configured structlog keeps its processors."""
    script = """
import anytel, structlog
structlog.configure(processors=[lambda logger, method, event: "theirs:" + event["event"]])
anytel.configure(backends="none", log_format="json")
structlog.get_logger().info("a")
anytel.get_logger().info("b")
"""

    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=tmp_path)

    first, second = done.stdout.splitlines()
    assert first == "theirs:a"
    assert json.loads(second)["event"] == "b"


@pytest.mark.parametrize("mode", ["sync", "async"])
@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_a_line_is_json_whatever_the_encoding_of_standard_output_is(tmp_path, mode, encoding):
    """What the encoding lacks is written as JSON escapes it, on the caller's thread and in the background alike."""
    script = f"""
import anytel
anytel.configure(backends="none", log_format="json", log_mode={mode!r})
anytel.get_logger().info("caf\\u00e9", value="\\u20ac \\U0001f600")
"""
    env = {**os.environ, "PYTHONIOENCODING": encoding}

    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True, cwd=tmp_path, env=env)

    (line,) = done.stdout.decode(encoding).splitlines()
    assert (json.loads(line)["event"], json.loads(line)["value"]) == ("caf\u00e9", "\u20ac \U0001f600")
