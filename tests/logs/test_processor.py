"""An application that has configured structlog itself, with our processor in its chain."""

import json

import pytest
import structlog

import anytel
from anytel.logs import processor


@pytest.fixture(autouse=True)
def left_as_found():
    """Leave structlog as in a new process."""
    yield
    structlog.reset_defaults()


@pytest.fixture
def memory(configured):
    """Have a memory backend, and a chain of the application's with our processor in it."""
    memory = configured()
    structlog.configure(
        [
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.StackInfoRenderer(),
            structlog.processors.TimeStamper(fmt="iso", key="timestamp"),
            processor,
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
    )
    return memory


@pytest.fixture
def line(capsys):
    """Give a function that gives the one line written."""

    def read():
        (written,) = capsys.readouterr().out.splitlines()
        return json.loads(written)

    return read


def test_its_lines_have_our_context_and_ids_and_its_own_configuration(memory, line):
    """Configuring us has changed nothing else."""
    with anytel.span("checkout") as span, anytel.context({"user.id": 7}):
        structlog.get_logger().info("placed", order=3)
    written = line()
    assert (written["event"], written["level"], written["order"], written["user.id"]) == ("placed", "info", 3, 7)
    assert (written["trace_id"], written["span_id"], written["service"]) == (span.trace_id, span.span_id, "shop")
    assert "logger" not in written


def test_its_events_go_to_the_backends(memory, line):
    """With the same values and ids."""
    with anytel.span("checkout") as span:
        structlog.get_logger().warning("placed", order=3)
    (event,) = memory.logs
    assert (event.message, event.level, event.attributes["order"]) == ("placed", "warning", 3)
    assert f"{event.context.span_id:016x}" == span.span_id
    assert not {"level", "timestamp"} & event.attributes.keys()


def test_an_exception_is_reported_once_and_formatted_by_the_application(memory, line):
    """Its own processor comes after ours."""
    try:
        {}["missing"]
    except KeyError:
        structlog.get_logger().exception("lookup_failed")
    written = line()
    assert "KeyError: 'missing'" in written["exception"]
    assert "exception.stacktrace" not in written
    assert memory.error().id == written["error.id"]
    assert memory.logs[0].exception.type == "KeyError"


def test_its_lines_are_redacted(memory, line):
    """By name and by form, nested too."""
    structlog.get_logger().info(
        "login", password="hunter2", request={"headers": {"cookie": "x"}}, note="Bearer abcdefgh12"
    )
    written = line()
    assert written["password"] == written["request"]["headers"]["cookie"] == "[redacted]"
    assert "abcdefgh12" not in written["note"]


def test_the_stack_stays_as_the_application_has_rendered_it(memory, line):
    """It is not ours to render again."""
    structlog.get_logger().info("where", stack_info=True)
    assert "test_the_stack_stays" in line()["stack"]


def test_the_name_of_the_logger_is_that_of_the_event(memory, line):
    """Where the application adds one."""
    structlog.get_logger().info("named", logger="shop.orders")
    assert line()["logger"] == "shop.orders"
    assert memory.logs[0].logger == "shop.orders"


def test_what_processors_tell_one_another_stays_and_is_not_sent(memory, line):
    """They mark such keys with an underscore."""
    given = {"event": "placed", "_record": object()}
    done = processor(None, "info", given)
    assert done["_record"] is given["_record"]
    assert "_record" not in memory.logs[0].attributes


def test_a_processor_of_ours_can_drop_the_event(configured, capsys):
    """It is dropped everywhere."""

    def drop(logger, method, values):
        raise structlog.DropEvent

    memory = configured(log_processors=[drop])
    structlog.configure([processor, structlog.processors.JSONRenderer()])
    structlog.get_logger().info("dropped")
    assert capsys.readouterr().out == ""
    assert memory.logs == []


def test_a_defect_of_ours_loses_no_line(memory, line, monkeypatch):
    """What cannot be processed goes on as it came."""
    structlog.configure([processor, structlog.processors.JSONRenderer()])

    class Broken:
        @property
        def name(self):
            raise RuntimeError

    done = processor(Broken(), "info", {"event": "placed"})
    assert done == {"event": "placed"}
    assert anytel.stats().refused["log"] == 1


def test_an_application_that_has_configured_structlog_keeps_that(run_python):
    """Before `anytel.configure` our processor only adds the context, and after it the rest too."""
    done = run_python("""
import structlog
import anytel
import anytel.logs

structlog.configure([anytel.logs.processor, structlog.processors.JSONRenderer(sort_keys=True)])
with anytel.context(request_id="r1"):
    structlog.get_logger().info("before", order=3)
anytel.configure(service="shop", backends="none")
structlog.get_logger().info("after")
""")
    before, after = done.stdout.splitlines()
    assert before == '{"event": "before", "order": 3, "request_id": "r1"}'
    assert after == '{"event": "after", "service": "shop"}'
