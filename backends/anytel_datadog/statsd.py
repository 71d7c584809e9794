"""Sends metrics through Datadog's own DogStatsD client."""

from __future__ import annotations

import logging
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from weakref import WeakKeyDictionary

from datadog.dogstatsd.base import DogStatsd

from anytel.backend import Ack, MetricBatch, Point, Series
from anytel_datadog import naming
from anytel_datadog.settings import StatsdAddress

__all__ = ["Statsd"]

_SHORTEST_WAIT = 0.001
"""Seconds; 0 would mean not to wait at all and to drop what the socket cannot take at once."""
_client_logger = logging.getLogger("datadog.dogstatsd")


class Statsd:
    """A DogStatsD client of our own. *constant_tags* are added to every metric. Not for several threads at once."""

    def __init__(self, address: StatsdAddress, constant_tags: Mapping[str, str]) -> None:
        self.client = _client(address, constant_tags)
        self._identities: WeakKeyDictionary[Series, tuple[str, list[str]]] = WeakKeyDictionary()
        self._quiet = _Quiet()
        _client_logger.addFilter(self._quiet)

    def send(self, batch: MetricBatch, deadline: float) -> Ack:
        """Send the points. One that the socket refused is dropped; those for which no time is left wait."""
        ledger = _Ledger(self.client, deadline)
        reached = 0
        with self._quiet.here(), self.client:  # within it, the client puts several lines into one datagram
            for place, point in enumerate(batch.points):
                if time.monotonic() >= deadline:
                    break
                for _ in self._emit(point):
                    ledger.wrote(place)
                reached += 1
            ledger.finish()
        lost = len(ledger.lost)
        return Ack(reached - lost, {"not_sent": lost} if lost else {}, len(batch.points) - reached)

    def close(self) -> None:
        """Close the socket; in a forked child too, where the client's own method may wait for a lock for ever."""
        _client_logger.removeFilter(self._quiet)
        if self.client.socket is not None:
            self.client.socket.close()
            self.client.socket = None

    def _emit(self, point: Point) -> Iterator[None]:
        """Give the lines of a point to the client, stopping after each."""
        client, kind = self.client, point.series.kind
        name, tags = self._identity(point.series)
        if kind == "count":
            client.count(name, naming.number(point.value), tags)
            yield
        elif kind == "gauge":
            client.gauge(name, naming.number(point.value), tags)
            yield
        elif kind == "set":
            for member in point.members:
                client.set(name, naming.set_member(member), tags)
                yield
        else:
            send = client.distribution if kind == "distribution" else client.histogram
            rate = _rate(point)
            for sample in point.samples:
                send(name, naming.number(sample), tags, rate)
                yield

    def _identity(self, series: Series) -> tuple[str, list[str]]:
        found = self._identities.get(series)
        if found is None:
            tags = [naming.tag(key, value) for key, value in series.tags]
            found = self._identities[series] = naming.metric_name(series.name), tags
        return found


class _Ledger:
    """Finds out which points were lost from the client's counts of datagrams, which are all that it tells.

    The fate of a line shows when a later one does not fit into its datagram any more, or at the end.
    """

    def __init__(self, client: DogStatsd, deadline: float) -> None:
        self.lost: set[int] = set()
        self._client, self._deadline = client, deadline
        self._sent, self._dropped = client.packets_sent, client.packets_dropped
        self._waiting: list[int] = []
        self._limit_waiting()

    def wrote(self, place: int) -> None:
        """Note that a line of the point at *place* was given to the client."""
        if self._client.packets_dropped != self._dropped:
            self._settle(lost=True)
        elif self._client.packets_sent != self._sent:
            self._settle(lost=False)
        self._waiting.append(place)

    def finish(self) -> None:
        """Send what the client still holds."""
        self._client.flush()
        self._settle(lost=self._client.packets_sent == self._sent)

    def _settle(self, *, lost: bool) -> None:
        if lost:
            self.lost.update(self._waiting)
        self._waiting.clear()
        self._sent, self._dropped = self._client.packets_sent, self._client.packets_dropped
        self._limit_waiting()

    def _limit_waiting(self) -> None:
        self._client.set_socket_timeout(max(_SHORTEST_WAIT, self._deadline - time.monotonic()))


class _Applied(float):
    """A sample rate by which the values were sampled already.

    The client would sample them again: it draws a number for each call and compares it with the rate. Compared with
    this one, every number is within it.
    """

    def __lt__(self, other: object) -> bool:
        return False

    __le__ = __lt__

    def __gt__(self, other: object) -> bool:
        return True

    __ge__ = __gt__


def _rate(point: Point) -> float:
    return _Applied(len(point.samples) / point.count) if len(point.samples) < point.count else 1


class _Quiet(logging.Filter):
    """Keeps the client from logging a warning for every datagram it cannot send: those are counted."""

    def __init__(self) -> None:
        super().__init__()
        self._thread = 0

    @contextmanager
    def here(self) -> Iterator[None]:
        """Quieten the calling thread."""
        self._thread = threading.get_ident()
        try:
            yield
        finally:
            self._thread = 0

    def filter(self, record: logging.LogRecord) -> bool:
        """Let the application's own clients speak."""
        return threading.get_ident() != self._thread


def _client(address: StatsdAddress, constant_tags: Mapping[str, str]) -> DogStatsd:
    client = DogStatsd(
        host=address.host,
        port=address.port,
        socket_path=address.socket or None,
        # Not for its telemetry, which is never due, but for the counts that it keeps only with it.
        disable_telemetry=False,
        telemetry_min_flush_interval=sys.maxsize,
        # Its fork hooks would make a fork wait for a datagram that is being sent; `open` makes a new client instead.
        track_instance=False,
    )
    # The client has read DD_ENV and others, which we may know better.
    others = [tag for tag in client.constant_tags if tag.partition(":")[0] not in constant_tags]
    client.constant_tags = [*others, *(naming.tag(key, value) for key, value in constant_tags.items())]
    return client
