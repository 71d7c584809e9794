"""Vendors' own spans around ours and within ours where no server is: jobs, tasks, threads and generators."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parent / "script.py"
SENTRY = ("sentry-static", "sentry-stream")
VENDORS = (*SENTRY, "ddtrace")


@pytest.fixture
def run(vendors):
    """Run a case in a process of its own; gives what it has printed, when the vendors have received everything."""

    def run(case, loaded, **environment):
        done = subprocess.run(
            [sys.executable, SCRIPT, case, loaded], env=vendors.environment(**environment), check=False,
            capture_output=True, text=True, timeout=60,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        run.output = done.stdout
        assert vendors.sentry.malformed == []
        assert vendors.agent.malformed == []
        return json.loads(done.stdout.splitlines()[-1])

    return run


def parents(vendors, loaded, trace_id):
    """Give the parent of each span that the vendor has of a trace, by span id."""
    if loaded == "ddtrace":
        spans = vendors.datadog_spans(trace_id)
        return {f"{span['span_id']:016x}": f"{span['parent_id']:016x}" if span["parent_id"] else None for span in spans}
    return {span.span_id: span.parent_span_id for span in vendors.sentry_spans(trace_id)}


@pytest.mark.parametrize("loaded", VENDORS)
def test_ours_continue_a_span_of_theirs_and_the_other_way_round(vendors, run, loaded):
    """The id and the decision are those of the vendor's span, which began first."""
    found = run("around", loaded)
    names = ("outermost", "root", "nested", "deep")
    (trace_id,) = {found[name][0] for name in names}
    assert found["sampled"]
    assert parents(vendors, loaded, trace_id) == dict(
        zip((found[name][1] for name in names), (None, *(found[name][1] for name in names)), strict=False)
    )
    if loaded != "ddtrace":
        (event,) = vendors.sentry.events
        assert event["contexts"]["trace"]["span_id"] == found["deep"][1]


@pytest.mark.parametrize("loaded", VENDORS)
def test_ours_are_not_kept_in_a_trace_that_the_vendor_drops(vendors, run, loaded):
    """A decision that ddtrace has not taken yet is ours."""
    found = run("around", f"{loaded},dropped")
    assert not found["sampled"]
    assert found["root"][0] == found["outermost"][0]
    assert vendors.sentry.spans == []
    assert vendors.priorities(found["root"][0]) <= {-1.0}


@pytest.mark.parametrize("loaded", VENDORS)
def test_tasks_do_not_mix_up_their_spans(vendors, run, loaded):
    """Each vendor's span is in the span of ours of its own task."""
    found = run("tasks", loaded)
    known = parents(vendors, loaded, found["root"][0])
    for ours, theirs, below in found["tasks"]:
        assert (known[ours[1]], known[theirs[1]], known[below[1]]) == (found["root"][1], ours[1], theirs[1])
    assert len(known) == 16


@pytest.mark.parametrize("loaded", VENDORS)
def test_threads_that_were_given_our_context_keep_the_parent(vendors, run, loaded):
    """With `anytel.propagate`."""
    found = run("threads", loaded)
    known = parents(vendors, loaded, found["root"][0])
    assert {known[span_id] for _, span_id in found["threads"]} == {found["root"][1]}
    assert len(known) == 5


@pytest.mark.parametrize("loaded", VENDORS)
def test_a_generator_leaves_nothing_current(vendors, run, loaded):
    """What comes after it is in the span around it."""
    found = run("generator", loaded)
    known = parents(vendors, loaded, found["root"][0])
    (stream,) = set(known) - {found["root"][1], found["after"][1], *(span_id for _, span_id in found["inside"])}
    assert known[stream] == found["root"][1]
    assert known[found["inside"][0][1]] == stream
    assert known[found["after"][1]] == found["root"][1]


@pytest.mark.parametrize("loaded", SENTRY)
def test_an_exception_that_both_report_is_one_issue(vendors, run, loaded):
    """It has one id, and the innermost span that it left."""
    found = run("raised", loaded)
    (event,) = vendors.sentry.events
    assert event["event_id"] == found["error_id"]
    assert [event["contexts"]["trace"][name] for name in ("trace_id", "span_id")] == found["inner"]
    assert found["delivered"]
