"""Trace headers: every vendor's, written and read."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import anytel
from anytel.tracing import headers
from anytel.tracing.context import RemoteContext
from core.hostile import VALUES, BadMapping, Unprintable

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
LOW = str(int(TRACE[16:], 16))
PARENT = str(int(SPAN, 16))
W3C = {"traceparent": f"00-{TRACE}-{SPAN}-01"}
DATADOG = {
    "x-datadog-trace-id": LOW, "x-datadog-parent-id": PARENT, "x-datadog-sampling-priority": "1",
    "x-datadog-tags": f"_dd.p.dm=-1,_dd.p.tid={TRACE[:16]}",
}  # fmt: skip
SENTRY = {"sentry-trace": f"{TRACE}-{SPAN}-1"}
B3 = {"b3": f"{TRACE}-{SPAN}-1"}
B3_MULTI = {"x-b3-traceid": TRACE, "x-b3-spanid": SPAN, "x-b3-sampled": "1"}
ALL = "tracecontext,datadog,sentry,b3,b3multi"
FORMATS = {
    "b3": ("b3",),
    "b3multi": tuple(B3_MULTI),
    "w3c": ("traceparent", "tracestate"),
    "datadog": tuple(DATADOG),
    "sentry": ("sentry-trace", "baggage"),
}


@pytest.mark.parametrize("names", FORMATS.values(), ids=FORMATS)
@pytest.mark.parametrize("rate", [0, 1])
def test_each_format_alone_carries_ids_and_decision(configured, names, rate):
    """What `inject` writes, `extract` reads back from any one vendor's headers."""
    memory = configured(sample_rate=rate, propagators=ALL)
    carrier = {}
    with anytel.span("send") as span:
        anytel.inject(carrier)
    found = anytel.extract({name: carrier[name] for name in names if name in carrier})
    assert found.trace_id == span.trace_id
    assert f"{found.context.span_id:016x}" == span.span_id
    assert (found.context.sampled, found.decided) == (bool(rate), True)
    with anytel.span("receive", parent=found) as received:
        assert (received.trace_id, received.sampled) == (span.trace_id, bool(rate))
    assert len(memory.spans) == 2 * rate


def test_what_is_written(configured):
    """The headers are spelled as each vendor documents them."""
    configured(environment="pré prod", sample_rate=1)
    carrier = {}
    with anytel.span("send", parent=anytel.extract({"sentry-trace": f"{TRACE}-{SPAN}"})) as span:
        anytel.inject(carrier)
    assert carrier == {
        "traceparent": f"00-{TRACE}-{span.span_id}-01",
        "tracestate": f"dd=s:2;p:{span.span_id};t.dm:-4",
        "x-datadog-trace-id": LOW,
        "x-datadog-parent-id": str(int(span.span_id, 16)),
        "x-datadog-sampling-priority": "2",
        "x-datadog-tags": f"_dd.p.tid={TRACE[:16]},_dd.p.dm=-4",
        "sentry-trace": f"{TRACE}-{span.span_id}-1",
        "baggage": f"sentry-trace_id={TRACE},sentry-sampled=true,sentry-sample_rate=1.0,"
        "sentry-environment=pr%C3%A9%20prod",
    }


@pytest.mark.parametrize(
    ("headers", "sampled", "decided"),
    [
        (W3C, True, True),
        ({"traceparent": f"00-{TRACE}-{SPAN}-00"}, False, True),
        ({"traceparent": f"00-{TRACE}-{SPAN}-ff"}, True, True),
        ({"traceparent": f"cc-{TRACE}-{SPAN}-01-future"}, True, True),
        ({"TraceParent": f" 00-{TRACE}-{SPAN}-01 "}, True, True),
        (DATADOG, True, True),
        ({**DATADOG, "x-datadog-sampling-priority": "-1"}, False, True),
        ({**DATADOG, "x-datadog-sampling-priority": "0"}, False, True),
        ({**DATADOG, "x-datadog-sampling-priority": "2"}, True, True),
        ({name: DATADOG[name] for name in DATADOG if "priority" not in name}, False, False),
        ({**DATADOG, "x-datadog-sampling-priority": "x"}, False, False),
        (SENTRY, True, True),
        ({"sentry-trace": f"{TRACE}-{SPAN}-0"}, False, True),
        ({"sentry-trace": f"{TRACE}-{SPAN}"}, False, False),
        (B3, True, True),
        ({"b3": f"{TRACE}-{SPAN}-0"}, False, True),
        ({"b3": f"{TRACE}-{SPAN}-d-{SPAN}"}, True, True),
        ({"b3": f"{TRACE}-{SPAN}"}, False, False),
        (B3_MULTI, True, True),
        ({**B3_MULTI, "x-b3-sampled": "false"}, False, True),
        ({**B3_MULTI, "x-b3-sampled": "0", "x-b3-flags": "1"}, True, True),
        ({**B3_MULTI, "x-b3-sampled": "maybe"}, False, False),
        ({name: B3_MULTI[name] for name in B3_MULTI if "sampled" not in name}, False, False),
    ],
)
@pytest.mark.parametrize("shape", ["mapping", "pairs", "bytes"])
def test_what_is_read(headers, sampled, decided, shape):
    """Every documented form is read, without regard to case, from a mapping or from pairs of text or bytes."""
    carrier = {
        "mapping": headers,
        "pairs": list(headers.items()),
        "bytes": [(name.encode(), value.encode()) for name, value in headers.items()],
    }[shape]
    found = anytel.extract(carrier)
    assert (found.trace_id, f"{found.context.span_id:016x}") == (TRACE, SPAN)
    assert (found.context.sampled, found.decided) == (sampled, decided)
    assert dict(anytel.stats().refused) == {}


def test_a_64_bit_datadog_trace():
    """Without the tag for the upper half the trace id has 64 bits."""
    found = anytel.extract({**DATADOG, "x-datadog-tags": "_dd.p.dm=-1"})
    assert found.trace_id == "0" * 16 + TRACE[16:]


def test_the_order_of_precedence():
    """W3C comes before Datadog's, and these before Sentry's; a malformed one falls through to the next, counted."""
    other = "1" * 32
    everything = {**SENTRY, **DATADOG, "traceparent": f"00-{other}-{SPAN}-00"}
    assert anytel.extract(everything).trace_id == other
    assert anytel.extract({**everything, "traceparent": "broken"}).trace_id == TRACE
    assert anytel.extract({**SENTRY, "traceparent": "broken", "x-datadog-trace-id": "broken"}).decided
    assert anytel.stats().refused["malformed_header"] == 3


BROKEN = [
    {"traceparent": value}
    for value in (
        "", "00", f"00-{TRACE}-{SPAN}", f"ff-{TRACE}-{SPAN}-01", f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01", f"00-{TRACE.upper()}-{SPAN}-01", f"00-{TRACE}-{SPAN}-01-more",
        f"00-{TRACE}-{SPAN}-0g", f"00-{TRACE[:-1]}-{SPAN}-01",
        "x" * 1_000_000, f"00-{TRACE}-{SPAN}-01\x00",
    )
] + [
    {**DATADOG, **changed}
    for changed in (
        {"x-datadog-trace-id": "0"}, {"x-datadog-trace-id": "-5"}, {"x-datadog-trace-id": "1" * 5_000},
        {"x-datadog-trace-id": str(2**64), "x-datadog-tags": ""}, {"x-datadog-parent-id": "x"},
        {"x-datadog-trace-id": "٣"},
    )
] + [{"sentry-trace": value} for value in ("1", f"{TRACE}-{SPAN}-2", f"{TRACE}-{SPAN}-1-1", "-1")] + [
    {"b3": value} for value in ("2", f"{TRACE}-{SPAN}-2", f"{TRACE}", f"{'0' * 32}-{SPAN}-1", f"{TRACE[:20]}-{SPAN}-1")
] + [
    {**B3_MULTI, **changed} for changed in ({"x-b3-spanid": ""}, {"x-b3-traceid": "1"}, {"x-b3-spanid": "x" * 16})
]  # fmt: skip


@pytest.mark.parametrize("headers", BROKEN, ids=lambda headers: next(iter(headers.values()))[:60] or "empty")
def test_malformed_headers_are_ignored_and_counted(configured, headers):
    """What is malformed starts a new trace, is counted, and never raises."""
    configured(strict=True)
    found = anytel.extract(headers)
    assert (found, found.trace_id) == (RemoteContext(), "")
    assert anytel.stats().refused["malformed_header"] == 1
    with anytel.span("s", parent=found) as span:
        assert span.recording


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.dictionaries(
        st.sampled_from([*W3C, *DATADOG, *SENTRY, *B3, *B3_MULTI, "tracestate", "baggage", "Baggage", "other"]),
        st.one_of(
            st.text(),
            st.sampled_from([*W3C.values(), *DATADOG.values(), *SENTRY.values(), *B3.values(), *B3_MULTI.values()]),
            st.lists(st.tuples(st.text(max_size=5), st.text(max_size=5)).map("=".join)).map(",".join),
            st.from_regex(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}.?"),
            st.integers().map(str),
        ),
    )
)
def test_any_headers_can_be_read_and_forwarded(headers):
    """Whatever arrives, `extract` gives a context, and what is injected below it is well formed."""
    anytel.runtime.reset()
    anytel.configure(backends="memory", propagators=ALL, baggage="a,b")
    carrier = dict(headers)
    with anytel.span("s", parent=anytel.extract(headers)) as span:
        anytel.inject(carrier)
    again = anytel.extract(carrier)
    assert (again.trace_id, f"{again.context.span_id:016x}") == (span.trace_id, span.span_id)
    assert len({name.lower() for name in carrier}) == len(carrier) or {"baggage", "Baggage"} <= {*headers, *carrier}
    for name in ("b3", "traceparent", "x-datadog-trace-id", "sentry-trace"):
        assert anytel.extract({name: carrier[name], **{k: carrier[k] for k in DATADOG if name[0] == "x"}}).context


def test_hostile_carriers_are_refused():
    """A carrier that is none is refused, and the context given starts a new trace."""
    carriers = [*VALUES.values(), [1], [("a",)], [("traceparent", 5)], {5: 6}, {b"traceparent": b"x"}, BadMapping()]
    for carrier in carriers:
        assert anytel.extract(carrier).context is None


@pytest.mark.parametrize("carrier", [None, 5, (), "text", Unprintable(), {"baggage": 5}])
def test_injecting_into_what_cannot_be_written(memory, carrier):
    """A carrier that cannot be written is refused; nothing raises."""
    with anytel.span("s"):
        anytel.inject(carrier)
    assert anytel.stats().refused["headers"] == 1


def test_baggage_of_others_is_kept(memory):
    """Baggage that is there stays, and another service's `sentry-` entries are replaced; what is huge is cut whole."""
    carrier = {"baggage": "user=1;p=2, sentry-trace_id=old,sentry-public_key=x ,tenant=%20b,,"}
    with anytel.span("s"):
        anytel.inject(carrier)
    items = carrier["baggage"].split(",")
    assert [item.strip() for item in items if not item.startswith("sentry-")] == ["user=1;p=2", "tenant=%20b"]
    assert not {"old", "public_key"} & {part for item in items for part in item.replace("=", "-").split("-")}
    carrier = {"baggage": ",".join(f"key{number}=value{number}" for number in range(2_000))}
    with anytel.span("s"):
        anytel.inject(carrier)
    kept = [item for item in carrier["baggage"].split(",") if not item.startswith("sentry-")]
    assert all(item == f"key{number}=value{number}" for number, item in enumerate(kept))
    assert len(carrier["baggage"]) < 8_192 + 500


def forwarded(state, headers=W3C, **settings):
    """Give the members of the tracestate that is sent on below *headers* with *state*."""
    anytel.runtime.reset()
    anytel.configure(backends="memory", **settings)
    carrier = {}
    with anytel.span("s", parent=anytel.extract({**headers, "tracestate": state})) as span:
        anytel.inject(carrier)
    return carrier.get("tracestate", "").replace(span.span_id, "<span>").split(",")


@pytest.mark.parametrize(
    ("state", "members"),
    [
        ("", ["dd=s:2;p:<span>;t.dm:-4"]),
        ("a=1, b@c=2", ["dd=s:2;p:<span>;t.dm:-4", "a=1", "b@c=2"]),
        ("a=1,dd=s:1;o:rum;p:0011223344556677;t.dm:-1;t.usr.id:x", ["dd=s:2;p:<span>;t.dm:-1;o:rum;t.usr.id:x", "a=1"]),
        ("ot=th:8;rv:1", ["dd=s:2;p:<span>;t.dm:-4", "ot=th:8;rv:1"]),
    ],
)
def test_the_tracestate_is_kept_with_datadog_s_member_brought_up_to_date(state, members):
    """The member names our span and decision, and moves to the front (W3C Trace Context, section 3.5)."""
    assert forwarded(state) == members


def test_without_the_datadog_format_the_tracestate_is_sent_as_it_came():
    """Nothing is said in the name of a vendor that is not chosen."""
    assert forwarded("a=1,dd=s:1", propagators="tracecontext") == ["a=1", "dd=s:1"]


def test_who_decided_and_for_whom_is_told_in_datadog_s_headers_and_in_the_tracestate():
    """From either of them, so that a trace of its RUM stays one."""
    anytel.configure(backends="memory", sample_rate=0)
    upstream = {**DATADOG, "x-datadog-origin": "rum"}
    w3c = {**W3C, "tracestate": "dd=s:1;o:rum;t.dm:-1"}
    for headers in (upstream, w3c):
        carrier = {}
        with anytel.span("s", parent=anytel.extract(headers)) as span:
            anytel.inject(carrier)
        assert carrier["tracestate"] == f"dd=s:2;p:{span.span_id};t.dm:-1;o:rum"
        assert carrier["x-datadog-tags"] == f"_dd.p.tid={TRACE[:16]},_dd.p.dm=-1"
        assert carrier["x-datadog-origin"] == "rum"


@pytest.mark.parametrize("origin", ["a;b", "a,b", "ü", "x" * 65, "a:b", "\r\n"])
def test_a_hostile_origin_is_not_sent_on(origin):
    """It would end up within the tracestate."""
    anytel.configure(backends="memory")
    carrier = {}
    with anytel.span("s", parent=anytel.extract({**DATADOG, "x-datadog-origin": origin})) as span:
        anytel.inject(carrier)
    assert carrier["tracestate"] == f"dd=s:2;p:{span.span_id};t.dm:-1"
    assert "x-datadog-origin" not in carrier


def test_a_threshold_of_another_decision_is_not_sent_on():
    """Where the trace is decided anew, OpenTelemetry's member would contradict."""
    anytel.configure(backends="memory")
    found = anytel.extract({**W3C, "tracestate": "ot=th:8,a=1,dd=t.dm:-1"})
    carrier = {}
    with anytel.span("s", parent=RemoteContext(found.context, decided=False)):
        anytel.inject(carrier)
    datadog, *others = carrier["tracestate"].split(",")
    assert (datadog.rpartition(";")[2], others) == ("t.dm:-4", ["a=1"])
    assert carrier["x-datadog-tags"].endswith("_dd.p.dm=-4")


def test_a_long_tracestate_loses_its_last_members():
    """At most 32 members and 512 characters are sent on."""
    assert [one[:2] for one in forwarded(",".join(f"k{n}={n}" for n in range(60)))][-1] == "k3"
    assert len(forwarded(",".join(f"k{n}={n}" for n in range(60)))) == 32
    assert len(",".join(forwarded(",".join(f"k{n}={'x' * 100}" for n in range(20))))) <= 512


@pytest.mark.parametrize("state", ["a", "a=1,=2", "A=1", "a=" + "x" * 300, "a=b=c", "a=\x00", "ü=1", "x" * 100_000])
def test_a_malformed_tracestate_is_dropped_and_counted(state):
    """The parent is right all the same."""
    assert forwarded(state) == ["dd=s:2;p:<span>;t.dm:-4"]
    assert anytel.stats().refused["malformed_header"] == 1


def test_a_tracestate_in_several_headers_is_joined():
    """Several `tracestate` headers are one list, in their order (W3C Trace Context, section 3.3.1)."""
    pairs = [(b"traceparent", W3C["traceparent"].encode()), (b"tracestate", b"a=1"), (b"tracestate", b"b=2,c=3")]
    assert anytel.extract(pairs).context.tracestate == "a=1,b=2,c=3"


@pytest.mark.parametrize("name", ["tracestate", "baggage", "traceparent"])
def test_of_very_many_headers_of_one_name_only_as_much_is_joined_as_is_read(name):
    """Joining all of them takes minutes: the time grows with the square of their number."""
    joined = headers.lower([(name, "k=v")] * 100_000)[name]
    assert len(joined) < 10_000


def test_outside_a_span_nothing_is_written(memory):
    """Without a current span a carrier is left as it is."""
    carrier = {"baggage": "a=1"}
    anytel.inject(carrier)
    assert carrier == {"baggage": "a=1"}


def test_a_datadog_trace_without_a_span_yet_continues_as_its_root(memory):
    """A synthetic test sends the parent 0 with its decision: the trace is its, and the span has no parent."""
    headers = {"x-datadog-trace-id": "7", "x-datadog-parent-id": "0", "x-datadog-sampling-priority": "1"}

    with anytel.span("root", parent=anytel.extract(headers)):
        pass

    found = memory.span("root")
    assert (found.context.trace_id, found.parent_id, found.remote_parent, found.context.sampled) == (7, 0, False, True)
