"""Relay's own code, which reads every event that Sentry takes, finds nothing to repair in ours."""

import pytest

import anytel
from anytel.testing.receivers.sentry import SentryReceiver
from real.relay import normalise, remarks


@pytest.fixture
def captured(configured, delivered):
    """Give the events and transactions of a program that uses all that there is."""
    with SentryReceiver() as receiver:
        configured(
            "sentry",
            SENTRY_DSN=receiver.dsn,
            TELEMETRY_SENTRY_SPANS="transactions",
            TELEMETRY_ERROR_TAGS="tenant,release.channel",
        )
        program()
        delivered()
        yield receiver.events, receiver.transactions


def program():
    log = anytel.get_logger("shop")
    with anytel.context({"tenant": "acme", "release.channel": "beta", "user.id": 1}):
        attributes = {"http.request.method": "POST", "http.route": "/pay/{id}", "list": ["a"], "mixed": ["a", 1]}
        for number in range(3):
            with anytel.span("POST /pay/{id}", kind="server", attributes=attributes) as root:
                log.info("received", size=1.5, note="x" * 5_000, odd="\x00\ud800", none=None)
                with anytel.span("SELECT orders", kind="client", links=[root], attributes={"db.system.name": "mysql"}):
                    log.error("broken", number=number)
                with anytel.span("cancelled") as span:
                    span.fail("quota")
        fail(ValueError("plain"))
        fail(RuntimeError())
        fail(ExceptionGroup("several", [ValueError("a"), ExceptionGroup("inner", [KeyError("b")])]))
        fail(ValueError("x" * 20_000))


def fail(exc):
    try:
        try:
            raise LookupError("before")
        except LookupError:
            raise exc  # noqa: B904 -- an implicit context is what is tested
    except Exception:
        anytel.get_logger("shop").exception("failed", exc_info=True)


def test_events_are_stored_as_they_were_sent(captured):
    """No field of an error report is invalid, cut or unknown."""
    events, _ = captured

    stored = normalise(events)

    assert len(stored) == 3 + 4
    assert [list(one) for one in stored] == [["event"]] * len(stored)
    assert [found for one in stored for found in remarks(one["event"].get("_meta"))] == []
    for sent, one in zip(events, stored, strict=True):
        trace = one["event"]["contexts"]["trace"]
        assert one["event"]["event_id"] == sent["event_id"]
        assert trace["trace_id"] == sent["contexts"]["trace"]["trace_id"]
        assert ["tenant", "acme"] in one["event"]["tags"]
        assert ["release.channel", "beta"] in one["event"]["tags"]


def test_transactions_are_stored_as_they_were_sent(captured):
    """No field of a transaction or its spans is invalid, cut or unknown, and the tree is the one that was sent."""
    _, transactions = captured

    stored = normalise(transactions)

    assert len(stored) == 3
    assert [list(one) for one in stored] == [["event"]] * 3
    assert [found for one in stored for found in remarks(one["event"].get("_meta"))] == []
    for sent, one in zip(transactions, stored, strict=True):
        tree = [(span["span_id"], span["parent_span_id"]) for span in one["event"]["spans"]]
        assert tree == [(span["span_id"], span["parent_span_id"]) for span in sent["spans"]]
        assert one["event"]["contexts"]["trace"]["span_id"] == sent["contexts"]["trace"]["span_id"]


def test_relay_does_remark_on_what_is_wrong(captured):
    """The two tests above can fail: a bad id, level or tag is found, and a transaction without ids is refused."""
    (event, *_), (transaction, *_) = captured
    bad_id = event["contexts"]["trace"] | {"span_id": "xyz"}

    marked = normalise([event | {"contexts": {"trace": bad_id}}, event | {"level": "loud"}])
    (refused,) = normalise([transaction | {"contexts": {"trace": {}}}])

    found = [dict(remarks(one["event"]["_meta"])) for one in marked]
    assert list(found[0]) == ["contexts.trace.span_id"]
    assert list(found[1]) == ["level"]
    assert "trace_id" in refused["refused"] or "trace context" in refused["refused"]
