"""The dynamic sampling context: Sentry samples and extrapolates a whole trace by what its first service has said."""

from urllib.parse import unquote

import pytest
import sentry_sdk

import anytel

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
UPSTREAM = {
    "trace_id": TRACE,
    "public_key": "upstream",
    "org_id": "7",
    "release": "web@2",
    "transaction": "GET /skills/[skill]",
    "sample_rate": "0.25",
    "sample_rand": "0.1",
    "sampled": "true",
}


def headers(members, sampled="-1"):
    """Give what a service with Sentry's SDK sends."""
    baggage = ",".join(["tenant=5", *(f"sentry-{name}={value.replace(' ', '%20')}" for name, value in members.items())])
    return {"sentry-trace": f"{TRACE}-{SPAN}{sampled}", "baggage": baggage}


def context(carrier):
    """Give the sampling context in the baggage of *carrier*, decoded."""
    pairs = [member.partition("=") for member in carrier["baggage"].split(",")]
    return {name.removeprefix("sentry-"): unquote(value) for name, _, value in pairs if name.startswith("sentry-")}


@pytest.fixture
def service(receiver):
    """Give a function that makes this process a service of organisation 7, whose decisions keep half."""
    sentry_sdk.init(dsn=receiver.dsn, org_id="7", release="shop@1", default_integrations=False)

    def serve(**settings):
        anytel.configure(**{"service": "shop", "backends": "sentry", "sample_rate": 0.5, **settings})

    return serve


def served(receiver, incoming):
    """Continue the trace of *incoming*; give what the envelope and the next service are told."""
    outgoing = {}
    with anytel.span("serve", parent=anytel.extract(incoming)):
        anytel.inject(outgoing)
    assert anytel.flush(10)
    (envelope,) = [one for one in receiver.envelopes if one.items[0].type == "span"]
    assert receiver.malformed == []
    return envelope.headers["trace"], context(outgoing)


def test_what_upstream_says_goes_on_as_it_came(service, receiver):
    """To Sentry and to the next service, so that the trace is extrapolated by the rate at which it was kept."""
    service()
    assert served(receiver, headers(UPSTREAM)) == (UPSTREAM, UPSTREAM)


def test_a_trace_that_begins_here_names_its_project_and_the_numbers_of_its_decision(service, receiver):
    """An SDK downstream needs the key to say which project the trace belongs to."""
    service(sample_rate=1.0)
    sent, told = served(receiver, {})
    assert {**told, "transaction": "serve"} == sent
    known = {"public_key": "public", "org_id": "7", "release": "shop@1", "sample_rate": "1.0", "sampled": "true"}
    assert known.items() <= told.items()
    assert 0 <= float(told["sample_rand"]) < 1


def test_another_organisation_s_trace_goes_on_under_our_own_key(service, receiver):
    """An SDK of ours downstream would take its organisation for a reason to begin another trace."""
    service()
    sent, told = served(receiver, headers({**UPSTREAM, "org_id": "8"}))
    assert sent == told
    assert (told["trace_id"], told["org_id"], told["public_key"]) == (TRACE, "7", "public")
    assert (told["sample_rate"], told["sample_rand"]) == ("0.25", "0.1")


def test_a_decision_that_is_ours_replaces_upstreams(service):
    """Where upstream has left it open."""
    service(sample_rate=1.0)
    open_ = {name: value for name, value in UPSTREAM.items() if not name.startswith("sample")}
    parent = anytel.extract(headers(open_, sampled=""))
    outgoing = {}
    with anytel.span("serve", parent=parent):
        anytel.inject(outgoing)
    told = context(outgoing)
    assert (told["sample_rate"], told["sampled"], told["public_key"]) == ("1.0", "true", "upstream")


@pytest.mark.parametrize("backends", ["datadog", "memory"])
def test_a_service_without_sentry_passes_it_on(backends):
    """So that the SDKs before and after it agree; but for the organisation, which may not be that of the next one."""
    anytel.configure(service="shop", backends=backends)
    outgoing = {"baggage": "user=1"}
    with anytel.span("serve", parent=anytel.extract(headers(UPSTREAM))):
        anytel.inject(outgoing)
    assert context(outgoing) == {name: value for name, value in UPSTREAM.items() if name != "org_id"}
    assert outgoing["baggage"].startswith("user=1,")


@pytest.mark.parametrize(
    "members",
    [
        {**UPSTREAM, "trace_id": "0" * 32},
        {**UPSTREAM, "trace_id": TRACE[:-1]},
        {"public_key": "upstream", "sample_rate": "0.25"},
        {},
    ],
    ids=["of another trace", "too short", "of no trace", "none"],
)
def test_what_is_said_of_another_trace_is_not_passed_on(service, receiver, members):
    """It would have that trace's spans extrapolated by this one's rate."""
    service()
    sent, told = served(receiver, headers(members))
    assert sent["public_key"] == told["public_key"] == "public"
    assert "sample_rate" not in told


@pytest.mark.parametrize("value", ["a\r\nevil: 1", 'a"b', "a;b", "x" * 10_000, "ü"])
def test_a_hostile_member_is_left_out(service, receiver, value):
    """Nothing that cannot be a baggage member's value is sent on."""
    service()
    _, told = served(receiver, headers({**UPSTREAM, "environment": value}))
    assert told.get("environment") in (None, "production")
