"""Renders points as ``trace_metric`` items (https://develop.sentry.dev/sdk/telemetry/metrics/)."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from weakref import WeakKeyDictionary

import msgspec
from sentry_sdk.envelope import Envelope, Item

from anytel.backend import MetricBatch, MetricKind, Point, Series, Spelling
from anytel_sentry.attributes import encode, typed
from anytel_sentry.delivery import DELIVERED, Delivery, Parcel
from anytel_sentry.hooks import Hook, wire_attributes
from anytel_sentry.resource import Resource
from anytel_sentry.units import sentry_unit

__all__ = ["Metrics"]

LIMIT = 1000
"""Metrics per envelope; a point is never split."""

_TYPES: Mapping[MetricKind, str] = {
    "count": "counter",
    "gauge": "gauge",
    "set": "gauge",
    "distribution": "distribution",
    "histogram": "distribution",
}


class Metrics:
    """Renders batches for one client; what does not change with the value is rendered once per series."""

    def __init__(self, resource: Resource, hook: Hook | None) -> None:
        self._resource, self._hook = resource, hook
        self._rendered: WeakKeyDictionary[Series, Mapping[str, object]] = WeakKeyDictionary()

    @staticmethod
    def spelling(series: Series) -> Spelling:
        """Give the names of a metric in Sentry."""
        tags = {name: name for name, _ in series.tags}
        unit = sentry_unit(series.unit) or ""
        return Spelling(name=series.name, type=_TYPES[series.kind], unit=unit, series=(series.name,), tags=tags)

    def parcels(self, batch: MetricBatch, delivery: Delivery) -> Iterator[Parcel]:
        """Give the envelopes of a batch; points that need none are settled in *delivery* at once."""
        items: list[object] = []
        places: list[int] = []
        for place, point in enumerate(batch.points):
            rendered, fate = self._point(point, batch.end_ns / 1e9)
            if not rendered:
                delivery.settle((place,), fate)
                continue
            if items and len(items) + len(rendered) > LIMIT:
                yield Parcel(self._envelope(items), places)
                items, places = [], []
            items.extend(rendered)
            places.append(place)
        if items:
            yield Parcel(self._envelope(items), places)

    def _point(self, point: Point, timestamp: float) -> tuple[Sequence[object], str]:
        """Render one point; where nothing is left to send, say whether that is as it should be."""
        values = _values(point)
        finite = [value for value in values if math.isfinite(value)]
        if not finite:
            return (), "non_finite" if values else DELIVERED
        if self._hook is not None:
            return self._hooked(self._hook, point.series, finite, timestamp), "before_send"
        same = self._same(point.series)
        return [{**same, "timestamp": timestamp, "value": value} for value in finite], DELIVERED

    def _same(self, series: Series) -> Mapping[str, object]:
        """Give what all metrics of *series* have in common, its attributes already encoded."""
        same = self._rendered.get(series)
        if same is None:
            attributes = msgspec.Raw(encode(self._resource.typed | typed(series.tags)))
            same = {"name": series.name, "type": _TYPES[series.kind], "trace_id": self._resource.trace_id}
            same |= {"attributes": attributes} | ({"unit": unit} if (unit := sentry_unit(series.unit)) else {})
            self._rendered[series] = same
        return same

    def _hooked(self, hook: Hook, series: Series, values: Sequence[float], timestamp: float) -> list[object]:
        """Show the application each metric as the SDK would, and render what it gives back."""
        out: list[object] = []
        for value in values:
            attributes = {**self._resource.attributes, **dict(series.tags)}
            metric = {"timestamp": timestamp, "trace_id": self._resource.trace_id, "span_id": None}
            metric |= {"name": series.name, "type": _TYPES[series.kind], "value": value}
            metric |= {"unit": sentry_unit(series.unit), "attributes": attributes}
            if kept := hook(metric):
                wire = {name: each for name, each in kept.items() if each is not None}
                out.append(wire | {"attributes": wire_attributes(kept)})
        return out

    def _envelope(self, items: Sequence[object]) -> Envelope:
        body = encode({"version": 2, "items": items})
        content_type = "application/vnd.sentry.items.trace-metric+json"
        return self._resource.envelope([Item(body, {"item_count": len(items)}, "trace_metric", content_type)])


def _values(point: Point) -> Sequence[float]:
    """Give the values to send; none for what was not written in this interval."""
    kind = point.series.kind
    if kind == "count":
        return (float(point.value),) if point.value else ()
    if kind in ("gauge", "set"):
        return (float(point.value),) if point.fresh else ()
    return [float(sample) for sample in point.samples]
