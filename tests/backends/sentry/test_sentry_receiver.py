"""The loopback Sentry decodes envelopes, and says what is wrong with others."""

import gzip
import json
import urllib.error
import urllib.request

import pytest

TRACE = "0af7651916cd43dd8448eb211c80319c"


def post(receiver, body, path="/api/1/envelope/", **headers):
    headers = {"X-Sentry-Auth": "Sentry sentry_key=public"} | headers
    request = urllib.request.Request(receiver.url + path, body, headers)
    try:
        with urllib.request.urlopen(request) as response:
            return response.status
    except urllib.error.HTTPError as error:
        with error:
            return error.code


def envelope(*items, **headers):
    """Build an envelope of (item header, payload bytes); a length is added where the header says ``length: True``."""
    lines = [json.dumps(headers).encode()]
    for header, payload in items:
        given = header | ({"length": len(payload)} if header.get("length") is True else {})
        lines += [json.dumps(given).encode(), payload]
    return b"\n".join(lines)


def log_item(*bodies, **header):
    records = [{"body": body, "level": "info", "timestamp": 1.0, "trace_id": TRACE} for body in bodies]
    fields = {"type": "log", "item_count": len(bodies), "content_type": "application/vnd.sentry.items.log+json"}
    return fields | header, json.dumps({"items": records}).encode()


@pytest.mark.parametrize("length", [True, None], ids=["length-framed", "newline-framed"])
def test_items_are_read_by_their_length_or_else_by_their_line(receiver, length):
    """Both framings of the protocol are understood, compressed too."""
    header = {"length": True} if length else {}
    body = envelope(log_item("one", **header), log_item("two", "three", **header), sent_at="now")
    assert post(receiver, gzip.compress(body), **{"Content-Encoding": "gzip"}) == 200
    assert [log.body for log in receiver.logs] == ["one", "two", "three"]
    assert receiver.envelopes[0].headers == {"sent_at": "now"}
    assert receiver.malformed == []


def test_a_payload_may_contain_newlines_where_it_has_a_length(receiver):
    """An attachment is kept as bytes."""
    post(receiver, envelope(({"type": "attachment", "length": True}, b"a\nb\n"), log_item("after")))
    assert receiver.envelopes[0].items[0].data == b"a\nb\n"
    assert [log.body for log in receiver.logs] == ["after"]


SPAN = {"trace_id": TRACE, "span_id": "b7ad6b7169203331", "name": "n", "status": "ok", "is_segment": True}
SPANS = {"type": "span", "item_count": 1, "content_type": "application/vnd.sentry.items.span.v2+json"}
MALFORMED = {
    "no JSON": (b"nonsense", "the envelope header is not JSON"),
    "item header": (b"{}\nnonsense\n{}", "the item header is not JSON"),
    "list": (b"[]", "the envelope header is not an object"),
    "no type": (b"{}\n{}\n{}", "the item has no type"),
    "too short": (b'{}\n{"type":"x","length":9}\nabc', "the item ends 6 bytes after the envelope"),
    "too long": (b'{}\n{"type":"x","length":1}\nabc', "the item is longer than its length"),
    "payload": (b'{}\n{"type":"event"}\nabc', "the event payload is not JSON"),
    "NaN": (envelope(({"type": "event"}, b'{"a": NaN}')), "NaN is not JSON"),
    "item_count": (envelope(log_item("one", item_count=2)), "item_count is 2, there are 1"),
    "content_type": (envelope(log_item("one", content_type="application/json")), "is not the content type"),
    "too many": (envelope(log_item(*"x" * 101)), "101 records, where 1 to 100 are allowed"),
    "no trace": (envelope((SPANS, json.dumps({"items": [SPAN]}).encode())), "whose trace is None"),
    "no field": (envelope((SPANS, b'{"items": [{}]}')), "KeyError: 'trace_id'"),
    "event id": (envelope(({"type": "event"}, b'{"event_id": "%s"}' % TRACE.encode())), "in the envelope of None"),
}


@pytest.mark.parametrize(("body", "problem"), MALFORMED.values(), ids=MALFORMED)
def test_what_relay_refuses_is_answered_400_and_kept_as_malformed(receiver, body, problem):
    """Nothing is skipped in silence, and nothing of a bad envelope is kept."""
    assert post(receiver, body) == 400
    assert [problem in each.problem for each in receiver.malformed] == [True], receiver.malformed
    assert receiver.envelopes == receiver.logs == receiver.spans == receiver.events == []


def test_an_attribute_must_be_of_its_type(receiver):
    """A string that says it is an integer is refused."""
    span = SPAN | {"start_timestamp": 1, "end_timestamp": 2, "attributes": {"a": {"value": "1", "type": "integer"}}}
    body = envelope((SPANS, json.dumps({"items": [span]}).encode()), trace={"trace_id": TRACE})
    assert post(receiver, body) == 400
    assert "attribute a: '1' is not of type integer" in receiver.malformed[0].problem


def test_a_body_that_does_not_decompress_is_malformed(receiver):
    """The receiver does not hang up on it."""
    assert post(receiver, b"not gzip", **{"Content-Encoding": "gzip"}) == 400
    assert len(receiver.malformed) == 1


def test_requests_need_the_path_and_the_key_of_a_project(receiver):
    """Any other request is malformed."""
    assert post(receiver, envelope(log_item("one")), path="/api/1/store/") == 400
    assert post(receiver, envelope(log_item("one")), **{"X-Sentry-Auth": ""}) == 400
    assert len(receiver.malformed) == 2


def test_clear_forgets_everything(receiver):
    """Afterwards the receiver is as new."""
    post(receiver, envelope(log_item("one")))
    post(receiver, b"nonsense")
    receiver.clear()
    assert (receiver.logs, receiver.envelopes, receiver.malformed, receiver.requests) == ([], [], [], [])
