"""Never run: mypy checks that the public API gives and takes what it says (see tests/core/test_typing.py)."""

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from typing import assert_type

import anytel
from anytel.backends.memory import MemoryBackend
from anytel.catalogue import Condition

LATENCY = anytel.Histogram("latency", unit="s", buckets=(0.1, 1), tags={"endpoint": None, "outcome": ("ok", "error")})
CALLS = anytel.Counter("calls", tags=("endpoint",))


@anytel.traced
def bare(a: int) -> str:
    return str(a)


@anytel.traced()
def called(a: int) -> str:
    return str(a)


@anytel.traced("name")
def named(a: int) -> str:
    return str(a)


@anytel.traced("name", kind="client", attributes={"a": 1}, record=("a",), ignore=(KeyError,), metric=LATENCY)
async def coroutine(a: int) -> str:
    return str(a)


@anytel.traced(new_root=True, ignore=KeyError)
def generator(a: int) -> Iterator[int]:
    yield a


@anytel.traced
async def async_generator(a: int) -> AsyncIterator[int]:
    yield a


@anytel.traced("shop")
class Shop:
    @anytel.traced
    @staticmethod
    def static(a: int) -> str:
        return str(a)

    @classmethod
    @anytel.traced
    def made(cls) -> "Shop":
        return cls()

    @anytel.traced("sell")
    def sell(self, *, amount: int = 1) -> bool:
        return bool(amount)


async def uses() -> None:
    assert_type(bare(1), str)
    assert_type(called(1), str)
    assert_type(named(a=1), str)
    assert_type(await coroutine(1), str)
    assert_type(list(generator(1)), list[int])
    assert_type([one async for one in async_generator(1)], list[int])
    assert_type(Shop().sell(amount=2), bool)
    assert_type(Shop.static(1), str)
    assert_type(Shop.made(), Shop)
    assert_type(anytel.propagate(bare)(1), str)
    bare("x")  # type: ignore[arg-type]  # the decorator keeps the parameters
    named()  # type: ignore[call-arg]  # as above
    Shop().sell(amount="x")  # type: ignore[arg-type]  # as above


def spans() -> None:
    with anytel.span("a", kind="server", attributes={"x": object()}, links=[anytel.extract({})]) as span:
        assert_type(span.set({"a": 1}).set(b=None).event("x", {"y": 1}).fail("z").trace_id, str)
    with anytel.span("b", parent=anytel.extract([(b"traceparent", b"")]), start_time=datetime.now(UTC)):
        pass
    anytel.start_span("c", parent=span, start_time=1.5).end(2)
    anytel.span("d", kind="sideways")  # type: ignore[arg-type]  # no such kind
    assert_type(anytel.capture_exception(ValueError("x"), {"a": 1}, handled=False), str)
    with anytel.context({"user.id": 1}, tenant="a"):
        headers: dict[str, str] = {}
        anytel.inject(headers)


def metrics() -> None:
    anytel.count("a", tags={"x": 1})
    anytel.gauge("b", 1, unit="By")
    anytel.distribution("c", 1.5)
    anytel.histogram("d", 1)
    anytel.set("e", object())
    CALLS.add(2, {"endpoint": "x"})
    CALLS.bind(endpoint="x").add()
    with LATENCY.time({"endpoint": "x"}):
        LATENCY.bind({"endpoint": "x"}).record(1)
    assert_type(anytel.Counter("calls"), anytel.Counter)
    assert_type(anytel.Histogram("h"), anytel.Histogram)
    anytel.Gauge("g").add(-1)
    CALLS.add("x")  # type: ignore[arg-type]  # no number


def declarations() -> None:
    failed = anytel.Stat(CALLS, where={"endpoint": ("a", "b*")}, by="endpoint")
    assert_type(failed > 1, Condition)
    share = anytel.Ratio(bad=failed, total=CALLS)
    anytel.SLO("a", "0.999", "30d", share, min_events=5, notify=("ops",))
    anytel.SLO("b", 0.99, "7d", anytel.Latency(LATENCY, le=0.25))
    anytel.SLO("c", 0.99, "7d", failed)  # type: ignore[arg-type]  # says of no event whether it is good
    anytel.Alert("d", anytel.Stat("response.time", "p95") >= 2, severity="critical", for_="5m")
    anytel.Alert("e", anytel.Raw(promql="up == 0"), severity="loud")  # type: ignore[arg-type]  # no such severity
    anytel.Alert("f", share, severity="info")  # type: ignore[arg-type]  # no condition
    anytel.View("g", CALLS, share, row="h", drawn="table")


def configuring() -> None:
    anytel.configure(service="s", backends=["console", MemoryBackend()], sample_rate=0.5, log_format="json")
    anytel.configure(backends=MemoryBackend())
    anytel.configure(log_format="xml")  # type: ignore[arg-type]  # no such format
    assert_type(anytel.flush(1), bool)
    assert_type(anytel.shutdown(), bool)
    assert_type(anytel.stats().backends["memory"]["span"].delivered, int)
    log = anytel.get_logger(__name__, a=1).bind(b=2)
    log.info("event", key=object())
