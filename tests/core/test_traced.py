"""The decorator: a span around each call of every kind of callable."""

import asyncio
import contextvars
import functools
import gc
import inspect
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing, closing

import pytest

import anytel


class NotFoundError(Exception):
    pass


def test_a_function(memory):
    """A call is a span with the function's name; result, metadata and exceptions are the function's."""

    @anytel.traced
    def work(a: int, b: int = 2) -> int:
        """Add."""
        assert anytel.current_span().name == "work"
        return a + b

    assert work(1) == 3
    assert (work.__name__, work.__doc__) == ("work", "Add.")
    assert str(inspect.signature(work)) == "(a: int, b: int = 2) -> int"
    assert memory.span("work").kind == "internal"


def test_a_name_and_options(memory):
    """The name and the options are the span's; recorded parameters are attributes, defaults too, None is not."""

    @anytel.traced("shop.order", kind="client", attributes={"a": 1}, record=("order_id", "express", "note"))
    def order(order_id, *, express=False, note=None):
        pass

    order(7)
    record = memory.span("shop.order")
    assert (record.kind, record.attributes) == ("client", {"a": 1, "order_id": 7, "express": False})


def test_a_call_with_wrong_arguments_fails_as_without(memory):
    """A call that does not fit the signature raises the function's own TypeError."""

    @anytel.traced(record=("a",))
    def work(a):
        pass

    with pytest.raises(TypeError, match=r"work\(\) missing 1 required positional argument: 'a'"):
        work()
    assert memory.span("work").status == "error"


def test_an_unknown_parameter_is_refused(memory):
    """`record=` of what is no parameter is counted; the function works."""

    @anytel.traced(record=("absent",))
    def work():
        return 1

    assert work() == 1
    assert anytel.stats().refused["traced"] == 1


@pytest.mark.parametrize(
    "options",
    [{"ignore": NotFoundError}, {"ignore": ("x",)}, {"ignore": 5}, {"record": 5}, {"record": "a"}, {"metric": "x"},
     {"attributes": 5}, {"kind": []}],
    ids=str,
)  # fmt: skip
def test_hostile_options_do_not_raise(memory, options):
    """Options of the wrong type are refused and counted when decorating; calls and their exceptions are as without."""

    @anytel.traced("work", **options)
    def work(a):
        raise NotFoundError(a)

    with pytest.raises(NotFoundError):
        work(1)
    assert memory.span("work").name == "work"
    if options not in ({"ignore": NotFoundError}, {"record": "a"}):
        assert sum(anytel.stats().refused.values()) == 1


def test_one_ignored_exception_or_parameter_needs_no_tuple(memory):
    """`ignore=NotFound` and `record="a"` mean what they say."""

    @anytel.traced(ignore=NotFoundError, record="order_id")
    def work(order_id):
        raise NotFoundError

    with pytest.raises(NotFoundError):
        work(5)
    assert (memory.span("work").status, memory.span("work").attributes) == ("unset", {"order_id": 5})
    assert dict(anytel.stats().refused) == {}


@pytest.mark.parametrize("ignore", [(), (NotFoundError,)])
def test_ignored_exceptions_are_no_error(memory, ignore):
    """An ignored exception passes through without failing the span or being reported."""

    @anytel.traced(ignore=ignore)
    def work():
        raise NotFoundError("x")

    with pytest.raises(NotFoundError):
        work()
    assert memory.span("work").status == ("unset" if ignore else "error")
    assert len(memory.errors) == (0 if ignore else 1)


def test_a_metric_takes_the_duration_or_the_calls(memory):
    """`metric=` records the duration in the metric's unit, or counts, also when the call raises."""
    times, calls = anytel.Distribution("times", unit="ms"), anytel.Counter("calls")
    around = anytel.Histogram("around", unit="ms")

    @anytel.traced(metric=times)
    @anytel.traced("inner", metric=calls)
    def work(problem=None):
        if problem:
            raise problem

    with around.time():
        work()
        with pytest.raises(KeyError):
            work(KeyError("x"))
    assert (memory.point("times").count, memory.total("calls")) == (2, 2)
    assert 0 < memory.point("times").value <= memory.point("around").value


def test_a_metric_without_time_is_refused(memory):
    """A metric in bytes cannot take a duration: that is refused when decorating, and nothing is recorded."""

    @anytel.traced(metric=anytel.Histogram("size", unit="By"))
    def work():
        return 1

    assert work() == 1
    assert [point.series.name for point in memory.points] == []
    assert anytel.stats().refused["unit"] == 1


def test_new_root(memory):
    """`new_root=True` begins a trace of its own, and gives the current span back."""

    @anytel.traced(new_root=True)
    def work():
        pass

    with anytel.span("around") as around:
        work()
        assert anytel.current_span() is around
    assert memory.span("work").parent_id == 0
    assert memory.span("work").context.trace_id != memory.span("around").context.trace_id


def test_decorated_before_configure(configured):
    """A function decorated before `configure` follows it, and a second one."""

    @anytel.traced
    def work():
        pass

    work()
    first = configured()
    work()
    assert len(first.spans) == 1
    second = configured()
    work()
    assert (len(first.backend.finished), len(second.spans)) == (1, 1)


# Coroutines.


def test_a_coroutine(memory):
    """A coroutine's span lasts until it is done, and is current across its awaits; it stays a coroutine function."""

    @anytel.traced
    async def work(value):
        before = anytel.current_span()
        await asyncio.sleep(0)
        assert anytel.current_span() is before
        return value

    async def main():
        return await asyncio.gather(*(work(number) for number in range(5)))

    assert inspect.iscoroutinefunction(work)
    assert asyncio.run(main()) == list(range(5))
    assert len({record.context.trace_id for record in memory.spans}) == 5


def test_gather_gives_right_parents(memory):
    """Concurrent tasks have the span they were made in as parent, and do not see each other's."""

    @anytel.traced("leaf")
    async def leaf(barrier):
        await barrier.wait()

    async def branch(number, barrier):
        with anytel.span(f"branch{number}") as span:
            await asyncio.gather(leaf(barrier), leaf(barrier))
            assert anytel.current_span() is span

    async def main():
        with anytel.span("root"):
            barrier = asyncio.Barrier(6)
            await asyncio.gather(*(branch(number, barrier) for number in range(3)))

    asyncio.run(main())
    by_id = {record.context.span_id: record for record in memory.spans}
    leaves = sorted(by_id[record.parent_id].name for record in by_id.values() if record.name == "leaf")
    assert leaves == ["branch0", "branch0", "branch1", "branch1", "branch2", "branch2"]
    assert {by_id[record.parent_id].name for record in by_id.values() if "branch" in record.name} == {"root"}


def test_a_cancelled_coroutine_is_no_error(memory):
    """Cancellation ends the span without an error, by whatever decorator options."""

    @anytel.traced(ignore=(NotFoundError,))
    async def work():
        await asyncio.Event().wait()

    async def main():
        async with asyncio.timeout(0.01):
            await work()

    with pytest.raises(TimeoutError):
        asyncio.run(main())
    assert (memory.span("work").status, memory.errors) == ("unset", [])


# Generators.


@anytel.traced("gen")
def echo(first):
    """Yield what was sent, until None is."""
    got = first
    try:
        while got is not None:
            assert anytel.current_span().name == "gen"
            with anytel.span("step"):
                pass
            try:
                got = yield got
            except KeyError:
                got = "caught"
    finally:
        assert anytel.current_span().name == "gen"
    return "done"


def test_a_generator_is_current_only_while_its_body_runs(memory):
    """The span of a generator begins with the first `next`, ends with it, and does not leak to who iterates."""
    assert inspect.isgeneratorfunction(echo)
    with anytel.span("around") as around:
        stream = echo(1)
        assert memory.spans == []
        assert next(stream) == 1
        assert anytel.current_span() is around
        assert stream.send(2) == 2
        assert stream.throw(KeyError("x")) == "caught"
        assert anytel.current_span() is around
        with pytest.raises(StopIteration) as stop:
            stream.send(None)
        assert stop.value.value == "done"
        assert anytel.current_span() is around
    record = memory.span("gen")
    assert (record.status, record.parent_id) == ("unset", int(around.span_id, 16))
    assert {one.parent_id for one in memory.spans if one.name == "step"} == {record.context.span_id}


def test_yield_from_a_traced_generator(memory):
    """`yield from` delegates to it as to any generator."""

    def outer():
        result = yield from echo("a")
        yield result

    stream = outer()
    assert (next(stream), stream.send("b"), stream.send(None)) == ("a", "b", "done")
    stream.close()
    assert memory.span("gen").status == "unset"


@pytest.mark.parametrize("way", ["close", "collect", "break"])
def test_an_abandoned_generator_ends_its_span(memory, way):
    """Closing, or dropping, a generator ends its span without an error."""
    if way == "break":
        for _ in echo(1):
            break
    else:
        stream = echo(1)
        next(stream)
        if way == "close":
            stream.close()
        del stream
    gc.collect()
    assert memory.span("gen").status == "unset"


def test_a_generator_that_is_never_begun_has_no_span(memory):
    """A generator without a first `next` is no span."""
    echo(1).close()
    assert memory.spans == []


def test_a_generator_that_raises_has_failed(memory):
    """What leaves the body fails the span and reaches the caller; so does what is thrown in and not caught."""
    stream = echo(1)
    next(stream)
    problem = ValueError("bad")
    with pytest.raises(ValueError) as caught:
        stream.throw(problem)
    assert caught.value is problem
    assert (memory.span("gen").status, memory.error().exception.message) == ("error", "bad")


def test_two_generators_interleave(memory):
    """Generators that are advanced in turns do not become each other's children."""
    with anytel.span("around") as around:
        for _ in zip(echo(1), echo(2), range(1), strict=False):
            assert anytel.current_span() is around
    found = [record for record in memory.spans if record.name == "gen"]
    assert [record.parent_id for record in found] == [int(around.span_id, 16)] * 2


def test_a_generator_finished_in_another_context(memory):
    """A generator advanced in another context or thread changes nothing there."""
    with closing(echo(1)) as stream:
        next(stream)
        other = contextvars.copy_context()
        with anytel.span("mine") as mine:
            other.run(stream.send, 2)
            thread = threading.Thread(target=stream.close)
            thread.start()
            thread.join(10)
            assert anytel.current_span() is mine
    assert memory.span("gen").status == "unset"


@anytel.traced("agen")
async def countdown(number):
    try:
        while number:
            assert anytel.current_span().name == "agen"
            await asyncio.sleep(0)
            try:
                number = (yield number) or number - 1
            except KeyError:
                yield "caught"
    finally:
        assert anytel.current_span().name == "agen"
        await asyncio.sleep(0)


def test_an_async_generator(memory):
    """Likewise for async generators: send, throw, exhaustion, and no leak to who iterates."""

    async def main():
        with anytel.span("around") as around:
            stream = countdown(2)
            assert await anext(stream) == 2
            assert anytel.current_span() is around
            assert await stream.asend(5) == 5
            assert await stream.athrow(KeyError("x")) == "caught"
            assert [item async for item in stream] == [5, 4, 3, 2, 1]
            assert anytel.current_span() is around
            return around.span_id

    assert inspect.isasyncgenfunction(countdown)
    around = asyncio.run(main())
    assert (memory.span("agen").status, memory.span("agen").parent_id) == ("unset", int(around, 16))


@pytest.mark.parametrize("way", ["close", "drop", "raise"])
def test_an_abandoned_async_generator(memory, way):
    """Closing, dropping or failing an async generator ends its span, with an error only where there was one."""

    async def main():
        if way == "drop":
            await anext(countdown(3))
            return
        async with aclosing(countdown(3)) as stream:
            await anext(stream)
            if way == "raise":
                with pytest.raises(ValueError):
                    await stream.athrow(ValueError("bad"))

    asyncio.run(main())
    assert memory.span("agen").status == ("error" if way == "raise" else "unset")


# Methods and classes.


@pytest.mark.parametrize("inner", [False, True])
def test_static_and_class_methods_in_both_orders(memory, inner):
    """`@traced` works above and below `@staticmethod` and `@classmethod`."""

    def both(method):
        return (lambda f: method(anytel.traced(f))) if inner else (lambda f: anytel.traced(method(f)))

    class Shop:
        @both(staticmethod)
        def static(value):  # noqa: N805 -- made a static method above
            return value

        @both(classmethod)
        def made(cls, value):  # noqa: N805 -- made a class method above
            return cls, value

        @anytel.traced
        def usual(self, value):
            return self, value

    shop = Shop()
    assert (Shop.static(1), shop.static(2)) == (1, 2)
    assert (Shop.made(1), shop.made(2)) == ((Shop, 1), (Shop, 2))
    assert shop.usual(1) == (shop, 1)
    assert [record.name for record in memory.spans] == ["Shop.static"] * 2 + ["Shop.made"] * 2 + ["Shop.usual"]


def test_a_class_stays_a_class(memory):
    """Decorating a class traces its own public methods, and nothing else about it changes."""

    class Base:
        def inherited(self):
            return "inherited"

    @anytel.traced
    class Shop(Base):
        """Sells."""

        size = 3

        class Meta:
            pass

        def __init__(self, name):
            self.name = name

        def sell(self):
            return self._private()

        async def ship(self):
            return "shipped"

        def items(self):
            yield 1

        @staticmethod
        def fixed():
            return "fixed"

        @classmethod
        def make(cls):
            return cls("made")

        @property
        def label(self):
            return self.name

        @anytel.traced("special")
        def named(self):
            return "named"

        def _private(self):
            return "sold"

    assert isinstance(Shop, type)
    assert (Shop.__name__, Shop.__doc__) == ("Shop", "Sells.")
    shop = Shop.make()
    assert isinstance(shop, Shop)
    assert isinstance(shop.Meta(), Shop.Meta)
    assert (shop.sell(), shop.fixed(), shop.label, shop.inherited(), list(shop.items())) == (
        "sold", "fixed", "made", "inherited", [1],
    )  # fmt: skip
    assert asyncio.run(shop.ship()) == "shipped"
    assert shop.named() == "named"

    class Sub(Shop):
        pass

    assert isinstance(Sub("x"), Shop)
    names = [record.name for record in memory.spans]
    assert names == ["Shop.make", "Shop.sell", "Shop.fixed", "Shop.items", "Shop.ship", "special"]


def test_a_class_with_a_name(memory):
    """A name given for a class is the first part of its methods' spans."""

    @anytel.traced("warehouse", attributes={"a": 1})
    class Shop:
        def sell(self):
            pass

    Shop().sell()
    assert memory.span("warehouse.sell").attributes == {"a": 1}


def test_other_callables(memory):
    """Partials and callable objects are traced; what cannot be called is refused and given back."""

    class Callable:
        def __call__(self, value):
            return value

    assert anytel.traced("partial")(functools.partial(int, base=2))("11") == 3
    assert anytel.traced("object")(Callable())(5) == 5
    assert anytel.traced("none")(5) == 5
    assert [record.name for record in memory.spans] == ["partial", "object"]
    assert anytel.stats().refused["traced"] == 1


def test_methods_can_be_overridden_and_called_through_super(memory):
    """A traced method calls its parent's as any method does."""

    class Base:
        @anytel.traced
        def work(self):
            return "base"

    class Derived(Base):
        @anytel.traced
        def work(self):
            return "derived " + super().work()

    assert Derived().work() == "derived base"
    base, derived = memory.spans
    assert (base.parent_id, base.name, derived.name) == (derived.context.span_id, "Base.work", "Derived.work")


# Threads.


def test_a_plain_thread_begins_a_new_trace(memory):
    """A thread does not inherit the span; with `propagate` it does, as an executor's does."""

    def work(name):
        with anytel.span(name):
            pass

    with anytel.span("root"), anytel.context(tenant="a"), ThreadPoolExecutor(2) as pool:
        thread = threading.Thread(target=work, args=("plain",))
        thread.start()
        thread.join(10)
        pool.submit(work, "executor").result(10)
        carried = anytel.propagate(work)
        list(pool.map(carried, ["a", "b", "c"]))
        thread = threading.Thread(target=carried, args=("thread",))
        thread.start()
        thread.join(10)
    root = memory.span("root").context.span_id
    parents = {record.name: record.parent_id for record in memory.spans}
    assert parents == {"root": 0, "plain": 0, "executor": 0, "a": root, "b": root, "c": root, "thread": root}
    assert memory.span("a").attributes == {"tenant": "a"}


def test_propagate_keeps_the_function(memory):
    """`propagate` gives a function with the same name, result and exceptions, which may run many times at once."""

    def work(value):
        """Double."""
        if value < 0:
            raise ValueError("negative")
        return value * 2

    with anytel.span("root"):
        carried = anytel.propagate(work)
    assert (carried.__name__, carried.__doc__, carried(2)) == ("work", "Double.", 4)
    with pytest.raises(ValueError, match="negative"):
        carried(-1)
    assert not anytel.current_span().recording

    barrier = threading.Barrier(4)
    with ThreadPoolExecutor(4) as pool:
        waiting = anytel.propagate(lambda: barrier.wait(10))
        assert sorted(one.result(10) for one in [pool.submit(waiting) for _ in range(4)]) == [0, 1, 2, 3]
