"""Datadog's own test agent accepts our traces, and none of its checks fails."""

import pytest

import anytel

NO_STATSD = "udp://127.0.0.1:9"


def by_name(spans):
    return {span["name"]: span for span in spans}


@pytest.fixture
def tree(agent, configured, delivered):
    """Give the spans of one program, and the trace that the agent shows."""
    configured("datadog", DD_TRACE_AGENT_URL=agent.url, DD_DOGSTATSD_URL=NO_STATSD, DD_TAGS="team:core")
    attributes = {"http.request.method": "POST", "http.route": "/pay", "http.response.status_code": 500, "items": 3}
    query = {"db.system.name": "postgresql", "service.name": "shop-db"}
    with (
        anytel.span("POST /pay", kind="server", attributes=attributes) as root,
        anytel.span("pay", links=[root]) as pay,
    ):
        pay.event("retry", {"attempt": 2, "note": 'a "quoted" one'})
        with pytest.raises(ValueError), anytel.span("pg.query", kind="client", attributes=query) as charge:
            raise ValueError("declined")
    delivered()
    (trace,) = agent.traces()
    return (root, pay, charge), by_name(trace), agent


def test_a_trace_is_shown_as_the_tree_that_was_recorded(tree):
    """Ids, parents, services and times; the upper half of the trace id is at the local root."""
    (root, pay, charge), shown, _ = tree

    ids = {name: (span["span_id"], span.get("parent_id", 0)) for name, span in shown.items()}

    root_id, pay_id, charge_id = (int(span.span_id, 16) for span in (root, pay, charge))
    assert ids == {
        "http.server.request": (root_id, 0),
        "pay": (pay_id, root_id),
        "pg.query": (charge_id, pay_id),
    }
    top = shown["http.server.request"]
    assert {f"{top['meta']['_dd.p.tid']}{span['trace_id']:016x}" for span in shown.values()} == {root.trace_id}
    assert {name: span["service"] for name, span in shown.items()} == {
        "http.server.request": "shop",
        "pay": "shop",
        "pg.query": "shop-db",
    }
    assert all(span["start"] >= top["start"] and span["duration"] > 0 for span in shown.values())


def test_names_types_errors_and_tags_are_datadogs(tree):
    """The operation and resource of a request, the type of a query, the error of an exception, the constant tags."""
    _, shown, _ = tree
    top, query = shown["http.server.request"], shown["pg.query"]

    assert (top["resource"], top["type"], top["meta"]["http.status_code"]) == ("POST /pay", "web", "500")
    assert top["metrics"]["items"] == 3
    assert (query["type"], query["meta"]["db.system"], query["meta"]["span.kind"]) == ("sql", "postgresql", "client")
    assert (query["error"], query["meta"]["error.type"]) == (1, "builtins.ValueError")
    assert query["meta"]["error.message"] == "declined"
    assert "raise ValueError" in query["meta"]["error.stack"]
    assert {span["meta"]["team"] for span in shown.values()} == {"core"}
    assert {(span["meta"]["env"], top["meta"]["version"]) for span in shown.values()} == {("test", "1.4.0")}


def test_no_check_fails(tree):
    """The checks of headers, lengths and events have run, and none has failed."""
    *_, agent = tree

    checks = agent.checks()

    passed = {name for name, counts in checks.items() if counts["Passed_Checks"]}
    assert passed >= {"trace_count_header", "meta_tracer_version_header", "trace_content_length"}
    assert passed >= {"meta_events_is_valid_json"}
    assert {name: counts for name, counts in checks.items() if counts["Failed_Checks"]} == {}


def test_of_a_trace_that_is_not_kept_the_root_arrives_with_priority_minus_one(agent, configured, delivered):
    """The agent counts the request and stores nothing of it; of one that is kept the priority is 2."""
    settings = {"DD_TRACE_AGENT_URL": agent.url, "DD_DOGSTATSD_URL": NO_STATSD}
    for rate, priority, spans in (("0", -1, ["job"]), ("1", 2, ["job", "step"])):
        configured("datadog", **settings, TELEMETRY_SAMPLE_RATE=rate)
        with anytel.span("job"), anytel.span("step"):
            pass
        delivered()

        (trace,) = agent.traces()
        agent.clear()

        assert sorted(span["name"] for span in trace) == spans
        assert by_name(trace)["job"]["metrics"]["_sampling_priority_v1"] == priority


def test_a_trace_in_pieces_is_put_together_by_its_ids(agent, configured, delivered):
    """What is flushed while the root is still open is a chunk of the same trace."""
    configured("datadog", DD_TRACE_AGENT_URL=agent.url, DD_DOGSTATSD_URL=NO_STATSD)
    with anytel.span("root") as root:
        with anytel.span("early"):
            pass
        delivered()
        with anytel.span("late"):
            pass
    delivered()

    (trace,) = agent.traces()

    shown = by_name(trace)
    assert {shown[name]["parent_id"] for name in ("early", "late")} == {int(root.span_id, 16)}
    assert len(trace) == 3
