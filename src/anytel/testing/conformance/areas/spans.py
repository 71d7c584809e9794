# ruff: noqa: S101 -- a kit of tests asserts
"""Spans: trees, however they are made, and what they carry."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Generator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import get_args

import pytest

import anytel
from anytel.backend import SpanKind
from anytel.testing.conformance.kit import Kit

__all__ = ["Spans"]


@anytel.traced
def _function() -> None:
    with anytel.span("inner"):
        pass


@anytel.traced
async def _coroutine() -> None:
    await asyncio.sleep(0)
    with anytel.span("inner"):
        pass


@anytel.traced
def _generator() -> Generator[int, None, None]:
    with anytel.span("inner"):
        yield 1
    yield 2


@anytel.traced
async def _async_generator() -> AsyncGenerator[int, None]:
    with anytel.span("inner"):
        yield 1
    yield 2


def _closed_early() -> None:
    with anytel.span("outer"):
        generator = _generator()
        next(generator)
        generator.close()


async def _closed_by_another_task() -> None:
    generator = _async_generator()
    await anext(generator)
    await asyncio.create_task(generator.aclose())


async def _siblings() -> None:
    with anytel.span("root"):
        await asyncio.gather(*(_coroutine() for _ in range(3)))


async def _cancelled() -> None:
    with suppress(asyncio.TimeoutError), anytel.span("waiting"):
        async with asyncio.timeout(0.001):
            with anytel.span("cancelled"):
                await asyncio.Event().wait()


def _in_threads() -> None:
    with anytel.span("root"), ThreadPoolExecutor(2) as pool:
        for _ in range(4):
            pool.submit(anytel.propagate(_function))


def _by_hand() -> None:
    span = anytel.start_span("by hand", start_time=1_700_000_000.25)
    child = anytel.start_span("child", parent=span)
    span.end()
    child.end()


def _deep() -> None:
    def nest(depth: int) -> None:
        with anytel.span(f"level {depth}"):
            if depth:
                nest(depth - 1)

    nest(40)


TREES: Mapping[str, Callable[[], object]] = {
    "function": _function,
    "coroutine": lambda: asyncio.run(_coroutine()),
    "generator": lambda: list(_generator()),
    "generator closed early": _closed_early,
    "generator closed by another task": lambda: asyncio.run(_closed_by_another_task()),
    "gathered tasks": lambda: asyncio.run(_siblings()),
    "cancelled task": lambda: asyncio.run(_cancelled()),
    "threads": _in_threads,
    "by hand": _by_hand,
    "deep": _deep,
}


class Spans(Kit):
    """Spans."""

    @pytest.mark.parametrize("tree", TREES)
    def test_a_tree_has_the_same_shape_however_it_is_made(self, tree: str) -> None:
        """Every span is there once, below its parent."""
        self.needs("span.parent")
        self.start()
        TREES[tree]()
        self.agree("span.id", "span.name", "span.parent", "span.time")

    @pytest.mark.parametrize("kind", get_args(SpanKind))
    def test_a_span_keeps_its_kind(self, kind: SpanKind) -> None:
        """All five."""
        self.needs("span.kind")
        self.start()
        with anytel.span("kind", kind=kind):
            pass
        self.agree("span.kind")

    def test_cancellation_is_no_error(self) -> None:
        """Nor are an interrupt, an exit and an abandoned generator."""
        self.needs("span.status")
        self.start()
        for stop in (asyncio.CancelledError(), KeyboardInterrupt(), SystemExit(), GeneratorExit()):
            with suppress(BaseException), anytel.span("stopped"):
                raise stop
        _closed_early()
        observed = self.arrived()
        assert {span.status for span in observed.spans} <= {"unset", "ok"}
        assert not observed.errors

    def test_a_span_fails_with_and_without_an_exception(self) -> None:
        """The status is error, with the reason."""
        self.needs("span.status")
        self.start()
        with anytel.span("reason") as span:
            span.fail("quota")
        with suppress(ValueError), anytel.span("raised"):
            raise ValueError("bad")
        assert {span.status for span in self.arrived().spans} == {"error"}
        self.agree("span.status", "span.exception")

    def test_events_keep_their_order_and_attributes(self) -> None:
        """Ten of them, with values of all types."""
        self.needs("span.events")
        self.start()
        with anytel.span("eventful") as span:
            for number in range(10):
                span.event(f"event {number}", {"number": number, "half": number / 2, "even": number % 2 == 0})
        self.agree("span.events")

    def test_links_lead_to_other_traces(self) -> None:
        """To several, with attributes."""
        self.needs("span.links")
        self.start()
        with anytel.span("first") as first:
            pass
        with anytel.span("second") as second, anytel.span("linking", links=[first, (second, {"reason": "batch"})]):
            pass
        self.agree("span.links")

    def test_attributes_keep_their_names_and_values(self) -> None:
        """Also where a vendor has fields of that name."""
        self.needs("span.attributes")
        self.start()
        names = ["name", "type", "status", "service", "resource", "trace_id", "span_id", "env", "message", "op", "id"]
        with anytel.span("attributes", attributes={f"kit.{name}": name for name in names} | {"kit.n": 2**53}):
            pass
        self.agree("span.attributes")

    def test_what_is_not_sampled_does_not_arrive(self) -> None:
        """But what a vendor counts by: it may ask for local roots, which are marked as not sampled."""
        self.start(sample_rate=0.0)
        with anytel.span("root"), anytel.span("child"):
            pass
        assert not self.arrived().spans

    def test_a_trace_in_two_parts_is_one_trace(self) -> None:
        """A flush in the middle sends what has ended; the rest follows, and joins it."""
        self.needs("span.parent")
        self.start()
        with anytel.span("long"):
            with anytel.span("early"):
                pass
            assert anytel.flush(self.patience)
            with anytel.span("late"):
                pass
        self.agree("span.id", "span.parent")
