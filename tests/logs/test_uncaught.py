"""Exceptions that nobody caught: one line, one report that says so, and the hooks of others."""

import asyncio
import functools
import gc
import json
import logging
import os
import pty
import subprocess
import sys
import threading

import pytest

import anytel
from anytel.logs import capture
from anytel.testing.receivers.sentry import SentryReceiver

START = """
import asyncio, gc, os, sys, threading
import anytel

anytel.configure(service="shop", log_format=os.environ.get("FORMAT", "json"))
"""
RAISE = """
with anytel.span("job") as span:
    raise RuntimeError("it broke")
"""


@pytest.fixture
def sentry():
    with SentryReceiver() as receiver:
        yield receiver


@pytest.fixture
def crash(run_python, sentry):
    """Give a function that runs a script which sends to Sentry, and gives its output and the lines in it."""

    def run(source, *, status=1, start=START, **env):
        done = run_python(start + source, status=status, TELEMETRY_BACKENDS="sentry", SENTRY_DSN=sentry.dsn, **env)
        return done, [json.loads(line) for line in done.stdout.splitlines()]

    return run


@pytest.fixture(autouse=True)
def left_as_found():
    """Leave the hooks as they were."""
    yield
    capture.stop()


def test_an_exception_that_ends_the_process_is_one_line_and_one_issue(crash, sentry):
    """With the ids of the span that it left, and delivered before the process has ended; nothing else is printed."""
    done, lines = crash(RAISE)
    (line,) = lines
    assert (line["event"], line["level"], line["service"]) == ("uncaught_exception", "critical", "shop")
    assert (line["exception.type"], line["exception.message"]) == ("RuntimeError", "it broke")
    assert line["exception.stacktrace"].endswith('raise RuntimeError("it broke")\nRuntimeError: it broke\n')
    (event,) = sentry.events
    assert (event["event_id"], event["exception"]["values"][0]["mechanism"]["handled"]) == (line["error.id"], False)
    assert event["contexts"]["trace"]["trace_id"] == line["trace_id"]
    assert event["contexts"]["trace"]["span_id"] == line["span_id"]
    assert [log.body for log in sentry.logs] == ["uncaught_exception"]
    assert done.stderr == ""


def test_without_a_span_it_is_reported_as_not_handled_all_the_same(crash, sentry):
    """The hook is then who sees it first."""
    _, (line,) = crash('raise RuntimeError("it broke")')
    (event,) = sentry.events
    assert (event["event_id"], event["exception"]["values"][0]["mechanism"]["handled"]) == (line["error.id"], False)
    assert "trace_id" not in line


def test_an_exception_that_was_logged_before_is_the_same_issue(crash, sentry):
    """It only has another line."""
    _, lines = crash(
        'try:\n    1 / 0\nexcept ZeroDivisionError:\n    anytel.get_logger().exception("failed")\n    raise'
    )
    assert [line["event"] for line in lines] == ["failed", "uncaught_exception"]
    assert {line["error.id"] for line in lines} == {event["event_id"] for event in sentry.events}
    assert len(sentry.events) == 1


def test_a_thread_s_exception_is_one_line_and_one_issue(crash, sentry):
    """With the thread's name; the process goes on."""
    done, lines = crash(
        """
def work():
    with anytel.span("job"):
        raise RuntimeError("it broke")

thread = threading.Thread(target=work, name="worker")
thread.start()
thread.join()
""",
        status=0,
    )
    (line,) = lines
    assert (line["event"], line["thread.name"]) == ("uncaught_exception", "worker")
    (event,) = sentry.events
    assert (event["event_id"], event["exception"]["values"][0]["mechanism"]["handled"]) == (line["error.id"], False)
    assert event["contexts"]["trace"]["trace_id"] == line["trace_id"]
    assert done.stderr == ""


def test_a_task_s_exception_that_nobody_has_retrieved_is_one_line_and_one_issue(crash, sentry):
    """The event loop logs it, and we recognise it."""
    _, lines = crash(
        """
async def fail():
    with anytel.span("job"):
        raise RuntimeError("it broke")

async def main():
    task = asyncio.create_task(fail())
    await asyncio.wait([task])
    del task
    gc.collect()

asyncio.run(main())
""",
        status=0,
    )
    (line,) = lines
    assert (line["event"], line["level"], line["logger"]) == ("uncaught_exception", "error", "asyncio")
    assert line["asyncio"].startswith("Task exception was never retrieved")
    (event,) = sentry.events
    assert (event["event_id"], event["exception"]["values"][0]["mechanism"]["handled"]) == (line["error.id"], False)
    assert event["contexts"]["trace"]["trace_id"] == line["trace_id"]


def test_a_callback_s_exception_is_one_line_and_one_issue(crash, sentry):
    """As that of a task."""
    _, (line,) = crash(
        """
async def main():
    loop, done = asyncio.get_running_loop(), asyncio.Event()
    loop.call_soon(lambda: 1 / 0)
    loop.call_soon(done.set)
    await done.wait()

asyncio.run(main())
""",
        status=0,
    )
    assert line["asyncio"].startswith("Exception in callback")
    assert [event["event_id"] for event in sentry.events] == [line["error.id"]]


def test_what_asyncio_run_raises_is_one_line_and_one_issue(crash, sentry):
    """It ends the process as any other."""
    _, (line,) = crash('async def main():\n    raise RuntimeError("it broke")\n\nasyncio.run(main())')
    assert line["logger"] == "anytel.uncaught"
    assert len(sentry.events) == 1


@pytest.mark.parametrize(("source", "status"), [("sys.exit(3)", 3), ("raise SystemExit", 0)])
def test_an_exit_is_no_error(crash, sentry, source, status):
    """Its status stays."""
    done, lines = crash(source, status=status)
    assert (lines, done.stderr, sentry.events) == ([], "", [])


def test_an_interrupt_is_no_error(crash, sentry):
    """Python says what it says, and ends as by the signal."""
    done, lines = crash("raise KeyboardInterrupt", status=-2)
    assert (lines, sentry.events) == ([], [])
    assert done.stderr.endswith("KeyboardInterrupt\n")


def test_an_exit_of_a_thread_is_no_error(crash, sentry):
    """Python ignores it."""
    source = "thread = threading.Thread(target=sys.exit)\nthread.start()\nthread.join()"
    done, lines = crash(source, status=0)
    assert (lines, done.stderr, sentry.events) == ([], "", [])


HOOKS = """
import sys, threading
sys.excepthook = lambda kind, exc, tb: print("main hook:", exc, file=sys.stderr)
threading.excepthook = lambda args: print("thread hook:", args.exc_value, file=sys.stderr)
"""


def test_hooks_that_others_have_set_are_called_as_before(crash):
    """After ours, which only adds the line."""
    source = """
thread = threading.Thread(target=lambda: 1 / 0)
thread.start()
thread.join()
raise RuntimeError("it broke")
"""
    done, lines = crash(source, start=HOOKS + START)
    assert done.stderr.splitlines() == ["thread hook: division by zero", "main hook: it broke"]
    assert [line["event"] for line in lines] == ["uncaught_exception"] * 2


def test_a_hook_around_ours_still_gives_one_line(crash, sentry):
    """Also when `anytel.configure` has run again since."""
    source = """
ours = sys.excepthook
sys.excepthook = lambda kind, exc, tb: ours(kind, exc, tb)
anytel.configure(service="shop", log_format="json")
raise RuntimeError("it broke")
"""
    done, lines = crash(source)
    assert [line["event"] for line in lines] == ["uncaught_exception"]
    assert len(sentry.events) == 1
    assert done.stderr == ""


def test_with_handlers_of_the_application_its_asyncio_errors_are_reported_and_stay_theirs(crash, sentry):
    """They show the record as they always did, and we write no line beside theirs."""
    start = 'import logging\nlogging.basicConfig(format="theirs: %(message)s")\n' + START
    source = """
async def main():
    loop, done = asyncio.get_running_loop(), asyncio.Event()
    loop.call_soon(lambda: 1 / 0)
    loop.call_soon(done.set)
    await done.wait()

asyncio.run(main())
"""
    done, lines = crash(source, status=0, start=start)
    assert lines == []
    assert done.stderr.startswith("theirs: Exception in callback")
    assert len(sentry.events) == 1


@pytest.mark.parametrize(
    ("out", "err", "shown"),
    [("terminal", "terminal", "line"), ("pipe", "terminal", "traceback"), ("terminal", "pipe", "line")],
)
def test_whoever_sits_at_a_terminal_sees_the_traceback_once(tmp_path, out, err, shown):
    """In the line, or where that goes elsewhere from the interpreter."""
    script = tmp_path / "script.py"
    script.write_text(START + RAISE)
    screen, terminal = pty.openpty()
    ends = {"terminal": terminal, "pipe": subprocess.PIPE}
    env = {**os.environ, "TELEMETRY_BACKENDS": "none", "FORMAT": "auto", "NO_COLOR": "1"}
    process = subprocess.Popen([sys.executable, script], stdout=ends[out], stderr=ends[err], env=env)
    os.close(terminal)
    seen = _read(screen)
    _, _ = process.communicate(timeout=30)
    assert process.returncode == 1
    assert seen.count("Traceback (most recent call last)") == 1
    assert ("uncaught_exception" in seen) == (shown == "line")


def _read(screen):
    """Read what a terminal shows until the process has closed it."""
    parts = []
    while True:
        try:
            part = os.read(screen, 65536)
        except OSError:  # Linux's way of saying that it is closed
            part = b""
        if not part:
            os.close(screen)
            return b"".join(parts).decode()
        parts.append(part)


def test_without_standard_output_the_interpreter_says_it(crash, sentry):
    """A line that nobody can read is none."""
    done, _ = crash("sys.stdout.close()\nsys.stdout = None\n" + RAISE)
    assert done.stderr.endswith("RuntimeError: it broke\n")
    assert len(sentry.events) == 1


def test_the_hooks_are_those_found_when_it_ends():
    """And ours only pass on where somebody has wrapped them."""
    before = sys.excepthook, threading.excepthook, logging.getLogger("asyncio").filters[:]
    capture.start(True, "info")
    assert sys.excepthook is not before[0]
    assert threading.excepthook is not before[1]
    capture.stop()
    assert (sys.excepthook, threading.excepthook, logging.getLogger("asyncio").filters) == before


def test_a_hook_that_was_put_around_ours_stays_when_it_ends(memory, monkeypatch, capsys):
    """Through ours, it reaches the one before."""
    reached = []
    monkeypatch.setattr(sys, "excepthook", lambda *given: reached.append(given[1]))
    capture.start(True, "info")
    around = sys.excepthook = functools.partial(sys.excepthook)
    capture.stop()
    assert sys.excepthook is around
    exc = RuntimeError("it broke")
    sys.excepthook(RuntimeError, exc, None)
    assert reached == [exc]
    assert memory.errors == []
    assert capsys.readouterr().out == ""


def test_in_an_interactive_session_an_exception_is_no_crash(memory, monkeypatch):
    """A typo is nobody's incident."""
    reached = []
    monkeypatch.setattr(sys, "excepthook", lambda *given: reached.append(given[1]))
    monkeypatch.setattr(sys, "ps1", ">>> ", raising=False)
    capture.start(True, "info")
    exc = NameError("typo")
    sys.excepthook(NameError, exc, None)
    assert reached == [exc]
    assert memory.errors == []


def test_a_task_s_exception_is_reported_by_every_event_loop(memory, capsys):
    """Loops that are made later too."""
    capture.start(True, "info")

    async def fail():
        raise RuntimeError

    async def main():
        task = asyncio.create_task(fail())
        await asyncio.wait([task])
        del task
        gc.collect()

    for _ in range(2):
        asyncio.run(main())
    assert [report.handled for report in memory.errors] == [False, False]
    assert len(capsys.readouterr().out.splitlines()) == 2


def test_a_record_of_asyncio_s_that_is_no_exception_stays_as_it_is(memory, capsys):
    """Only what it logs with an exception is one."""
    capture.start(True, "info")
    logging.getLogger("asyncio").error("Task was destroyed but it is pending!")
    (line,) = map(json.loads, capsys.readouterr().out.splitlines())
    assert line["event"] == "Task was destroyed but it is pending!"
    assert [report.message for report in memory.errors] == ["Task was destroyed but it is pending!"]
    assert anytel.stats().refused == {}
