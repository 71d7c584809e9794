"""Metrics, logs and errors arrive, each in its container."""

import math

import pytest


def test_each_metric_kind_becomes_one_of_sentry_s(backend, receiver, make, deadline):
    """Sentry has counters, gauges and distributions."""
    points = (
        make.point("count", "calls", 3),
        make.point("gauge", "depth", 12),
        make.point("distribution", "time", 6, samples=(1.0, 2.0, 3.0), count=3),
        make.point("histogram", "query", 0.5, samples=(0.5,), buckets=(1, 0)),
        make.point("set", "users", 2, members=("a", "b")),
    )
    ack = backend.metrics(make.batch(*points), deadline)
    assert (ack.delivered, ack.dropped, ack.retry) == (5, {}, 0)
    assert [(metric.name, metric.type, metric.value) for metric in receiver.metrics] == [
        ("calls", "counter", 3),
        ("depth", "gauge", 12),
        ("time", "distribution", 1),
        ("time", "distribution", 2),
        ("time", "distribution", 3),
        ("query", "distribution", 0.5),
        ("users", "gauge", 2),
    ]
    assert {metric.timestamp for metric in receiver.metrics} == {1_700_000_010.0}
    assert receiver.malformed == []


@pytest.mark.parametrize(
    ("unit", "name"),
    [
        ("s", "second"),
        ("ms", "millisecond"),
        ("By", "byte"),
        ("1", "ratio"),
        ("%", "percent"),
        ("{call}", "call"),
        ("furlong", "furlong"),
        ("", None),
    ],
)
def test_units_are_written_in_sentry_s_names(backend, receiver, make, deadline, unit, name):
    """What Sentry does not know stays as it is, without the braces of an annotation."""
    backend.metrics(make.batch(make.point("gauge", unit=unit)), deadline)
    assert receiver.metrics[0].unit == name


def test_a_gauge_that_was_not_written_is_not_sent_again(backend, receiver, make, deadline):
    """There is nothing to deliver, and nothing is lost."""
    ack = backend.metrics(make.batch(make.point("gauge", fresh=False), make.point("gauge", "other")), deadline)
    assert (ack.delivered, ack.dropped) == (2, {})
    assert [metric.name for metric in receiver.metrics] == ["other"]


def test_values_that_are_not_finite_are_dropped_and_counted(backend, receiver, make, deadline):
    """They cost no neighbour anything; of a distribution only the sample is left out."""
    points = (
        make.point("gauge", "nan", math.nan),
        make.point("count", "inf", math.inf),
        make.point("distribution", "some", 1, samples=(math.nan, 1.0)),
        make.point("gauge", "good", 1),
    )
    ack = backend.metrics(make.batch(*points), deadline)
    assert (ack.delivered, ack.dropped, ack.retry) == (2, {"non_finite": 2}, 0)
    assert [metric.name for metric in receiver.metrics] == ["some", "good"]


def test_a_thousand_values_share_an_envelope(backend, receiver, make, deadline):
    """That is the protocol's limit; a point is not split."""
    samples = [0.5] * 600
    points = [make.point("distribution", f"time{n}", 300, samples=samples) for n in range(3)]
    assert backend.metrics(make.batch(*points), deadline).delivered == 3
    assert [each.items[0].headers["item_count"] for each in receiver.envelopes] == [600, 600, 600]
    receiver.clear()
    assert backend.metrics(make.batch(*(make.point("gauge") for _ in range(2001))), deadline).delivered == 2001
    assert [each.items[0].headers["item_count"] for each in receiver.envelopes] == [1000, 1000, 1]


def test_a_series_is_rendered_alike_each_time(backend, receiver, make, deadline):
    """What is cached by series keeps its tags and resource."""
    point = make.point("count", tags=(("endpoint", "a"), ("outcome", "ok")))
    for _ in range(2):
        backend.metrics(make.batch(point), deadline)
    first, second = receiver.metrics
    assert first.raw == second.raw
    assert {"endpoint": "a", "outcome": "ok", "service.name": "shop"}.items() <= first.attributes.items()


def test_a_hundred_logs_share_an_envelope(backend, receiver, make, deadline):
    """That is the protocol's limit; the order is kept."""
    ack = backend.logs([make.log(f"line {n}") for n in range(250)], deadline)
    assert ack.delivered == 250
    assert [len(each.items[0].payload["items"]) for each in receiver.envelopes] == [100, 100, 50]
    assert [log.body for log in receiver.logs] == [f"line {n}" for n in range(250)]


def test_a_log_carries_its_span_logger_and_exception(backend, receiver, make, deadline):
    """Outside of any trace it names the one that stands for the process, which the protocol asks for."""
    context = make.context()
    failing = make.log(
        context=context, logger="shop.db", exception=make.exception("Broken", "no", module="shop.errors")
    )
    backend.logs([failing, make.log()], deadline)
    inside, outside = receiver.logs
    assert (inside.trace_id, inside.span_id) == (f"{context.trace_id:032x}", f"{context.span_id:016x}")
    expected = {"logger.name": "shop.db", "exception.type": "shop.errors.Broken", "exception.message": "no"}
    assert expected.items() <= inside.attributes.items()
    assert inside.attributes["exception.stacktrace"] == "shop.errors.Broken: no\n"
    assert outside.span_id is None
    assert outside.trace_id != inside.trace_id
    assert receiver.malformed == []


def test_an_error_is_linked_to_its_span_and_root(backend, receiver, make, deadline):
    """Id, trace, transaction and sampling context are those of the record."""
    context = make.context(sampled=False)
    record = make.error(context=context, attributes={"fragment.key": "k", "n": 1, "list": (1, 2)})
    assert backend.errors([record], deadline).delivered == 1
    [event] = receiver.events
    assert event["event_id"] == record.id == receiver.envelopes[0].headers["event_id"]
    assert event["transaction"] == "GET /"
    trace = event["contexts"]["trace"]
    assert (trace["trace_id"], trace["span_id"]) == (f"{context.trace_id:032x}", f"{context.span_id:016x}")
    assert "dynamic_sampling_context" not in trace
    assert receiver.envelopes[0].headers["trace"]["sampled"] == "false"
    assert event["contexts"]["anytel"] == {"fragment.key": "k", "n": 1, "list": [1, 2], "type": "default"}
    assert (event["level"], event["release"], event["environment"]) == ("error", "shop@1.4.0", "test")


def test_all_attributes_of_an_error_arrive(backend, receiver, make, deadline):
    """Sentry's trimming of extra data does not touch them, and none of them names the context's type."""
    attributes = {f"key{n}": "x" * 2000 for n in range(50)} | {"type": "os"}
    backend.errors([make.error(attributes=attributes)], deadline)
    context = receiver.events[0]["contexts"]["anytel"]
    assert context.pop("type") == "default"
    assert context.pop("type_") == "os"
    assert context == {f"key{n}": "x" * 2000 for n in range(50)}


def test_frames_show_their_source_where_it_can_be_read(backend, receiver, make, deadline):
    """Frames of this library are not the application's."""
    gone = make.frame(1)._replace(file="/nowhere/gone.py", module="gone")
    ours = make.frame(1)._replace(module="anytel.tracing")
    backend.errors([make.error(make.exception(frames=(make.frame(1), gone, ours)))], deadline)
    [value] = receiver.events[0]["exception"]["values"]
    here, missing, library = value["stacktrace"]["frames"]
    assert here["context_line"].startswith('"""A receiver, a host')
    assert (here["abs_path"], here["lineno"], here["function"]) == (make.frame(1).file, 1, "make")
    assert (missing["context_line"], missing["abs_path"]) == (None, "/nowhere/gone.py")
    assert (here["in_app"], library["in_app"]) == (True, False)


def test_without_a_version_there_is_no_release(host, open_backend, receiver, make, deadline):
    """The SDK would ask git for one."""
    del host.resource["service.version"]
    backend = open_backend()
    backend.errors([make.error()], deadline)
    backend.logs([make.log()], deadline)
    assert "release" not in receiver.events[0]
    assert "sentry.release" not in receiver.logs[0].attributes


def test_sentry_release_wins_over_the_version(monkeypatch, open_backend, receiver, make, deadline):
    """It is the vendor's own setting."""
    monkeypatch.setenv("SENTRY_RELEASE", "custom@9")
    open_backend().errors([make.error()], deadline)
    assert receiver.events[0]["release"] == "custom@9"


def test_an_empty_batch_sends_nothing(backend, receiver, make, deadline):
    """Its account is empty too."""
    for ack in (backend.spans([], deadline), backend.logs([], deadline), backend.metrics(make.batch(), deadline)):
        assert (ack.delivered, ack.dropped, ack.retry) == (0, {}, 0)
    assert receiver.requests == []
