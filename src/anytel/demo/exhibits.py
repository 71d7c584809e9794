"""The traces worth looking at: one of each sort, and where each of them is found."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from anytel.demo.run import Result, Trace
from anytel.testing.observe.seen import Seen
from anytel.tracing.ids import span_hex

__all__ = ["Exhibit", "exhibits"]

MOST = 3
Index: TypeAlias = Mapping[str, Sequence[tuple[str, str]]]
"""Span id -> where it is found, and under which trace id."""


@dataclass(frozen=True, slots=True)
class Exhibit:
    """A trace, and the trace ids under which its spans are found: by place and signal, such as ``sentry error``."""

    trace: Trace
    found: Mapping[str, frozenset[str]]

    @property
    def title(self) -> str:
        """The request and its status."""
        return f"{self.trace.root.name} -> {self.trace.answer.status}"


def exhibits(result: Result) -> list[Exhibit]:
    """Choose one trace of each status, by preference nested ones: the one that is found in the most places."""
    nested = [trace for trace in result.traces if len(trace.spans) > 1] or result.traces
    index, by_status = _index(result.seen), defaultdict[int, list[Exhibit]](list)
    for trace in nested:
        by_status[trace.answer.status].append(Exhibit(trace, _found(trace, index)))
    best = [max(some, key=_worth) for _, some in sorted(by_status.items())]
    return best[:MOST]


def _worth(exhibit: Exhibit) -> tuple[int, int]:
    return len(exhibit.found), len(exhibit.trace.spans)


def _index(seen: Sequence[Seen]) -> Index:
    index: defaultdict[str, list[tuple[str, str]]] = defaultdict(list)
    for one in seen:
        for signal, span_id, trace_id in one.places():
            index[span_id].append((f"{one.place} {signal}", trace_id))
    return index


def _found(trace: Trace, index: Index) -> dict[str, frozenset[str]]:
    """Look the trace up by its spans' ids alone, so that another trace id would show."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    if trace.answer.trace_id:
        found["answer"].add(trace.answer.trace_id)
    for span in trace.spans:
        for where, trace_id in index.get(span_hex(span.context.span_id), ()):
            found[where].add(trace_id)
    return {where: frozenset(ids) for where, ids in found.items()}
