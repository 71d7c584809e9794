"""The decision: one per trace, the same everywhere."""

import pytest

import anytel
from anytel.tracing.ids import keep
from core.doubles import First, Named

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


class Counting(Named):
    """Wants the roots of unsampled traces, as Datadog does."""

    name = "counting"
    unsampled_roots = True


def test_unsampled_traces_share_their_ids(configured):
    """Of an unsampled trace nothing is sent, but its spans have its id and headers say that it was dropped."""
    memory = configured(sample_rate=0)
    with anytel.span("root") as root, anytel.span("child", attributes={"a": 1}) as child:
        child.set(a=1).event("x").fail("y")
        carrier = {}
        anytel.inject(carrier)
        anytel.start_span("by hand").end()
        with anytel.span("below", parent=child) as below:
            assert below.trace_id == root.trace_id
    assert child.trace_id == root.trace_id != "0" * 32
    assert not child.sampled
    assert not root.sampled
    assert carrier["traceparent"] == f"00-{root.trace_id}-{root.span_id}-00"
    assert memory.spans == []


def test_unsampled_roots_go_to_who_wants_them(configured):
    """A backend that counts requests gets the local roots of unsampled traces, and no children."""
    counting, plain = Counting(), First()
    configured(counting, backends=[counting, plain], sample_rate=0)
    with anytel.span("root", kind="server"), anytel.span("child"):
        pass
    assert anytel.flush(10)
    (root,) = counting.finished
    assert (root.name, root.context.sampled, root.context.sample_rate) == ("root", False, 0)
    assert list(plain.finished) == []


def test_errors_of_unsampled_traces_are_reported(configured):
    """An error is reported whether its trace is kept or not, with the trace's ids."""
    memory = configured(sample_rate=0)
    with pytest.raises(ValueError), anytel.span("root") as root, anytel.span("child"):
        raise ValueError("x")
    assert f"{memory.error().context.trace_id:032x}" == root.trace_id
    assert not memory.error().context.sampled


def test_the_decision_is_a_function_of_the_trace_id(configured):
    """Over 1,000 traces at 0.5 spans, headers, backends and `keep` agree, and about half are kept."""
    first, second = First(), Counting()
    configured(first, backends=[first, second], sample_rate=0.5)
    decided = {}
    for _ in range(1_000):
        with anytel.span("root") as root, anytel.span("child") as child:
            carrier = {}
            anytel.inject(carrier)
        decided[root.trace_id] = root.sampled
        assert (
            child.sampled
            == root.sampled
            == keep(int(root.trace_id, 16), 0.5)
            == first.host.keep(int(root.trace_id, 16))
        )
        assert carrier["traceparent"][-2:] == ("01" if root.sampled else "00")
    assert anytel.flush(10)
    kept = {trace for trace, sampled in decided.items() if sampled}
    assert {f"{record.context.trace_id:032x}" for record in first.finished} == kept
    assert {f"{r.context.trace_id:032x}" for r in second.finished if r.context.sampled} == kept
    assert sum(record.is_root for record in second.finished) == 1_000
    assert all(record.context.sample_rate == 0.5 for record in first.finished)
    assert 400 < len(kept) < 600


def test_the_decision_is_ddtraces():
    """The hash is the one of ddtrace's rate sampler, bit for bit."""
    from ddtrace._trace.sampler import RateSampler
    from ddtrace.trace import Span

    for rate in (0.01, 0.25, 0.5, 0.9, 1.0):
        sampler = RateSampler(rate)
        for number in range(1, 2_000):
            trace_id = number * 0x9E3779B97F4A7C15_F39CC0605CEDC835 % 2**128
            assert keep(trace_id, rate) == sampler.sample(Span("x", trace_id=trace_id))


@pytest.mark.parametrize("sampled", [True, False])
def test_an_upstream_decision_wins(configured, sampled):
    """A parent from headers that has decided is followed, whatever the rate here; the rate is not ours then."""
    memory = configured(sample_rate=0 if sampled else 1)
    parent = anytel.extract({"traceparent": f"00-{TRACE}-{SPAN}-0{int(sampled)}"})
    with anytel.span("consume", parent=parent) as span:
        pass
    assert (span.trace_id, span.sampled) == (TRACE, sampled)
    assert [record.context.sample_rate for record in memory.spans] == [None] * sampled


@pytest.mark.parametrize("rate", [0, 1])
def test_without_an_upstream_decision_the_rate_decides(configured, rate):
    """A parent that has not decided leaves it to the trace id and the rate here."""
    memory = configured(sample_rate=rate)
    with anytel.span("consume", parent=anytel.extract({"sentry-trace": f"{TRACE}-{SPAN}"})) as span:
        pass
    assert (span.trace_id, span.sampled) == (TRACE, bool(rate))
    assert [record.context.sample_rate for record in memory.spans] == [1.0] * rate


def test_a_remote_parent(memory):
    """A span below an extracted context is a local root with a remote parent."""
    headers = {"traceparent": f"00-{TRACE}-{SPAN}-01", "tracestate": "dd=s:1,other=2"}
    with anytel.span("around"), anytel.span("consume", parent=anytel.extract(headers)), anytel.span("child"):
        carrier = {}
        anytel.inject(carrier)
    record = memory.span("consume")
    assert (record.parent_id, record.remote_parent, record.is_root) == (int(SPAN, 16), True, True)
    assert (memory.span("child").remote_parent, memory.span("child").root_name) == (False, "consume")
    assert carrier["tracestate"] == f"dd=s:2;p:{memory.span('child').context.span_id:016x};t.dm:-4,other=2"


def test_an_empty_extracted_context_starts_a_new_trace(memory):
    """`extract` of nothing is a parent that starts a new root, also inside a span."""
    with anytel.span("around") as around, anytel.span("new", parent=anytel.extract({})) as new:
        pass
    assert new.trace_id != around.trace_id
    assert (memory.span("new").parent_id, memory.span("new").is_root) == (0, True)
