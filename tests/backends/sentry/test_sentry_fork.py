"""A forked child sends its own records, and nothing of its parent's."""

import subprocess
import sys
import textwrap

from anytel.testing.receivers.http import Answer

SCRIPT = """
    import os, sys, time
    sys.path[:0] = {path!r}
    import sentry_sdk
    from anytel_sentry import SentryBackend
    from anytel.backend import LogRecord

    class Host:
        resource = {{"service.name": "shop"}}
        def current(self): return None
        def lost(self, *loss): raise AssertionError(loss)

    if {adopted}:
        sentry_sdk.init({dsn!r}, release="r", default_integrations=False, auto_enabling_integrations=False)
    backend = SentryBackend({dsn!r})
    backend.open(Host())
    for n in range(5):
        sentry_sdk.capture_message(f"queued {{n}}")
    child = os.fork()
    if child == 0:
        backend.open(Host())
    record = LogRecord(1, "info", "", "child" if child == 0 else "parent", None, {{}})
    until = time.monotonic() + 20
    assert backend.logs([record], until).delivered == 1
    sentry_sdk.capture_message("of the child" if child == 0 else "of the parent")
    assert backend.flush(until)
    assert backend.close(until)
    if child == 0:
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
"""


def run(receiver, *, adopted):
    script = textwrap.dedent(SCRIPT).format(dsn=receiver.dsn, path=[each for each in sys.path if each], adopted=adopted)
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=50, check=False)
    assert done.returncode == 0, done.stderr
    messages = [f"queued {n}" for n in range(5)] + ["of the child", "of the parent"]
    assert sorted(event["message"] for event in receiver.events) == sorted(messages)
    assert sorted(log.body for log in receiver.logs) == ["child", "parent"]
    assert receiver.malformed == []


def test_a_child_of_ours_forgets_the_queue(receiver):
    """The SDK was initialised here; slow answers keep its queue full at the fork."""
    receiver.answer = Answer(delay=0.1)
    run(receiver, adopted=False)


def test_a_child_of_an_application_s_sdk_forgets_the_queue(receiver):
    """The SDK alone would send everything twice."""
    receiver.answer = Answer(delay=0.1)
    run(receiver, adopted=True)
