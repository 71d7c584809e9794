"""A request to the Next application, and what the Python service does for it, are one trace at each vendor."""

import pytest

from nextjs.services import BACKENDS, keeping, pair
from real.web import await_value

pytestmark = pytest.mark.timeout(180)  # the first test of each vendor waits for the story

TRACE, LONG_TRACE, SPAN = "00000000000000008448eb211c80319c", "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
BROWSER = {
    "sentry": {
        "sentry-trace": f"{LONG_TRACE}-{SPAN}-1",
        "baggage": f"sentry-trace_id={LONG_TRACE},sentry-public_key=public,sentry-sampled=true,sentry-sample_rate=1",
    },
    "datadog": {
        "x-datadog-trace-id": str(int(TRACE, 16)),
        "x-datadog-parent-id": str(int(SPAN, 16)),
        "x-datadog-sampling-priority": "1",
        "x-datadog-origin": "rum",
        "traceparent": f"00-{TRACE}-{SPAN}-01",
        "tracestate": "dd=s:1;o:rum",
    },
    "otlp": {"traceparent": f"00-{LONG_TRACE}-{SPAN}-01"},
}
"""What the browser SDK of each vendor sends; the trace ids of Datadog's have 64 bits."""
SERIES = {
    ("skills.fetches", "ok"): 3,
    ("skills.fetches", "error"): 1,
    ("skills.fetch.duration", "ok"): 3,
    ("skills.fetch.duration", "error"): 1,
}


def arrived(spans):
    """Tell whether the spans of all four requests are there, from the Python service's up to the browser's request."""
    return len([one for one in spans.servers(node=False) if spans.way_up(one)[-1] in spans.servers(node=True)]) == 4


@pytest.fixture(scope="module", params=BACKENDS)
def story(request, folder, _without_settings):
    """Four requests to a Next application that keeps all traces, before a Python service that would keep none.

    For the page, for the page from a browser that traces, for a skill, and for a skill that fails.
    """
    backend = request.param
    with pair(backend, folder, "0", keeping(backend, "1")) as both:
        assert b"<h1>Skills</h1>" in both.page()
        both.page(BROWSER[backend])
        assert both.run("image-resize") == b'{"skill":"image-resize","status":"ok"}'
        with pytest.raises(OSError, match="answered 500"):
            both.run("legacy-sync")
        both.await_spans(backend, arrived)
        for vendor in BACKENDS:
            both.await_spans(vendor, lambda spans: len(spans.servers(node=False)) == 4)
        await_value(both.series, lambda series: len(series) == len(SERIES))
        await_value(lambda: both.sentry.events, lambda events: len(events) == (2 if backend == "sentry" else 1))
    return both


@pytest.fixture
def spans(story):
    """Give the spans of both services at the vendor of the Next application."""
    return story.spans(story.backend)


def python_server(spans, name, *, failed=False):
    """Give the Python service's span for a request that no browser has begun."""
    servers = (one for one in spans.servers(node=False) if one.trace_id not in (TRACE, LONG_TRACE))
    (found,) = (one for one in servers if (one.name, one.failed) == (name, failed))
    return found


def assert_way(way, *names):
    """Assert that *way* has spans of these *names* in Python, and above them a call of Node's for a request to it."""
    python, (client, fetch, *_, server) = way[: len(names)], way[len(names) :]
    assert [(one.name, one.node) for one in python] == [(name, False) for name in names]
    assert (client.kind, client.node) == ("client", True)
    assert (fetch.name, fetch.node) == ("skills.fetch", True)
    assert (server.kind, server.node) == ("server", True)


def test_a_page_is_one_trace_from_the_request_to_the_python_service(spans):
    server = python_server(spans, "GET /skills")
    way = spans.way_up(server)
    assert_way(way, "GET /skills")
    assert way[-1].name == "GET /"
    assert spans.of(server.trace_id).roots() == [way[-1]]
    assert not way[-1].parent_id


def test_what_the_python_service_does_is_below_the_route_handler_that_called_it(spans):
    trace = spans.of(python_server(spans, "POST /skills/{skill_id}/run").trace_id)
    way = trace.way_up(trace.named("mcp.call"))
    assert_way(way, "mcp.call", "skills.run", "POST /skills/{skill_id}/run")
    assert way[-1].name == "POST /skills/[skill]/run"
    assert trace.roots() == [way[-1]]


def test_a_trace_of_the_browser_goes_on_in_both_services(spans, story):
    trace = spans.of(TRACE if story.backend == "datadog" else LONG_TRACE)
    (server,) = trace.servers(node=False)
    assert_way(trace.way_up(server), "GET /skills")
    (root,) = trace.roots()
    assert (root.name, root.node, root.parent_id) == ("GET /", True, SPAN)


def test_a_failure_of_the_python_service_is_an_error_in_both(spans, story):
    server = python_server(spans, "POST /skills/{skill_id}/run", failed=True)
    _, _, fetch, *_, root = spans.way_up(server)
    assert (fetch.failed, root.failed) == (True, True)
    reported = {event["contexts"]["trace"]["trace_id"] for event in story.sentry.events}
    assert reported == {server.trace_id}


@pytest.mark.parametrize("other", BACKENDS)
def test_the_python_spans_have_the_same_ids_and_parents_at_every_vendor(story, spans, other):
    def ids(received):
        return {(one.trace_id, one.span_id, one.parent_id) for one in received.all if not one.node}

    assert ids(story.spans(other)) == ids(spans)
    assert len(ids(spans)) == 2 + 2 * 3


def test_the_next_application_s_metrics_arrive(story):
    assert story.series() == SERIES


def test_the_receivers_found_nothing_malformed(story):
    assert story.malformed() == []
