"""The OTLP backend on the kit: its requests, decoded by a loopback collector."""

import math
import re
from typing import ClassVar

import pytest
from opentelemetry.proto.metrics.v1 import metrics_pb2 as wire
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from anytel.testing.conformance import (
    BackendConformance,
    Measured,
    Observed,
    ObservedError,
    ObservedEvent,
    ObservedLink,
    ObservedLog,
    ObservedSpan,
    Raised,
    functions_in,
)
from anytel.testing.receivers.http import Answer
from anytel.testing.receivers.otlp import OtlpReceiver, attributes_of
from anytel_otlp import OtlpBackend

CUMULATIVE = wire.AGGREGATION_TEMPORALITY_CUMULATIVE
AGGREGATION = "OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION"
BETWEEN = re.compile(r"\n\n(?:The above exception was the direct|During handling of the above).*\n\n")
MEMBER = re.compile(r"^ +\| ([\w.]+): .*\n +(?:\+-)", re.MULTILINE)


class OtlpKit(BackendConformance):
    """What both temporalities share."""

    temporality: ClassVar = "cumulative"

    @pytest.fixture
    def wire(self):
        with OtlpReceiver() as self.collector, OtlpReceiver() as self.silent:
            self.silent.answer = Answer(delay=30)
            yield

    def make(self):
        self.collector.clear()
        return OtlpBackend(self.collector.url, temporality=self.temporality)

    def make_dead(self):
        return OtlpBackend(self.silent.url, temporality=self.temporality)

    def read(self):
        got = self.collector
        logs = [(one, one.attributes) for one in got.logs]
        return Observed(
            metrics=list(last_totals(one for received in got.metrics for one in measured(received.wire))),
            spans=[span(one) for one in got.spans],
            logs=[log(one, has) for one, has in logs if "error.handled" not in has],
            errors=[error(one, has) for one, has in logs if "error.handled" in has],
            malformed=got.malformed,
            raw=b"".join(one.body for one in got.requests),
        )


class TestCumulative(OtlpKit):
    """As OpenTelemetry's SDKs send by default."""


class TestDelta(OtlpKit):
    """As Datadog and others want it."""

    temporality: ClassVar = "delta"


class TestExponential(OtlpKit):
    """Distributions are exponential histograms."""

    temporality: ClassVar = "delta"

    def make(self):
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv(AGGREGATION, "base2_exponential_bucket_histogram")
            return super().make()


def last_totals(pairs):
    """Give increments as they are, and of totals the last of each series, which holds all earlier ones."""
    totals = {}
    for cumulative, one in pairs:
        if cumulative:
            totals[one.name, tuple(one.tags.items())] = one
        else:
            yield one
    yield from totals.values()


def measured(metric):
    kind = metric.WhichOneof("data")
    data = getattr(metric, kind)
    read = {"gauge": gauge, "sum": count, "histogram": explicit, "exponential_histogram": exponential}[kind]
    for point in data.data_points:
        seen = {(int.from_bytes(one.trace_id), int.from_bytes(one.span_id)) for one in point.exemplars}
        yield (
            getattr(data, "aggregation_temporality", None) == CUMULATIVE,
            Measured(
                name=metric.name,
                tags=attributes_of(point.attributes),
                unit=metric.unit,
                description=metric.description,
                exemplars=frozenset(seen) or None,
                **read(point),
            ),
        )


def gauge(point):
    return {"kind": "gauge", "value": getattr(point, point.WhichOneof("value"))}


def count(point):
    return {"kind": "count", "value": getattr(point, point.WhichOneof("value"))}


def explicit(point):
    buckets = zip((*point.explicit_bounds, math.inf), point.bucket_counts, strict=True)
    return many(point) | {"buckets": tuple(buckets)}


def exponential(point):
    base = 2 ** (2**-point.scale)
    above = [(base ** (point.positive.offset + n + 1), c) for n, c in enumerate(point.positive.bucket_counts)]
    below = [(-(base ** (point.negative.offset + n)), c) for n, c in enumerate(point.negative.bucket_counts)]
    lowest = [(base**point.positive.offset, 0)] if above else []
    return many(point) | {"buckets": (*sorted(below), (0.0, point.zero_count), *lowest, *above)}


def many(point):
    return {"kind": "histogram", "count": point.count, "value": point.sum, "low": point.min, "high": point.max}


def ids(of):
    return int.from_bytes(of.trace_id), int.from_bytes(of.span_id)


def span(one):
    wire = one.wire
    raised = [found for found in wire.events if found.name == "exception"]
    return ObservedSpan(
        ids=ids(wire),
        name=wire.name,
        start_ns=wire.start_time_unix_nano,
        end_ns=wire.end_time_unix_nano,
        parent_id=int.from_bytes(wire.parent_span_id),
        kind=Span.SpanKind.Name(wire.kind).removeprefix("SPAN_KIND_").lower(),
        status=Status.StatusCode.Name(wire.status.code).removeprefix("STATUS_CODE_").lower(),
        status_message=wire.status.message,
        service=one.service,
        attributes=one.attributes,
        events=[event(found) for found in wire.events if found not in raised],
        links=[ObservedLink(ids=ids(link), attributes=attributes_of(link.attributes)) for link in wire.links],
        exception=exception(attributes_of(raised[0].attributes)) if raised else None,
    )


def event(found):
    return ObservedEvent(name=found.name, time_ns=found.time_unix_nano, attributes=attributes_of(found.attributes))


def exception(has):
    if "exception.type" not in has:
        return None
    text = has["exception.stacktrace"]
    earlier = [part.splitlines()[-1].partition(":")[0] for part in BETWEEN.split(text)[:-1]]
    return Raised(
        type=has["exception.type"],
        message=has["exception.message"],
        functions=functions_in(text),
        cause=Raised(type=earlier[-1]) if earlier else None,
        group=tuple(Raised(type=kind) for kind in MEMBER.findall(text)),
    )


def log(one, has):
    return ObservedLog(
        message=one.body,
        level=one.wire.severity_text,
        logger=one.scope,
        attributes=has,
        ids=ids(one.wire) if one.wire.trace_id else None,
        exception=exception(has),
    )


def error(one, has):
    return ObservedError(
        id=has["error.id"],
        exception=exception(has),
        message=one.body,
        handled=has["error.handled"],
        attributes=has,
        ids=ids(one.wire) if one.wire.trace_id else None,
    )
