"""What a log line becomes at Sentry, decoded from the wire."""

import logging

import pytest

import anytel
from anytel.logs import Handler
from anytel.testing.receivers.sentry import SentryReceiver


@pytest.fixture
def sentry(monkeypatch):
    with SentryReceiver() as receiver:
        monkeypatch.setenv("SENTRY_DSN", receiver.dsn)
        anytel.configure(backends="sentry", service="shop", error_tags=("request_id",))
        yield receiver
        anytel.shutdown(5)


def test_an_error_line_without_an_exception_is_an_issue_grouped_by_its_event(sentry):
    """The message is the event's name, the values are context, and named context keys are tags."""
    with anytel.context(request_id="r1"), anytel.span("job") as span:
        anytel.get_logger("shop").info("opened", order="o1")
        anytel.get_logger("shop").error("payment_failed", order="o1")
    assert anytel.flush(5)

    (event,) = sentry.events
    assert event["message"] == "payment_failed" or event["logentry"]["message"] == "payment_failed"
    assert event["fingerprint"] == ["{{ default }}", "payment_failed"]
    assert (event["level"], event["logger"]) == ("error", "shop")
    assert event["tags"]["request_id"] == "r1"
    assert event["contexts"]["anytel"]["order"] == "o1"
    assert event["contexts"]["trace"]["trace_id"] == span.trace_id
    (crumb,) = event["breadcrumbs"]["values"]
    assert (crumb["message"], crumb["category"], crumb["data"]["order"]) == ("opened", "shop", "o1")


@pytest.mark.parametrize("kind", ["stdlib", "ours"])
def test_an_error_line_with_arguments_is_grouped_by_what_it_was_formatted_from(sentry, kind):
    """The message shows the values, and the issue is the same for all of them."""
    log = logging.getLogger("old") if kind == "stdlib" else anytel.get_logger("old")
    logging.getLogger().addHandler(handler := Handler())
    try:
        for number in (1, 2):
            log.error("order %d failed: token=%s", number, "hunter2")
    finally:
        logging.getLogger().removeHandler(handler)
    assert anytel.flush(5)

    template = "order %d failed: token=[redacted]"
    assert [event["fingerprint"] for event in sentry.events] == [["{{ default }}", template]] * 2
    assert [event["logentry"] for event in sentry.events] == [
        {"message": template, "formatted": f"order {number} failed: token=[redacted]"} for number in (1, 2)
    ]


def test_every_line_is_a_sentry_log_with_its_attributes_and_trace(sentry):
    """Levels, values and ids arrive as they were logged."""
    with anytel.span("job") as span:
        anytel.get_logger("shop").warning("slow", seconds=1.5)
    assert anytel.flush(5)

    (log,) = sentry.logs
    assert (log.body, log.level, log.attributes["seconds"]) == ("slow", "warn", 1.5)
    assert (log.trace_id, log.span_id) == (span.trace_id, span.span_id)


def test_an_exception_logged_captured_and_raised_is_one_issue(sentry):
    """One event, with the exception, however often it was seen."""
    with pytest.raises(ValueError, match="declined"), anytel.span("job"):
        try:
            raise ValueError("declined")
        except ValueError:
            anytel.get_logger("shop").exception("failed", order="o1")
            anytel.capture_exception()
            raise
    assert anytel.flush(5)

    (event,) = sentry.events
    assert event["exception"]["values"][-1]["value"] == "declined"
    assert event["contexts"]["anytel"]["order"] == "o1"
