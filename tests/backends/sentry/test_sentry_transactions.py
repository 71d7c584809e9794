"""With ``TELEMETRY_SENTRY_SPANS=transactions`` a local trace arrives as one transaction."""

import pytest

from anytel.backend import Link, SpanContext
from anytel.testing.receivers.http import Answer
from anytel_sentry.waiting import Waiting, key_of


@pytest.fixture
def backend(open_backend):
    return open_backend(spans="transactions")


def test_a_trace_in_one_batch_is_one_transaction(backend, receiver, make, deadline):
    """Root and children have their fields where Sentry expects them."""
    link = Link(SpanContext(0xEE, 0xFF, sampled=True), {"why": "batch"})
    attributes = {"http.request.method": "POST", "n": 1}
    root = make.span("root", attributes=attributes, kind="server", parent_id=0xCD, links=(link,))
    child = make.span("child", root=root, status="error", attributes={"rows": 3})
    ack = backend.spans([child, root], deadline)
    assert (ack.delivered, ack.dropped, ack.retry) == (2, {}, 0)
    [event] = receiver.transactions
    assert (event["transaction"], event["release"], event["environment"]) == ("root", "shop@1.4.0", "test")
    trace = event["contexts"]["trace"]
    assert (trace["op"], trace["status"], trace["parent_span_id"]) == ("http.server", "ok", f"{0xCD:016x}")
    assert trace["links"][0]["attributes"] == {"why": "batch"}
    assert trace["data"]["n"] == 1
    assert [(span.name, span.status, span.is_segment) for span in receiver.spans] == [
        ("root", "ok", True),
        ("child", "error", False),
    ]
    assert receiver.spans[1].attributes["rows"] == 3
    assert receiver.envelopes[0].headers["trace"]["transaction"] == "root"
    assert receiver.malformed == []


def test_spans_wait_for_their_root(backend, receiver, make, deadline):
    """They are acknowledged, and sent with it."""
    root = make.span("root")
    assert backend.spans([make.span("early", root=root)], deadline).delivered == 1
    assert receiver.requests == []
    assert backend.spans([make.span("later", root=root), root], deadline).delivered == 2
    assert [span["description"] for span in receiver.transactions[0]["spans"]] == ["early", "later"]


def test_spans_after_their_root_are_sent_as_items(backend, receiver, make, deadline):
    """Their transaction has gone."""
    root = make.span("root")
    backend.spans([root], deadline)
    assert backend.spans([make.span("late", root=root)], deadline).delivered == 1
    assert [(span.name, span.form) for span in receiver.spans] == [("root", "transaction"), ("late", "item")]
    assert receiver.malformed == []


def test_what_still_waits_at_the_end_is_sent_as_items(backend, receiver, make, host, deadline):
    """Closing loses nothing."""
    backend.spans([make.span("early", root=make.span("root"))], deadline)
    backend.close(deadline)
    assert [(span.name, span.form) for span in receiver.spans] == [("early", "item")]
    assert host.losses == []


def test_what_waited_and_is_refused_is_reported_as_lost(backend, receiver, make, host, deadline):
    """It had been acknowledged as delivered."""
    root = make.span("root")
    backend.spans([make.span("early", root=root), make.span("early", root=root)], deadline)
    receiver.answer = Answer(413)
    ack = backend.spans([root], deadline)
    assert (ack.delivered, ack.dropped) == (0, {"http_413": 1})
    assert host.losses == [("span", 2, "http_413")]


def test_what_waits_at_a_server_that_is_gone_is_reported_when_closing(backend, receiver, make, host, deadline):
    """There is no later."""
    backend.spans([make.span("early", root=make.span("root"))], deadline)
    receiver.answer = Answer(500)
    backend.close(deadline)
    assert host.losses == [("span", 1, "unsent")]


def test_all_that_waits_at_a_server_that_is_gone_is_reported(backend, receiver, make, host, deadline):
    """Not only the trace that met it first."""
    for n in (1, 2, 3):
        backend.spans([make.span("early", root=make.span("root", make.context(n)))], deadline)
    receiver.answer = Answer(500)
    backend.close(deadline)
    assert sum(count for _, count, _ in host.losses) == 3


def test_a_retry_sends_the_whole_transaction(backend, receiver, make, host, deadline):
    """What waited goes on waiting while the server fails."""
    root = make.span("root")
    backend.spans([make.span("early", root=root)], deadline)
    receiver.answer = Answer(500)
    last = [make.span("later", root=root), root]
    assert backend.spans(last, deadline).retry == 2
    receiver.answer = Answer()
    receiver.clear()
    assert backend.spans(last, deadline).delivered == 2
    assert [span["description"] for span in receiver.transactions[0]["spans"]] == ["early", "later"]
    assert host.losses == []


def test_children_over_the_limit_follow_as_items(backend, receiver, make, deadline):
    """The SDK would drop them."""
    root = make.span("root")
    batch = [make.span(f"c{n}", root=root) for n in range(1500)] + [root]
    assert backend.spans(batch, deadline).delivered == 1501
    assert len(receiver.transactions[0]["spans"]) == 1000
    assert len([span for span in receiver.spans if span.form == "item"]) == 500
    assert receiver.malformed == []


def test_waiting_gives_up_what_is_too_old_or_too_much(make):
    """Memory is bounded although roots may never end."""
    now = [0.0]
    waiting = Waiting(limit=3, patience=60.0, clock=lambda: now[0])
    roots = [make.span(context=make.context(n)) for n in (1, 2)]
    old, new = ([make.span(root=root), make.span(root=root)] for root in roots)
    assert waiting.hold(old) == 0
    now[0] = 30.0
    assert waiting.hold(new) == 0
    assert list(waiting.overdue()) == [old]
    now[0] = 91.0
    assert list(waiting.overdue()) == [new]
    assert waiting.hold(old) == 0
    assert waiting.hold([*new] * 3) == 2
    assert waiting.take(key_of(new[0])) == [*new] * 3


def test_a_trace_that_waits_too_long_is_sent_as_items(receiver, make, sdk, deadline):
    """Its root may never end; a server that fails then costs it nothing."""
    import sentry_sdk

    from anytel_sentry.delivery import Delivery
    from anytel_sentry.resource import Resource
    from anytel_sentry.sender import sender_for
    from anytel_sentry.spans import SpanItems
    from anytel_sentry.traces import AsItems, AsTransactions
    from anytel_sentry.transactions import Transactions

    sdk()
    client, now, losses = sentry_sdk.get_client(), [0.0], []
    resource, waiting = Resource(client, {}), Waiting(clock=lambda: now[0])
    traces = AsTransactions(AsItems(SpanItems(resource, None)), Transactions(resource, None), waiting, losses.append)
    sender = sender_for(client, client.transport)

    def spans(*batch):
        delivery = Delivery(len(batch))
        delivery.send(traces.parcels(batch, delivery), sender, deadline)
        return delivery.ack()

    for n in (1, 2):
        assert spans(make.span("orphan", root=make.span(context=make.context(n)))).delivered == 1
    now[0] = 301.0
    receiver.answer = Answer(500)
    spans()
    receiver.clear()
    receiver.answer = Answer()
    now[0] = 999.0
    spans()
    assert [(span.name, span.form) for span in receiver.spans] == [("orphan", "item")] * 2
    assert losses == []
