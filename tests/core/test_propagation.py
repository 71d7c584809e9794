"""What is carried along: baggage, in headers that are there already, and through threads, tasks and queues."""

import asyncio
import multiprocessing
import queue
import threading
from concurrent.futures import ThreadPoolExecutor
from email.message import Message

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

import anytel
from anytel.tracing import baggage
from anytel.tracing.propagator import FORMATS

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
PARENT = {"traceparent": f"00-{TRACE}-{SPAN}-01"}
WRITTEN = {
    "tracecontext": {"traceparent", "tracestate"},
    "datadog": {"x-datadog-trace-id", "x-datadog-parent-id", "x-datadog-sampling-priority", "x-datadog-tags"},
    "sentry": {"sentry-trace", "baggage"},
    "b3": {"b3"},
    "b3multi": {"x-b3-traceid", "x-b3-spanid", "x-b3-sampled"},
}


def members(carrier):
    """Give the baggage that is no Sentry's, by name."""
    pairs = (member.strip().partition("=") for member in carrier.get("baggage", "").split(",") if member.strip())
    return {name: value for name, _, value in pairs if not name.startswith("sentry-")}


@pytest.mark.parametrize("name", FORMATS)
def test_only_the_chosen_formats_are_written(configured, name):
    """Each of the formats alone; `tracestate` is there where there is something to say."""
    configured(propagators=name)
    carrier = {}
    with anytel.span("s"):
        anytel.inject(carrier)
    assert set(carrier) == WRITTEN[name] - {"tracestate"}


def test_nothing_is_written_where_no_format_is_chosen(configured):
    """TELEMETRY_PROPAGATORS=none; headers are read all the same."""
    configured(propagators="none")
    carrier = {}
    with anytel.span("s", parent=anytel.extract(PARENT)) as span:
        anytel.inject(carrier)
    assert (carrier, span.trace_id) == ({}, TRACE)


def test_w3c_and_sentry_come_before_b3():
    """B3 is the last in the order of precedence; a malformed one is skipped."""
    b3 = {"b3": f"{'1' * 32}-{SPAN}-1", "x-b3-traceid": "2" * 32, "x-b3-spanid": SPAN}
    assert anytel.extract({**b3, "sentry-trace": f"{TRACE}-{SPAN}-1"}).trace_id == TRACE
    assert anytel.extract(b3).trace_id == "1" * 32
    assert anytel.extract({**b3, "b3": "broken"}).trace_id == "2" * 32


@pytest.mark.parametrize("value", ["0", "1", "d"])
def test_a_b3_decision_without_ids_is_no_parent_and_no_mistake(value):
    """The trace begins here."""
    assert anytel.extract({"b3": value}).context is None
    assert dict(anytel.stats().refused) == {}


def test_two_traceparents_are_none():
    """A message that came through a sender which repeats headers cannot be believed (W3C, section 3.2)."""
    pairs = [("traceparent", PARENT["traceparent"]), ("TraceParent", f"00-{'1' * 32}-{SPAN}-01")]
    assert anytel.extract(pairs).context is None
    assert anytel.stats().refused["malformed_header"] == 1


@pytest.mark.parametrize(
    "make",
    [
        lambda: {"Traceparent": "old", "Baggage": "a=1", "baggage": "b=2", "SENTRY-TRACE": "old", "TraceState": "x=1"},
        lambda: httpx.Headers([("Traceparent", "old"), ("Baggage", "a=1"), ("baggage", "b=2"), ("tracestate", "x=1")]),
    ],
    ids=["dict", "httpx"],
)
def test_no_header_is_sent_twice(memory, make):
    """A header that is there is replaced in whichever case it is spelled, and several `baggage` become one."""
    carrier = make()
    with anytel.span("s") as span:
        anytel.inject(carrier)
    names = [name.lower() for name in carrier]
    assert len(names) == len(set(names))
    assert members(carrier) == {"a": "1", "b": "2"}
    assert carrier["traceparent"].split("-")[2] == span.span_id
    assert carrier["tracestate"].startswith("dd=")


def test_a_stale_tracestate_does_not_stay(configured):
    """It would belong to another trace than the traceparent beside it."""
    configured(propagators="tracecontext")
    carrier = {"tracestate": "x=1"}
    with anytel.span("s"):
        anytel.inject(carrier)
    assert set(carrier) == {"traceparent"}


def test_baggage_is_taken_and_sent_on_where_it_is_asked_for(configured):
    """Of what arrives, the named members are given; bound as context they are on spans and sent on."""
    memory = configured(baggage="tenant,user.tier")
    found = anytel.extract({**PARENT, "Baggage": "tenant=a%2Cb;ttl=1 , secret=x,user.tier=gold"})
    assert found.baggage == {"tenant": "a,b", "user.tier": "gold"}

    carrier = {}
    with anytel.context(found.baggage), anytel.span("s", parent=found):
        anytel.inject(carrier)
    assert members(carrier) == {"tenant": "a%2Cb", "user.tier": "gold"}
    assert memory.span("s").attributes["tenant"] == "a,b"


def test_baggage_is_left_alone_by_default(memory):
    """Nothing is taken, and nothing of the context is sent."""
    found = anytel.extract({**PARENT, "baggage": "tenant=a"})
    carrier = {}
    with anytel.context(tenant="b"), anytel.span("s", parent=found):
        anytel.inject(carrier)
    assert (found.baggage, members(carrier)) == ({}, {})


def test_baggage_without_a_parent_is_baggage(configured):
    """And several headers are one list."""
    configured(baggage="a,b,c")
    found = anytel.extract([("baggage", "a=1"), ("Baggage", "b=2"), ("baggage", "a=3")])
    assert (found.context, found.baggage) == (None, {"a": "1", "b": "2"})


def test_another_organisation_s_sentry_baggage_is_not_sent_on(memory):
    """A foreign `sentry-org_id` would split the trace at the next service that has Sentry's SDK."""
    carrier = {"baggage": "sentry-org_id=1,sentry-public_key=a,a=1"}
    with anytel.span("s", parent=anytel.extract({**PARENT, **carrier})):
        anytel.inject(carrier)
    assert "org_id" not in carrier["baggage"]
    assert "public_key" not in carrier["baggage"]
    assert f"sentry-trace_id={TRACE}" in carrier["baggage"]


@pytest.mark.parametrize(
    ("header", "found", "malformed"),
    [
        ("a", {}, 1),
        ("a=", {"a": ""}, 0),
        ("=1,a=2", {"a": "2"}, 1),
        ("a b=1,a=2", {"a": "2"}, 1),
        ("a=%ff%zz", {"a": "\ufffd%zz"}, 0),
        ("a=1=2", {"a": "1=2"}, 0),
        (",".join(f"k{number}=1" for number in range(64)) + ",a=1", {}, 0),
        ("a=1," + "x" * 9_000, {"a": "1"}, 0),
    ],
)
def test_baggage_that_is_malformed_or_too_much(configured, header, found, malformed):
    """Members that are none are counted; there are 64 of them, in 8,192 characters."""
    configured(baggage="a")
    assert anytel.extract({"baggage": header}).baggage == found
    assert anytel.stats().refused.get("malformed_header", 0) == malformed


@given(st.dictionaries(st.from_regex(r"[a-z][a-z0-9._-]{0,9}", fullmatch=True), st.text(max_size=30), max_size=20))
def test_baggage_comes_back_as_it_was(values):
    """Any text but half a surrogate pair survives; members of others are as they were."""
    written = baggage.merged("other=1", ",".join(f"{name}={baggage.quoted(value)}" for name, value in values.items()))
    assert baggage.read(written, values) == values
    assert ("other" in values) or written.startswith("other=1")


@given(st.text(), st.text())
def test_any_baggage_can_be_read_and_merged(present, value):
    """Whatever arrives."""
    baggage.read(present, ["a"])
    merged = baggage.merged(present, f"a={baggage.quoted(value)}")
    assert baggage.read(merged.rpartition(",")[2], ["a"]).keys() == {"a"}
    assert len(merged.split(",")) <= baggage.MAX_MEMBERS


def child():
    """Record a span where this runs, and give its trace and parent."""
    with anytel.span("child") as span:
        return span.trace_id, anytel.current_span().span_id


def in_thread(function):
    found = queue.SimpleQueue()
    thread = threading.Thread(target=lambda: found.put(function()))
    thread.start()
    thread.join()
    return found.get()


def in_pool(function):
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(function).result()


async def in_to_thread():
    return await asyncio.to_thread(child)


async def in_executor():
    return await asyncio.get_running_loop().run_in_executor(None, anytel.propagate(child))


async def in_task_group():
    async def task():
        return child()

    async with asyncio.TaskGroup() as group:
        made = group.create_task(task())
    return made.result()


WAYS = {
    "thread": lambda: in_thread(anytel.propagate(child)),
    "pool": lambda: in_pool(anytel.propagate(child)),
    "to_thread": lambda: asyncio.run(in_to_thread()),
    "run_in_executor": lambda: asyncio.run(in_executor()),
    "TaskGroup": lambda: asyncio.run(in_task_group()),
}


@pytest.mark.parametrize("way", WAYS)
def test_the_parent_is_kept(memory, way):
    """With `propagate` in bare threads and executors; tasks and `to_thread` keep it by themselves."""
    with anytel.context(tenant="a"), anytel.span("parent") as parent:
        trace_id, _ = WAYS[way]()
    found = memory.span("child")
    assert (trace_id, f"{found.parent_id:016x}") == (parent.trace_id, parent.span_id)
    assert found.attributes["tenant"] == "a"


def test_a_bare_thread_begins_a_trace_of_its_own(memory):
    """Without `propagate` nothing is carried."""
    with anytel.span("parent"):
        in_thread(child)
    assert memory.span("child").parent_id == 0


def test_propagate_serves_many_threads_at_once(memory):
    """The same function may run in all of them."""
    with anytel.span("parent") as parent:
        carried = anytel.propagate(child)
        with ThreadPoolExecutor(8) as pool:
            found = [future.result() for future in [pool.submit(carried) for _ in range(50)]]
    assert {trace_id for trace_id, _ in found} == {parent.trace_id}
    assert len({span_id for _, span_id in found}) == 50


def continued(headers, answer):
    """Run in another process: continue the trace, and say what it was."""
    anytel.configure(backends="memory", log_level="error")
    with anytel.span("child", parent=anytel.extract(headers)) as span:
        answer.put((span.trace_id, span.sampled))


@pytest.mark.parametrize("rate", [0, 1])
@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_another_process_continues_the_trace_through_headers(configured, method, rate):
    """With its decision."""
    configured(sample_rate=rate)
    context = multiprocessing.get_context(method)
    answer, headers = context.SimpleQueue(), {}
    with anytel.span("parent") as parent:
        anytel.inject(headers)
        process = context.Process(target=continued, args=(headers, answer))
        process.start()
        process.join(30)
    assert process.exitcode == 0
    assert answer.get() == (parent.trace_id, bool(rate))


def test_a_message_through_a_queue_is_continued_or_linked(memory):
    """The producer's span is the parent of one message's consumer; of a batch, each is a link."""
    messages = queue.SimpleQueue()
    for number in range(2):
        with anytel.span(f"send {number}", kind="producer"):
            headers = {}
            anytel.inject(headers)
            messages.put((number, list(headers.items())))

    received = [messages.get() for _ in range(2)]
    with anytel.span("process 0", kind="consumer", parent=anytel.extract(received[0][1])):
        pass
    with anytel.span("process all", kind="consumer", links=[anytel.extract(headers) for _, headers in received]):
        pass

    sent = [memory.span(f"send {number}").context for number in range(2)]
    one, batch = memory.span("process 0"), memory.span("process all")
    assert (one.context.trace_id, one.parent_id, one.remote_parent) == (sent[0].trace_id, sent[0].span_id, True)
    assert [(link.context.trace_id, link.context.span_id) for link in batch.links] == [
        (one.trace_id, one.span_id) for one in sent
    ]
    assert batch.parent_id == 0


def test_a_carrier_that_is_no_mapping_is_refused(memory):
    """As an email message, which appends where a mapping replaces."""
    with anytel.span("s"):
        anytel.inject([])
        assert anytel.stats().refused["headers"] == 1
        anytel.inject(Message())
    assert anytel.stats().refused["headers"] == 1
