"""A vendor's own tracing and ours in one trace, as a backend without any SDK shows it."""

import pytest
from opentelemetry import context, trace

import anytel
from anytel.backend import SpanContext, VendorSpan, VendorTracing
from anytel.backends.memory import MemoryBackend
from anytel.errors import ConfigError
from anytel.tracing.record import Span


class Vendor(MemoryBackend, VendorTracing):
    """A vendor whose tracing is active while *live*, and whose current span is what the test says."""

    name = "vendor"

    def __init__(self):
        super().__init__()
        self.live, self.theirs, self.calls = True, None, []

    def open(self, host):
        super().open(host)
        self.host = host

    def tracing(self):
        return self if self.live else None

    def current(self):
        return self.theirs

    def enter(self, span, root, root_name):
        self.calls.append(("enter", span.span_id))
        return span.span_id

    def leave(self, token):
        self.calls.append(("leave", token))

    def set(self, native, attributes):
        self.calls.append((native, dict(attributes)))


@pytest.fixture
def vendor():
    vendor = Vendor()
    anytel.configure(backends=[vendor, MemoryBackend()], service="shop", sample_rate=0.5)
    return vendor


def other():
    return anytel.runtime.active.pipeline.backends[1]


def finished(backend):
    anytel.flush(5)
    return {span.name: span for span in backend.finished}


def span_of(trace_id=0xABC, span_id=7, *, sampled=True, server=False):
    return VendorSpan("native", SpanContext(trace_id, span_id, sampled), server)


@pytest.mark.parametrize("sampled", [True, False])
def test_a_local_root_continues_the_vendor_s_span(vendor, sampled):
    """Its id and its decision; the other backend, which has no such span, is sent a root."""
    vendor.theirs = span_of(sampled=sampled)
    with anytel.span("root") as root:
        assert (root.trace_id, root.sampled) == (f"{0xABC:032x}", sampled)
    if sampled:
        assert finished(vendor)["root"].parent_id == 7
        assert finished(other())["root"].parent_id == 0


def test_a_span_in_the_vendor_s_span_is_its_child_at_that_vendor(vendor):
    """And that of our own span at the other."""
    with anytel.span("root") as root:
        vendor.theirs = span_of(int(root.trace_id, 16)) if root.sampled else None
        with anytel.span("child"):
            pass
    if root.sampled:
        assert finished(vendor)["child"].parent_id == 7
        assert finished(other())["child"].parent_id == int(root.span_id, 16)


def test_a_parent_that_is_given_stays_the_parent(vendor):
    """Though a span of the vendor's is current where the child begins."""
    root = anytel.start_span("root", parent=anytel.extract({"traceparent": f"00-{1:032x}-{2:016x}-01"}))
    vendor.theirs = span_of(1)
    anytel.start_span("child", parent=root).end()
    root.end()
    assert finished(vendor)["child"].parent_id == int(root.span_id, 16)


def test_a_span_of_another_trace_is_no_parent(vendor):
    """It is stale, or of somebody else's."""
    with anytel.span("root", parent=anytel.extract({"traceparent": f"00-{1:032x}-{2:016x}-01"})):
        vendor.theirs = span_of(0xDEF)
        with anytel.span("child"):
            pass
    assert finished(vendor)["child"].parent_id == finished(vendor)["root"].context.span_id


def test_the_vendor_s_server_span_stands_for_ours(vendor):
    """Ours is handed over: not sent to that vendor, its children are below theirs, and it is told the attributes."""
    vendor.theirs = span_of(server=True)
    with anytel.span("server", kind="server") as server:
        vendor.theirs = None
        server.set({"tier": "gold"})
        assert server.native == "native"
        with anytel.span("child"):
            pass
    assert list(finished(vendor)) == ["child"]
    assert finished(vendor)["child"].parent_id == 7
    assert set(finished(other())) == {"server", "child"}
    assert ("native", {"tier": "gold"}) in vendor.calls
    counts = anytel.stats().backends["vendor"]["span"]
    assert (counts.emitted, counts.delivered, counts.handed, counts.queued) == (2, 1, 1, 0)


def test_the_vendor_is_shown_each_span_that_becomes_current(vendor):
    """And each is undone, also where `propagate` carries it to another thread."""
    with anytel.span("root", parent=anytel.extract({"traceparent": f"00-{1:032x}-{2:016x}-01"})):
        with anytel.span("child"):
            pass
        anytel.propagate(lambda: None)()
    entered = [span_id for what, span_id in vendor.calls if what == "enter"]
    left = [span_id for what, span_id in vendor.calls if what == "leave"]
    assert len(entered) == 3
    assert sorted(entered) == sorted(left)


def test_a_process_without_the_vendor_s_tracing_has_ordinary_spans(vendor):
    """They are of the one kind that the hot path knows."""
    vendor.live = False
    with anytel.span("root") as root:
        assert type(root) is Span
        assert root.native is None
    assert vendor.calls == []


@pytest.mark.parametrize("broken", ["tracing", "current", "enter", "leave", "set"])
def test_what_the_vendor_s_tracing_raises_does_not_reach_the_caller(vendor, broken, caplog):
    """It is reported, and the spans are recorded."""

    def fail(*args):
        raise LookupError(broken)

    vendor.theirs = span_of(server=True)
    setattr(vendor, broken, fail)
    with anytel.span("server", kind="server") as server:
        server.set({"tier": "gold"})
    assert "server" in finished(other()) or not server.sampled
    assert f"LookupError: {broken}" in caplog.text


def test_a_span_that_the_vendor_has_made_goes_to_that_vendor_alone(vendor):
    """With secrets removed."""
    with anytel.span("root", parent=anytel.extract({"traceparent": f"00-{1:032x}-{2:016x}-01"})):
        pass
    record = finished(vendor)["root"]
    from dataclasses import replace

    vendor.host.record(replace(record, name="theirs", attributes={"password": "hunter2"}))
    assert finished(vendor)["theirs"].attributes != {"password": "hunter2"}
    assert "theirs" not in finished(other())


def test_native_mode_needs_a_vendor_s_tracing_at_each_backend():
    """The error names the backend that has none."""
    with pytest.raises(ConfigError, match="memory"):
        anytel.configure(backends=[Vendor(), MemoryBackend()], span_mode="native")
    anytel.configure(backends=[Vendor()], span_mode="native")


def entered(vendor):
    return [call for call in vendor.calls if call[0] in ("enter", "leave")]


def test_the_vendor_sees_a_span_that_opentelemetry_makes_current(vendor):
    """A server span of its instrumentation as well: else what the vendor makes inside is a trace of its own."""
    anytel.configure(backends=[vendor], sample_rate=1)
    tracer = trace.get_tracer("a.library")
    with tracer.start_as_current_span("root") as root:
        inside = root.get_span_context().span_id
        assert entered(vendor) == [("enter", inside)]
        context.detach(context.attach(context.set_value("baggage", 1)))  # the same span stays current
    assert entered(vendor) == [("enter", inside), ("leave", inside)]
    later = tracer.start_span("later")
    assert len(vendor.calls) == 2, "a span that is not current is not seen"
    with trace.use_span(later, end_on_exit=True):
        assert entered(vendor)[2:] == [("enter", later.get_span_context().span_id)]
    assert entered(vendor)[3:] == [("leave", later.get_span_context().span_id)]


def test_the_vendor_sees_no_span_left_twice_that_opentelemetry_detaches_twice(vendor):
    anytel.configure(backends=[vendor], sample_rate=1)
    span = trace.get_tracer("a.library").start_span("work")
    token = context.attach(trace.set_span_in_context(span))
    context.detach(token)
    context.detach(token)
    span.end()
    assert [call[0] for call in entered(vendor)] == ["enter", "leave"]
