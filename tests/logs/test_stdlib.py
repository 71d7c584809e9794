"""What is logged with `logging`, and warnings, as events of our chain."""

import copy
import functools
import json
import logging
import logging.config
import logging.handlers
import pickle
import queue
import sys
import threading
import warnings

import pytest
import structlog

import anytel
from anytel.backends.memory import MemoryBackend
from anytel.logs import Formatter, Handler, capture

OLD = logging.getLogger("shop.old")


class WithoutPytest(list):
    """A logger's handlers, without those that pytest adds between a test's fixtures and its body."""

    def append(self, handler):
        if not type(handler).__module__.startswith("_pytest."):
            super().append(handler)


@pytest.fixture(autouse=True)
def bare_root():
    """Have a root logger as in a new process."""
    root = logging.getLogger()
    level, root.handlers = root.level, WithoutPytest()
    root.setLevel(logging.WARNING)
    yield root
    capture.stop()
    root.handlers = []
    root.setLevel(level)
    OLD.handlers.clear()
    OLD.setLevel(logging.NOTSET)


@pytest.fixture
def configured(configured):
    """Configure, and take nothing from others yet: each test says what, once its own state is set up."""

    def configure(*backend, **settings):
        memory = configured(*backend, **settings)
        capture.stop()
        return memory

    return configure


@pytest.fixture
def lines(capsys):
    """Give a function that gives the JSON lines written since the last call."""

    def read():
        return [json.loads(line) for line in capsys.readouterr().out.splitlines()]

    return read


@pytest.fixture
def captured(configured):
    """Have a memory backend, and standard logging captured as in a process that has not configured it."""
    memory = configured()
    capture.start(None, "info")
    return memory


def line(lines):
    """Give the one line."""
    (found,) = lines()
    return found


def test_a_record_is_a_line_and_an_event_with_the_same_context_and_ids(captured, lines):
    """Its message is the event, and what was given as extra are values, redacted like any."""
    with anytel.span("checkout") as span, anytel.context({"user.id": 7}):
        OLD.info("order %s placed for %d", "A1", 12, extra={"order": "A1", "password": "hunter2"})
    written = line(lines)
    assert (written["event"], written["level"], written["logger"]) == ("order A1 placed for 12", "info", "shop.old")
    assert (written["order"], written["password"], written["user.id"]) == ("A1", "[redacted]", 7)
    assert (written["trace_id"], written["span_id"], written["service"]) == (span.trace_id, span.span_id, "shop")
    (event,) = captured.logs
    assert (event.message, event.logger, event.attributes["order"]) == ("order A1 placed for 12", "shop.old", "A1")
    assert f"{event.context.span_id:016x}" == span.span_id


def test_arguments_that_do_not_fit_lose_no_line(captured, lines):
    """The message comes unformatted, with its arguments and what was wrong."""
    OLD.info("%d items, %s", "three")
    written = line(lines)
    assert (written["event"], written["args"]) == ("%d items, %s", ["three"])
    assert "TypeError" in written["log_error"]


def test_extra_fields_named_like_ours_stay_beside_them(captured, lines):
    """Neither is lost."""
    OLD.info("placed", extra={"event": "e", "level": "l", "timestamp": "t", "logger": "n"})
    written = line(lines)
    assert (written["event"], written["level"], written["logger"]) == ("placed", "info", "shop.old")
    assert [written[f"{name}_"] for name in ("event", "level", "timestamp", "logger")] == ["e", "l", "t", "n"]


@pytest.mark.parametrize(
    ("number", "level"),
    [
        (1, "debug"),
        (10, "debug"),
        (15, "debug"),
        (20, "info"),
        (25, "info"),
        (35, "warning"),
        (40, "error"),
        (99, "critical"),
    ],
)
def test_a_level_of_any_number_is_the_one_of_ours_that_it_reaches(configured, lines, number, level):
    """Libraries add their own."""
    configured(log_level="debug")
    capture.start(None, "debug")
    OLD.setLevel(1)
    OLD.log(number, "said")
    assert line(lines)["level"] == level


def test_the_configured_level_holds_for_records_too(configured, lines):
    """Also where a library has set its logger to a lower one."""
    configured(log_level="error")
    capture.start(None, "error")
    OLD.setLevel(logging.DEBUG)
    OLD.warning("quiet")
    OLD.error("loud")
    assert line(lines)["event"] == "loud"


def test_an_exception_is_in_the_line_and_reported_once(captured, lines):
    """However often it is logged."""
    try:
        {}["missing"]
    except KeyError:
        OLD.exception("lookup failed")
        OLD.error("again", exc_info=True)
    first, second = lines()
    assert first["exception.type"] == "KeyError"
    assert "in test_an_exception" in first["exception.stacktrace"]
    report = captured.error()
    assert first["error.id"] == second["error.id"] == report.id
    assert report.exception.type == "KeyError"


def test_exc_info_outside_of_an_exception_is_no_exception(captured, lines):
    """Logging then gives three times None."""
    OLD.info("fine", exc_info=True)
    assert "exception.type" not in line(lines)


def test_the_stack_is_that_of_the_log_call(captured, lines):
    """And not of what handles the record."""
    OLD.info("where", stack_info=True)
    stack = line(lines)["stack"]
    assert stack.splitlines()[-2].endswith("in test_the_stack_is_that_of_the_log_call")
    assert "anytel" not in stack.splitlines()[-1]


def test_a_record_that_meets_two_handlers_comes_out_once(captured, lines):
    """At its own logger and at the root."""
    OLD.addHandler(Handler())
    OLD.warning("once")
    assert line(lines)["event"] == "once"
    assert [event.message for event in captured.logs] == ["once"]


def test_a_record_that_is_handled_again_comes_out_once(captured, lines):
    """As by code that collects records and replays them, in another process too."""
    record = OLD.makeRecord("shop.old", logging.INFO, __file__, 1, "kept", (), None)
    OLD.handle(record)
    OLD.handle(record)
    OLD.handle(copy.copy(record))
    OLD.handle(logging.makeLogRecord(pickle.loads(pickle.dumps(record.__dict__))))
    assert line(lines)["event"] == "kept"


def test_a_record_from_a_queue_comes_out(configured, lines):
    """Its exception is text by then."""
    configured()
    waiting = queue.SimpleQueue()
    listener = logging.handlers.QueueListener(waiting, Handler())
    listener.start()
    OLD.addHandler(logging.handlers.QueueHandler(waiting))
    try:
        raise ValueError("broken")
    except ValueError:
        OLD.exception("failed")
    listener.stop()
    written = line(lines)
    assert written["event"].startswith("failed")
    assert "ValueError: broken" in written["event"]


def test_an_exception_that_is_text_only_is_in_the_line(captured, lines):
    """As of a record that came from another process."""
    OLD.handle(logging.makeLogRecord({"name": "shop.old", "levelno": 40, "msg": "failed", "exc_text": "Traceback ..."}))
    assert line(lines)["exception.stacktrace"] == "Traceback ..."


def test_an_event_of_structlog_s_on_its_way_through_logging_keeps_its_values(captured, lines):
    """`ProcessorFormatter.wrap_for_formatter` makes such records."""
    structlog.wrap_logger(
        OLD,
        processors=[structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.stdlib.BoundLogger,
    ).warning("placed", order=3)
    written = line(lines)
    assert (written["event"], written["order"]) == ("placed", 3)
    assert not [name for name in written if name.startswith("_")]


def test_a_handler_follows_configure(configured, lines):
    """Also one that was made before the first."""
    OLD.addHandler(Handler())
    OLD.warning("before")
    configured(service="first")
    lines()
    OLD.warning("first")
    configured(service="second")
    OLD.warning("second")
    assert [(one["event"], one["service"]) for one in lines()] == [("first", "first"), ("second", "second")]


def test_a_handler_s_filters_and_level_hold(configured, lines):
    """As of any handler."""
    configured()
    handler = Handler(logging.ERROR)
    handler.addFilter(lambda record: "noise" not in record.msg)
    OLD.addHandler(handler)
    OLD.warning("too low")
    OLD.error("noise")
    OLD.error("signal")
    assert line(lines)["event"] == "signal"


class Talkative:
    """Logs when it is shown."""

    def __str__(self):
        OLD.info("shown by %s", "me")
        return "talkative"


class Endless:
    """Logs itself when it is shown."""

    def __str__(self):
        OLD.info("%s", self)
        return "endless"


def test_a_value_that_logs_when_it_is_shown_gives_both_lines(captured, lines):
    """The inner one first."""
    OLD.info("hello %s", Talkative())
    assert [one["event"] for one in lines()] == ["shown by me", "hello talkative"]


def test_a_value_that_logs_itself_ends(captured, lines):
    """What is too deep is counted."""
    OLD.info("hello %s", Endless())
    assert [one["event"] for one in lines()] == ["endless", "hello endless"]
    assert anytel.stats().refused["log_recursion"] == 1


def test_a_processor_that_logs_every_event_ends(configured, lines):
    """Each of its own events meets it again."""

    def chatty(logger, method, values):
        OLD.info("processing")
        return values

    configured(log_processors=[chatty])
    capture.start(None, "info")
    OLD.info("hello")
    assert [one["event"] for one in lines()] == ["processing", "hello"]


def test_a_value_may_wait_for_a_thread_that_logs(captured, lines):
    """No lock is held meanwhile."""

    class Waiting:
        def __str__(self):
            thread = threading.Thread(target=OLD.info, args=("from the thread",))
            thread.start()
            thread.join(20)
            return "still waiting" if thread.is_alive() else "waited"

    OLD.info("%s", Waiting())
    assert [one["event"] for one in lines()] == ["from the thread", "waited"]


def test_what_a_backend_s_sending_logs_is_written_but_not_sent(configured, lines):
    """Else each delivery would give the next one something to deliver, without end."""

    class Chatty(MemoryBackend):
        def logs(self, batch, deadline):
            logging.getLogger("vendor.sdk").warning("sent %d", len(batch))
            return super().logs(batch, deadline)

    memory = configured(Chatty())
    capture.start(None, "info")
    OLD.info("hello")
    assert [event.message for event in memory.logs] == ["hello"]
    assert [event.message for event in memory.logs] == ["hello"]
    assert [one["event"] for one in lines()] == ["hello", "sent 1"]


def test_the_level_holds_for_what_a_backend_s_sending_logs(configured, lines):
    """SDKs log every request at debug level."""

    class Chatty(MemoryBackend):
        def logs(self, batch, deadline):
            logging.getLogger("vendor.sdk").info("sent %d", len(batch))
            return super().logs(batch, deadline)

    memory = configured(Chatty(), log_level="warning")
    capture.start(None, "info")
    OLD.warning("hello")
    assert [event.message for event in memory.logs] == ["hello"]
    assert line(lines)["event"] == "hello"


def test_what_anytel_itself_has_to_say_comes_out(captured, lines):
    """Like any other line."""
    anytel.start_span("work").set(3)
    written = line(lines)
    assert (written["logger"], written["level"]) == ("anytel", "warning")


# The root logger


@pytest.mark.parametrize(("given", "events"), [("", ["hello"]), ("1", ["hello"]), ("0", [])])
def test_configure_captures_as_it_is_told_and_shutdown_undoes_it(run_python, given, events):
    """By the setting `capture_stdlib`; without it, where nobody else has a handler."""
    done = run_python(
        """
import logging, sys, threading, warnings
import anytel

def state():
    root = logging.getLogger()
    return root.handlers[:], root.level, sys.excepthook, threading.excepthook, warnings.showwarning

before = state()
anytel.configure(service="shop", backends="none")
logging.getLogger("shop.old").info("hello")
anytel.shutdown()
assert state() == before
""",
        TELEMETRY_CAPTURE_STDLIB=given,
    )
    assert [json.loads(line)["event"] for line in done.stdout.splitlines()] == events


def test_the_root_logger_gets_a_handler_where_it_has_none(bare_root, configured):
    """And loses it again."""
    configured()
    capture.start(None, "info")
    assert [type(one) for one in bare_root.handlers] == [Handler]
    capture.start(None, "info")
    assert len(bare_root.handlers) == 1
    capture.stop()
    assert (bare_root.handlers, bare_root.level) == ([], logging.WARNING)


def test_a_handler_that_does_nothing_is_none(bare_root, configured):
    """Libraries add such ones."""
    configured()
    bare_root.addHandler(logging.NullHandler())
    capture.start(None, "info")
    assert [type(one) for one in bare_root.handlers] == [logging.NullHandler, Handler]


def test_a_root_logger_with_a_handler_is_left_alone(bare_root, configured):
    """Its owner has decided what to show."""
    configured()
    theirs = logging.StreamHandler()
    bare_root.addHandler(theirs)
    before = warnings.showwarning
    capture.start(None, "info")
    assert (bare_root.handlers, bare_root.level) == ([theirs], logging.WARNING)
    assert warnings.showwarning is before


def test_on_request_it_gets_ours_too_and_keeps_its_level(bare_root, configured):
    """What the existing handler shows does not change."""
    configured()
    theirs = logging.StreamHandler()
    bare_root.addHandler(theirs)
    capture.start(True, "info")
    assert [type(one) for one in bare_root.handlers] == [logging.StreamHandler, Handler]
    assert bare_root.level == logging.WARNING
    capture.stop()
    assert bare_root.handlers == [theirs]


def test_on_request_nothing_is_touched(bare_root, configured):
    """Also what an earlier call has done is undone."""
    configured()
    capture.start(None, "info")
    capture.start(False, "info")
    assert bare_root.handlers == []


@pytest.mark.parametrize(("chosen", "level"), [("debug", 10), ("info", 20), ("warning", 30), ("error", 30)])
def test_the_root_logger_lets_the_configured_level_through(bare_root, configured, chosen, level):
    """It is lowered where it has the default, never raised: our own level does that."""
    configured()
    capture.start(None, chosen)
    assert bare_root.level == level
    capture.start(None, "info")
    assert bare_root.level == 20
    capture.stop()
    assert bare_root.level == logging.WARNING


def test_a_level_that_somebody_chose_stays(bare_root, configured):
    """Before us or since."""
    configured()
    bare_root.setLevel(logging.ERROR)
    capture.start(None, "info")
    assert bare_root.level == logging.ERROR
    capture.stop()
    bare_root.setLevel(logging.WARNING)
    capture.start(None, "info")
    bare_root.setLevel(logging.CRITICAL)
    capture.start(None, "debug")
    capture.stop()
    assert bare_root.level == logging.CRITICAL


def test_a_dict_config_that_closes_all_handlers_ends_nothing(captured, lines):
    """As uvicorn's does."""
    logging.config.dictConfig({"version": 1, "disable_existing_loggers": False})
    OLD.info("still here")
    assert line(lines)["event"] == "still here"


def test_a_dict_config_of_the_root_logger_wins(bare_root, captured):
    """A later `anytel.configure` finds its handler there, and leaves it."""
    config = {"version": 1, "handlers": {"own": {"class": "logging.StreamHandler"}}, "root": {"handlers": ["own"]}}
    logging.config.dictConfig({**config, "disable_existing_loggers": False})
    (theirs,) = bare_root.handlers
    capture.start(None, "info")
    assert bare_root.handlers == [theirs]
    capture.stop()
    assert bare_root.handlers == [theirs]


def test_a_dict_config_can_name_our_handler_and_our_formatter(bare_root, configured, lines, tmp_path):
    """For applications that configure logging in one place."""
    configured()
    config = {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"lines": {"()": "anytel.logs.Formatter", "log_format": "json"}},
        "handlers": {
            "ours": {"class": "anytel.logs.Handler", "level": "ERROR"},
            "file": {"class": "logging.FileHandler", "filename": str(tmp_path / "log"), "formatter": "lines"},
        },
        "root": {"handlers": ["ours", "file"], "level": "INFO"},
    }
    logging.config.dictConfig(config)
    OLD.info("low")
    OLD.error("high")
    for handler in bare_root.handlers:
        handler.close()
    assert line(lines)["event"] == "high"
    assert [json.loads(one)["event"] for one in (tmp_path / "log").read_text().splitlines()] == ["low", "high"]


# The formatter


class Kept(logging.Handler):
    """An application's own handler: keeps what it formats."""

    def __init__(self, formatter=None):
        super().__init__()
        self.lines = []
        self.setFormatter(formatter)

    def emit(self, record):
        self.lines.append(self.format(record))


def test_an_existing_handler_keeps_working_and_shows_our_line_on_request(bare_root, configured, lines):
    """The record is one event for the backends, whatever handlers it meets."""
    memory = configured()
    plain, ours, again = Kept(), Kept(Formatter()), Kept(Formatter("json"))
    bare_root.handlers[:] = [plain, ours, again]
    with anytel.span("checkout") as span:
        OLD.warning("placed", extra={"order": 3})
    assert plain.lines == ["placed"]
    for kept in (ours, again):
        (written,) = map(json.loads, kept.lines)
        assert (written["event"], written["order"], written["trace_id"]) == ("placed", 3, span.trace_id)
    assert lines() == []
    assert [event.message for event in memory.logs] == ["placed"]


def test_a_formatter_can_show_what_a_person_reads(bare_root, configured):
    """In a process whose other lines are JSON."""
    configured()
    kept = Kept(Formatter("console"))
    bare_root.addHandler(kept)
    OLD.warning("placed", extra={"order": 3})
    assert "placed" in kept.lines[0]
    assert "order=3" in kept.lines[0]
    assert not kept.lines[0].startswith("{")


def test_a_formatter_beside_our_handler_gives_the_backends_one_event(bare_root, configured, lines):
    """In either order."""
    memory = configured()
    kept = Kept(Formatter())
    for handlers in ([Handler(), kept], [kept, Handler()]):
        bare_root.handlers[:] = handlers
        OLD.error("failed")
    assert [json.loads(one)["event"] for one in kept.lines] == ["failed", "failed"]
    assert [event.message for event in memory.logs] == ["failed", "failed"]
    assert len(memory.errors) == 2
    assert len(lines()) == 1  # of the second record the kept handler has the line


def test_an_event_that_a_processor_drops_is_an_empty_line_of_the_formatter(bare_root, configured):
    """A formatter cannot refuse."""

    def drop(logger, method, values):
        raise structlog.DropEvent

    configured(log_processors=[drop])
    kept = Kept(Formatter())
    bare_root.addHandler(kept)
    OLD.warning("dropped")
    assert kept.lines == [""]


def test_a_formatter_of_values_that_log_themselves_ends(bare_root, configured):
    """As the handler does."""
    configured()
    kept = Kept(Formatter())
    bare_root.addHandler(kept)
    OLD.warning("hello %s", Endless())
    OLD.setLevel(logging.INFO)
    OLD.warning("hello %s", Talkative())
    assert json.loads(kept.lines[-1])["event"] == "hello talkative"


# Warnings


@pytest.mark.filterwarnings("always")
def test_a_warning_comes_out_once_with_its_category_and_place(configured, lines):
    """As a record of `py.warnings`."""
    memory = configured()
    capture.start(None, "info")
    warnings.warn("careful", DeprecationWarning, stacklevel=1)
    written = line(lines)
    assert (written["event"], written["level"], written["logger"]) == ("careful", "warning", "py.warnings")
    assert (written["category"], written["filename"]) == ("DeprecationWarning", __file__)
    assert written["lineno"] > 0
    assert [event.message for event in memory.logs] == ["careful"]


@pytest.mark.filterwarnings("always")
def test_other_handlers_see_a_warning_as_from_logging_itself(bare_root, configured):
    """One text, with the place it is about."""
    configured()
    kept = Kept()
    bare_root.addHandler(kept)
    capture.start(True, "info")
    warnings.warn("careful", UserWarning, stacklevel=1)
    (shown,) = kept.lines
    assert shown.startswith(f"{__file__}:")
    assert "UserWarning: careful" in shown


@pytest.mark.filterwarnings("always")
def test_warnings_are_shown_as_before_when_it_ends(configured, lines):
    """Also through a function that somebody has put around ours meanwhile."""
    shown = []
    configured()
    before = warnings.showwarning = lambda message, *where: shown.append(str(message))
    capture.start(None, "info")
    assert warnings.showwarning is not before
    capture.stop()
    assert warnings.showwarning is before
    capture.start(None, "info")
    around = warnings.showwarning = functools.partial(warnings.showwarning)
    capture.stop()
    assert warnings.showwarning is around
    warnings.warn("careful", UserWarning, stacklevel=1)
    assert shown == ["careful"]
    assert lines() == []


@pytest.mark.filterwarnings("always")
def test_a_warning_for_a_certain_file_goes_there(configured, lines):
    """`warnings.showwarning` can be told one."""
    shown = []
    configured()
    warnings.showwarning = lambda *given: shown.append(given)
    capture.start(None, "info")
    warnings.showwarning("careful", UserWarning, __file__, 1, sys.stderr)
    assert shown == [("careful", UserWarning, __file__, 1, sys.stderr, None)]
    assert lines() == []
