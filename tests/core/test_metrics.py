"""Metrics: five kinds, by verb and by instrument, aggregated once."""

import enum
import math
import sys
import threading
from decimal import Decimal
from fractions import Fraction

import pytest

import anytel
from anytel.metrics import aggregate
from anytel.metrics.store import MAX_SERIES, OVERFLOW
from core.hostile import VALUES, BadMapping, Unequal, Unprintable

KINDS = ["count", "gauge", "distribution", "histogram", "set"]
VERBS = {kind: getattr(anytel, kind) for kind in KINDS}
CLASSES = {
    "count": anytel.Counter,
    "gauge": anytel.Gauge,
    "distribution": anytel.Distribution,
    "histogram": anytel.Histogram,
    "set": anytel.Set,
}


def recorder(kind, name="m", bind=None, **declared):
    """Give a function of value and tags that records to a declared instrument, or to a handle bound on it."""
    instrument = CLASSES[kind](name, **declared)
    target = instrument if bind is None else instrument.bind(bind)
    return {"count": "add", "gauge": "set", "set": "add"}.get(kind, "record"), target


def record(kind, value, tags=None, name="m", **declared):
    method, target = recorder(kind, name, **declared)
    getattr(target, method)(value, tags)


@pytest.mark.parametrize("way", ["verb", "instrument", "bound"])
@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_every_way(memory, kind, way):
    """A verb, a declared instrument and a bound handle give the same points."""
    if way == "verb":
        for value in (3, 4):
            VERBS[kind]("m", value, tags={"a": "x"})
    else:
        method, target = recorder(kind, tags=("a",), bind={"a": "x"} if way == "bound" else None)
        for value in (3, 4):
            getattr(target, method)(value, *(() if way == "bound" else ({"a": "x"},)))
    point = memory.point("m", a="x")
    assert point.series.kind == kind
    if kind == "count":
        assert point.value == 7
    elif kind == "gauge":
        assert (point.value, point.fresh) == (4, True)
    elif kind == "set":
        assert (point.value, sorted(point.members)) == (2, ["3", "4"])
    else:
        assert (point.count, point.value, point.low, point.high) == (2, 7, 3, 4)
        assert sorted(point.samples) == [3, 4]
        assert sum(point.buckets) == 2


def test_a_count_adds_one(memory):
    """A count adds 1 unless told otherwise; 0 is a value; integers stay integers."""
    anytel.count("n")
    anytel.count("n", 2)
    anytel.count("zero", 0)
    assert memory.point("n").value == 3
    assert type(memory.point("n").value) is int
    assert memory.point("zero").value == 0


def test_a_gauge_goes_up_and_down(memory):
    """`Gauge.add` changes the value, from 0; it keeps its value through intervals in which nothing is written."""
    depth = anytel.Gauge("depth")
    depth.add(5)
    depth.add(-2)
    assert (memory.point("depth").value, memory.point("depth").fresh) == (3, False)
    depth.bind().add(1)
    assert (memory.point("depth").value, memory.backend.points[-1].fresh) == (4, True)


def test_deltas_and_totals(memory):
    """Each interval's points hold what happened in it; totals hold everything."""
    anytel.count("n", 2)
    anytel.distribution("d", 1)
    assert (memory.point("n").value, memory.point("d").count) == (2, 1)
    anytel.count("n", 3)
    anytel.distribution("d", 5)
    assert (memory.point("n").value, memory.point("d").count, memory.point("d").low) == (3, 1, 5)
    totals = {p.series.name: p for p in anytel.runtime.store.totals().points}
    assert (totals["n"].value, totals["d"].count, totals["d"].value, totals["d"].low) == (5, 2, 6, 1)


class Outcome(enum.Enum):
    OK = "ok"


class Code(enum.IntEnum):
    FINE = 200


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (True, "true"), (False, "false"), (1, "1"), (0, "0"), (1.0, "1"), (1.5, "1.5"), ("1", "1"), (Outcome.OK, "ok"),
        (Code.FINE, "200"), (b"raw", "raw"), ([1, 2], "[1, 2]"), ({"a": 1}, "{'a': 1}"), (2**70, str(2**70)),
        (math.nan, "nan"), ("x" * 1_000, "x" * 200), (1e300, str(int(1e300))[:200]),
    ],
)  # fmt: skip
def test_tag_values_become_text(memory, value, shown):
    """Tag values of any type, also unhashable ones, are text; equal numbers of different types do not get mixed up."""
    for _ in range(2):
        anytel.count("m", tags={"a": value})
    assert memory.point("m", a=shown).value == 2


def test_equal_tag_values_of_different_types(memory):
    """True is `true`, and 1, 1.0 and "1" are `1`, in whatever order they come."""
    for values in ([True, 1, 1.0, "1"], ["1", 1.0, 1, True]):
        for value in values:
            anytel.count("m", tags={"a": value})
    assert (memory.point("m", a="true").value, memory.point("m", a="1").value) == (2, 6)


def test_the_order_of_tags_is_irrelevant(memory):
    """Tags in another order are the same series; None is left out."""
    anytel.count("m", tags={"a": 1, "b": 2})
    anytel.count("m", tags={"b": 2, "c": None, "a": 1})
    assert memory.point("m", a="1", b="2").value == 2
    assert memory.tags("m") == {(("a", "1"), ("b", "2"))}


@pytest.mark.parametrize("name", VALUES)
@pytest.mark.parametrize("kind", KINDS)
def test_hostile_tag_values(memory, kind, name):
    """No tag value raises, or keeps other series from arriving."""
    VERBS[kind]("m", 1, tags={"a": VALUES[name]})
    VERBS[kind]("m", 1, tags={"a": "fine"})
    VERBS[kind]("m", 1)
    assert memory.point("m", a="fine").series.kind == kind
    for tags in memory.tags("m"):
        for text in (part for pair in tags for part in pair):
            assert type(text) is str
            text.encode()


@pytest.mark.parametrize("tags", [5, "a", ["a"], BadMapping(), {1: 2}, {Unprintable(): 1}, {b"a": 1}, {"\ud800": "x"}])
def test_hostile_tags(memory, tags):
    """Tags that are no mapping, or have odd names, do not raise; the next call is counted."""
    for kind in KINDS:
        VERBS[kind](kind, 1, tags=tags)
        CLASSES[kind](kind).bind(tags)
        VERBS[kind](kind, 1)
    assert {point.series.name for point in memory.points} >= set(KINDS)


@pytest.mark.parametrize("kind", ["count", "gauge", "distribution", "histogram"])
@pytest.mark.parametrize("bind", [None, {}], ids=["call", "bound"])
@pytest.mark.parametrize(
    "value",
    [math.nan, math.inf, -math.inf, None, "many", "5", b"5", [], object(), Unprintable(), Unequal(), 10**400, 1j],
    ids=["nan", "inf", "-inf", "none", "text", "digits", "bytes", "list", "object", "unprintable", "unequal", "huge",
         "complex"],
)  # fmt: skip
def test_what_is_no_finite_number_is_refused(memory, kind, bind, value):
    """A value that is no finite number is refused and counted; the values beside it arrive."""
    method, target = recorder(kind, bind=bind)
    for one in (1, value, 2):
        getattr(target, method)(one)
    point = memory.point("m")
    assert point.value == (2 if kind == "gauge" else 3)
    assert math.isfinite(point.value)
    assert anytel.stats().refused["value"] == 1


@pytest.mark.parametrize("value", [-1, -0.5])
def test_a_count_does_not_go_down(memory, value):
    """A negative increment is refused and counted."""
    anytel.count("n", 5)
    anytel.count("n", value)
    anytel.Counter("n").bind().add(value)
    assert memory.point("n").value == 5
    assert anytel.stats().refused["value"] == 2


@pytest.mark.parametrize("value", [Decimal("1.5"), Fraction(3, 2), 1.5])
@pytest.mark.parametrize("kind", ["count", "gauge", "distribution"])
def test_numbers_of_any_type(memory, kind, value):
    """Decimals and fractions are numbers, and can be mixed with the others."""
    for one in (value, 1, 2.5, value):
        VERBS[kind]("m", one)
    point = memory.point("m")
    assert type(point.value) in (int, float)
    assert point.value == (1.5 if kind == "gauge" else 6.5)


@pytest.mark.parametrize("kind", ["count", "distribution", "histogram"])
def test_sums_stay_finite(memory, kind):
    """Sums beyond what a float or 64 bits hold do not break the interval: what is sent is finite, and in 64 bits."""
    for value in (sys.float_info.max, sys.float_info.max, 2**63 - 1, 2**63 - 1):
        VERBS[kind]("m", value)
        VERBS[kind]("whole", 2**62)
    anytel.count("neighbour")
    for point in memory.points:
        assert math.isfinite(point.value)
        assert type(point.value) is float or abs(point.value) < 2**63
    assert memory.total("neighbour") == 1


def test_misuse_of_metrics_is_an_error_when_strict(configured):
    """With the strict setting a refused value, tag or name raises `MisuseError`, at every call."""
    configured(strict=True)
    calls = anytel.Counter("calls", tags={"outcome": ("ok",)})
    for _ in range(2):
        for wrong in (
            lambda: anytel.count("n", -1),
            lambda: anytel.count("n", math.nan),
            lambda: anytel.gauge("g", math.inf),
            lambda: anytel.distribution("d", math.nan),
            lambda: anytel.Histogram("h").bind().record(math.inf),
            lambda: calls.add(1, {"other": 1}),
            lambda: calls.add(1, {"outcome": "bad"}),
            lambda: anytel.gauge("calls", 1),
            lambda: anytel.count("no spaces allowed"),
            lambda: anytel.Counter("calls", unit="By"),
        ):
            with pytest.raises(anytel.MisuseError):
                wrong()


# Declarations.


def test_undeclared_tags_are_dropped(memory):
    """On a declared metric an unknown tag, or a tag's value that is not allowed, is dropped and counted."""
    calls = anytel.Counter("calls", tags={"endpoint": None, "outcome": ("ok", "error")})
    calls.add(1, {"endpoint": "a", "outcome": "ok"})
    calls.add(1, {"endpoint": "a", "outcome": "strange", "user": 7})
    anytel.count("calls", tags={"endpoint": "a", "user": 8})
    assert memory.point("calls", endpoint="a", outcome="ok").value == 1
    assert memory.point("calls", endpoint="a").value == 2
    assert anytel.stats().refused["tag"] == 3


def test_one_word_is_one_tag_and_one_allowed_value(memory):
    """A text where names or values are asked for is one of them, and not its letters."""
    region = anytel.Counter("by.region", tags="region")
    channel = anytel.Counter("by.channel", tags={"channel": "web"})
    region.add(1, {"region": "eu"})
    channel.add(1, {"channel": "web"})
    assert memory.point("by.region", region="eu").value == 1
    assert memory.point("by.channel", channel="web").value == 1
    assert anytel.Counter("by.region", tags=("region",)) is region


def test_context_fills_declared_tags_only(memory):
    """A bound attribute is the tag of that name where one is declared, unless it is given; others never get it."""
    calls = anytel.Counter("calls", tags=("tenant",))
    times = anytel.Distribution("times", tags=("tenant",))
    depth = anytel.Gauge("depth", tags=("tenant",))
    users = anytel.Set("users", tags=("tenant",))
    with anytel.context(tenant="a", user=1):
        calls.add()
        calls.add(tags={"tenant": "own"})
        calls.bind().add()
        anytel.count("calls")
        times.record(1)
        depth.set(1)
        users.add("x")
        anytel.count("undeclared")
    calls.add()
    assert memory.point("calls", tenant="a").value == 3
    assert memory.point("calls", tenant="own").value == 1
    assert memory.point("calls").value == 1
    for name in ("times", "depth", "users"):
        assert memory.tags(name) == {(("tenant", "a"),)}
    assert memory.tags("undeclared") == {()}


def test_an_identical_declaration_is_the_same_object():
    """A second, identical declaration gives the first object, in whatever form it names its tags."""
    first = anytel.Counter("calls", tags=("a", "b"), unit="{call}", description="x")
    assert anytel.Counter("calls", tags={"b": None, "a": None}, unit="{call}") is first
    assert anytel.Histogram("h", buckets=(1, 2)) is anytel.Histogram("h", buckets=[2, 1.0])


@pytest.mark.parametrize(
    "conflicting",
    [
        lambda: anytel.Gauge("calls", unit="{call}", tags=("a",)),
        lambda: anytel.Counter("calls", unit="s", tags=("a",)),
        lambda: anytel.Counter("calls", unit="{call}", tags=("b",)),
        lambda: anytel.Counter("calls", unit="{call}", tags={"a": ("x",)}),
        lambda: anytel.Counter("calls", unit="{call}", tags=5),
        lambda: anytel.Counter("calls", unit="{call}", tags=BadMapping()),
        lambda: anytel.Counter("no spaces"),
        lambda: anytel.Counter(""),
        lambda: anytel.Counter(None),
        lambda: anytel.Counter([]),
        lambda: anytel.Counter(Unprintable()),
        lambda: anytel.Counter("other", tags=5),
    ],
    ids=["kind", "unit", "tags", "allowed", "no tags", "mapping", "name", "empty", "none", "list", "object", "new"],
)
def test_a_conflicting_declaration_records_nothing(memory, caplog, conflicting):
    """What conflicts with the first declaration, or cannot be one, is an inert object, with one warning and a count."""
    calls = anytel.Counter("calls", unit="{call}", tags=("a",))
    for _ in range(2):
        inert = conflicting()
        for method in ("add", "set", "record"):
            getattr(inert, method, lambda *args: None)(1, {"a": "x"})
        inert.bind(a="x").bind({"a": 1})
    calls.add(5)
    assert memory.total("calls") == 5
    assert anytel.stats().refused["metric"] == 2
    assert len([one for one in caplog.records if one.name == "anytel" and one.levelname == "WARNING"]) == 1


def test_a_conflicting_use_records_nothing(memory, caplog):
    """A verb whose kind or unit is not the name's records nothing, with one warning and a count."""
    anytel.count("n", unit="By")
    for _ in range(3):
        anytel.gauge("n", 5)
        anytel.count("n", 7, unit="s")
    anytel.count("n")
    assert memory.total("n") == 2
    assert anytel.stats().refused["metric"] == 6
    assert len(caplog.records) == 2


def test_a_timer_of_a_conflicting_histogram_runs_its_block(memory):
    """The inert object's `time()` is a context manager all the same."""
    anytel.count("n")
    ran = []
    with anytel.Histogram("n").time():
        ran.append(1)
    assert ran == [1]


def test_a_declaration_after_the_first_use(memory):
    """A declaration adopts what a verb of the same kind has made, and its rules hold from then on."""
    anytel.count("calls", tags={"x": 1})
    calls = anytel.Counter("calls", tags=("a",))
    anytel.count("calls", tags={"a": 1, "x": 1})
    assert calls.tags == {"a": None}
    assert memory.point("calls", a="1").value == 1
    assert memory.point("calls", x="1").value == 1


def test_buckets_after_the_first_use_conflict(memory):
    """Buckets that differ from those a first use has fixed are refused rather than ignored."""
    anytel.histogram("h", 3)
    anytel.Histogram("h", buckets=(1, 2))
    assert anytel.stats().refused["metric"] == 1
    assert len(memory.point("h").buckets) == 16


# Buckets, samples, sets, limits.


def test_bucket_bounds_are_inclusive(memory):
    """A value on a bound belongs to the bucket that ends there; above the last is one more."""
    latency = anytel.Histogram("h", buckets=(1, 2, 5))
    for value in (-1, 1, 1.5, 2, 5, 5.1, 100):
        latency.record(value)
    point = memory.point("h")
    assert point.series.bounds == (1.0, 2.0, 5.0)
    assert point.buckets == (2, 2, 1, 2)


@pytest.mark.parametrize(
    ("unit", "first", "last"),
    [("s", 0.005, 10), ("ms", 5, 10_000), ("By", 256, 2**30), ("1", 0.05, 1), ("", 0, 10_000)],
)
def test_buckets_follow_the_unit(memory, unit, first, last):
    """Without declared buckets the bounds fit the unit."""
    anytel.histogram("h", 1, unit=unit)
    bounds = memory.point("h").series.bounds
    assert (bounds[0], bounds[-1]) == (first, last)
    assert list(bounds) == sorted(set(bounds))


@pytest.mark.parametrize("buckets", [5, "abc", [None], [math.nan, math.inf], BadMapping()])
def test_hostile_buckets(memory, buckets):
    """Buckets that are no numbers are refused; the metric works with those of its unit, or with one bucket."""
    anytel.Histogram("h", buckets=buckets).record(1)
    assert sum(memory.point("h").buckets) == 1


def test_a_reservoir_keeps_the_moments_exact(memory):
    """Beyond 1,000 samples of an interval a uniform choice stands for all; count, sum and extremes stay exact."""
    values = [float(number) for number in range(25_000)]
    times = anytel.Distribution("d")
    for value in values:
        times.record(value)
    point = memory.point("d")
    assert (point.count, point.value, point.low, point.high) == (25_000, sum(values), 0, 24_999)
    assert len(point.samples) == aggregate.MAX_SAMPLES == len(set(point.samples))
    assert set(point.samples) <= set(values)
    # The mean of 1,000 of them has a standard error of 223: seven of these are 1,600.
    assert abs(sum(point.samples) / 1_000 - 12_500) < 1_600
    times.record(1)
    assert memory.point("d").samples == (1.0,)


@pytest.mark.parametrize("distinct", [0, 1, 2_047, 2_048])
def test_a_set_is_exact_while_it_is_small(memory, distinct):
    """Up to 2,048 different values are counted exactly, however often each is seen."""
    users = anytel.Set("users")
    for _ in range(2):
        for number in range(distinct):
            users.add(f"user-{number}")
    assert [point.value for point in memory.points] == [distinct] * bool(distinct)


def test_a_large_set_is_estimated(memory):
    """Beyond, the estimate is within 7 % (three standard deviations), also over several intervals."""
    for part in range(4):
        for number in range(5_000):
            anytel.set("users", f"user-{part * 2_500 + number}")
        memory.flush()
    assert abs(memory.point("users").value - 12_500) < 0.07 * 12_500


def test_series_are_capped(memory, caplog):
    """Beyond 2,000 series of a metric everything goes to one visible overflow series; nothing is lost."""
    for number in range(MAX_SERIES + 500):
        anytel.count("m", tags={"user": number})
    for number in range(MAX_SERIES + 500):
        anytel.count("m", tags={"user": number})
    anytel.count("other", tags={"user": "x"})
    assert len(memory.tags("m")) == MAX_SERIES + 1
    assert memory.total("m") == 2 * (MAX_SERIES + 500)
    assert memory.point("m", **dict(OVERFLOW)).value == 1_000
    assert memory.total("other") == 1
    assert anytel.stats().refused["series_limit"] > 0
    assert len(caplog.records) == 1


def test_names_are_capped(memory):
    """A name that varies is stopped at 2,000 names; what exists goes on."""
    for number in range(2_100):
        anytel.count(f"n{number}")
    anytel.count("n0")
    assert memory.total("n0") == 2
    assert anytel.stats().refused["metric"] == 100


# Time, threads, exemplars.


@pytest.mark.parametrize(("unit", "scale"), [("", 1), ("s", 1), ("ms", 1e3), ("us", 1e6), ("ns", 1e9)])
def test_time_records_in_the_unit_also_when_it_raises(memory, unit, scale):
    """`time()` measures the block in the instrument's unit, also when the block raises."""
    timer = anytel.Distribution("d", unit=unit, tags=("a",))
    with pytest.raises(KeyError), timer.time({"a": 1}):
        raise KeyError("x")
    with anytel.Histogram("around", unit="ns").time(), timer.time({"a": 1}):
        pass
    point = memory.point("d", a="1")
    assert point.count == 2
    assert 0 < point.low * 1e9 / scale <= memory.point("around").value


def test_time_needs_a_unit_of_time(memory):
    """`time()` of a metric in bytes is refused; the block runs."""
    ran = []
    with anytel.Histogram("size", unit="By").time():
        ran.append(1)
    assert (ran, memory.points, anytel.stats().refused["unit"]) == ([1], [], 1)


@pytest.mark.parametrize("bound", [False, True], ids=["call", "bound"])
def test_sums_are_exact_under_threads_and_ticks(memory, bound):
    """Eight threads and concurrent ticks lose and invent nothing, for any kind."""
    calls, times, users = anytel.Counter("n", tags=("a",)), anytel.Distribution("d", tags=("a",)), anytel.Set("s")
    depth = anytel.Gauge("g")
    rounds = 3_000
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)

    def work(number):
        if bound:
            add, observe = calls.bind(a="x").add, times.bind(a="x").record
        else:
            add, observe = lambda: calls.add(1, {"a": "x"}), lambda value: times.record(value, {"a": "x"})
        for index in range(rounds):
            add()
            observe(1.0)
            if index % 100 == 0:
                users.add(f"{number}-{index}")
                depth.add(1)

    try:
        threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        while any(thread.is_alive() for thread in threads):
            anytel.flush(10)
    finally:
        for thread in threads:
            thread.join(30)
        sys.setswitchinterval(before)
    assert memory.total("n") == 8 * rounds
    assert memory.total("d") == 8 * rounds
    assert sum(p.value for p in memory.points if p.series.name == "d") == 8 * rounds
    assert len({m for p in memory.points for m in p.members}) == 8 * rounds / 100
    assert memory.point("g").value == 8 * rounds / 100


def test_dead_threads_are_folded(memory):
    """What a thread has recorded arrives after its end, and nothing of the thread is kept."""
    for _ in range(20):
        thread = threading.Thread(target=anytel.count, args=("n",))
        thread.start()
        thread.join(10)
    assert memory.total("n") == 20
    memory.flush()
    assert len(anytel.runtime.store._shards) <= threading.active_count()


def test_totals_survive_configure(configured):
    """A second `configure` gets new deltas, and totals since the process began."""
    first = configured()
    anytel.count("n", 5)
    anytel.gauge("g", 7)
    second = configured()
    anytel.count("n", 1)
    assert (first.backend.value("n"), second.total("n"), second.total("g")) == (5, 1, 7)
    assert {p.series.name: p.value for p in anytel.runtime.store.totals().points} == {"n": 6, "g": 7}


def test_exemplars_name_the_span(memory):
    """A value recorded in a sampled span is an exemplar of its bucket, with the span's ids."""
    sizes = anytel.Histogram("h", buckets=(1, 10))
    with anytel.span("s") as span:
        sizes.record(5)
        sizes.bind().record(50)
        anytel.count("n", 3)
    sizes.record(0.5)
    exemplars = memory.point("h").exemplars
    assert {index: one.value for index, one in exemplars.items()} == {1: 5, 2: 50}
    (of_count,) = memory.point("n").exemplars.values()
    for one in (*exemplars.values(), of_count):
        assert (f"{one.context.trace_id:032x}", f"{one.context.span_id:016x}") == (span.trace_id, span.span_id)
    assert of_count.value == 3


def test_exemplars_belong_to_their_interval(memory):
    """A delta's exemplars are of its own interval; the totals keep the last."""
    with anytel.span("s"):
        anytel.histogram("h", 1)
    assert len(memory.point("h").exemplars) == 1
    anytel.histogram("h", 1)
    assert dict(memory.point("h").exemplars) == {}
    (total,) = anytel.runtime.store.totals().points
    assert len(total.exemplars) == 1


def test_unsampled_spans_give_no_exemplars(configured):
    """A trace that nobody will find is no exemplar."""
    memory = configured(sample_rate=0)
    with anytel.span("s"):
        anytel.histogram("h", 1)
        anytel.count("n")
    assert dict(memory.point("h").exemplars) == dict(memory.point("n").exemplars) == {}


def test_totals_do_not_change_while_they_are_read(memory):
    """A scrape's points are a snapshot: what is recorded meanwhile does not change them."""
    sizes = anytel.Histogram("h", buckets=(1, 10))
    with anytel.span("s"):
        sizes.record(5)
        (point,) = anytel.runtime.store.totals().points
        sizes.record(50)
        anytel.runtime.store.totals()
    assert (point.count, list(point.exemplars), point.buckets) == (1, [1], (0, 1, 0))


def test_instruments_can_be_pickled_and_shown():
    """An instrument is found again by its name in another process, and says what it is."""
    import pickle

    calls = anytel.Counter("calls")
    assert pickle.loads(pickle.dumps(calls)) is calls
    assert repr(calls) == "<anytel.Counter 'calls'>"
