"""When finished spans are handed over, and that each is handed over once."""

import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

import anytel
from core.doubles import First, Named


def test_spans_are_handed_over_when_the_root_ends(memory):
    """The spans of a trace arrive in the order in which they ended."""
    with anytel.span("root"):
        for number in range(3):
            with anytel.span(f"child{number}"):
                pass
    assert [record.name for record in memory.spans] == ["child0", "child1", "child2", "root"]


def test_a_thousand_spans_are_handed_over_early(configured):
    """At 1,000 finished spans they leave, though the root is open; their root is named."""
    backend = Named()
    configured(backend, flush_interval=0.05)
    with anytel.span("root") as root:
        for _ in range(1_000):
            with anytel.span("child"):
                pass
        assert backend.received.wait(30)
        record = backend.finished[0]
        assert (record.root_name, record.root_id) == ("root", int(root.span_id, 16))
    assert anytel.flush(10)
    assert len(backend.finished) == 1_001


def test_an_open_trace_streams_after_an_interval(configured):
    """What has ended in a trace that stays open arrives after one interval."""
    backend = Named()
    configured(backend, flush_interval=0.05)
    with anytel.span("root"):
        with anytel.span("child"):
            pass
        assert backend.received.wait(30)
        assert [record.name for record in backend.finished] == ["child"]


def test_flush_hands_over_what_has_ended(memory):
    """A flush inside an open trace delivers its finished spans."""
    with anytel.span("root"):
        with anytel.span("child"):
            pass
        assert [record.name for record in memory.spans] == ["child"]
    assert [record.name for record in memory.spans] == ["child", "root"]


def test_shutdown_ends_open_spans(configured):
    """Open spans are ended and marked; ending them again, as their blocks do, is no misuse."""
    memory = configured(strict=True)
    with anytel.span("root"):
        by_hand = anytel.start_span("by hand")
        with anytel.span("done"):
            pass
        assert anytel.shutdown(timeout=10)
        by_hand.end()
    found = {record.name: record.attributes.get("anytel.unfinished") for record in memory.backend.finished}
    assert found == {"root": True, "by hand": True, "done": None}
    assert "span_ended_twice" not in anytel.stats().refused


def test_late_children_arrive_on_their_own(memory):
    """A child that ends, or begins, after its root has ended arrives, and shutdown finds the open ones."""
    with anytel.span("root") as root:
        late = anytel.start_span("late")
    assert [record.name for record in memory.spans] == ["root"]
    late.end()
    assert [record.name for record in memory.spans] == ["root", "late"]
    anytel.start_span("after", parent=root).end()
    anytel.start_span("open", parent=root)
    assert anytel.shutdown(timeout=10)
    found = {record.name: record for record in memory.backend.finished}
    assert found["after"].parent_id == found["open"].parent_id == found["root"].context.span_id
    assert found["open"].attributes == {"anytel.unfinished": True}


def test_a_span_outlives_configure(configured):
    """A span open across `configure` goes to the new backend; streaming and shutdown know it still."""
    first = configured(First())
    with anytel.span("root"):
        backend = Named()
        configured(backend, flush_interval=0.05)
        with anytel.span("child"):
            pass
        assert backend.received.wait(30)
        assert anytel.shutdown(timeout=10)
    assert list(first.backend.finished) == []
    assert [record.name for record in backend.finished] == ["child", "root"]
    assert backend.finished[1].attributes == {"anytel.unfinished": True}


@pytest.mark.parametrize("attempt", range(3))
def test_each_span_arrives_once_while_threads_race_the_root(memory, attempt):
    """Children that end on eight threads while the root ends arrive exactly once each."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for _ in range(30):
            with anytel.span("root") as root:
                ready = threading.Barrier(9)

                def work(root=root, ready=ready):
                    spans = [anytel.start_span("child", parent=root) for _ in range(10)]
                    ready.wait(10)
                    for span in spans:
                        span.end()

                threads = [threading.Thread(target=work) for _ in range(8)]
                for thread in threads:
                    thread.start()
                ready.wait(10)
            for thread in threads:
                thread.join(10)
    finally:
        sys.setswitchinterval(before)
    ids = [record.context.span_id for record in memory.spans]
    assert (len(ids), len(set(ids))) == (30 * 81, 30 * 81)


def test_of_two_threads_that_end_a_span_one_does(memory):
    """Racing `end()` calls send one record."""
    with ThreadPoolExecutor(4) as pool:
        for _ in range(200):
            span = anytel.start_span("s")
            list(pool.map(lambda one: one.end(), [span] * 4))
    assert len(memory.spans) == 200
    assert anytel.stats().refused["span_ended_twice"] == 600
