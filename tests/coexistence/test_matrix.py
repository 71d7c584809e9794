"""Every combination of vendors' own tracing with ours, each in its own process, over real HTTP, as vendors see it.

One 128-bit trace id and one decision; one server span per request and vendor; vendors' spans in ours and ours in
theirs; one issue per exception; headers to the next service that say the same.
"""

import itertools

import pytest

UPSTREAM = "0af7651916cd43dd8448eb211c80319c"
PARENT = "b7ad6b7169203331"
COMBINATIONS = [
    ("", "before", ()),
    *itertools.product(["sentry-static", "sentry-stream", "ddtrace"], ["before", "after"], [()]),
    ("", "before", ("ddtrace-run",)),
    *itertools.product(["sentry-static,ddtrace", "sentry-stream,ddtrace"], ["before", "after"], [()]),
    ("sentry-static", "before", ("ddtrace-run",)),
    ("sentry-stream", "after", ("ddtrace-run",)),
    ("sentry-static,ddtrace", "late", ()),
    ("otel", "before", ()),
    ("otel", "after", ()),
]


@pytest.mark.timeout(120)
@pytest.mark.parametrize(("loaded", "order", "prefix"), COMBINATIONS)
def test_a_trace_is_one_at_every_vendor(vendors, loaded, order, prefix):
    """Kept, dropped upstream, and failing."""
    with vendors.serving(*prefix, COEXIST_VENDORS=loaded, COEXIST_ORDER=order) as ask:
        if order == "late":
            ask("/load")
        kept = ask("/work/1", sentry_trace="malformed", baggage="sentry-org_id=77,other=1")
        dropped = ask("/work/2", traceparent=f"00-{UPSTREAM}-{PARENT}-00")
        continued = ask("/work/3", sentry_trace=f"{UPSTREAM[::-1]}-{PARENT}-1", baggage="sentry-org_id=77")
        failed = ask("/boom"), ask("/direct")
        captured = ask("/captured") if "sentry" in loaded else None

    sentry, datadog = "sentry" in loaded, "ddtrace" in loaded or bool(prefix)
    assert (kept["sampled"], dropped["sampled"], continued["sampled"], failed) == (True, False, True, (500, 500))
    assert (dropped["trace_id"], continued["trace_id"]) == (UPSTREAM, UPSTREAM[::-1])
    assert vendors.sentry.malformed == []
    assert vendors.agent.malformed == []
    check_sentry(vendors, kept, parent=None, theirs=sentry)
    check_sentry(vendors, continued, parent=PARENT, theirs=sentry)
    assert vendors.sentry_spans(UPSTREAM) == []
    for answer, parent, priority in ((kept, 0, 2), (continued, int(PARENT, 16), 2), (dropped, int(PARENT, 16), -1)):
        check_datadog(vendors, answer, parent=parent, priority=priority, theirs=datadog, wrapped=order != "late")
        check_headers(answer, sentry=sentry, datadog=datadog)
    for kind in ("ValueError", "LookupError", *(("KeyError",) if captured else ())):
        check_issue(vendors, kind)
    if captured:
        (event,) = vendors.issues("KeyError")
        assert event["contexts"]["trace"]["trace_id"] == captured["trace_id"]
    if order != "late":  # the request in which ddtrace was loaded had begun without it
        assert foreign(vendors) == set()


def check_sentry(vendors, answer, *, parent, theirs):
    """Ours, and those that Sentry's SDK has made, are one tree."""
    ids, spans = answer["ids"], vendors.sentry_spans(answer["trace_id"])
    (server,) = [span for span in spans if span.op == "http.server"]
    assert (server.span_id, server.parent_span_id, server.is_segment) == (ids["server"], parent, True)
    by_name = {span.name: span for span in spans}
    assert by_name["outer"].parent_span_id == ids["server"]
    if not theirs:
        assert len(spans) == 3
        assert by_name["inner"].parent_span_id == ids["outer"]
        return
    assert len(spans) == 6
    assert by_name["theirs"].parent_span_id == ids["outer"]
    assert by_name["inner"].parent_span_id == by_name["theirs"].span_id
    calls = {span.name.rpartition("/")[2]: span for span in spans if span.op == "http.client"}
    assert (calls["echo"].parent_span_id, calls["inner"].parent_span_id) == (ids["outer"], ids["inner"])
    assert answer["echoed"]["sentry-trace"] == f"{answer['trace_id']}-{calls['echo'].span_id}-1"


def check_datadog(vendors, answer, *, parent, priority, theirs, wrapped):
    """Ours, and those that ddtrace has made, are one tree with one priority."""
    ids, spans = answer["ids"], vendors.datadog_spans(answer["trace_id"])
    assert vendors.priorities(answer["trace_id"]) == {priority}
    (server,) = [span for span in spans if span["type"] == "web"]
    assert (server["parent_id"], server["meta"]["user.tier"]) == (parent, "gold")
    # An application that has served already is not wrapped by a ddtrace that is loaded then.
    assert (server["name"] == "fastapi.request") == (theirs and wrapped)
    names = {span["resource"]: span for span in spans if span["name"] != "http.request"}
    if priority > 0:
        assert names["outer"]["span_id"] == int(ids["outer"], 16)
        assert names["outer"]["parent_id"] == server["span_id"]
        inside = names["theirs"]["span_id"] if theirs else names["outer"]["span_id"]
        assert (names["inner"]["span_id"], names["inner"]["parent_id"]) == (int(ids["inner"], 16), inside)
    if theirs:
        outer, inner = (names["outer"], names["inner"]) if priority > 0 else (server, names["theirs"])
        assert names["theirs"]["parent_id"] == outer["span_id"]
        calls = {span["parent_id"] for span in spans if span["name"] == "http.request"}
        assert calls == {outer["span_id"], inner["span_id"]}
    known = {span["span_id"] for span in spans} | {parent}
    assert [span["resource"] for span in spans if span["parent_id"] not in known] == []


def check_headers(answer, *, sentry, datadog):
    """The next service is told one id and one decision, by whichever vendor's SDK instruments the client."""
    headers, trace_id, sampled = answer["echoed"], answer["trace_id"], answer["sampled"]
    if sentry:
        assert headers["sentry-trace"].split("-")[::2] == [trace_id, "01"[sampled]]
        members = dict(member.split("=") for member in headers["baggage"].split(","))
        assert (members["sentry-trace_id"], members["sentry-sampled"]) == (trace_id, str(sampled).lower())
        assert members.get("sentry-org_id") != "77"
    if datadog:
        assert headers["traceparent"].split("-")[1::2] == [trace_id, f"{int(sampled):02x}"]
        low, high = int(headers["x-datadog-trace-id"]), headers["x-datadog-tags"].partition("tid=")[2][:16]
        assert f"{high}{low:016x}" == trace_id
        assert headers["x-datadog-sampling-priority"] == ("2" if sampled else "-1")


def check_issue(vendors, kind):
    """One issue, in a trace that Sentry has, and one failed server span at each vendor."""
    (event,) = vendors.issues(kind)
    trace_id = event["contexts"]["trace"]["trace_id"]
    spans = vendors.sentry_spans(trace_id)
    assert event["contexts"]["trace"]["span_id"] in {span.span_id for span in spans}
    assert event["contexts"]["trace"]["trace_id"] in {span.trace_id for span in vendors.sentry.spans}
    if kind != "KeyError":
        assert [span.status for span in spans if span.op == "http.server"] == ["error"]
        assert [span["error"] for span in vendors.datadog_spans(trace_id) if span["type"] == "web"] == [1]


def foreign(vendors):
    """Give the traces that one vendor has and the other has not, but for those that were dropped."""
    ours = {span.trace_id for span in vendors.sentry.spans}
    theirs = {
        trace_id for trace in vendors.agent.traces if vendors.priorities(trace_id := vendors.trace_id(trace)) != {-1.0}
    }
    return ours ^ theirs
