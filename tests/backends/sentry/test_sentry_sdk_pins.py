"""What the backend relies on in the SDK without being promised it: one test per private name."""

import copy
from datetime import UTC, datetime, timedelta

import pytest
import sentry_sdk
import urllib3
from sentry_sdk.transport import HttpTransport

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
