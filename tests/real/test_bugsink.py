"""Bugsink, a self-hosted server for Sentry's SDKs, makes issues of our error reports."""

import pytest

import anytel


@pytest.fixture
def issue(issues):
    """Give a function that finds the one issue of a type and value, with its events."""

    def find(kind, value):
        (found,) = (
            one for one in issues.issues() if (one["calculated_type"], one["calculated_value"]) == (kind, value)
        )
        return found, issues.events(found)

    return find


class CardDeclined(Exception):
    pass


def charge(attempt):
    with anytel.context(tenant="acme"), anytel.span("charge") as span:
        anytel.get_logger("shop").info("charging", attempt=attempt)
        try:
            try:
                raise KeyError("card")
            except KeyError as cause:
                raise CardDeclined("no money") from cause
        except CardDeclined as exc:
            return span, anytel.capture_exception(exc, {"attempt": attempt})


def test_two_captures_of_one_kind_are_one_issue_with_two_events(issues, issue, configured, delivered):
    """Each event keeps its id and trace; the chain, tags, attributes and log lines are with it."""
    configured("sentry", SENTRY_DSN=issues.dsn, TELEMETRY_SAMPLE_RATE="0", TELEMETRY_ERROR_TAGS="tenant")
    with anytel.span("POST /pay") as root:
        captured = [charge(1), charge(2)]
    delivered()

    found, events = issue("CardDeclined", "no money")

    assert found["digested_event_count"] == 2
    assert found["transaction"] == root_name(events) == "POST /pay"
    assert [event["event_id"] for event in events] == [report for _, report in captured]
    traces = [event["contexts"]["trace"] for event in events]
    assert [(one["trace_id"], one["span_id"]) for one in traces] == [
        (root.trace_id, span.span_id) for span, _ in captured
    ]
    assert [event["contexts"]["anytel"]["attempt"] for event in events] == [1, 2]
    for event in events:
        assert [one["type"] for one in event["exception"]["values"]] == ["KeyError", "CardDeclined"]
        assert event["tags"] == {"tenant": "acme"}
        assert event["release"] == "shop@1.4.0"
        assert event["environment"] == "test"
    assert [crumb["data"]["attempt"] for crumb in events[1]["breadcrumbs"]["values"]] == [1, 2]


def root_name(events):
    (name,) = {event["transaction"] for event in events}
    return name


def test_error_lines_without_an_exception_are_an_issue_by_their_message(issues, issue, configured, delivered):
    """Two lines with one event name and different attributes are one issue."""
    configured("sentry", SENTRY_DSN=issues.dsn)
    for order in (1, 2):
        anytel.get_logger("shop").error("out_of_stock", order=order)
    delivered()

    found, events = issue("Log Message", "out_of_stock")

    assert found["digested_event_count"] == 2
    assert [event["contexts"]["anytel"]["order"] for event in events] == [1, 2]
    assert {event["logger"] for event in events} == {"shop"}


class Unusual(Exception):
    pass


def test_a_server_that_wants_no_spans_still_gets_every_error(issues, issue, configured):
    """Bugsink announces that it takes no spans; from then on spans are counted as dropped, and errors go on."""
    configured("sentry", SENTRY_DSN=issues.dsn)
    for _ in range(3):
        with anytel.span("work"):
            anytel.capture_exception(Unusual("odd"))
        anytel.flush(15)

    counts = anytel.stats().backends["sentry"]

    assert counts["error"].delivered == 3
    assert counts["span"].dropped == {"rate_limited": 3 - counts["span"].delivered}
    assert counts["span"].delivered <= 1
    assert issue("Unusual", "odd")[0]["digested_event_count"] == 3
