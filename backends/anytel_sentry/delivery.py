"""Accounts for a batch whose items go out in several envelopes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from sentry_sdk.envelope import Envelope

from anytel.backend import Ack, SpanRecord
from anytel_sentry.sender import Sender

__all__ = ["DELIVERED", "Delivery", "Parcel", "Remembered"]

DELIVERED = ""
"""The fate of what was delivered; every other fate is the reason why it was dropped."""


@dataclass(frozen=True, slots=True)
class Parcel:
    """An envelope, and the places in the batch of what it carries; *after* hears its fate, None where it must wait."""

    envelope: Envelope
    places: Sequence[int]
    after: Callable[[str | None], None] = lambda fate: None


class Delivery:
    """One batch: the fate of each item, None while it is open."""

    def __init__(self, size: int) -> None:
        self.fates: list[str | None] = [None] * size
        self._retry_after = 0.0

    def settle(self, places: Iterable[int], fate: str = DELIVERED) -> None:
        """Record the *fate* of the items at *places*."""
        for place in places:
            self.fates[place] = fate

    def send(self, parcels: Iterable[Parcel], sender: Sender, deadline: float) -> None:
        """Send until one has to wait: where one meets a dead server, so do the others."""
        for parcel in parcels:
            outcome = sender.send(parcel.envelope, deadline)
            if outcome.fate == "retry":
                self._retry_after = outcome.after
                parcel.after(None)
                return
            self.settle(parcel.places, outcome.reason)
            parcel.after(outcome.reason)

    @property
    def settled(self) -> int:
        """How many items at the front have a fate; the rest must be offered again."""
        return next((place for place, fate in enumerate(self.fates) if fate is None), len(self.fates))

    def ack(self) -> Ack:
        """Account for the batch."""
        counts = Counter(self.fates[: self.settled])
        delivered = counts.pop(DELIVERED, 0)
        dropped = {str(reason): count for reason, count in counts.items()}
        return Ack(delivered, dropped, len(self.fates) - self.settled, self._retry_after)


class Remembered:
    """The fates of spans that are offered again although they have one.

    Only the end of a batch can be offered again, but the spans of one trace, which share an envelope, may lie anywhere
    in it. So what has been sent from behind the first span that must wait is remembered until it comes back.
    """

    def __init__(self, limit: int = 10_000) -> None:
        self._limit = limit
        self._fates: dict[tuple[int, int], str] = {}

    def recall(self, batch: Sequence[SpanRecord], delivery: Delivery) -> None:
        """Settle the spans of *batch* whose fate is known."""
        for place, span in enumerate(batch) if self._fates else ():
            fate = self._fates.pop((span.context.trace_id, span.context.span_id), None)
            if fate is not None:
                delivery.settle((place,), fate)

    def keep(self, batch: Sequence[SpanRecord], delivery: Delivery) -> None:
        """Remember the spans that have a fate and will be offered again."""
        for span, fate in zip(batch[delivery.settled :], delivery.fates[delivery.settled :], strict=True):
            if fate is not None and len(self._fates) < self._limit:
                self._fates[span.context.trace_id, span.context.span_id] = fate
