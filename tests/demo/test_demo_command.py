"""The command line as its users run it."""

import json
import os
import pty
import signal
import subprocess
import sys

import pytest

QUICK = ("--requests", "20", "--seconds", "0")


def test_the_demo_needs_nothing_and_shows_what_it_has_collected(run_anytel):
    """A successful and a failing trace, metrics, errors, logs and where to go from there."""
    done = run_anytel("demo", *QUICK)
    assert (done.returncode, done.stderr) == (0, "")
    for wanted in (
        "POST /revalidate -> 200", "POST /revalidate -> 500", "revalidate.process", "mcp.call", "unique.fragments",
        "McpError: afo-mcp answered 503", "request_completed", "Where to look next",
    ):  # fmt: skip
        assert wanted in done.stdout


@pytest.mark.parametrize(
    "backends", ["memory", "sentry", "datadog", "prometheus", "otlp", "sentry,datadog,prometheus,otlp"]
)
def test_every_choice_of_backends_passes_its_check(run_anytel, backends):
    """Through the real SDKs, over real HTTP and UDP."""
    done = run_anytel("demo", "--backends", backends, "--check", "--json", *QUICK)
    assert (done.returncode, done.stderr) == (0, "")
    shown = json.loads(done.stdout)
    named = [name for name in backends.split(",") if name != "memory"]
    assert shown["backends"] == named
    assert list(shown["received"]) == [*named, "stdout"]
    assert shown["differences"] == []


def test_the_table_puts_vendors_side_by_side(run_anytel):
    """With the ids of whole requests below it."""
    done = run_anytel("demo", "--backends", "sentry,datadog,prometheus", *QUICK)
    (header,) = [line for line in done.stdout.splitlines() if line.split()[:2] == ["signal", "emitted"]]
    assert header.split()[2:] == ["Sentry", "Datadog", "Prometheus", "log", "lines"]
    assert "Everything that was emitted arrived" in done.stdout
    assert "prometheus exemplar" in done.stdout


LOSSY = """
from anytel.testing.observe import sentry

class Lossy(sentry.SentryReceiver):
    def _keep(self, kind, records):
        super()._keep(kind, records[1:] if kind == "span" else records)

sentry.SentryReceiver = Lossy
"""


def test_a_check_that_finds_something_exits_with_1(run_anytel):
    """Here a receiver loses a span of each envelope; without the check that is only shown."""
    arguments = ("demo", "--backends", "sentry", *QUICK)
    shown, checked = run_anytel(*arguments, first=LOSSY), run_anytel(*arguments, "--check", first=LOSSY)
    assert (shown.returncode, checked.returncode) == (0, 1)
    for done in (shown, checked):
        assert "differences:" in done.stdout
        assert "sentry: span" in done.stdout
        assert done.stderr == ""


@pytest.mark.parametrize(
    ("missing", "fix"),
    [
        ("fastapi", "pip install 'anytel[demo]'"),
        ("uvicorn", "pip install 'anytel[demo]'"),
        ("httpx", "pip install 'anytel[demo]'"),
        ("sentry_sdk", "pip install 'anytel[sentry]'"),
        ("datadog", "pip install 'anytel[datadog]'"),
        ("click", "pip install 'anytel[cli]'"),
        ("rich", "pip install 'anytel[cli]'"),
    ],
)
def test_what_is_not_installed_is_named_in_one_line_with_the_fix(run_anytel, missing, fix):
    """And no traceback."""
    done = run_anytel("demo", "--backends", "sentry,datadog,prometheus,otlp", *QUICK, without=[missing])
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    assert repr(missing) in line
    assert fix in line


def test_a_wrong_backend_is_named_in_one_line_with_the_nearest(run_anytel):
    """And no traceback."""
    done = run_anytel("demo", "--backends", "sentri")
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert "'sentri'" in line
    assert "Did you mean 'sentry'?" in line


def test_with_debug_an_error_shows_its_traceback_and_the_same_exit_code(run_anytel):
    """For reports of defects."""
    done = run_anytel("--debug", "demo", "--backends", "sentri")
    assert done.returncode == 2
    assert "Traceback" in done.stderr


@pytest.mark.parametrize("arguments", [("--nonsense",), ("demo", "--requests", "0"), ("demo", "--seconds", "x")])
def test_a_wrong_option_exits_with_2(run_anytel, arguments):
    """As everything does that could not be run."""
    assert run_anytel(*arguments).returncode == 2


@pytest.mark.parametrize("arguments", [("--help",), ("demo", "--help")])
def test_help_has_examples_and_needs_no_extra_but_that_of_the_command_line(run_anytel, arguments):
    """Each example on a line of its own."""
    done = run_anytel(*arguments, without=["fastapi", "uvicorn", "httpx", "msgspec"])
    assert done.returncode == 0
    assert "\n    anytel demo --backends sentry,datadog,prometheus" in done.stdout


def test_the_version_is_told(run_anytel):
    """As pip knows it."""
    assert run_anytel("--version").stdout.startswith("anytel ")


def test_an_output_that_cannot_show_a_character_gets_another(run_anytel):
    """Not an error."""
    done = run_anytel("demo", *QUICK, PYTHONIOENCODING="ascii", COLUMNS="60")
    assert (done.returncode, done.stderr) == (0, "")


def test_on_a_terminal_progress_is_shown_and_an_interrupt_ends_the_demo_quietly():
    """With the usual exit code. The progress is on standard error, so that the output can be piped."""
    command = [sys.executable, "-c", "from anytel.cli import main; main()", "demo", "--seconds", "60"]
    terminal, end = pty.openpty()
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "100"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=end, text=True, env=environment) as process:
        os.close(end)
        shown = b""
        while b"200: " not in shown:
            shown += os.read(terminal, 4096)
        process.send_signal(signal.SIGINT)
        while chunk := _read(terminal):
            shown += chunk
        out, _ = process.communicate(timeout=30)
    os.close(terminal)
    assert (process.returncode, out) == (130, "")
    assert b"Traceback" not in shown


def _read(terminal):
    """Read what is there, and nothing once the other end is closed, which Linux makes an error."""
    try:
        return os.read(terminal, 4096)
    except OSError:
        return b""
