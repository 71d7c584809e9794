"""Fan-out that cannot hurt: what one backend does changes nothing for its siblings and the caller."""

import logging
import threading

import pytest

import anytel
from anytel.backend import Ack, Backend, ConfigError
from anytel.backends.memory import MemoryBackend
from anytel.pipeline import outlet
from core.doubles import Acking, Blocked, First, Named, Raising, Second
from core.hostile import Failing


def record_one_of_each():
    with anytel.span("s"):
        anytel.count("n")
    anytel.get_logger().info("line")
    anytel.capture_exception(ValueError("x"))


def accounts(name):
    return {
        signal: (one.emitted, one.delivered, dict(one.dropped), one.queued)
        for signal, one in anytel.stats().backends[name].items()
    }


ALL_DELIVERED = {signal: (1, 1, {}, 0) for signal in ("span", "metric", "log", "error")}


def test_every_backend_gets_everything(configured):
    """Two backends get the same records, and the accounts say so."""
    first, second = First(), Second()
    configured(first, backends=[first, second])
    record_one_of_each()
    assert anytel.flush(10)
    for backend in (first, second):
        assert [len(x) for x in (backend.finished, backend.points, backend.events, backend.reports)] == [1] * 4
        assert accounts(backend.name) == ALL_DELIVERED
    assert first.finished[0] is second.finished[0]


@pytest.mark.parametrize("order", [0, 1])
@pytest.mark.parametrize("problem", [RuntimeError, BaseException, SystemExit, KeyboardInterrupt, Failing])
def test_a_backend_that_raises_everywhere_hurts_nobody(configured, caplog, problem, order):
    """A backend that raises in every method loses its own records, counted and reported once of a kind."""
    sibling, raising = First(), Raising(problem)
    configured(sibling, backends=[sibling, raising][:: -1 if order else 1])
    for _ in range(3):
        record_one_of_each()
        assert not anytel.flush(10)
    assert len(sibling.finished) == len(sibling.events) == len(sibling.reports) == 3
    assert accounts("first")["span"] == (3, 3, {}, 0)
    assert accounts("raising")["span"] == (3, 0, {"backend_error": 3}, 0)
    assert len([one for one in caplog.records if "failed at span" in one.message]) == 1
    assert not anytel.shutdown(timeout=10)
    assert sibling.calls[-1] == "close"


def test_a_log_handler_that_raises_hurts_nobody(configured):
    """Our own warnings going wrong changes nothing either."""

    class Broken(logging.Handler):
        def emit(self, record):
            raise RuntimeError("broken handler")

    handler = Broken()
    logging.getLogger("anytel").addHandler(handler)
    try:
        sibling = First()
        configured(sibling, backends=[Raising(), sibling])
        anytel.start_span("s", kind="bogus").end()
        assert not anytel.flush(10)
    finally:
        logging.getLogger("anytel").removeHandler(handler)
    assert len(sibling.finished) == 1


@pytest.mark.parametrize("method", ["spans", "flush", "close"])
@pytest.mark.parametrize("order", [0, 1])
def test_a_blocked_backend_does_not_keep_the_others(configured, method, order):
    """A backend that blocks for ever costs the deadline and no more: it is not delivered, its sibling is."""
    blocked, sibling = Blocked(method), First()
    configured(sibling, backends=[blocked, sibling][:: -1 if order else 1])
    with anytel.span("s"):
        pass
    try:
        done = []
        stop = threading.Thread(target=lambda: done.append(anytel.shutdown(timeout=0.5)))
        stop.start()
        assert blocked.entered.wait(10)
        stop.join(10)
        assert done == [False]
        assert [record.name for record in sibling.finished] == ["s"]
        assert sibling.calls == ["open", "flush", "close"]
    finally:
        blocked.released.set()


def test_a_blocked_backend_does_not_block_the_caller(configured, monkeypatch):
    """While a backend blocks, calls return, its queue is bounded, and its sibling goes on receiving."""
    monkeypatch.setitem(outlet.LIMITS, "span", 2_000)
    blocked, sibling = Blocked("spans"), First()
    configured(sibling, backends=[blocked, sibling])
    with anytel.span("first"):
        pass
    try:
        assert not anytel.flush(0.2)
        assert blocked.entered.wait(10)
        for number in range(2_005):
            anytel.start_span("s", attributes={"n": number}).end()
            if number % 1_000 == 0:
                anytel.flush(0.05)
        assert not anytel.flush(0.5)
        assert accounts("blocked")["span"] == (2_006, 0, {"queue_full": 5}, 2_001)
        assert accounts("first")["span"] == (2_006, 2_006, {}, 0)
    finally:
        blocked.released.set()
    assert anytel.flush(20)
    assert accounts("blocked")["span"] == (2_006, 2_001, {"queue_full": 5}, 0)


def test_a_full_queue_drops_the_oldest(configured, monkeypatch):
    """What does not fit into a backend's queue pushes out the oldest, and is counted."""
    monkeypatch.setitem(outlet.LIMITS, "span", 3)

    class Gate(Blocked, MemoryBackend):
        def spans(self, batch, deadline):
            self._maybe("spans")
            return MemoryBackend.spans(self, batch, deadline)

        def __init__(self):
            Blocked.__init__(self, "spans")
            MemoryBackend.__init__(self)

    gate = Gate()
    configured(gate)
    anytel.start_span("taken").end()
    try:
        assert not anytel.flush(0.05)
        assert gate.entered.wait(10)
        for number in range(5):
            anytel.start_span(f"s{number}").end()
        assert not anytel.flush(0.05)
    finally:
        gate.released.set()
    assert anytel.flush(10)
    assert [record.name for record in gate.finished] == ["taken", "s2", "s3", "s4"]
    assert accounts("blocked")["span"] == (6, 4, {"queue_full": 2}, 0)


@pytest.mark.parametrize(
    "ack",
    [
        None, 5, "delivered", Ack(7), Ack(0), Ack(-1), Ack(1, {"x": 5}), Ack(3, retry=-1), Ack(0, retry=99),
        Ack(2, {"x": "many"}), Ack(None), Ack(2.0), Ack(0, {"a": -1}, 3),
    ],
    ids=str,
)  # fmt: skip
def test_a_wrong_ack_is_reported_and_accounts_add_up(configured, caplog, ack):
    """An answer that does not add up is reported; what it does not account for is counted as dropped."""
    backend, sibling = Acking(ack), First()
    configured(sibling, backends=[backend, sibling])
    for _ in range(2):
        anytel.start_span("s").end()
    assert not anytel.flush(10)
    emitted, delivered, dropped, queued = accounts("acking")["span"]
    assert (emitted, queued) == (2, 0)
    assert 0 <= delivered <= 2
    assert delivered + sum(dropped.values()) == 2
    assert any("acking" in one.message for one in caplog.records)
    anytel.start_span("next").end()
    assert anytel.flush(10)
    assert backend.batches[-1] == ["next"]
    assert len(sibling.finished) == 3


def test_a_partial_ack_keeps_what_it_says(configured):
    """An answer that accounts for a part is believed for that part."""
    configured(Acking(Ack(1)))
    for _ in range(2):
        anytel.start_span("s").end()
    assert not anytel.flush(10)
    assert accounts("acking")["span"] == (2, 1, {"unacknowledged": 1}, 0)


def test_retry_offers_the_last_items_again(configured):
    """`Ack(retry=n)` has the last n items offered again, before what came later."""
    backend = Acking(Ack(1, {"too_large": 1}, 2), Ack)
    configured(backend)
    for number in range(4):
        anytel.start_span(f"s{number}").end()
    assert not anytel.flush(10), "one was dropped meanwhile"
    assert backend.batches == [["s0", "s1", "s2", "s3"], ["s2", "s3"]]
    assert accounts("acking")["span"] == (4, 3, {"too_large": 1}, 0)


def test_a_flush_waits_for_the_retry(configured):
    """A flush within whose deadline the retry succeeds has delivered."""
    configured(Acking(Ack(0, retry=1)))
    anytel.start_span("s").end()
    assert anytel.flush(20)
    assert accounts("acking")["span"] == (1, 1, {}, 0)


def test_retry_after_is_respected_by_flush(configured):
    """Nothing is offered again before `retry_after`: a flush that cannot deliver earlier says so, without hammering."""
    backend = Acking(*[lambda size: Ack(0, retry=size, retry_after=3600)] * 100)
    configured(backend)
    anytel.start_span("s").end()
    assert not anytel.flush(0.5)
    assert len(backend.batches) == 1
    assert accounts("acking")["span"] == (1, 0, {}, 1)
    assert not anytel.shutdown(0.5)
    assert len(backend.batches) <= 3


@pytest.mark.parametrize("wish", [1e12, float("inf")])
def test_a_wish_to_come_back_in_a_thousand_years_does_not_end_the_worker(configured, wish):
    """Threads cannot wait so long, and the number is a server's."""
    configured(Acking(lambda size: Ack(0, retry=size, retry_after=wish)))
    anytel.start_span("s").end()
    assert not anytel.flush(0.5)
    (worker,) = [thread for thread in threading.enumerate() if thread.name == "anytel-acking"]
    worker.join(0.2)
    assert worker.is_alive()
    assert accounts("acking")["span"] == (1, 0, {}, 1)


def test_a_failing_backend_is_not_hammered(configured):
    """While retries go on failing, the pauses between them grow: a long flush makes few attempts."""
    backend = Acking(*[lambda size: Ack(0, retry=size)] * 1_000)
    configured(backend)
    anytel.start_span("s").end()
    assert not anytel.flush(1.5)
    assert 2 <= len(backend.batches) <= 5
    assert not anytel.shutdown(0.1)


def test_what_is_left_at_shutdown_is_counted(configured):
    """At shutdown what cannot be delivered is dropped, counted, and told."""
    backend = Acking(*[lambda size: Ack(0, retry=size)] * 1_000)
    configured(backend)
    for _ in range(3):
        anytel.start_span("s").end()
    pipeline = anytel.runtime.active.pipeline
    assert not anytel.shutdown(0.3)
    counts = pipeline.counts()["acking"]["span"]
    assert (counts.emitted, counts.delivered, counts.queued) == (3, 0, 0)
    assert sum(counts.dropped.values()) == 3


def test_metrics_are_retried_by_points(configured):
    """A metric batch's retry offers its last points again."""

    class Half(Named):
        name = "half"
        batches = ()

        def metrics(self, batch, deadline):
            self.batches = (*self.batches, [point.series.name for point in batch.points])
            return Ack(1, retry=len(batch.points) - 1)

    backend = Half()
    configured(backend)
    for name in "abc":
        anytel.count(name)
    assert anytel.flush(20)
    assert backend.batches == (["a", "b", "c"], ["b", "c"], ["c"])
    assert accounts("half")["metric"] == (3, 3, {}, 0)


def test_flush_is_true_under_load(configured):
    """A flush tells of what was recorded before it, however much goes on being recorded."""
    backend = First()
    configured(backend)
    stop = threading.Event()

    def load():
        while not stop.is_set():
            anytel.start_span("load").end()
            stop.wait(0.0001)

    thread = threading.Thread(target=load)
    thread.start()
    try:
        for _ in range(5):
            assert anytel.flush(10)
    finally:
        stop.set()
        thread.join(10)


def test_what_was_lost_before_does_not_make_a_flush_false(configured):
    """A flush answers for itself: an earlier loss is in the accounts."""
    configured(Acking(Ack(0, {"refused": 1})))
    anytel.start_span("lost").end()
    assert not anytel.flush(10)
    anytel.start_span("kept").end()
    assert anytel.flush(10)


def test_host_lost_corrects_the_accounts(configured):
    """What a backend reports as lost later moves from delivered to dropped."""
    backend = First()
    configured(backend)
    anytel.start_span("s").end()
    assert anytel.flush(10)
    backend.host.lost("span", 1, "rejected")
    assert accounts("first")["span"] == (1, 0, {"rejected": 1}, 0)


def test_a_backend_gets_only_its_signals(configured):
    """`signals` says what a backend takes; the rest is not emitted to it."""

    class Spans(First):
        signals = frozenset({"span"})

    configured(Spans())
    record_one_of_each()
    assert anytel.flush(10)
    assert accounts("first") == {"span": (1, 1, {}, 0)}


def test_a_backend_may_emit_telemetry_itself(configured):
    """What a backend records on its worker is recorded, and ends."""

    class Talking(First):
        def spans(self, batch, deadline):
            anytel.count("batches")
            anytel.get_logger("backend").info("sent")
            return super().spans(batch, deadline)

    backend = Talking()
    configured(backend)
    anytel.start_span("s").end()
    assert anytel.flush(10)
    assert anytel.flush(10)
    assert backend.value("batches") == 1
    assert [event.message for event in backend.events] == ["sent"]


def test_reconfigure_drains_the_old_pipeline(configured):
    """`configure` exchanges the backends and delivers what was recorded to the old ones, which it closes."""
    first, second = First(), Second()
    configured(first)
    record_one_of_each()
    configured(second)
    assert [len(x) for x in (first.finished, first.points, first.events, first.reports)] == [1] * 4
    assert first.calls == ["open", "flush", "close"]
    record_one_of_each()
    assert anytel.flush(10)
    assert len(first.finished) == len(second.finished) == 1
    assert list(anytel.stats().backends) == ["second"]


def test_a_failing_configure_changes_nothing(configured):
    """When a backend cannot be opened, the others are closed again and everything stays in force."""

    class Unopenable(Backend):
        name = "unopenable"

        def open(self, host):
            raise OSError("port taken")

    first, second = First(), Second()
    configured(first)
    with pytest.raises(ConfigError, match=r"unopenable.*port taken"):
        anytel.configure(backends=[second, Unopenable()], sample_rate=0)
    assert second.calls[-1] == "close"
    record_one_of_each()
    assert anytel.flush(10)
    assert accounts("first") == ALL_DELIVERED
    assert first.calls == ["open", "flush"]


def test_shutdown_ends_everything(configured):
    """After `shutdown` nothing is delivered, a second one is true, the accounts stay, and `configure` begins anew."""
    first = First()
    configured(first)
    record_one_of_each()
    assert anytel.shutdown(10)
    assert anytel.shutdown(10)
    record_one_of_each()
    assert anytel.flush(10)
    assert accounts("first")["span"] == (1, 1, {}, 0)
    assert accounts("first")["log"] == (2, 1, {"closed": 1}, 0)
    assert len(first.finished) == len(first.events) == len(first.reports) == 1
    assert not any(thread.name.startswith("anytel") for thread in threading.enumerate())
    second = Second()
    configured(second)
    record_one_of_each()
    assert anytel.flush(10)
    assert accounts("second")["span"] == (1, 1, {}, 0)


def test_reset_ends_the_threads(configured):
    """`reset` forgets everything, stops the threads and closes the backends; nothing is delivered."""
    first = First()
    configured(first, flush_interval=0.05)
    anytel.start_span("s").end()
    threads = [thread for thread in threading.enumerate() if thread.name.startswith("anytel")]
    anytel.runtime.reset()
    for thread in threads:
        thread.join(10)
    assert not any(thread.is_alive() for thread in threads)
    assert first.calls[-1] == "close"


def test_the_interval_delivers_without_a_flush(configured):
    """Spans and metrics arrive by themselves."""

    class Ticking(First):
        def __init__(self):
            super().__init__()
            self.ticked = threading.Event()

        def metrics(self, batch, deadline):
            self.ticked.set()
            return super().metrics(batch, deadline)

    backend = Ticking()
    configured(backend, flush_interval=0.05)
    anytel.start_span("s").end()
    anytel.count("n")
    assert backend.received.wait(20)
    assert backend.ticked.wait(20)


def test_cumulative_and_pull_backends_get_totals(configured):
    """A backend gets deltas, or totals with each tick, also with one that nothing came before, or when it asks."""

    class Totals(First):
        metric_flow = "cumulative"

    class Pulled(Second):
        metric_flow = "pull"

    totals, pulled = Totals(), Pulled()
    configured(totals, backends=[totals, pulled])
    for value in (1, 2):
        anytel.count("n", value)
        assert anytel.flush(10)
    assert anytel.flush(10)
    assert [point.value for point in totals.points] == [1, 3, 3]
    assert [point.value for point in pulled.host.collect().points] == [3]
    assert pulled.host.collect().flow == "pull"
    assert anytel.shutdown(10)
    assert pulled.calls[-1] == "close"


def test_backends_that_get_totals_get_the_same(configured):
    """Those of one moment, gathered once."""

    class Totals(First):
        metric_flow = "cumulative"

    class Others(Second):
        metric_flow = "cumulative"

    one, other = Totals(), Others()
    configured(one, backends=[one, other])
    anytel.count("n")
    assert anytel.flush(10)
    assert one.points
    assert all(mine is theirs for mine, theirs in zip(one.points, other.points, strict=True))


def test_a_blocked_pull_backend_keeps_the_deadline(configured):
    """Closing a pulled backend that blocks costs the deadline too."""

    class Pulled(Blocked):
        metric_flow = "pull"

    blocked, sibling = Pulled("close"), First()
    configured(sibling, backends=[sibling, blocked])
    try:
        done = []
        stop = threading.Thread(target=lambda: done.append(anytel.shutdown(timeout=0.3)))
        stop.start()
        stop.join(20)
        assert done == [False]
        assert sibling.calls[-1] == "close"
    finally:
        blocked.released.set()


def test_a_name_exchanged_for_anything_loses_no_neighbour(configured):
    """A span whose name the user has exchanged for an object arrives, as do those beside it and below it."""
    memory = configured()
    with anytel.span("root") as root:
        root.name = object()
        with anytel.span("fine"):
            pass
    assert [(record.name, record.root_name) for record in memory.spans] == [
        ("fine", "<object>"), ("<object>", "<object>"),
    ]  # fmt: skip


@pytest.mark.parametrize("timeout", [0, -1, 0.0])
def test_hostile_timeouts(configured, timeout):
    """A deadline that has passed already delivers nothing and says so; nothing raises."""
    configured()
    anytel.start_span("s").end()
    assert anytel.flush(timeout) in (True, False)
    assert anytel.flush(10)
