"""What the Agent receives for a span."""

import json
import os
import subprocess
import sys

import pytest

from anytel.backend import Event, ExceptionRecord, Link
from anytel.testing.receivers.datadog import trace_id_of


def test_a_span_keeps_its_ids_times_and_name(send, make):
    """Both halves of the trace id, the span id, the start and the duration arrive to the bit."""
    [span] = send(make.span("work", 2**64 - 1, start_ns=make.start, end_ns=make.start + 5))
    assert trace_id_of([span]) == make.trace_id
    assert (span["span_id"], span["parent_id"]) == (2**64 - 1, 0)
    assert (span["start"], span["duration"]) == (make.start, 5)
    assert (span["name"], span["resource"], span["service"], span["type"]) == ("work", "work", "shop", "")


def test_spans_of_one_trace_are_one_chunk_in_the_order_they_began(send, make):
    """The parent comes first even where parent and child began in the same nanosecond."""
    root = make.span("root", 1, start_ns=make.start)
    child = make.span("child", 2, parent_id=1, root_id=1, start_ns=make.start)
    late = make.span("late", 3, parent_id=1, root_id=1, start_ns=make.start + 1)
    trace = send(late, child, root)
    assert [span["name"] for span in trace] == ["root", "child", "late"]
    assert [span["parent_id"] for span in trace] == [0, 1, 1]


def test_spans_of_two_traces_are_two_chunks(backend, agent, make):
    """Each trace has a chunk of its own, in one request."""
    other = make.context(2, trace_id=7)
    ack = backend.spans([make.span(), make.span(context=other)], make.soon())
    assert ack.delivered == 2
    assert sorted(map(trace_id_of, agent.traces)) == [7, make.trace_id]
    assert len(agent.requests) == 1


def test_only_the_first_span_of_a_chunk_carries_the_marks_of_the_trace(send, make):
    """The priority, the decision maker, the upper half of the id and the process are on the first span alone."""
    first, second = send(make.span("child", 2, parent_id=1, root_id=1), make.span("root", 1))
    marks = {"_dd.p.tid": "0123456789abcdef", "_dd.p.dm": "-4", "language": "python"}
    assert marks.items() <= first["meta"].items()
    assert first["metrics"] == {
        "_sampling_priority_v1": 2.0,
        "_dd.tracer_kr": 1.0,
        "_dd.top_level": 1.0,
        "process_id": os.getpid(),
    }
    assert len(first["meta"]["runtime-id"]) == 32
    assert second["meta"] == {"env": "prod", "version": "1.4.0"}
    assert second["metrics"] == {}


def test_a_chunk_without_its_root_is_marked_partial(send, make):
    """The spans that stream before their root ends are marked as ddtrace marks a partial flush."""
    first, _ = send(make.span("b", 3, parent_id=1, root_id=1), make.span("a", 2, parent_id=1, root_id=1))
    assert first["metrics"]["_dd.py.partial_flush"] == 2
    assert first["metrics"]["_sampling_priority_v1"] == 2


def test_an_unsampled_root_is_sent_with_the_priority_that_drops(send, make):
    """The Agent counts it in the statistics and keeps it not."""
    [span] = send(make.span(context=make.context(sampled=False, sample_rate=0.1)))
    assert span["metrics"]["_sampling_priority_v1"] == -1
    assert span["meta"]["_dd.p.dm"] == "-4"


@pytest.mark.parametrize(
    ("tracestate", "decision_maker"),
    [("", None), ("x=1,dd=s:2;o:rum;t.dm:-3;p:00f067aa0ba902b7,y=2", "-3"), ("dd=s:1", None), ("xdd=t.dm:-3", None)],
)
def test_an_upstream_decision_keeps_its_maker(send, make, tracestate, decision_maker):
    """Who decided upstream is what its tracestate says, and never us."""
    [span] = send(make.span(context=make.context(sample_rate=None, tracestate=tracestate)))
    assert span["meta"].get("_dd.p.dm") == decision_maker
    assert span["metrics"]["_sampling_priority_v1"] == 2


def test_attributes_are_text_or_numbers(send, make):
    """Numbers become metrics; booleans, lists and text become meta."""
    attributes = {"n": 3, "f": 1.5, "big": 2**62, "flag": True, "off": False, "text": "x", "list": ("a", 1, True)}
    [span] = send(make.span(attributes=attributes))
    assert {key: span["metrics"][key] for key in ("n", "f", "big")} == {"n": 3.0, "f": 1.5, "big": float(2**62)}
    text = {"flag": "True", "off": "False", "text": "x", "list": '["a",1,true]'}
    assert text.items() <= span["meta"].items()


def test_a_span_of_another_service_names_the_base_service(send, make):
    """Its own version is unknown, so it has none."""
    _, other = send(
        make.span(
            "query", 2, parent_id=1, root_id=1, service="db", service_entry=True, attributes={"service.name": "db"}
        ),
        make.span("root", 1),
    )
    assert other["service"] == "db"
    assert other["meta"] == {"env": "prod", "_dd.base_service": "shop", "_dd.svc_src": "m"}
    assert other["metrics"] == {"_dd.top_level": 1.0}


@pytest.mark.parametrize(
    ("kind", "type_"), [("server", "web"), ("client", ""), ("producer", "worker"), ("consumer", "worker")]
)
def test_a_kind_is_tagged_typed_and_measured(send, make, kind, type_):
    """Every span that crosses the process's border gets statistics of its own."""
    [span] = send(make.span(kind=kind))
    assert (span["meta"]["span.kind"], span["type"]) == (kind, type_)
    assert span["metrics"]["_dd.measured"] == 1


def test_an_http_server_span_is_what_datadog_shows_requests_by(send, make):
    """OpenTelemetry's attributes get Datadog's names; the span's own name is the resource."""
    attributes = {
        "http.request.method": "POST",
        "http.response.status_code": 200,
        "http.route": "/revalidate",
        "url.scheme": "https",
        "url.path": "/revalidate",
        "server.address": "shop.test",
        "server.port": 8443,
        "user_agent.original": "curl/8",
        "client.address": "10.0.0.7",
        "network.protocol.version": "1.1",
    }
    [span] = send(make.span("POST /revalidate", kind="server", attributes=attributes))
    assert (span["name"], span["resource"], span["type"]) == ("http.server.request", "POST /revalidate", "web")
    expected = {
        "http.method": "POST",
        "http.status_code": "200",
        "http.route": "/revalidate",
        "http.url": "https://shop.test:8443/revalidate",
        "http.useragent": "curl/8",
        "http.client_ip": "10.0.0.7",
        "http.version": "1.1",
        "url.path": "/revalidate",
    }
    assert expected.items() <= span["meta"].items()
    assert not {"http.request.method", "http.response.status_code", "out.host"} & span["meta"].keys()
    assert "http.response.status_code" not in span["metrics"]


def test_an_http_client_span_names_the_host_it_calls(send, make):
    """Datadog infers the called service from it."""
    attributes = {
        "http.request.method": "GET",
        "url.full": "http://cdn/a?b",
        "server.address": "cdn",
        "server.port": 80,
    }
    [span] = send(make.span("GET", kind="client", attributes=attributes))
    assert (span["name"], span["type"]) == ("http.client.request", "http")
    assert (span["meta"]["http.url"], span["meta"]["out.host"]) == ("http://cdn/a?b", "cdn")
    assert span["metrics"]["network.destination.port"] == 80


@pytest.mark.parametrize(("system", "type_"), [("postgresql", "sql"), ("redis", "cache"), ("mongodb", "db")])
def test_a_database_call_is_typed_by_its_system(send, make, system, type_):
    """The attributes of a database call get Datadog's names."""
    [span] = send(make.span("SELECT", kind="client", attributes={"db.system.name": system, "db.namespace": "orders"}))
    assert (span["type"], span["meta"]["db.system"], span["meta"]["db.name"]) == (type_, system, "orders")


def test_datadogs_own_attributes_decide(send, make):
    """operation.name, resource.name and span.type set the fields of the span, and are no attributes then."""
    attributes = {"operation.name": "op", "resource.name": "res", "span.type": "graphql", "http.method": "X"}
    [span] = send(make.span("n", kind="server", attributes=attributes | {"http.request.method": "GET"}))
    assert (span["name"], span["resource"], span["type"]) == ("op", "res", "graphql")
    assert span["meta"]["http.method"] == "X"
    assert not {"operation.name", "resource.name", "span.type"} & span["meta"].keys()


def test_an_exception_is_an_error_with_its_stack(send, make):
    """The type has its module, as ddtrace writes it."""
    [span] = send(make.span(status="error", status_message="bad", exception=make.exception()))
    assert span["error"] == 1
    assert (span["meta"]["error.type"], span["meta"]["error.message"]) == ("builtins.ValueError", "bad")
    assert span["meta"]["error.stack"].splitlines()[-1] == "ValueError: bad"


def test_a_stack_that_is_too_long_keeps_its_end(send, make):
    """The Agent cuts at 25,000 characters; the end says what went wrong."""
    cause = ExceptionRecord("ValueError", "builtins", "x" * 8_000, ())
    for _ in range(5):
        cause = ExceptionRecord("ValueError", "builtins", "x" * 8_000, (), cause)
    exception = ExceptionRecord("LookupError", "builtins", "the last", (), cause)
    [span] = send(make.span(status="error", exception=exception))
    assert len(span["meta"]["error.stack"]) <= 25_000
    assert span["meta"]["error.stack"].endswith("LookupError: the last\n")


def test_a_failure_without_an_exception_is_an_error_with_a_message(send, make):
    """What span.fail says is the error's message."""
    [span] = send(make.span(status="error", status_message="quota"))
    assert (span["error"], span["meta"]["error.message"]) == (1, "quota")
    assert "error.type" not in span["meta"]


def test_events_arrive_with_their_times_and_types(send, make):
    """They travel as JSON in meta, where ddtrace puts them."""
    events = (Event("retry", make.start, {"attempt": 2, "ok": True, "l": ("a", "b")}), Event("bare", 5, {}))
    [span] = send(make.span(events=events))
    assert json.loads(span["meta"]["events"]) == [
        {"name": "retry", "time_unix_nano": make.start, "attributes": {"attempt": 2, "ok": True, "l": ["a", "b"]}},
        {"name": "bare", "time_unix_nano": 5},
    ]


def test_links_arrive_with_both_halves_of_the_id(send, make):
    """Attribute values are text, and a list is one attribute for each member, as ddtrace sends them."""
    attributes = {"a": 1, "c": True, "l": (1, 2)}
    link = Link(make.context(7, tracestate="dd=s:1"), attributes)
    [span] = send(make.span(links=(link, Link(make.context(8, trace_id=9, sampled=False), {}))))
    full, bare = span["span_links"]
    assert full == {
        "trace_id": make.trace_id % 2**64,
        "trace_id_high": make.trace_id >> 64,
        "span_id": 7,
        "attributes": {"a": "1", "c": "true", "l.0": "1", "l.1": "2"},
        "tracestate": "dd=s:1",
        "flags": 0x8000_0001,
    }
    assert (bare["trace_id"], bare["trace_id_high"], bare["flags"]) == (9, 0, 0x8000_0000)


def test_what_went_over_a_limit_is_told(send, make):
    """The number of dropped attributes, events and links is on the span."""
    [span] = send(make.span(dropped={"attributes": 2, "events": 0}, scope="httpx"))
    assert span["metrics"]["anytel.dropped.attributes"] == 2
    assert "anytel.dropped.events" not in span["metrics"]
    assert span["meta"]["otel.scope.name"] == "httpx"


def test_dd_tags_are_on_every_span(environment, agent, statsd, host, make):
    """They do not override the service, the environment or the version."""
    from anytel_datadog import DatadogBackend

    environment.setenv("DD_TAGS", "team:core, env:other,region:eu:west")
    backend = DatadogBackend(agent_url=agent.url, dogstatsd_url=statsd.url)
    backend.open(host)
    backend.spans([make.span()], make.soon())
    backend.close(make.soon())
    meta = agent.spans[0]["meta"]
    assert (meta["team"], meta["env"], meta["region"]) == ("core", "prod", "eu:west")


def test_the_headers_are_those_of_ddtrace(send, agent, make):
    """Without the one that claims the statistics were computed here."""
    send(make.span())
    headers = agent.requests[0].headers
    assert headers["datadog-meta-lang"] == "python"
    assert headers["datadog-meta-tracer-version"]
    assert headers["x-datadog-trace-count"] == "1"
    assert headers["datadog-client-computed-top-level"] == "true"
    assert headers["datadog-send-real-http-status"] == "1"
    assert "datadog-client-computed-stats" not in headers


def test_the_runtime_id_is_that_of_ddtrace_where_it_is_loaded():
    """Spans and profiles of one process are tied by it; loading the backend loads no ddtrace."""
    code = (
        "import sys; from anytel_datadog.chunks import Renderer; assert 'ddtrace' not in sys.modules;"
        "import ddtrace; from ddtrace.internal.runtime import get_runtime_id;"
        "assert Renderer({}, {})._process['runtime-id'] == get_runtime_id()"
    )
    path = os.pathsep.join(sys.path)
    env = {
        **os.environ,
        "PYTHONPATH": path,
        "DD_INSTRUMENTATION_TELEMETRY_ENABLED": "false",
        "DD_TRACE_ENABLED": "false",
    }
    ran = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=False, timeout=50)
    assert ran.returncode == 0, ran.stderr
