"""A run of the demo through all vendors, and that comparing finds whatever a vendor lost or changed."""

import os
import threading
from dataclasses import replace

import pytest

from anytel import runtime
from anytel.backend import Signal
from anytel.config.load import available
from anytel.demo import run as demo
from anytel.demo.compare import compare
from anytel.demo.exhibits import exhibits
from anytel.demo.report import data
from anytel.demo.traffic import plan
from anytel.testing.observe.seen import Reading, SeriesKey

VENDORS = ("sentry", "datadog", "prometheus", "otlp")
CALLS = SeriesKey("mcp.calls", (("endpoint", "revalidate"), ("type", "revalidate")))
QUERIES = SeriesKey("db.query.time", (("operation", "select"),))
FRAGMENTS = SeriesKey("unique.fragments", ())
SKILLS = SeriesKey("skills.count", (("category", "data"),))
SIGNALS: dict[Signal, str] = {"span": "spans", "error": "errors", "log": "logs", "metric": "metrics"}


@pytest.fixture(scope="module")
def result():
    """One run, whose results all tests look at; it leaves the process as it was."""
    runtime.reset()
    before = dict(os.environ)
    answers = []
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("REVALIDATE_SECRET", raising=False)
        found = demo.run(VENDORS, plan(30, 0, 1, "test-secret"), answers.append)
        assert len(answers) == 30
    assert dict(os.environ) == before
    assert [thread.name for thread in threading.enumerate() if thread.name.startswith("anytel")] == []
    assert runtime.active.settings is None
    return found


def seen(result, place):
    return next(one for one in result.seen if one.place == place)


def problems(result, place, **changes):
    """Give what comparing finds where a place has seen something else."""
    return [(one.subject, one.problem) for one in compare(result.emitted, replace(seen(result, place), **changes))]


def with_reading(result, place, key, **parts):
    metrics = seen(result, place).metrics
    return {**metrics, key: replace(metrics[key], **parts)}


def test_all_vendors_agree_with_what_was_emitted(result):
    """Spans, errors, log events, every series' value, and every answer."""
    assert result.differences() == []


def test_the_run_is_not_empty(result):
    """Agreeing on nothing would be easy."""
    emitted = result.emitted
    assert len(emitted.spans) > 60
    assert len(emitted.errors) == sum(answer.status >= 500 for answer in result.answers) > 1
    assert {reading.kind for reading in emitted.metrics.values()} == {
        "count", "gauge", "distribution", "histogram", "set",
    }  # fmt: skip
    assert {answer.status for answer in result.answers} == {200, 400, 401, 404, 405, 500, 502}


@pytest.mark.parametrize("vendor", VENDORS)
def test_what_is_not_compared_is_what_the_backend_declares_not_to_take(result, vendor):
    """A signal is None for a vendor exactly where it is none of its backend's."""
    signals = available()[vendor].load().signals
    shown = {signal for signal, name in SIGNALS.items() if getattr(seen(result, vendor), name) is not None}
    assert shown == signals


@pytest.mark.parametrize("vendor", ["sentry", "datadog", "otlp"])
def test_a_lost_span_is_found(result, vendor):
    """Each of them, at each vendor that takes spans."""
    spans = seen(result, vendor).spans
    for place in range(len(spans)):
        assert problems(result, vendor, spans=[*spans[:place], *spans[place + 1 :]]) == [("span", "missing")]


@pytest.mark.parametrize("vendor", ["sentry", "datadog", "otlp"])
def test_a_span_that_came_twice_is_found(result, vendor):
    """As when a batch is sent again that had arrived."""
    spans = seen(result, vendor).spans
    ((subject, problem),) = problems(result, vendor, spans=[*spans, spans[0]])
    assert (subject, problem) == ("span", "there, but not emitted so often")


@pytest.mark.parametrize("vendor", ["sentry", "datadog", "otlp"])
@pytest.mark.parametrize(
    "change",
    [
        {"parent_id": "f" * 16},
        {"failed": True},
        {"service": "other"},
        {"name": "other"},
        {"start_ns": 1},
        {"end_ns": 1},
    ],
    ids=lambda change: next(iter(change)),
)
def test_a_changed_span_is_found(result, vendor, change):
    """In whichever of its parts."""
    spans = list(seen(result, vendor).spans)
    place = next(place for place, span in enumerate(spans) if not span.failed)
    spans[place] = replace(spans[place], **change)
    ((subject, problem),) = problems(result, vendor, spans=spans)
    assert subject == "span"
    assert " is " in problem or "lasts" in problem


def test_another_trace_id_is_found(result):
    """The span is missing in its trace, and one too many in the other."""
    first, *rest = seen(result, "datadog").spans
    found = problems(result, "datadog", spans=[replace(first, trace_id="f" * 32), *rest])
    assert [subject for subject, _ in found] == ["span", "span"]


def test_a_lost_error_and_a_changed_one_are_found(result):
    """By id, and in its parts."""
    first, *rest = seen(result, "sentry").errors
    assert problems(result, "sentry", errors=rest) == [("error", "missing")]
    assert problems(result, "sentry", errors=[replace(first, trace_id="f" * 32), *rest])


@pytest.mark.parametrize("place", ["sentry", "stdout"])
def test_a_lost_log_event_is_found(result, place):
    """In the log lines, too."""
    assert problems(result, place, logs=seen(result, place).logs[1:]) == [("log", "missing")]


@pytest.mark.parametrize("vendor", VENDORS)
@pytest.mark.parametrize("key", [CALLS, QUERIES, FRAGMENTS, SKILLS], ids=str)
def test_a_lost_series_is_found(result, vendor, key):
    """Of every kind, at every vendor."""
    metrics = {name: one for name, one in seen(result, vendor).metrics.items() if name != key}
    assert problems(result, vendor, metrics=metrics) == [("metric", "missing")]


@pytest.mark.parametrize("vendor", VENDORS)
@pytest.mark.parametrize(
    ("key", "parts"),
    [(CALLS, {"value": 1e6}), (SKILLS, {"value": 6.0}), (QUERIES, {"value": 1e6}), (QUERIES, {"count": 1})],
)
def test_a_changed_value_is_found(result, vendor, key, parts):
    """Of every kind, at every vendor."""
    ((subject, problem),) = problems(result, vendor, metrics=with_reading(result, vendor, key, **parts))
    assert subject == "metric"
    assert problem.startswith(f"{next(iter(parts))} is ")


def test_a_value_in_another_bucket_is_found(result):
    """Even where the sum and the count are right."""
    buckets = seen(result, "prometheus").metrics[QUERIES].buckets
    moved = with_reading(result, "prometheus", QUERIES, buckets=(*buckets[1:], buckets[0]))
    ((subject, problem),) = problems(result, "prometheus", metrics=moved)
    assert (subject, problem.split()[0]) == ("metric", "buckets")


def test_a_series_of_another_kind_is_found(result):
    """A distribution that arrives as a histogram has other percentiles."""
    metrics = with_reading(result, "datadog", SeriesKey("response.time", (("endpoint", "skills"),)), kind="histogram")
    assert problems(result, "datadog", metrics=metrics) == [("metric", "kind is histogram, not distribution")]


def test_a_series_that_nobody_emitted_is_found(result):
    """As when a tag is not what was given."""
    metrics = {**seen(result, "datadog").metrics, SeriesKey("shop.orders", ()): Reading(kind="count", value=1.0)}
    ((subject, problem),) = problems(result, "datadog", metrics=metrics)
    assert subject == "metric"
    assert problem.endswith("was not emitted")


def test_an_exemplar_of_no_span_is_found(result):
    """It would lead to a trace that is not there."""
    found = problems(result, "prometheus", exemplars=[("f" * 32, "f" * 16)])
    assert found == [("exemplar", "of no span that was emitted")]


def test_what_cannot_be_read_is_found(result):
    """A vendor would refuse it."""
    assert problems(result, "sentry", malformed=["no sentry_key"]) == [("wire", "cannot be read")]


def test_an_answer_that_was_not_expected_is_found(result):
    """The service itself is checked too."""
    wrong = [replace(result.answers[0], status=418), *result.answers[1:]]
    (difference,) = replace(result, answers=wrong).differences()
    assert (difference.subject, difference.place) == ("request", "service")


def test_a_flush_that_was_not_in_time_is_found(result):
    """What it says is part of the check."""
    (difference,) = replace(result, delivered=False).differences()
    assert difference.subject == "account"


def test_a_trace_has_one_id_wherever_it_is_found(result):
    """The failing request's in its answer, at Sentry, Datadog, Prometheus and the collector, and in its log line."""
    failing = next(one for one in exhibits(result) if one.trace.answer.status == 500)
    assert set(failing.found) == {
        "answer", "sentry span", "sentry error", "sentry log line", "datadog span", "prometheus exemplar",
        "otlp span", "otlp error", "otlp log line", "otlp exemplar", "stdout log line",
    }  # fmt: skip
    assert set(failing.found.values()) == {frozenset({failing.trace.id})}


def test_another_trace_id_shows_in_the_exhibit(result):
    """A trace is looked up by its spans' ids, so that a wrong trace id is not simply not found."""
    moved = [replace(one, trace_id="f" * 32) for one in seen(result, "datadog").spans]
    others = [one for one in result.seen if one.place != "datadog"]
    changed = replace(result, seen=[*others, replace(seen(result, "datadog"), spans=moved)])
    assert {one.found["datadog span"] for one in exhibits(changed)} == {frozenset({"f" * 32})}


def test_the_data_hold_what_the_tables_show(result):
    """For programs."""
    shown = data(result)
    assert shown["agree"] is True
    assert shown["requests"]["sent"] == 30
    assert shown["emitted"]["spans"] == shown["received"]["datadog"]["spans"] == shown["received"]["sentry"]["spans"]
    assert shown["received"]["prometheus"]["spans"] is None
