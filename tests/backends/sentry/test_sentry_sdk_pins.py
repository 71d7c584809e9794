"""What the backend relies on in the SDK without being promised it: one test per private name."""

import copy
from datetime import UTC, datetime, timedelta

import pytest
import sentry_sdk
import urllib3
from sentry_sdk import traces
from sentry_sdk.transport import HttpTransport

from anytel.backend import SpanContext
from anytel_sentry import standin
from anytel_sentry.joining import is_traced
from anytel_sentry.sender import _RELIED_ON, Direct, Handover, sender_for


@pytest.fixture
def transport(sdk):
    sdk()
    return sentry_sdk.get_client().transport


def response(status, **headers):
    return urllib3.HTTPResponse(status=status, headers={name.replace("_", "-"): each for name, each in headers.items()})


def test_the_names_are_there(transport):
    """Otherwise envelopes are handed over to the transport, and the account is less exact."""
    assert type(transport) is HttpTransport
    assert [name for name in _RELIED_ON if not hasattr(transport, name)] == []
    assert isinstance(sender_for(sentry_sdk.get_client(), transport), Direct)


def test_without_one_of_the_names_envelopes_are_handed_over(transport):
    """An SDK that has changed does not break anything."""
    other = copy.copy(transport)
    del other.__dict__["_disabled_until"]
    assert isinstance(sender_for(sentry_sdk.get_client(), other), Handover)


def test_a_pool_is_made_anew_each_time(sdk):
    """With the client's proxy."""
    sdk(http_proxy="http://proxy.example:3128")
    transport = sentry_sdk.get_client().transport
    pool = transport._make_pool()
    assert pool is not transport._pool
    assert str(pool.proxy) == "http://proxy.example:3128"


def test_rate_limits_are_read_from_answers_and_asked_by_category(transport):
    """Both headers of the protocol are known."""
    transport._update_rate_limits(response(200, X_Sentry_Rate_Limits="60:span;error:organization"))
    limited = {name for name in ("span", "error", "log_item", "trace_metric") if transport._check_disabled(name)}
    assert limited == {"span", "error"}
    transport._update_rate_limits(response(429, Retry_After="60"))
    assert transport._check_disabled("log_item")
    transport._disabled_until = {None: datetime.now(UTC) - timedelta(seconds=1)}
    assert not transport._check_disabled("log_item")


def test_the_client_report_is_taken_once(transport):
    """As an item that goes with the next envelope."""
    transport.record_lost_event("send_error", data_category="span", quantity=2)
    item = transport._fetch_pending_client_report(force=True)
    assert item.payload.json["discarded_events"] == [{"reason": "send_error", "category": "span", "quantity": 2}]
    assert transport._fetch_pending_client_report(force=True) is None


def test_a_new_worker_has_an_empty_queue(transport):
    """That is how a forked child forgets what its parent is to send."""
    worker = transport._create_worker(transport.options)
    assert type(worker) is type(transport._worker)
    assert worker is not transport._worker


def test_the_names_that_stand_ins_rely_on_are_there():
    """Otherwise the application's spans do not nest in ours, and its errors and logs are linked all the same."""
    assert standin.supported()


def test_without_one_of_those_names_the_sdk_s_tracing_is_left_alone(sdk, monkeypatch):
    """An SDK that has changed does not break anything."""
    sdk(traces_sample_rate=1.0)
    client = sentry_sdk.get_client()
    assert is_traced(client)
    monkeypatch.delattr(standin.tracing.Span, "start_child")
    assert not is_traced(client)


@pytest.mark.parametrize("lifecycle", ["static", "stream"])
@pytest.mark.parametrize("sampled", [True, False])
def test_a_stand_in_answers_for_the_current_span(sdk, make, lifecycle, sampled):
    """Whatever the SDK asks it, the ids are those of the span that is current then."""
    sdk(traces_sample_rate=1.0, **({"trace_lifecycle": "stream"} if lifecycle == "stream" else {}))
    root, inner = (SpanContext(0xABC, span_id, sampled=sampled) for span_id in (1, 2))
    now, noted, ended = [root], [], []
    source = standin.Source(
        lambda: now[0], lambda: None, lambda context, name: {"trace_id": "abc", "transaction": name}, noted.append,
        lambda child, home: ended.append(child),
    )  # fmt: skip
    made = standin.make(source, root, "root", root, streamed=lifecycle == "stream")
    with sentry_sdk.new_scope() as scope:
        scope._span = made
        assert scope.get_trace_context()["span_id"] == f"{1:016x}"
        now[0] = inner
        assert scope.get_trace_context()["span_id"] == f"{2:016x}"
        headers = dict(scope.iter_trace_propagation_headers())
        assert headers["sentry-trace"] == f"{0xABC:032x}-{2:016x}-{int(sampled)}"
        assert "sentry-transaction=root" in headers["baggage"]
        scope.set_transaction_name("renamed", source="route")
        start = traces.start_span if lifecycle == "stream" else sentry_sdk.start_span
        with start(name="theirs") as theirs:
            pass
        assert theirs.sampled is sampled
        if sampled:
            parent = theirs._parent_span_id if lifecycle == "stream" else theirs.parent_span_id
            assert (theirs.trace_id, parent) == (f"{0xABC:032x}", f"{2:016x}")
        made.set_attribute("key", 1)
        made.end() if lifecycle == "stream" else made.finish()
        assert scope._span is made
    assert noted == [{"key": 1}]
    assert len(ended) == (lifecycle == "static" and sampled)
