"""What a reviewer broke once, and stays whole since."""

import multiprocessing
import os
import subprocess
import sys
import threading

import pytest

import anytel
from anytel import runtime
from anytel.backend import SpanContext
from anytel.backends.memory import MemoryBackend
from anytel.tracing.trace import MAX_LIVE


@pytest.mark.parametrize("description", [None, 7, "\ud800", object()])
def test_a_description_of_any_type_is_text(memory, description):
    """Backends get a string that can be encoded, whatever was declared."""
    anytel.Counter("hardening.described", description=description, owner=description).add()

    assert isinstance(memory.point("hardening.described").series.description.encode(), bytes)


@pytest.mark.parametrize("unit", [None, 7, "\ud800"])
def test_a_unit_of_any_type_is_text(memory, unit):
    """It loses no other point of its interval."""
    anytel.distribution("hardening.unit", 1.0, unit=unit)

    assert isinstance(memory.point("hardening.unit").series.unit.encode(), bytes)


def test_a_span_whose_fields_were_exchanged_for_nonsense_is_plain(memory):
    """Backends see a known kind, a text for a scope, and links whose ids are possible."""
    impossible = SpanContext(-1, 0, sampled=True)
    with anytel.span("odd", links=[impossible]) as span:
        span.kind = []
        span.scope = object()

    found = memory.span("odd")
    assert (found.kind, found.scope, found.links) == ("internal", "", ())


@pytest.mark.parametrize("name", ["\ud800", 7, float("nan"), None], ids=ascii)
def test_a_logger_of_any_name_has_a_name_that_can_be_sent(memory, name):
    """The record's logger is text that can be encoded."""
    anytel.get_logger(name).info("event")

    assert isinstance(memory.logs[0].logger.encode(), bytes)


def test_redaction_reaches_tags_that_were_bound_before_it_was_in_force(configured):
    """Series that exist are brought together under their redacted tags, and handles follow."""
    customers = anytel.Counter("hardening.calls", tags=("customer",))
    bound = customers.bind(customer="alice")
    anytel.Gauge("hardening.depth", tags=("customer",)).set(3, {"customer": "bob"})
    memory = configured(redact="customer")

    bound.add(2)
    customers.add(1, {"customer": "carol"})

    assert memory.tags("hardening.calls") == memory.tags("hardening.depth") == {(("customer", "[redacted]"),)}
    assert memory.total("hardening.calls") == 3
    assert memory.point("hardening.depth", customer="[redacted]").value == 3


def test_new_redaction_rules_merge_the_totals_of_what_was_recorded_before(configured):
    """Counts, samples and sets of the series that become one add up."""
    configured()
    for customer in ("alice", "bob"):
        anytel.count("hardening.merged", tags={"customer": customer})
        anytel.distribution("hardening.samples", 1.0, tags={"customer": customer})
        anytel.set("hardening.members", customer, tags={"customer": customer})
    configured(redact="customer")

    points = {point.series.name: point for point in runtime.store.totals().points}
    assert points["hardening.merged"].value == 2
    assert points["hardening.samples"].count == 2
    assert points["hardening.members"].value == 2


@pytest.mark.parametrize("processors", [3, [1], ["name"]])
def test_log_processors_that_are_none_are_a_config_error_and_leave_nothing_open(memory, processors):
    """The error names the argument, and what was in force still is."""
    with pytest.raises(anytel.ConfigError, match="log_processors"):
        anytel.configure(backends=[MemoryBackend()], log_processors=processors)
    with anytel.span("still"):
        pass

    assert memory.span("still")


def test_a_burst_within_the_buffer_is_not_dropped(memory):
    """As many spans as the buffer holds fit into the queue behind it."""
    with anytel.span("root"):
        for _ in range(40_000):
            anytel.start_span("child").end()

    memory.flush()
    assert anytel.stats().backends["memory"]["span"].delivered == 40_001


def test_open_traces_that_are_watched_are_bounded(memory):
    """Roots that are never ended do not pile up in the tracer."""
    spans = [anytel.start_span("forgotten") for _ in range(MAX_LIVE + 100)]

    assert len(runtime.active.tracer.live) == MAX_LIVE
    for span in spans:
        span.end()


def test_tags_without_end_are_bounded():
    """A declaration takes a bounded number of tags."""
    import itertools

    metric = anytel.Counter("hardening.endless", tags=map(str, itertools.count()))

    assert len(metric.tags) == 64


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_child_of_multiprocessing_delivers_at_its_end(tmp_path):
    """Such a child ends without atexit; what it recorded arrives all the same."""
    script = f"""
import multiprocessing, anytel
from anytel.backend import Backend, Ack

class Files(Backend):
    name = "files"
    def spans(self, batch, deadline):
        with open({str(tmp_path / "spans")!r}, "a") as out:
            out.writelines(span.name + "\\n" for span in batch)
        return Ack(len(batch))

def child():
    with anytel.span("child"):
        pass

anytel.configure(backends=[Files()])
process = multiprocessing.get_context("fork").Process(target=child)
process.start()
process.join()
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, timeout=30)

    assert done.returncode == 0, done.stderr
    assert (tmp_path / "spans").read_text() == "child\n"
    assert multiprocessing.active_children() == []


def test_a_signal_handler_may_record_flush_and_ask_for_the_stats(run_python):
    """Whatever it interrupts, nothing hangs and nothing is raised."""
    done = run_python("""
import os, signal, threading
import anytel
from anytel.backends.memory import MemoryBackend

anytel.configure(backends=[MemoryBackend()])
calls = []

def handler(number, frame):
    signal.setitimer(signal.ITIMER_REAL, 0)
    calls.append(1)
    anytel.count(f"signal.{len(calls)}")
    anytel.stats()
    anytel.flush(1)
    signal.setitimer(signal.ITIMER_REAL, 0.001)

signal.signal(signal.SIGALRM, handler)
signal.setitimer(signal.ITIMER_REAL, 0.001)
while len(calls) < 100:
    anytel.count("main", tags={"n": len(calls)})
    anytel.stats()
    anytel.flush(1)
signal.setitimer(signal.ITIMER_REAL, 0)
print("done")
""")

    assert done.stdout.splitlines()[-1] == "done"


@pytest.mark.parametrize(
    "text",
    [
        "https://shop.test/cb?access_token=abcdef123&page=2",
        "https://shop.test/cb?page=2&api_key=abcdef123",
        'cannot parse {"password": "abcdef123"}',
        "login failed: password=abcdef123",
        "Authorization: Bearer abcdef123",
    ],
)
def test_named_secrets_inside_texts_are_redacted(memory, text):
    """In a URL's query, in JSON and in messages, the value after a secret's name is replaced, and nothing else."""
    with anytel.span("secret", attributes={"text": text, "safe": "tokens=12 and key: value"}):
        pass

    attributes = memory.span("secret").attributes
    assert "abcdef123" not in attributes["text"]
    assert "[redacted]" in attributes["text"]
    assert ("page=2" in attributes["text"]) is ("page=2" in text)
    assert attributes["safe"] == "tokens=12 and key: value"


def test_exemplars_and_scrapes_race_without_harm(memory):
    """Scraping while threads record with exemplars raises nothing."""
    problems = []
    stop = threading.Event()

    def record():
        while not stop.is_set():
            with anytel.span("s"):
                anytel.count("hardening.race", tags={"a": "b"})

    threads = [threading.Thread(target=record) for _ in range(3)]
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for thread in threads:
            thread.start()
        for _ in range(300):
            try:
                runtime.store.totals()
            except RuntimeError as exc:
                problems.append(exc)
    finally:
        stop.set()
        for thread in threads:
            thread.join()
        sys.setswitchinterval(interval)

    assert problems == []


@pytest.mark.parametrize("value", [True, 0, 1, 2.5, None, 200, "x"])
def test_a_known_series_is_recorded_to_without_the_lock(memory, value):
    """Whatever plain type a tag value has, the second record of an interval waits for nobody."""
    metric = anytel.Counter("hardening.lockless")
    other = anytel.Counter("hardening.other")
    metric.add(1, {"tag": value, "n": 1})
    done = threading.Event()

    def record():
        other.add()  # gives the thread its shard, which takes the lock once
        ready.set()
        held.wait(10)
        metric.add(1, {"tag": value, "n": 1})
        done.set()

    ready, held = threading.Event(), threading.Event()
    thread = threading.Thread(target=record)
    thread.start()
    assert ready.wait(10)
    with runtime.store.lock:
        held.set()
        assert done.wait(10)
    thread.join()

    assert memory.total("hardening.lockless") == 2


def test_values_that_are_equal_and_not_the_same_text_are_series_of_their_own(memory):
    """``1``, ``True`` and ``1.0`` are told apart by what they are written as, in any order and in every interval."""
    for _ in range(2):
        for value in (True, 1, 1.0, "1", "true", 1.5, None):
            anytel.count("hardening.equal", tags={"v": value})
        memory.flush()

    tags = {
        dict(tags).get("v"): memory.total("hardening.equal", **dict(tags)) for tags in memory.tags("hardening.equal")
    }
    assert {name: total for name, total in tags.items() if name is not None} == {"true": 4, "1": 6, "1.5": 2}
    assert memory.total("hardening.equal") == 14


class Unencodable(MemoryBackend):
    """A backend that fails with what UTF-8 cannot hold."""

    def spans(self, batch, deadline):
        raise RuntimeError("\ud800")


def test_a_warning_can_be_written_as_utf8(configured, caplog):
    """What was refused, or what a backend raised, is shown so that every log handler can encode it."""
    configured(Unencodable())
    anytel.count("hardening.warned", "\ud800")
    with anytel.span("lost"):
        pass
    anytel.flush(timeout=10)

    warnings = [one.getMessage() for one in caplog.records]
    assert len(warnings) == 2
    assert all(one.encode() for one in warnings)
