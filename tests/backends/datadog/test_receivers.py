"""The loopback receivers are strict: what breaks the vendor's format is not taken."""

import http.client
import socket

import msgspec
import pytest

from anytel.testing.receivers.datadog import DatadogAgent, decode_v04, decode_v05
from anytel.testing.receivers.dogstatsd import DogStatsD, Event, Metric, ServiceCheck, parse

SPAN = {"service": "s", "name": "n", "resource": "r", "trace_id": 1, "span_id": 2, "start": 3, "duration": 4}


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (b"a:1|c", Metric("a", "count", (1.0,))),
        (b"a:1:2.5:-3e2|d|@0.5|#x:y,z", Metric("a", "distribution", (1.0, 2.5, -300.0), 0.5, ("x:y", "z"))),
        (b"a:1|g|T1656581400", Metric("a", "gauge", (1.0,), timestamp=1656581400)),
        (b"a:1|h|c:in-123|e:it-x|card:low", Metric("a", "histogram", (1.0,), 1.0, (), None, "in-123", "it-x", "low")),
        (b"a:1:b|s", Metric("a", "set", ("1:b",))),
        (b"a.b_c:1|ms", Metric("a.b_c", "timing", (1.0,))),
        ("_e{2,3}:ä|a|b|t:error|#x".encode(), Event("ä", "a|b", ("t:error", "#x"))),
        (b"_sc|db.up|2|h:x|m:gone", ServiceCheck("db.up", 2, ("h:x", "m:gone"))),
    ],
)
def test_the_protocol_is_understood(line, expected):
    """Every kind of line, with every section."""
    assert parse(line) == expected


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"a",
        b"a:|c",
        b"a:1",
        b"a:1|",
        b"a:1|x",
        b":1|c",
        b"1a:1|c",
        b"a b:1|c",
        "ä:1|c".encode(),
        b"a" * 201 + b":1|c",
        b"a:x|c",
        b"a:nan|g",
        b"a:inf|g",
        b"a:1_0|g",
        b"a:1:|d",
        b"a:1|c|",
        b"a:1|c|@0",
        b"a:1|c|@2",
        b"a:1|c|@0.5|@0.5",
        b"a:1|g|@0.5",
        b"a:1|s|@0.5",
        b"a:1|h|T5",
        b"a:1|c|T1.5",
        b"a:1|c|#",
        b"a:1|c|#x,",
        b"a:1|c|#x y",
        b"a:1|c|#x:",
        b"a:1|c|#1x",
        b"a:1|c|c:",
        b"a:1|c|card:some",
        b"a:1|c|unknown",
        b"a:\xff|s",
        b"_e{1,1}:ab|c",
        b"_e{9,1}:a|c",
        b"_e{x}:a",
        b"_e{1,1}:a|b|z:1",
        b"_sc|x",
        b"_sc|x|4",
    ],
)
def test_what_breaks_the_protocol_is_refused(line):
    """With an error that says what."""
    with pytest.raises(ValueError, match=r".+"):
        parse(line)


def test_a_bad_line_does_not_hide_its_neighbours():
    """It is kept with its problem, and the rest of the datagram is taken."""
    with DogStatsD() as statsd, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.sendto(b"a:1|c\nb b:1|c\n\nc:1|c\n", (statsd.host, statsd.port))
        assert statsd.wait(lambda seen: seen.datagrams)
        assert [metric.name for metric in statsd.metrics] == ["a", "c"]
        assert [(bad.line, bad.problem) for bad in statsd.malformed] == [
            (b"b b:1|c", "name 'b b'"),
            (b"", "name ''"),
        ]
        statsd.clear()
        assert (statsd.datagrams, statsd.metrics, statsd.malformed) == ([], [], [])


@pytest.mark.parametrize(
    "change",
    [
        {"trace_id": 0},
        {"span_id": 2**64 - 1, "parent_id": -1},
        {"duration": -1},
        {"error": 2},
        {"service": None},
        {"meta": {"a": 1}},
        {"metrics": {"a": "1"}},
        {"meta": {"_dd.p.tid": "xyz"}},
        {"unknown": 1},
    ],
)
def test_a_span_that_breaks_the_format_is_refused(change):
    """Types, ranges and unknown fields."""
    assert decode_v04(msgspec.msgpack.encode([[SPAN]]))[0][0]["span_id"] == 2
    with pytest.raises(ValueError, match=r".+"):
        decode_v04(msgspec.msgpack.encode([[SPAN | change]]))


@pytest.mark.parametrize("traces", [[[]], [[SPAN, SPAN | {"trace_id": 9}]], [[{"name": "n"}]], {}])
def test_a_chunk_that_is_none_is_refused(traces):
    """Empty ones, mixed ones, incomplete ones."""
    with pytest.raises(ValueError, match=r".+"):
        decode_v04(msgspec.msgpack.encode(traces))


def test_a_reference_outside_of_the_string_table_is_refused():
    """v0.5 spans refer to their strings by number."""
    row = (0, 0, 9, 1, 2, 0, 3, 4, 0, {}, {}, 0)
    with pytest.raises(ValueError, match="string table"):
        decode_v05(msgspec.msgpack.encode([["s"], [[row]]]))


@pytest.mark.parametrize(
    ("body", "count", "problem"),
    [
        (msgspec.msgpack.encode([[SPAN]]), "2", "X-Datadog-Trace-Count is 2"),
        (msgspec.msgpack.encode([[SPAN]])[:-1], "1", "truncated"),
        (b"{}", "1", "Expected"),
    ],
)
def test_a_wrong_request_is_answered_with_400(body, count, problem):
    """And adds no traces."""
    with DatadogAgent() as agent:
        client = http.client.HTTPConnection(agent.url.removeprefix("http://"), timeout=10)
        headers = {"Content-Type": "application/msgpack", "X-Datadog-Trace-Count": count}
        client.request("PUT", "/v0.4/traces", body, headers)
        assert client.getresponse().status == 400
        client.close()
        assert agent.traces == []
        assert problem in agent.malformed[0]
