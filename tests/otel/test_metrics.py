"""Instruments of OpenTelemetry's API feed anytel's metrics, under the rules of undeclared ones."""

import os
import threading

import pytest
from opentelemetry import metrics
from opentelemetry.metrics import Observation

import anytel
import anytel_prometheus
from anytel import misuse
from anytel.metrics import observers
from anytel.testing.receivers.prometheus import scrape


@pytest.fixture
def meter(memory):
    """Give a meter of OpenTelemetry's API."""
    return metrics.get_meter("a.library", "1.2.3")


def test_a_counter_is_a_count(memory, meter):
    counter = meter.create_counter("calls", unit="{call}", description="Calls made")
    counter.add(2, {"route": "/a"})
    counter.add(3, {"route": "/a"})
    counter.add(1)
    point = memory.point("calls", route="/a")
    assert (point.value, point.series.kind, point.series.unit) == (5, "count", "{call}")
    assert point.series.description == "Calls made"
    assert memory.total("calls") == 6


def test_an_up_down_counter_is_a_gauge_that_is_added_to(memory, meter):
    counter = meter.create_up_down_counter("active")
    counter.add(3, {"pool": "a"})
    counter.add(-1, {"pool": "a"})
    assert memory.point("active", pool="a").value == 2
    assert memory.point("active", pool="a").series.kind == "gauge"


def test_a_gauge_is_a_gauge(memory, meter):
    gauge = meter.create_gauge("depth")
    gauge.set(3)
    gauge.set(1.5)
    assert memory.point("depth").value == 1.5


def test_a_histogram_has_the_advised_buckets_or_those_of_its_unit(memory, meter):
    advised = meter.create_histogram("advised", unit="s", explicit_bucket_boundaries_advisory=[2, 1])
    advised.record(1.5)
    meter.create_histogram("usual", unit="s").record(0.2)
    assert memory.point("advised").series.bounds == (1.0, 2.0)
    assert list(memory.point("advised").buckets) == [0, 1, 0]
    assert memory.point("usual").series.bounds[0] == 0.005


def test_attributes_are_tags_as_text(memory, meter):
    meter.create_counter("typed").add(1, {"yes": True, "status": 200, "list": ["a", "b"]})
    assert memory.tags("typed") == {(("list", "['a', 'b']"), ("status", "200"), ("yes", "true"))}


def test_the_limit_on_series_holds(memory, meter):
    counter = meter.create_counter("many")
    for number in range(2_010):
        counter.add(1, {"n": str(number)})
    assert len(memory.tags("many")) == 2_001
    assert memory.total("many") == 2_010


def test_the_same_name_with_another_kind_records_nothing_and_is_counted(memory, meter):
    meter.create_counter("taken").add(1)
    meter.create_histogram("taken").record(5)
    assert memory.total("taken") == 1
    assert misuse.counts["metric"] == 1


@pytest.mark.parametrize("value", [-1, float("nan"), "many"])
def test_bad_values_are_counted_and_never_raise_also_in_a_strict_application(configured, meter, value):
    memory = configured(strict=True)
    counter = meter.create_counter("strict")
    counter.add(value)
    counter.add(1)
    meter.create_gauge("strict").set(1)
    assert memory.total("strict") == 1
    assert misuse.counts["value"] == 1


def test_an_instrument_of_a_declared_metric_records_to_it(memory, meter):
    declared = anytel.Counter("declared.calls", tags=("route",))
    declared.add(1, {"route": "/a"})
    meter.create_counter("declared.calls").add(2, {"route": "/a"})
    assert memory.total("declared.calls", route="/a") == 3


def test_an_observable_counter_gives_totals_of_which_we_count_the_increase(memory, meter):
    totals = iter([10, 15, 4])
    meter.create_observable_counter("cpu", [lambda options: [Observation(next(totals), {"core": "0"})]], unit="s")
    for expected in (10, 15, 19):
        memory.flush()
        assert memory.backend.value("cpu", core="0") == expected


@pytest.mark.parametrize("kind", ["gauge", "up_down_counter"])
def test_other_observable_instruments_give_values(memory, meter, kind):
    values = iter([3, 2, 2, 2])
    create = getattr(meter, f"create_observable_{kind}")
    create("level", [lambda options: [Observation(next(values)), Observation(7, {"a": "b"})]])
    memory.flush()
    assert memory.point("level").value == 2
    assert memory.backend.value("level", a="b") == 7


def test_a_callback_may_be_a_generator(memory, meter):
    def callback():
        options = yield []
        while True:
            assert options.timeout_millis
            options = yield [Observation(4)]

    meter.create_observable_gauge("generated", [callback()])
    memory.flush()
    assert memory.point("generated").value == 4


def test_callbacks_run_on_a_thread_of_their_own(memory, meter):
    threads = []
    meter.create_observable_gauge("where", [lambda options: threads.append(threading.current_thread()) or []])
    memory.flush()
    assert {thread.name for thread in threads} == {"anytel-observers"}


def test_a_callback_that_raises_is_counted_and_the_others_are_asked(memory, meter):
    def bad(options):
        raise SystemExit

    meter.create_observable_gauge("bad", [bad, lambda options: [Observation(1)]])
    assert memory.point("bad").value == 1
    assert misuse.counts["observer"] >= 1


def test_a_callback_that_gives_no_numbers_or_no_end_of_them_is_bounded(memory, meter):
    def endless(options):
        while True:
            yield Observation(1, {"a": "b"})

    meter.create_observable_gauge("endless", [endless])
    meter.create_observable_gauge("nonsense", [lambda options: [Observation("x")]])
    assert memory.point("endless", a="b").value == 1
    assert misuse.counts["observer"] >= 1


def test_a_callback_that_hangs_keeps_nobody(memory, meter, monkeypatch):
    monkeypatch.setattr(observers, "PATIENCE", 0.05)
    release, begun = threading.Event(), threading.Event()

    def hanging(options):
        begun.set()
        release.wait(30)
        return [Observation(9)]

    meter.create_observable_gauge("slow", [hanging])
    anytel.count("other")
    memory.flush()
    assert begun.is_set()
    assert memory.total("other") == 1
    assert memory.backend.value("slow") == 0
    assert misuse.counts["observer_slow"] >= 1
    release.set()
    monkeypatch.undo()
    assert memory.point("slow").value == 9


def test_a_scrape_asks_too(configured, meter):
    anytel.configure(service="shop", backends="prometheus", log_format="json")
    meter.create_observable_gauge("scraped.level", [lambda options: [Observation(12, {"a": "b"})]])
    server = anytel_prometheus.start_http_server()
    try:
        assert scrape(server.url).value("scraped_level", a="b") == 12
    finally:
        server.close()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_child_asks_the_callbacks_again(run_python):
    run_python("""
import os, anytel
from anytel.backends.memory import MemoryBackend
from opentelemetry import metrics
from opentelemetry.metrics import Observation
backend = MemoryBackend()
anytel.configure(backends=[backend], log_format="json", flush_interval=60)
metrics.get_meter("m").create_observable_gauge("pid", [lambda options: [Observation(os.getpid())]])
assert anytel.flush(10)
assert backend.value("pid") == os.getpid()
child = os.fork()
if child == 0:
    ok = anytel.flush(10) and backend.value("pid") == os.getpid()
    os._exit(0 if ok else 1)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
""")
