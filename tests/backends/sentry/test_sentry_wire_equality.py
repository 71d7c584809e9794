"""What arrives from us is what the SDK itself sends for the same, save for the differences stated here."""

import contextvars

import pytest
import sentry_sdk
from sentry_sdk import logger, metrics, traces

from anytel.backend import ExceptionRecord, Frame

STREAM = {"trace_lifecycle": "stream", "traces_sample_rate": 1.0}
# The thread is not in the record; arguments may hold secrets that no redaction has seen.
ONLY_SDK_SPAN = {"thread.id", "thread.name", "process.command_args", "sentry.sdk.integrations"}
ONLY_OURS_SPAN = {"service.name", "sentry.kind"}
IDS = {"trace_id", "span_id", "parent_span_id", "sentry.segment.id"}
TIMES = {"timestamp", "start_timestamp", "end_timestamp"}


def item_headers(envelopes, kind):
    items = [item.headers for each in envelopes for item in each.items if item.type == kind]
    return [without(headers, {"length"}) for headers in items]


def without(mapping, *names):
    return {name: value for name, value in mapping.items() if name not in set().union(*names)}


@pytest.fixture
def theirs(sdk, receiver):
    """Let the SDK send, as an application uses it, and give what arrived."""

    def run(act, **options):
        sdk(**options)
        contextvars.Context().run(act)  # a fresh trace: the SDK keeps the sampling context of an old one
        sentry_sdk.get_client().close(timeout=10)
        sentry_sdk.get_global_scope().set_client(None)
        received = {name: list(getattr(receiver, name)) for name in ("envelopes", "spans", "logs", "metrics", "events")}
        assert receiver.malformed == []
        receiver.clear()
        return received

    return run


def test_a_span_tree_equals_the_sdk_s_in_streaming_mode(theirs, open_backend, receiver, make, deadline):
    """Item, item header, envelope header and attributes are the same."""
    values = {"text": "a", "number": 7, "ratio": 0.5, "flag": True, "sentry.op": "task"}

    def act():
        with (
            traces.start_span("root", attributes=values),
            traces.start_span("child", attributes={"list": [1, 2]}) as span,
        ):
            span.status = "error"

    sent = theirs(act, **STREAM)
    root = make.span("root", attributes=values)
    child = make.span("child", root=root, status="error", attributes={"list": (1, 2)})
    assert open_backend().spans([child, root], deadline).delivered == 2
    assert receiver.malformed == []

    for their, our in zip(sent["spans"], receiver.spans, strict=True):
        assert without(their.raw, IDS, TIMES, {"attributes"}) == without(our.raw, IDS, TIMES, {"attributes"})
        assert their.raw.keys() == our.raw.keys()
        their_values, our_values = their.raw["attributes"], our.raw["attributes"]
        assert without(their_values, IDS, ONLY_SDK_SPAN) == without(our_values, IDS, ONLY_OURS_SPAN)
        assert their_values.keys() & IDS == our_values.keys() & IDS
    [theirs_sent], [ours_sent] = sent["envelopes"], receiver.envelopes
    assert without(theirs_sent.items[0].headers, {"length"}) == without(ours_sent.items[0].headers, {"length"})
    assert theirs_sent.headers.keys() == ours_sent.headers.keys()
    varying = IDS, {"sample_rand"}
    assert without(theirs_sent.headers["trace"], *varying) == without(ours_sent.headers["trace"], *varying)
    assert theirs_sent.headers["trace"].keys() == ours_sent.headers["trace"].keys()


def test_a_log_equals_the_sdk_s(theirs, open_backend, receiver, make, deadline):
    """Level, severity, attributes and their types are the same."""
    levels = {"debug": logger.debug, "info": logger.info, "warning": logger.warning, "error": logger.error}
    levels |= {"critical": logger.fatal}
    values = {"text": "a", "number": 7, "ratio": 0.5, "flag": True}

    def act():
        with traces.start_span("root"):
            for log in levels.values():
                log("it {happened}", attributes=values)

    sent = theirs(act, **STREAM)
    records = [make.log("it {happened}", level=level, attributes=values, context=make.context()) for level in levels]
    open_backend().logs(records, deadline)
    for their, our in zip(sent["logs"], receiver.logs, strict=True):
        assert their.raw.keys() == our.raw.keys()
        assert without(their.raw, IDS, TIMES, {"attributes"}) == without(our.raw, IDS, TIMES, {"attributes"})
        assert their.raw["attributes"] == without(our.raw["attributes"], {"service.name"})
    assert item_headers(sent["envelopes"], "log") == item_headers(receiver.envelopes, "log") != []


def test_a_metric_equals_the_sdk_s(theirs, open_backend, receiver, make, deadline):
    """Type, unit, value and attributes are the same; ours name no span, since they stand for many."""

    def act():
        metrics.count("calls", 2, attributes={"endpoint": "a"})
        metrics.gauge("depth", 12, attributes={"endpoint": "a"})
        metrics.distribution("time", 0.5, unit="second", attributes={"endpoint": "a"})

    sent = theirs(act)
    tags = (("endpoint", "a"),)
    points = (
        make.point("count", "calls", 2, tags=tags),
        make.point("gauge", "depth", 12, tags=tags),
        make.point("distribution", "time", 0.5, unit="s", samples=(0.5,), tags=tags),
    )
    open_backend().metrics(make.batch(*points), deadline)
    for their, our in zip(sent["metrics"], receiver.metrics, strict=True):
        assert their.raw.keys() == our.raw.keys()
        assert without(their.raw, IDS, TIMES, {"attributes"}) == without(our.raw, IDS, TIMES, {"attributes"})
        assert their.raw["attributes"] == without(our.raw["attributes"], {"service.name"})
    assert item_headers(sent["envelopes"], "trace_metric") == item_headers(receiver.envelopes, "trace_metric") != []


def record_of(error: BaseException) -> ExceptionRecord:
    """Build the record of an exception, as the core does."""
    frames, traceback = [], error.__traceback__
    while traceback is not None:
        code = traceback.tb_frame.f_code
        module = traceback.tb_frame.f_globals["__name__"]
        frames.append(Frame(code.co_filename, traceback.tb_lineno, code.co_name, module))
        traceback = traceback.tb_next
    cause = error.__cause__ if error.__suppress_context__ else error.__context__
    group = isinstance(error, BaseExceptionGroup)
    return ExceptionRecord(
        type(error).__qualname__,
        type(error).__module__,
        error.message if group else str(error),
        frames,
        cause and record_of(cause),
        not error.__suppress_context__,
        [record_of(member) for member in error.exceptions] if group else (),
    )


class Custom(Exception):
    pass


def chain():
    try:
        try:
            int("no number")
        except ValueError as error:
            raise Custom("first") from error
    except Custom:
        raise KeyError("second")  # noqa: B904 -- the implicit chaining is what is tested


def group():
    try:
        int("no number")
    except ValueError as error:
        raise ExceptionGroup("several", [error, KeyError("other")]) from None


@pytest.mark.parametrize("fail", [chain, group])
def test_an_error_equals_the_sdk_s(fail, theirs, open_backend, receiver, make, deadline):
    """Exceptions, frames with their source, trace, release and sampling context are the same.

    Ours differ in the mechanism (see the next test) and have neither local variables nor the span's operation.
    """
    failures = []

    def act():
        with traces.start_span("GET /"):
            try:
                fail()
            except Exception as error:
                failures.append(error)
                sentry_sdk.capture_exception(error)

    [their] = theirs(act, **STREAM)["events"]
    assert open_backend().errors([make.error(record_of(failures[0]), make.context())], deadline).delivered == 1
    [our] = receiver.events

    for their_value, our_value in zip(their["exception"]["values"], our["exception"]["values"], strict=True):
        assert without(their_value, {"mechanism", "stacktrace"}) == without(our_value, {"mechanism", "stacktrace"})
        their_frames = their_value.get("stacktrace", {}).get("frames", [])
        our_frames = our_value.get("stacktrace", {}).get("frames", [])
        assert [without(frame, {"vars"}) for frame in their_frames] == our_frames
        assert all(frame["in_app"] and frame["context_line"] for frame in our_frames)
    varying = {"event_id", "timestamp", "exception", "contexts"}
    assert without(their, varying) == without(our, varying)
    assert their.keys() == our.keys()
    assert their["contexts"]["trace"].keys() - our["contexts"]["trace"].keys() <= {"op", "origin", "parent_span_id"}
    assert our["contexts"].keys() - their["contexts"].keys() == {"runtime"}


def test_the_mechanism_tells_the_tree_of_exceptions(open_backend, receiver, make, deadline):
    """Every exception knows its parent and its place there; the SDK leaves the ids of plain chains out."""
    failures = []
    try:
        chain()
    except KeyError as error:
        failures.append(error)
    try:
        group()
    except ExceptionGroup as error:
        failures.append(error)
    records = [make.error(record_of(failures[0])), make.error(record_of(failures[1]), handled=False)]
    open_backend().errors(records, deadline)
    mechanisms = [[value["mechanism"] for value in event["exception"]["values"]] for event in receiver.events]
    chained = {"type": "chained", "handled": True}
    assert mechanisms[0] == [
        chained | {"exception_id": 2, "parent_id": 1, "source": "__cause__"},
        chained | {"exception_id": 1, "parent_id": 0, "source": "__context__"},
        {"type": "anytel", "handled": True, "exception_id": 0},
    ]
    root = {"type": "anytel", "handled": False, "exception_id": 0, "is_exception_group": True}
    assert mechanisms[1][-1] == root
    members = [without(each, {"exception_id"}) for each in mechanisms[1][:-1]]
    member = {"type": "chained", "handled": False, "parent_id": 0}
    assert members == [member | {"source": "exceptions[1]"}, member | {"source": "exceptions[0]"}]
