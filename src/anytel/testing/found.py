"""Sequences of what was captured, asked by name and by a part of the attributes or tags.

Where an assertion fails, its message has what was captured instead, the nearest first.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from difflib import SequenceMatcher
from typing import Any, Generic, NoReturn, Self, TypeVar, overload

from anytel.testing.captured import Captured, CapturedError, CapturedLog, CapturedMetric, CapturedSpan, shown

__all__ = ["Errors", "Found", "Logs", "Metrics", "Spans", "emitted"]

SHOWN = 10
"""Records that a message shows."""

C = TypeVar("C", bound="Captured[Any]")


class Found(Sequence[C], Generic[C]):
    """An immutable sequence of records, in the order in which they came."""

    noun = "record"

    def __init__(self, items: Iterable[C], everything: Sequence[C] | None = None) -> None:
        self._items = tuple(items)
        self._everything: Sequence[C] = self._items if everything is None else everything

    @overload
    def __getitem__(self, index: int) -> C: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[C]: ...
    def __getitem__(self, index: int | slice) -> C | Sequence[C]:
        return self._items[index]

    def __len__(self) -> int:
        return len(self._items)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Found):
            return self._items == other._items
        return list(self._items) == other if isinstance(other, list) else NotImplemented

    __hash__ = None  # type: ignore[assignment]  # as a list

    def __repr__(self) -> str:
        return f"[{', '.join(map(str, self._items))}]"

    @property
    def labels(self) -> list[str]:
        """Their names, in order."""
        return [item.label for item in self._items]

    def all(self, name: str | None = None, attributes: Mapping[str, object] | None = None) -> Self:
        """Give those of that *name* that have all of *attributes*, and maybe others."""
        wanted = attributes or {}
        return type(self)((item for item in self._items if _is(item, name, wanted)), self._everything)

    def one(self, name: str | None = None, attributes: Mapping[str, object] | None = None) -> C:
        """Give the only one of that *name* with *attributes*.

        Raises:
            AssertionError: There is none, or there are several.
        """
        __tracebackhide__ = True
        found = self.all(name, attributes)
        if len(found) != 1:
            self._differ("one", name, attributes or {}, len(found))
        return found[0]

    def none(self, name: str | None = None, attributes: Mapping[str, object] | None = None) -> None:
        """Assert that there is none of that *name* with *attributes*.

        Raises:
            AssertionError: There is one.
        """
        __tracebackhide__ = True
        found = self.all(name, attributes)
        if found:
            self._differ("no", name, attributes or {}, len(found))

    def _differ(self, expected: str, name: str | None, wanted: Mapping[str, object], found: int) -> NoReturn:
        __tracebackhide__ = True
        what = f"{self.noun} {name or 'at all'}{shown(wanted)}"
        instead = emitted(self._everything, self.noun, name or "", wanted)
        raise AssertionError(f"expected {expected} {what}, found {found}{instead}")


def emitted(items: Sequence[Captured[Any]], noun: str, name: str, wanted: Mapping[str, object]) -> str:
    """Write what there is instead, the nearest first."""
    if not items:
        return f"; no {noun} was emitted"
    near = sorted(items, key=lambda item: -_nearness(item, name, wanted))
    more = [f"  ... and {len(near) - SHOWN} more"] if len(near) > SHOWN else []
    return "\n".join(["\nemitted, nearest first:", *(f"  {item}" for item in near[:SHOWN]), *more])


def _is(item: Captured[Any], name: str | None, wanted: Mapping[str, object]) -> bool:
    return (name is None or item.label == name) and all(item.has(key, value) for key, value in wanted.items())


def _nearness(item: Captured[Any], name: str, wanted: Mapping[str, object]) -> float:
    """Say how near *item* is to what was asked for: its name above all, then its attributes."""
    same = sum(item.has(key, value) for key, value in wanted.items()) / (len(wanted) or 1)
    return 2 * SequenceMatcher(None, item.label, name).ratio() + same


class Spans(Found[CapturedSpan]):
    """Spans, in the order in which they began."""

    noun = "span"

    @property
    def roots(self) -> Spans:
        """Those that have no parent among them."""
        ids = {item.record.context.span_id for item in self}
        return Spans((item for item in self if item.record.parent_id not in ids), self._everything)

    def tree(self) -> str:
        """Write their names, each one indented below its parent."""
        inside = set(self)
        lines: list[str] = []
        for root in self.roots:
            lines += _branch(root, inside, 0)
        return "\n".join(lines)


def _branch(span: CapturedSpan, inside: AbstractSet[CapturedSpan], depth: int) -> list[str]:
    lines = [f"{'  ' * depth}{span.name}{'' if span.ok else ' (failed)'}"]
    for child in span.children:
        if child in inside:
            lines += _branch(child, inside, depth + 1)
    return lines


class Logs(Found[CapturedLog]):
    """Log events, found by their event; ``level`` and ``logger`` are among the attributes."""

    noun = "log event"


class Errors(Found[CapturedError]):
    """Error reports, found by the exception's class, or the event of a log line without one."""

    noun = "error"


class Metrics(Found[CapturedMetric]):
    """Series of metrics, in the order in which they were first recorded; a name may have several."""

    noun = "metric"

    def all(self, name: str | None = None, tags: Mapping[str, object] | None = None) -> Self:
        """Give the series of the metric *name* that have all of *tags*, and maybe others."""
        return super().all(name, tags)

    def one(self, name: str | None = None, tags: Mapping[str, object] | None = None) -> CapturedMetric:
        """Give the only series of *name* with *tags*.

        Raises:
            AssertionError: There is none, or there are several.
        """
        __tracebackhide__ = True
        return super().one(name, tags)

    def none(self, name: str | None = None, tags: Mapping[str, object] | None = None) -> None:
        """Assert that nothing was recorded of *name* with *tags*.

        Raises:
            AssertionError: Something was.
        """
        __tracebackhide__ = True
        super().none(name, tags)
