"""What a backend of anybody's finds beside the contract."""

import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
import urllib3
from opentelemetry import context

import anytel
from anytel.backend.deadline import Deadline
from anytel.backend.http import retry_after, untraced
from anytel.backend.settings import Setting


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("", 0.0), ("soon", 0.0), ("-1", 0.0), ("120", 120.0), (" 7 ", 7.0), ("Wed, 21 Oct 2015 07:28:00 GMT", 0.0)],
)
def test_a_wish_when_to_come_back_is_read_as_seconds(header, seconds):
    """What is over or cannot be read is no wish."""
    assert retry_after(header) == seconds


def test_a_date_to_come_back_at_is_read_as_seconds_from_now():
    """Whatever the zone of the machine."""
    assert 0 < retry_after(format_datetime(datetime.now(UTC) + timedelta(seconds=600))) <= 600


def test_what_sends_is_traced_by_nobody():
    """No span is current in it, OpenTelemetry's instrumentation is suppressed, and nothing of that stays."""

    def send(*, said):
        return said, anytel.current_span().recording, context.get_value(context._SUPPRESS_INSTRUMENTATION_KEY)

    anytel.configure(service="shop", backends="memory")
    with anytel.span("around"):
        assert untraced(send, said="ok") == ("ok", False, True)
        assert anytel.current_span().recording
    assert context.get_value(context._SUPPRESS_INSTRUMENTATION_KEY) is None


def test_a_setting_is_the_argument_or_else_the_variable(monkeypatch):
    """Each knows where it came from; white space is nothing."""
    assert Setting.read("GRAPHITE_URL") is None
    monkeypatch.setenv("GRAPHITE_URL", "  ")
    assert Setting.read("GRAPHITE_URL") is None
    monkeypatch.setenv("GRAPHITE_URL", " tcp://there ")
    assert Setting.read("GRAPHITE_URL") == ("GRAPHITE_URL", "tcp://there", "the environment")
    assert Setting.read("GRAPHITE_URL", "tcp://here", "url") == ("GRAPHITE_URL", "tcp://here", "the argument url")


@pytest.mark.parametrize("secret", [False, True])
def test_an_error_of_a_setting_says_what_is_wrong_where_and_what_to_do(secret):
    """A secret value is not shown."""
    error = Setting("GRAPHITE_KEY", "abc123").error("it is too short", "Give 32 characters.", secret=secret)
    for part in ("GRAPHITE_KEY", "the environment", "it is too short", "Give 32 characters."):
        assert part in str(error)
    assert ("abc123" in str(error)) is not secret


def test_a_pool_that_obeys_gives_up_at_the_deadline(trickling):
    """However slowly the answer comes, and although no timeout is set."""
    pool, deadline = urllib3.PoolManager(timeout=None, retries=False), Deadline()
    deadline.rule(pool)
    deadline.at = time.monotonic() + 0.3
    with pytest.raises((urllib3.exceptions.HTTPError, OSError)):
        pool.request("GET", f"http://127.0.0.1:{trickling()}")
    assert time.monotonic() >= deadline.at
    pool.clear()
