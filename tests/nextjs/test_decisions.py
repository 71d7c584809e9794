"""The Next application decides about a trace that begins in it, and the Python service does the same."""

import re

import pytest

from nextjs.services import BACKENDS, keeping, pair

pytestmark = pytest.mark.timeout(120)

RUN = "POST /skills/{skill_id}/run"


@pytest.mark.parametrize("backend", BACKENDS)
def test_what_node_drops_python_drops_though_it_would_keep_all_of_its_own(backend, folder):
    with pair(backend, folder, "1", keeping(backend, "0")) as both:
        both.run("image-resize")
        # To Datadog every request is sent, kept or not, for its statistics: by then a kept one would be everywhere.
        both.await_spans("datadog", lambda spans: spans.servers(node=False))
    dropped = both.spans("datadog").named(RUN)
    assert dropped.attributes["_sampling_priority_v1"] == -1
    assert dropped.parent_id, "it goes on with Node's trace"
    assert [span for vendor in BACKENDS for span in both.spans(vendor).all if not span.node] == [dropped]


def test_what_sentry_leaves_open_in_node_python_decides_in_the_same_trace(folder):
    """An SDK without a sample rate makes no spans, and sends a trace without a decision."""
    with pair("sentry", folder, "1", {}) as both:
        page = both.page()
        traced = re.search(rb'name="sentry-trace" content="([0-9a-f]{32})-[0-9a-f]{16}"', page)
        trace_id = traced[1].decode()
        for vendor in BACKENDS:
            both.await_spans(vendor, lambda spans: spans.of(trace_id).all)
    for vendor in BACKENDS:
        (server,) = both.spans(vendor).of(trace_id).all
        assert (server.name, server.node) == ("GET /skills", False)
