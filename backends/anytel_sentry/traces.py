"""The two forms in which traces are sent: span items, or transactions."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Protocol

from anytel.backend import SpanRecord
from anytel_sentry.delivery import DELIVERED, Delivery, Parcel
from anytel_sentry.spans import LIMIT, SpanItems
from anytel_sentry.transactions import Transactions
from anytel_sentry.waiting import Key, Waiting, key_of

__all__ = ["AsItems", "AsTransactions", "Traces"]


class Traces(Protocol):
    """A form in which traces are sent."""

    def parcels(self, batch: Sequence[SpanRecord], delivery: Delivery, /) -> Iterator[Parcel]:
        """Give the envelopes of the spans that have no fate yet in *delivery*."""

    def rest(self) -> Iterator[Parcel]:
        """Give the envelopes of what is still held, at the end."""

    def abandon(self) -> None:
        """Report what is held even then."""


class AsItems:
    """Every span is sent as it comes; nothing waits."""

    def __init__(self, items: SpanItems) -> None:
        self._items = items

    def parcels(self, batch: Sequence[SpanRecord], delivery: Delivery) -> Iterator[Parcel]:
        """Give one envelope per trace, or more for a large one."""
        traces: defaultdict[int, list[int]] = defaultdict(list)
        for place, span in enumerate(batch):
            if delivery.fates[place] is None:
                traces[span.context.trace_id].append(place)
        for places in traces.values():
            yield from self.parcels_of(batch, places)

    def parcels_of(self, batch: Sequence[SpanRecord], places: Sequence[int]) -> Iterator[Parcel]:
        """Give the envelopes of the spans at *places*, which are of one trace."""
        start = 0
        for part, envelope in self._items.envelopes([batch[place] for place in places]):
            yield Parcel(envelope, places[start : start + len(part)])
            start += len(part)

    def parcels_held(
        self, spans: Sequence[SpanRecord], after: Callable[[Sequence[SpanRecord], str | None], None]
    ) -> Iterator[Parcel]:
        """Give the envelopes of spans of earlier batches; *after* hears which spans had which fate."""
        for part, envelope in self._items.envelopes(spans):
            yield Parcel(envelope, (), partial(after, part))

    def rest(self) -> Iterator[Parcel]:
        """Give nothing: nothing was held."""
        yield from ()

    def abandon(self) -> None:
        """Report nothing."""


class AsTransactions:
    """A local trace is sent when its root has ended; until then its spans wait, acknowledged as delivered.

    Spans whose root never comes, or has gone already, are sent as items. *lost* hears of those that waited in vain.
    """

    def __init__(
        self, items: AsItems, transactions: Transactions, waiting: Waiting, lost: Callable[[int, str], None]
    ) -> None:
        self._items, self._transactions, self._waiting, self._lost = items, transactions, waiting, lost

    def parcels(self, batch: Sequence[SpanRecord], delivery: Delivery) -> Iterator[Parcel]:
        """Give the envelopes of the local traces that are complete, and of those that have waited too long."""
        traces: defaultdict[Key, list[int]] = defaultdict(list)
        for place, span in enumerate(batch):
            if delivery.fates[place] is None:
                traces[key_of(span)].append(place)
        for key, places in traces.items():
            if any(batch[place].is_root for place in places):
                yield from self._transaction(key, batch, places, delivery)
            elif self._waiting.has_ended(key):
                yield from self._items.parcels_of(batch, places)
            else:
                self._hold([batch[place] for place in places])
                delivery.settle(places)
        for spans in self._waiting.overdue():
            yield from self._items.parcels_held(spans, self._after_held)

    def rest(self) -> Iterator[Parcel]:
        """Give what still waits, as items."""
        for spans in self._waiting.everything():
            yield from self._items.parcels_held(spans, self._after_held)

    def abandon(self) -> None:
        """Report what could not be sent at the end."""
        for spans in self._waiting.everything():
            self._lost(len(spans), "unsent")

    def _transaction(
        self, key: Key, batch: Sequence[SpanRecord], places: Sequence[int], delivery: Delivery
    ) -> Iterator[Parcel]:
        root = next(place for place in places if batch[place].is_root)
        held = self._waiting.take(key)
        here = [place for place in places if place != root]
        now, later = here[: max(0, LIMIT - len(held))], here[max(0, LIMIT - len(held)) :]
        envelope = self._transactions.envelope(batch[root], [*held, *(batch[place] for place in now)])
        if envelope is None:
            delivery.settle(places, "before_send")
            self._after(key, held, "before_send")
            return
        yield Parcel(envelope, [root, *now], partial(self._after, key, held))
        if later:
            yield from self._items.parcels_of(batch, later)

    def _after(self, key: Key, held: Sequence[SpanRecord], fate: str | None) -> None:
        if fate is not None:
            self._waiting.end(key)
        self._after_held(held, fate)

    def _after_held(self, spans: Sequence[SpanRecord], fate: str | None) -> None:
        if fate is None:
            self._hold(spans)
        elif spans and fate != DELIVERED:
            self._lost(len(spans), fate)

    def _hold(self, spans: Sequence[SpanRecord]) -> None:
        if spans and (lost := self._waiting.hold(spans)):
            self._lost(lost, "queue_full")
