"""Spans arrive as span items, one envelope per trace, with all that a record holds."""

import json

import pytest

from anytel.backend import Event, Link, SpanContext


def test_six_hundred_traces_at_once_all_arrive(backend, receiver, make, deadline):
    """The SDK's own queue of 100 envelopes is not in the way."""
    roots = [make.span(f"trace {n}", make.context(n)) for n in range(1, 601)]
    ack = backend.spans(roots, deadline)
    assert (ack.delivered, ack.dropped, ack.retry) == (600, {}, 0)
    assert [span.name for span in receiver.spans] == [f"trace {n}" for n in range(1, 601)]
    assert len(receiver.envelopes) == 600
    assert receiver.malformed == []


def test_the_spans_of_a_trace_share_an_envelope_wherever_they_are_in_the_batch(backend, receiver, make, deadline):
    """An envelope has the sampling context of one trace."""
    one, two = make.span("one", make.context(1)), make.span("two", make.context(2))
    batch = [make.span("a", root=one), make.span("b", root=two), make.span("c", root=one), two, one]
    assert backend.spans(batch, deadline).delivered == 5
    traces = [[item["name"] for item in each.items[0].payload["items"]] for each in receiver.envelopes]
    assert traces == [["a", "c", "one"], ["b", "two"]]
    assert [each.headers["trace"]["transaction"] for each in receiver.envelopes] == ["one", "two"]
    assert receiver.malformed == []


def test_a_large_trace_takes_several_envelopes_of_a_thousand_spans(backend, receiver, make, deadline):
    """That is the protocol's limit."""
    root = make.span("root")
    batch = [make.span(root=root) for _ in range(2400)] + [root]
    assert backend.spans(batch, deadline).delivered == 2401
    assert [len(each.items[0].payload["items"]) for each in receiver.envelopes] == [1000, 1000, 401]
    assert receiver.malformed == []


def test_ids_parents_and_segments_are_those_of_the_record(backend, receiver, make, deadline):
    """A remote parent is a parent like another, and the local root is the segment."""
    root = make.span("root", make.context(0xAB), parent_id=0xCD, remote_parent=True)
    child = make.span("child", root=root)
    backend.spans([child, root], deadline)
    got_child, got_root = receiver.spans
    assert (got_root.trace_id, got_root.parent_span_id) == (f"{0xAB:032x}", f"{0xCD:016x}")
    assert (got_root.is_segment, got_child.is_segment) == (True, False)
    assert got_child.parent_span_id == got_root.span_id == f"{root.context.span_id:016x}"
    assert got_child.attributes["sentry.segment.id"] == got_root.span_id
    assert (got_root.start, got_root.end) == (1_700_000_000.0, pytest.approx(1_700_000_000.0015, abs=1e-6))


def test_links_keep_their_ids_and_attributes(backend, receiver, make, deadline):
    """They are fields of the span item."""
    link = Link(SpanContext(0xEE, 0xFF, sampled=False), {"why": "batch", "n": 1})
    backend.spans([make.span(links=(link,))], deadline)
    values = {"why": {"value": "batch", "type": "string"}, "n": {"value": 1, "type": "integer"}}
    ids = {"trace_id": f"{0xEE:032x}", "span_id": f"{0xFF:016x}"}
    assert receiver.spans[0].links == [ids | {"sampled": False, "attributes": values}]


def test_what_sentry_has_no_field_for_is_an_attribute(backend, receiver, make, deadline):
    """Kind, status message, events, exception, scope and what was dropped are not lost."""
    span = make.span(
        kind="client",
        status="error",
        status_message="quota",
        events=(Event("retry", 5, {"attempt": 2}),),
        exception=make.exception("Broken", "no", module="shop.errors"),
        scope="opentelemetry.httpx",
        service="billing",
        dropped={"attributes": 3, "links": 0},
    )
    backend.spans([span], deadline)
    [got] = receiver.spans
    expected = {
        "sentry.kind": "client",
        "sentry.status.message": "quota",
        "exception.type": "shop.errors.Broken",
        "exception.message": "no",
        "otel.scope.name": "opentelemetry.httpx",
        "sentry.origin": "auto.otel",
        "service.name": "billing",
        "otel.dropped_attributes_count": 3,
    }
    assert got.status == "error"
    assert expected.items() <= {name: value for name, value in got.attributes.items() if name != "span.events"}.items()
    assert "otel.dropped_links_count" not in got.attributes
    event = {"name": "retry", "time_unix_nano": 5, "attributes": {"attempt": 2}}
    assert [json.loads(text) for text in got.attributes["span.events"]] == [event]


@pytest.mark.parametrize(("status", "sent"), [("unset", "ok"), ("ok", "ok"), ("error", "error")])
def test_each_status_becomes_one_of_sentry_s_two(backend, receiver, make, deadline, status, sent):
    """Unset means that nothing went wrong."""
    backend.spans([make.span(status=status)], deadline)
    assert receiver.spans[0].status == sent


@pytest.mark.parametrize("kind", ["internal", "server", "client", "producer", "consumer"])
def test_every_kind_arrives(backend, receiver, make, deadline, kind):
    """As the attribute that Sentry uses for spans of OpenTelemetry."""
    backend.spans([make.span(kind=kind)], deadline)
    assert receiver.spans[0].attributes["sentry.kind"] == kind


@pytest.mark.parametrize(
    ("kind", "attributes", "op"),
    [
        ("server", {"http.request.method": "GET"}, "http.server"),
        ("client", {"http.request.method": "GET"}, "http.client"),
        ("client", {"db.system": "redis"}, "db"),
        ("client", {"sentry.op": "cache.get", "db.system": "redis"}, "cache.get"),
        ("internal", {}, None),
    ],
)
def test_the_operation_follows_from_the_attributes(backend, receiver, make, deadline, kind, attributes, op):
    """One given by hand wins."""
    backend.spans([make.span(kind=kind, attributes=attributes)], deadline)
    assert receiver.spans[0].op == op


def test_attribute_values_keep_their_types(backend, receiver, make, deadline):
    """A list of several types, which Sentry has no type for, becomes JSON text."""
    values = {"b": True, "i": 2**62, "f": 1.5, "s": "ü", "list": (1, 2), "empty": (), "mixed": (1, "a", True)}
    backend.spans([make.span(attributes=values)], deadline)
    got = receiver.spans[0].attributes
    assert {name: got[name] for name in values} == values | {"list": [1, 2], "empty": [], "mixed": '[1,"a",true]'}
    types = {name: receiver.spans[0].raw["attributes"][name]["type"] for name in values}
    assert list(types.values()) == ["boolean", "integer", "double", "string", "array", "array", "string"]


def test_the_sampling_context_says_how_the_trace_was_sampled(backend, receiver, make, deadline):
    """The random number is the fraction that decided, so Sentry's arithmetic agrees with ours."""
    backend.spans([make.span(context=make.context(0xABC, sample_rate=0.5))], deadline)
    trace = receiver.envelopes[0].headers["trace"]
    assert (trace["sample_rate"], trace["sampled"], trace["release"]) == ("0.5", "true", "shop@1.4.0")
    fraction = (0xABC * 1111111111111111111 % 2**64) / 2**64
    assert 0 <= fraction - float(trace["sample_rand"]) < 1e-6
    assert len(trace["sample_rand"]) == len("0.123456")


def test_a_decision_from_upstream_has_no_rate(backend, receiver, make, deadline):
    """Sentry must not extrapolate by a rate that nobody knows."""
    backend.spans([make.span(context=make.context(0xABC, sample_rate=None))], deadline)
    assert not {"sample_rate", "sample_rand"} & receiver.envelopes[0].headers["trace"].keys()
