"""The same span tree through ddtrace and through this backend, compared on the wire.

Stated differences, all else being equal:

* ``_dd.tags.process``: ddtrace describes the process's entry point; we do not.
* ``error.stack``: ddtrace's has the source position marks (``^^^^``) of Python 3.11 and later; a record has no columns.
* ``events``: the order of attributes in the JSON text.
* ids, times, ``runtime-id``, ``process_id``: of each their own; the shape of the tree is compared instead.
* headers: ``User-Agent``, and the version of the tracer.
"""

import json
import os
import subprocess
import sys

import pytest

from anytel.backend import Event, Link
from anytel.testing.receivers.datadog import DatadogAgent, trace_id_of

TREE = """
from ddtrace.trace import Context, tracer

T = 0x0123456789ABCDEF_FEDCBA9876543210
decided = Context(trace_id=T, span_id=0, sampling_priority=2, meta={"_dd.p.dm": "-4"}, is_remote=False)
with tracer.start_span("shop.request", child_of=decided, activate=True, resource="POST /pay", span_type="web") as root:
    for key, value in {"span.kind": "server", "flag": True, "n": 3, "f": 1.5, "text": "x", "_dd.measured": 1}.items():
        root.set_tag(key, value)
    root._add_event("retry", {"attempt": 2, "ok": True, "who": "x"}, 1234567890123456789)
    linked = Context(trace_id=T + 1, span_id=7, sampling_priority=1)
    root.link_span(linked, {"a": 1, "b": "x", "c": True, "l": [1, 2]})
    with tracer.start_span("child", child_of=root, activate=True):
        pass
    with tracer.start_span("query", child_of=root, activate=True, service="db") as query:
        try:
            with tracer.start_span("boom", child_of=query, activate=True):
                try:
                    1 / 0
                except ZeroDivisionError as error:
                    raise LookupError("bad") from error
        except LookupError:
            pass
tracer.flush()
"""
OWN = frozenset({"span_id", "parent_id", "start", "duration"})
DIFFERENT = frozenset({"_dd.tags.process", "error.stack", "events", "runtime-id", "process_id"})


@pytest.fixture(scope="module")
def theirs(tmp_path_factory):
    """Run the tree through ddtrace in a process of its own; give the agent that received it, which is closed."""
    script = tmp_path_factory.mktemp("ddtrace") / "tree.py"
    script.write_text(TREE)
    with DatadogAgent() as agent:
        settings = {
            "TRACE_AGENT_URL": agent.url,
            "TRACE_API_VERSION": "v0.4",
            "SERVICE": "shop",
            "ENV": "prod",
            "VERSION": "1.4.0",
            "TAGS": "team:core",
            "INSTRUMENTATION_TELEMETRY_ENABLED": "false",
            "REMOTE_CONFIGURATION_ENABLED": "false",
        }
        env = {**os.environ, **{f"DD_{name}": value for name, value in settings.items()}}
        subprocess.run([sys.executable, script], env=env, check=True, timeout=50)
        assert agent.wait(lambda seen: seen.traces)
        assert agent.malformed == []
    return agent


@pytest.fixture
def ours(environment, agent, statsd, host, make):
    """Send the same tree through the backend; give the agent that received it."""
    from anytel_datadog import DatadogBackend

    environment.setenv("DD_TAGS", "team:core")
    below = {"root_id": 1, "root_name": "POST /pay"}
    zero = make.exception("ZeroDivisionError", "division by zero")
    attributes = {"flag": True, "n": 3, "f": 1.5, "text": "x", "operation.name": "shop.request"}
    root = make.span(
        "POST /pay",
        1,
        kind="server",
        attributes=attributes,
        events=(Event("retry", 1234567890123456789, {"attempt": 2, "ok": True, "who": "x"}),),
        links=(
            Link(
                make.context(7, trace_id=make.trace_id + 1, tracestate="dd=s:1"),
                {"a": 1, "b": "x", "c": True, "l": (1, 2)},
            ),
        ),
    )
    child = make.span("child", 2, parent_id=1, **below)
    query = make.span("query", 3, parent_id=1, service="db", **(below | {"service_entry": True}))
    boom = make.span(
        "boom",
        4,
        parent_id=3,
        service="db",
        status="error",
        exception=make.exception("LookupError", "bad", cause=zero),
        **below,
    )
    backend = DatadogBackend(agent_url=agent.url, dogstatsd_url=statsd.url)
    backend.open(host)
    assert backend.spans([child, boom, query, root], make.soon()).delivered == 4
    backend.close(make.soon())
    return agent


def comparable(span):
    """Give all of a span but what is its own and what is stated to differ."""
    fields = {key: value for key, value in span.items() if key not in OWN}
    return fields | {
        part: {key: value for key, value in span[part].items() if key not in DIFFERENT} for part in ("meta", "metrics")
    }


def test_every_field_of_every_span_is_what_ddtrace_sends(theirs, ours):
    """Field by field, tag by tag, save the stated differences."""
    [mine], [reference] = ours.traces, theirs.traces
    assert [comparable(span) for span in mine] == [comparable(span) for span in reference]
    assert trace_id_of(mine) == trace_id_of(reference)


def test_the_differences_are_those_stated(theirs, ours):
    """No tag but those stated is on one side only."""
    for mine, reference in zip(ours.spans, theirs.spans, strict=True):
        for part in ("meta", "metrics"):
            assert mine[part].keys() ^ reference[part].keys() <= {"_dd.tags.process"}


def test_the_tree_has_the_same_shape(theirs, ours):
    """Every span has the same parent as ddtrace's."""

    def shape(trace):
        places = {span["span_id"]: place for place, span in enumerate(trace)}
        return [places.get(span["parent_id"]) for span in trace]

    assert shape(ours.traces[0]) == shape(theirs.traces[0]) == [None, 0, 0, 2]


def test_events_say_the_same(theirs, ours):
    """The JSON texts differ in the order of attributes only."""
    mine, reference = (json.loads(agent.spans[0]["meta"]["events"]) for agent in (ours, theirs))
    assert mine == reference


def test_the_stacks_tell_the_same_story(theirs, ours):
    """Cause, connecting sentence and error are in the same order."""

    def story(agent):
        lines = agent.spans[3]["meta"]["error.stack"].splitlines()
        return [line for line in lines if line and not line.startswith("  ")]

    assert story(ours) == story(theirs)
    assert len(story(ours)) == 5


def test_the_headers_are_the_same(theirs, ours):
    """Save the stated ones, and those of HTTP itself."""
    transport = {"host", "user-agent", "content-length", "accept-encoding", "datadog-meta-tracer-version"}
    container = {"datadog-container-id", "datadog-entity-id", "datadog-external-env"}

    def headers(agent):
        request = next(request for request in agent.requests if request.path == "/v0.4/traces")
        return {name: value for name, value in request.headers.items() if name not in transport | container}

    assert headers(ours) == headers(theirs)


def test_the_receiver_reads_ddtraces_default_version_too(tmp_path):
    """Without a version asked for, ddtrace speaks v0.5, and the receiver sees the same spans."""
    script = tmp_path / "tree.py"
    script.write_text(TREE)
    with DatadogAgent() as agent:
        env = {key: value for key, value in os.environ.items() if key != "DD_TRACE_API_VERSION"}
        env |= {"DD_TRACE_AGENT_URL": agent.url, "DD_INSTRUMENTATION_TELEMETRY_ENABLED": "false"}
        subprocess.run([sys.executable, script], env=env, check=True, timeout=50)
        assert agent.wait(lambda seen: seen.traces)
        assert agent.malformed == []
        assert [span["name"] for span in agent.spans] == ["shop.request", "child", "query", "boom"]
        assert {request.path for request in agent.requests} >= {"/v0.5/traces"}
        assert trace_id_of(agent.traces[0]) == 0x0123456789ABCDEF_FEDCBA9876543210
