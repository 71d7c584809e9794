"""What a library does wrong with OpenTelemetry's API is counted and never raises, in a strict application either."""

import pytest
from opentelemetry import metrics, propagate, trace
from opentelemetry._logs import SeverityNumber, get_logger_provider
from opentelemetry.trace import StatusCode

import anytel
from anytel import misuse
from anytel.errors import MisuseError


class Evil:
    """Refuses everything."""

    def __str__(self):
        raise RuntimeError("evil")

    __repr__ = __bool__ = __iter__ = __str__

    def __getattr__(self, name):
        raise RuntimeError("evil")


def _numbers():
    yield 1


NONSENSE = [5, b"x", "text", "x" * 100_000, [1], {"a": 1}, {1: 2}, object(), Evil(), _numbers()]
NAMES = ["int", "bytes", "str", "long", "list", "dict", "dict of int", "object", "evil", "generator"]


@pytest.fixture(params=[False, True], ids=["lenient", "strict"])
def strict(configured, request):
    """Have a memory backend in force, in an application that is strict, or not."""
    return configured(strict=request.param)


@pytest.fixture(params=NONSENSE, ids=NAMES)
def nonsense(request):
    """Give something that no argument of the API may be."""
    return request.param


def test_a_span_is_recorded_whatever_it_is_started_with(strict, nonsense):
    tracer = trace.get_tracer("a.library")
    given = [
        {"kind": nonsense}, {"attributes": nonsense}, {"links": nonsense}, {"links": [nonsense]}, {"links": [None]},
        {"start_time": nonsense}, {"context": nonsense},
    ]  # fmt: skip
    for one in given:
        tracer.start_span("work", **one).end()
        with tracer.start_as_current_span("work", **one):
            pass
    tracer.start_span(nonsense).end()
    assert [span.name for span in strict.spans].count("work") == 2 * len(given)


def test_a_span_goes_on_whatever_is_done_to_it(strict, nonsense, raised):
    with trace.get_tracer("a.library").start_as_current_span("work") as span:
        for given in (nonsense, None):
            span.set_attribute(given, 1)
            span.set_attribute("key", given)
            span.set_attributes(given)
            span.add_event(given)
            span.add_event("event", given)
            span.add_event("event", None, given)
            span.add_link(given)
            span.add_link(span.get_span_context(), given)
            span.record_exception(given)
            span.record_exception(raised, given)
            span.record_exception(raised, None, given)
            span.set_status(given)
            span.set_status(StatusCode.ERROR, given)
            span.update_name(given)
        span.update_name("work")
        span.set_attribute("last", 1)
    assert strict.span("work").attributes["last"] == 1


def test_an_end_that_is_no_time_or_before_the_start_ends_the_span(strict, nonsense):
    tracer = trace.get_tracer("a.library")
    for end in (nonsense, 1):
        tracer.start_span("work").end(end)
    assert len(strict.spans) == 2


def test_instruments_are_made_of_anything_and_take_anything(strict, nonsense):
    meter = metrics.get_meter("a.library")
    for kind, doing in (("counter", "add"), ("up_down_counter", "add"), ("histogram", "record"), ("gauge", "set")):
        make = getattr(meter, f"create_{kind}")
        made = [make(nonsense), make(f"a.{kind}", nonsense), make(f"b.{kind}", "", nonsense), make(f"c.{kind}")]
        for one in made:
            record = getattr(one, doing)
            for given in (nonsense, None):
                record(given)
                record(1, given)
                record(1, {"a": given})
                record(1, None, given)
    meter.create_histogram("buckets", explicit_bucket_boundaries_advisory=nonsense).record(1)
    for kind in ("counter", "up_down_counter", "gauge"):
        make = getattr(meter, f"create_observable_{kind}")
        make(f"d.{kind}", nonsense)
        make(f"e.{kind}", [nonsense, lambda _: nonsense, lambda _: [metrics.Observation(nonsense, nonsense)]])
    meter.create_observable_gauge("observed", [lambda _: [metrics.Observation(7)]])
    assert strict.total("observed") == 7


def test_a_log_record_comes_out_or_is_counted(strict, nonsense):
    logger = get_logger_provider().get_logger("a.library")
    for given in ({"body": nonsense}, {"attributes": nonsense}, {"severity_number": nonsense}, {"context": nonsense},
                  {"exception": nonsense}, {"event_name": nonsense}):  # fmt: skip
        logger.emit(**{"body": "said", **given})
    logger.emit(nonsense)
    logger.enabled(severity_number=nonsense)
    logger.emit(body="last", severity_number=SeverityNumber.INFO)
    assert strict.logs[-1].message == "last"


def test_headers_are_written_to_and_read_from_what_they_can(strict, nonsense):
    with anytel.span("work") as span:
        for carrier in (nonsense, None):
            propagate.extract(carrier)
            propagate.inject(carrier)
        propagate.inject({}, nonsense)
        propagate.inject(headers := {})
    assert span.trace_id in headers["traceparent"]


def test_a_name_is_text_in_every_backend(strict):
    span = trace.get_tracer("a.library").start_span("work")
    span.update_name(None)
    span.end()
    assert [span.name for span in strict.spans] == ["None"]


def test_a_strict_application_hears_of_its_own_mistakes_also_within_a_librarys_span(configured):
    configured(strict=True)
    with trace.get_tracer("a.library").start_as_current_span("work") as span:
        span.set_attributes(5)
        assert misuse.counts["attributes"] == 1
        with pytest.raises(MisuseError):
            anytel.current_span().set(5)
