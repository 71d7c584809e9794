"""Servers with several processes, middleware that a vendor's is around, and what breaks coexistence."""

import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from anytel import ConfigError, configure

SENTRY = ("sentry-static", "sentry-stream")


@pytest.mark.parametrize("loaded", [*SENTRY, "ddtrace"])
def test_a_server_span_of_theirs_around_ours_stands_for_it(vendors, loaded):
    """Middleware that was added inside: the vendor has one server span, its own, and ours are below that."""
    with vendors.serving(COEXIST_VENDORS=loaded, COEXIST_PLACE="inside") as ask:
        kept, failed = ask("/work/1"), ask("/boom")
    assert failed == 500
    sentry, datadog = vendors.sentry_spans(kept["trace_id"]), vendors.datadog_spans(kept["trace_id"])
    (segment,) = [span for span in sentry if span.op == "http.server"]
    (server,) = [span for span in datadog if span["type"] == "web"]
    (outer,) = [span for span in sentry if span.name == "outer"]
    (other,) = [span for span in datadog if span["name"] == "outer"]
    assert (outer.parent_span_id, other["parent_id"]) == (segment.span_id, server["span_id"])
    theirs, span_id = (
        (server["span_id"], segment.span_id) if loaded == "ddtrace" else (segment.span_id, server["span_id"])
    )
    assert theirs not in (kept["ids"]["server"], int(kept["ids"]["server"], 16))
    assert span_id in (kept["ids"]["server"], int(kept["ids"]["server"], 16))
    assert len(vendors.issues("ValueError")) == 1


@pytest.mark.timeout(120)
def test_workers_of_a_server_have_one_trace_each_request(vendors):
    """As in one process, with both vendors' tracing in both workers."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    server = subprocess.Popen(
        [sys.executable, "-m", "uvicorn", "service:app", "--workers", "2", "--port", str(port), "--log-level", "error"],
        env=vendors.environment(COEXIST_VENDORS="sentry-static,ddtrace"), cwd=Path(__file__).parent,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        answers = asked(port)
        traces = {answer["trace_id"] for answer in answers}
        vendors.sentry.wait(lambda sentry: traces <= {span.trace_id for span in sentry.spans if span.is_segment}, 30)
        vendors.agent.wait(lambda agent: traces <= {vendors.trace_id(trace) for trace in agent.traces}, 30)
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(60)
    assert len({answer["pid"] for answer in answers}) == 2
    for answer in answers:
        sentry, datadog = vendors.sentry_spans(answer["trace_id"]), vendors.datadog_spans(answer["trace_id"])
        assert [span.span_id for span in sentry if span.op == "http.server"] == [answer["ids"]["server"]]
        assert [span["name"] for span in datadog if span["type"] == "web"] == ["fastapi.request"]
        assert len(sentry) == 6
        assert vendors.priorities(answer["trace_id"]) == {2.0}


def asked(port):
    """Ask until both workers have answered."""
    from tests.coexistence.conftest import ask

    answers, deadline = [], time.monotonic() + 60
    while len({answer["pid"] for answer in answers}) < 2 and time.monotonic() < deadline:
        try:
            answers.append(ask(f"http://127.0.0.1:{port}/work/{len(answers)}", {"connection": "close"}))
        except OSError:
            time.sleep(0.1)  # it does not listen yet
    return answers


def test_export_mode_keeps_our_own_server_span(vendors):
    """The vendor's is then a child of it, and linked all the same."""
    with vendors.serving(COEXIST_VENDORS="ddtrace", TELEMETRY_SPAN_MODE="export") as ask:
        kept = ask("/work/1")
    servers = {span["name"]: span for span in vendors.datadog_spans(kept["trace_id"]) if span["type"] == "web"}
    assert servers["fastapi.request"]["parent_id"] == int(kept["ids"]["server"], 16)
    assert servers["http.server.request"]["span_id"] == int(kept["ids"]["server"], 16)


def test_native_mode_is_refused_where_there_is_no_vendor_s_tracing():
    """The error names the backends."""
    with pytest.raises(ConfigError, match="memory"):
        configure(backends="memory", span_mode="native")
    configure(backends="datadog", span_mode="native")


@pytest.mark.parametrize(
    ("prefix", "environment", "fix"),
    [
        ((), {"COEXIST_VENDORS": "ddtrace", "DD_TRACE_OTEL_ENABLED": "true"}, "unset it"),
        (("ddtrace-run",), {"COEXIST_VENDORS": "ddtrace"}, "keep one of them"),
        ((), {"COEXIST_VENDORS": "sentry-static", "COEXIST_SENTRY": "otlp"}, "setup_propagator=False"),
        ((), {"COEXIST_VENDORS": "sentry-static", "COEXIST_SENTRY": "instrumenter"}, "leave the option out"),
    ],
)
def test_what_breaks_coexistence_is_named_once_with_its_fix(vendors, prefix, environment, fix):
    """By one warning, at the first trace."""
    with vendors.serving(*prefix, **environment) as ask:
        ask("/work/1")
        ask("/work/2")
    assert vendors.output.count(fix) == 1, vendors.output
