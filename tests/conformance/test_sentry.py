"""The Sentry backend on the kit: its envelopes, decoded by a loopback Sentry."""

import json

import pytest
import sentry_sdk

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
from anytel.testing.receivers.sentry import SentryReceiver
from anytel_sentry import SentryBackend

KINDS = {"counter": "count", "gauge": "gauge", "distribution": "distribution"}
LEVELS = {"warn": "warning", "fatal": "critical"}
UNITS = {"second": "s", "millisecond": "ms", "microsecond": "us", "nanosecond": "ns", "minute": "min", "byte": "By"}


class TestSentry(BackendConformance):
    """Spans are items; transactions are tested beside the backend."""

    @pytest.fixture
    def wire(self):
        with SentryReceiver() as self.sentry, SentryReceiver() as self.silent:
            self.silent.answer = Answer(delay=30)
            yield
        sentry_sdk.get_global_scope().set_client(None)

    def make(self):
        self.sentry.clear()
        return SentryBackend(self.sentry.dsn)

    def make_dead(self):
        return SentryBackend(self.silent.dsn)

    def read(self):
        got = self.sentry
        return Observed(
            metrics=[metric(one) for one in got.metrics],
            spans=[span(one) for one in got.spans],
            logs=[log(one) for one in got.logs],
            errors=[error(one) for one in got.events],
            malformed=[one.problem for one in got.malformed],
            raw=b"".join(one.body for one in got.requests),
        )


def metric(one):
    many = one.type == "distribution"
    values = {"samples": (one.value,)} if many else {"value": one.value}
    unit = UNITS.get(one.unit, one.unit) or ""
    return Measured(name=one.name, kind=KINDS[one.type], tags=one.attributes, unit=unit, **values)


def span(one):
    has = one.attributes
    return ObservedSpan(
        ids=(int(one.trace_id, 16), int(one.span_id, 16)),
        name=one.name,
        start_ns=round(one.start * 1e9),
        end_ns=round(one.end * 1e9),
        parent_id=int(one.parent_span_id or "0", 16),
        kind=has["sentry.kind"],
        status=one.status,
        status_message=has.get("sentry.status.message", ""),
        service=has["service.name"],
        attributes=has,
        events=[event(json.loads(text)) for text in has.get("span.events", [])],
        links=[link(found) for found in one.links],
        exception=raised(has, None) if "exception.type" in has else None,
    )


def event(found):
    return ObservedEvent(name=found["name"], time_ns=found["time_unix_nano"], attributes=found["attributes"])


def link(found):
    attributes = {name: one["value"] for name, one in found.get("attributes", {}).items()}
    return ObservedLink(ids=(int(found["trace_id"], 16), int(found["span_id"], 16)), attributes=attributes)


def raised(has, functions):
    return Raised(type=has["exception.type"], message=has["exception.message"], functions=functions)


def log(one):
    has = one.attributes
    functions = functions_in(has.get("exception.stacktrace", ""))
    return ObservedLog(
        message=one.body,
        level=LEVELS.get(one.level, one.level),
        logger=has.get("logger.name"),
        attributes=has,
        ids=(int(one.trace_id, 16), int(one.span_id, 16)) if one.span_id else None,
        exception=raised(has, functions) if "exception.type" in has else None,
    )


def error(event):
    values = event.get("exception", {}).get("values", [])
    trace = event["contexts"]["trace"]
    return ObservedError(
        id=event["event_id"],
        exception=exception(values, values[-1]) if values else None,
        message=event.get("message") or event.get("logentry", {}).get("formatted"),
        handled=values[-1]["mechanism"]["handled"] if values else None,
        attributes=event["contexts"].get("anytel", {}),
        ids=(int(trace["trace_id"], 16), int(trace["span_id"], 16)),
    )


def exception(values, of):
    """Give one of the flat list with those that name it as their parent."""
    below = [one for one in values if one["mechanism"].get("parent_id") == of["mechanism"]["exception_id"]]
    members = sorted(
        (one for one in below if "[" in one["mechanism"]["source"]), key=lambda one: one["mechanism"]["source"]
    )
    causes = [one for one in below if one not in members]
    return Raised(
        type=f"{of['module']}.{of['type']}" if of["module"] else of["type"],
        message=of["value"],
        functions=tuple(frame["function"] for frame in of.get("stacktrace", {}).get("frames", [])),
        cause=exception(values, causes[0]) if causes else None,
        group=tuple(exception(values, member) for member in members),
    )
