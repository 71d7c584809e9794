"""An SDK that the application has initialised is used as it is, with its hooks, and left open."""

import time

import pytest
import sentry_sdk
from sentry_sdk import traces
from sentry_sdk.transport import HttpTransport, Transport

from anytel.testing.receivers.sentry import SentryReceiver
from anytel_sentry import SentryBackend

STREAM = {"trace_lifecycle": "stream", "traces_sample_rate": 1.0}


@pytest.fixture
def adopt(sdk, opened):
    """Initialise the SDK with options, and open a backend that knows no DSN."""

    def run(**options):
        sdk(**options)
        return opened(SentryBackend())

    return run


def test_the_application_s_client_is_used_and_left_open(adopt, receiver, make, deadline):
    """Release and environment are its own; after closing it still sends."""
    backend = adopt(release="theirs@2", environment="staging")
    client = sentry_sdk.get_client()
    assert backend.native is client
    assert backend.spans([make.span()], deadline).delivered == 1
    assert receiver.spans[0].attributes["sentry.release"] == "theirs@2"
    assert receiver.envelopes[0].headers["trace"]["environment"] == "staging"
    assert backend.close(deadline)
    assert sentry_sdk.get_client() is client
    sentry_sdk.capture_message("still here")
    sentry_sdk.flush(timeout=10)
    assert [event["message"] for event in receiver.events] == ["still here"]


def test_a_client_of_our_own_is_closed_and_the_sdk_as_before(open_backend, deadline):
    """The next backend initialises anew."""
    backend = open_backend()
    assert sentry_sdk.is_initialized()
    assert backend.close(deadline)
    assert not sentry_sdk.is_initialized()


def test_a_second_backend_does_not_take_the_first_one_s_client(open_backend, receiver, make, deadline):
    """Reconfiguring opens the new one before the old one is closed."""
    first, second = open_backend(), open_backend()
    assert first.native is not second.native
    assert first.spans([make.span("of the first")], deadline).delivered == 1
    first.close(deadline)
    assert second.spans([make.span("of the second")], deadline).delivered == 1
    sentry_sdk.capture_message("of the application")
    assert second.flush(deadline)
    assert [event["message"] for event in receiver.events] == ["of the application"]


def test_an_sdk_that_is_initialised_later_is_adopted_then(open_backend, sdk, receiver, make, deadline):
    """The application need not care about the order."""
    with SentryReceiver() as elsewhere:
        backend = open_backend()
        backend.spans([make.span("before")], deadline)
        sdk(dsn=elsewhere.dsn, release="theirs@2")
        backend.spans([make.span("after")], deadline)
        assert [span.name for span in receiver.spans] == ["before"]
        assert [span.name for span in elsewhere.spans] == ["after"]
        assert backend.native is sentry_sdk.get_client()


def test_before_send_sees_and_changes_our_errors(adopt, receiver, make, deadline):
    """It runs as for the SDK's own events, and what it refuses is counted as such."""
    seen = []

    def before_send(event, hint):
        seen.append(event["exception"]["values"][-1]["type"])
        return None if seen[-1] == "Private" else event | {"tags": {"seen": "yes"}}

    backend = adopt(before_send=before_send)
    records = [make.error(make.exception("Private")), make.error(make.exception("Public"))]
    ack = backend.errors(records, deadline)
    assert (ack.delivered, ack.dropped, ack.retry) == (1, {"before_send": 1}, 0)
    assert seen == ["Private", "Public"]
    assert [event["tags"] for event in receiver.events] == [{"seen": "yes"}]


def test_a_before_send_that_raises_costs_only_its_event(adopt, receiver, make, deadline):
    """The SDK calls that a callback error."""

    def before_send(event, hint):
        if event["exception"]["values"][-1]["type"] == "Bad":
            raise LookupError
        return event

    ack = adopt(before_send=before_send).errors([make.error(make.exception("Bad")), make.error()], deadline)
    assert (ack.delivered, ack.dropped) == (1, {"callback_error": 1})


def test_the_sdk_s_error_sampling_applies(adopt, make, deadline):
    """Its option ``sample_rate`` is about errors."""
    ack = adopt(sample_rate=0.0).errors([make.error()], deadline)
    assert (ack.delivered, ack.dropped) == (0, {"sample_rate": 1})


def test_global_tags_are_on_our_errors(adopt, receiver, make, deadline):
    """What the application has put on the global scope belongs to every event."""
    backend = adopt()
    sentry_sdk.get_global_scope().set_tag("region", "eu")
    backend.errors([make.error()], deadline)
    assert receiver.events[0]["tags"] == {"region": "eu"}


def test_hooks_for_logs_metrics_and_spans_run(adopt, receiver, make, deadline):
    """Each is shown what the SDK would show it; logs and metrics may be refused, spans only changed."""

    def log(record, hint):
        record["attributes"]["seen"] = "log"
        return record | {"body": "changed"} if record["body"] == "keep" else None

    def metric(record, hint):
        record["attributes"]["seen"] = "metric"
        return record if record["name"] == "keep" else None

    def span(record, hint):
        return {**record, "name": "changed", "attributes": {"seen": object}} if record["name"] == "keep" else None

    backend = adopt(before_send_log=log, before_send_metric=metric, before_send_span=span, **STREAM)
    logs = backend.logs([make.log("keep"), make.log("drop")], deadline)
    metrics = backend.metrics(make.batch(make.point(name="keep"), make.point(name="drop")), deadline)
    spans = backend.spans([make.span("keep"), make.span("other")], deadline)
    assert [(ack.delivered, ack.dropped) for ack in (logs, metrics)] == [(1, {"before_send": 1})] * 2
    assert (receiver.logs[0].body, receiver.logs[0].attributes["seen"]) == ("changed", "log")
    assert (receiver.metrics[0].name, receiver.metrics[0].attributes["seen"]) == ("keep", "metric")
    assert spans.delivered == 2
    assert [each.name for each in receiver.spans] == ["changed", "other"]
    assert receiver.spans[0].attributes == {"seen": repr(object)}
    assert receiver.malformed == []


def test_a_hook_that_raises_costs_only_its_record(adopt, receiver, make, deadline):
    """The neighbours arrive."""

    def log(record, hint):
        if record["body"] == "bad":
            raise LookupError
        return record

    ack = adopt(before_send_log=log).logs([make.log("bad"), make.log("good")], deadline)
    assert (ack.delivered, ack.dropped) == (1, {"before_send": 1})
    assert [each.body for each in receiver.logs] == ["good"]


def test_before_send_transaction_runs_on_transactions(sdk, host, receiver, make, deadline):
    """It may refuse them."""
    sdk(before_send_transaction=lambda event, hint: event if event["transaction"] == "keep" else None)
    backend = SentryBackend(spans="transactions")
    backend.open(host)
    ack = backend.spans([make.span("keep", make.context(1)), make.span("drop", make.context(2))], deadline)
    assert (ack.delivered, ack.dropped) == (1, {"before_send": 1})
    assert [event["transaction"] for event in receiver.transactions] == ["keep"]


class Collecting(Transport):
    """A transport of the application's own, healthy when it says so."""

    healthy = True

    def __init__(self, options=None):
        super().__init__(options)
        self.envelopes = []

    def capture_envelope(self, envelope):
        self.envelopes.append(envelope)

    def is_healthy(self):
        return self.healthy


def test_a_transport_of_the_application_s_own_gets_our_envelopes(adopt, receiver, make, deadline):
    """It decides what to do with them; delivered then means handed over."""
    backend = adopt(transport=Collecting)
    transport = sentry_sdk.get_client().transport
    assert backend.spans([make.span()], deadline).delivered == 1
    assert backend.errors([make.error()], deadline).delivered == 1
    assert [[item.type for item in each.items] for each in transport.envelopes] == [["span"], ["event"]]
    assert receiver.requests == []
    transport.healthy = False
    ack = backend.spans([make.span()], time.monotonic() + 0.01)
    assert (ack.delivered, ack.retry) == (0, 1)


class Proxied(HttpTransport):
    """A subclass may have changed anything, so it is not bypassed."""


def test_a_subclass_of_the_usual_transport_is_paced(adopt, receiver, make, deadline):
    """Its queue holds ten envelopes here, and all hundred arrive."""
    backend = adopt(transport=Proxied, transport_queue_size=10)
    ack = backend.spans([make.span(f"trace {n}", make.context(n)) for n in range(1, 101)], deadline)
    assert ack.delivered == 100
    assert backend.flush(deadline)
    assert receiver.wait(lambda each: len(each.spans) == 100)


def test_our_uploads_are_not_traced_by_the_sdk(adopt, receiver, make, deadline):
    """A worker may have inherited a span, and the SDK does not know its own address where that has a port."""
    from sentry_sdk.integrations.stdlib import StdlibIntegration

    backend = adopt(integrations=[StdlibIntegration()], **STREAM)
    with traces.start_span("theirs"):
        assert backend.spans([make.span("ours")], deadline).delivered == 1
    assert backend.flush(deadline)
    assert sorted(span.name for span in receiver.spans) == ["ours", "theirs"]


@pytest.mark.parametrize("own", [True, False], ids=["own", "adopted"])
def test_what_the_application_captures_itself_is_linked_to_our_span(
    own, open_backend, adopt, receiver, make, host, deadline
):
    """Errors and logs carry the ids of the current span."""
    backend = open_backend() if own else adopt()
    host.context = make.context()
    sentry_sdk.capture_message("theirs")
    from sentry_sdk import logger

    logger.info("theirs")
    host.context = None
    assert backend.flush(deadline)
    trace = receiver.events[0]["contexts"]["trace"]
    assert (int(trace["trace_id"], 16), int(trace["span_id"], 16)) == (0xABC, 1)
    assert (receiver.logs[0].trace_id, receiver.logs[0].span_id) == (trace["trace_id"], trace["span_id"])


def test_closing_unlinks_unless_a_later_backend_has_linked(open_backend, deadline):
    """The SDK knows one function only."""
    from sentry_sdk.scope import has_external_propagation_context

    first, second = open_backend(), open_backend()
    first.close(deadline)
    assert has_external_propagation_context()
    second.close(deadline)
    assert not has_external_propagation_context()
