"""What Sentry got."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Self

from anytel.backend import MetricKind
from anytel.testing.observe.lookup import Lookup
from anytel.testing.observe.seen import Catalogue, Reading, Seen, SeenError, SeenLog, SeenSpan, SeriesKey
from anytel.testing.receivers.sentry import Json, ReceivedMetric, ReceivedSpan, SentryReceiver

__all__ = ["SentryObserver"]

_TYPES: Mapping[MetricKind, str] = {
    "count": "counter",
    "gauge": "gauge",
    "distribution": "distribution",
    "histogram": "distribution",
    "set": "gauge",
}


class SentryObserver:
    """Runs an ingest for Sentry's envelopes."""

    def __init__(self) -> None:
        self._receiver = SentryReceiver()

    @property
    def settings(self) -> Mapping[str, str]:
        """Where the DSN is to point."""
        return {"SENTRY_DSN": self._receiver.dsn}

    def __enter__(self) -> Self:
        self._receiver.__enter__()
        return self

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None) -> None:
        self._receiver.__exit__(kind, exc, tb)

    def received(self) -> SentryReceiver:
        """Give the receiver of the envelopes."""
        return self._receiver

    def seen(self, catalogue: Catalogue) -> Seen:
        """Tell what was in the envelopes."""
        received = self._receiver
        return Seen(
            place="sentry",
            spans=[_span(span) for span in received.spans],
            errors=[_error(event) for event in received.events],
            logs=[SeenLog(log.body, log.trace_id, log.span_id or "") for log in received.logs],
            metrics=_metrics(received.metrics, Lookup(catalogue, lambda key, metric: key)),
            malformed=[one.problem for one in received.malformed],
            fed_samples=True,
        )


def _span(span: ReceivedSpan) -> SeenSpan:
    return SeenSpan(
        span.trace_id,
        span.span_id,
        span.parent_span_id or "",
        span.name,
        str(span.attributes.get("service.name", "")),
        span.status == "error",
        round(span.start * 1e9),
        round(span.end * 1e9),
    )


def _error(event: Json) -> SeenError:
    trace, raised = event["contexts"]["trace"], event.get("exception", {}).get("values", ())
    said = event.get("message") or event.get("logentry", {}).get("formatted", "")
    about = raised[-1]["type"] if raised else said
    return SeenError(event["event_id"], about, trace["trace_id"], trace.get("span_id", ""))


def _metrics(received: Sequence[ReceivedMetric], lookup: Lookup) -> Mapping[SeriesKey, Reading]:
    values: defaultdict[tuple[SeriesKey, str], list[float]] = defaultdict(list)
    for one in received:
        key = lookup.find(one.name, {name: str(value) for name, value in one.attributes.items()})
        values[key, one.type].append(one.value)
    return {key: _reading(key, sort, some, lookup) for (key, sort), some in values.items()}


def _reading(key: SeriesKey, sort: str, values: Sequence[float], lookup: Lookup) -> Reading:
    metric = lookup.metric(key)
    kind = metric.kind if metric is not None and _TYPES[metric.kind] == sort else sort
    match sort:
        case "counter":
            return Reading(kind=kind, value=math.fsum(values))
        case "gauge":
            return Reading(kind=kind, value=values[-1])
        case _:
            return Reading(kind=kind, value=math.fsum(values), count=len(values))
