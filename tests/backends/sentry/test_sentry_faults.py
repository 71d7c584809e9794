"""Whatever Sentry answers, or does not, the account is exact: delivered means that it said so."""

import socket
import ssl
import time

import pytest
import trustme

from anytel.testing.receivers.http import Answer

RETRY_AFTER = Answer(429, headers={"Retry-After": "60"})


@pytest.fixture
def send(make, deadline):
    """Send three items of one signal, each in an envelope of its own where the signal allows it."""

    def run(backend, signal, until=None):
        until = until or deadline
        if signal == "spans":
            return backend.spans([make.span(f"s{n}", make.context(n + 1)) for n in range(3)], until)
        if signal == "errors":
            return backend.errors([make.error() for _ in range(3)], until)
        if signal == "logs":
            return backend.logs([make.log() for _ in range(3)], until)
        return backend.metrics(make.batch(*(make.point() for _ in range(3))), until)

    return run


SIGNALS = ("spans", "errors", "logs", "metrics")


@pytest.mark.parametrize("signal", SIGNALS)
def test_a_429_drops_and_nothing_more_is_asked_until_it_is_over(backend, receiver, send, signal):
    """Sentry has counted the loss and does not want it again."""
    receiver.answer = RETRY_AFTER
    first, second = send(backend, signal), send(backend, "logs")
    assert (first.delivered, first.dropped, first.retry) == (0, {"rate_limited": 3}, 0)
    assert (second.delivered, second.dropped, second.retry) == (0, {"rate_limited": 3}, 0)
    assert len(receiver.requests) == 1


def test_a_rate_limit_holds_for_its_category_alone(backend, receiver, send):
    """Also where it comes with a success."""
    receiver.answer = Answer(200, headers={"X-Sentry-Rate-Limits": "60:span;log_item:organization"})
    assert send(backend, "errors").delivered == 3
    assert send(backend, "spans").dropped == {"rate_limited": 3}
    assert send(backend, "logs").dropped == {"rate_limited": 3}
    assert send(backend, "metrics").delivered == 3


def test_a_rate_limit_in_the_middle_splits_the_account(backend, receiver, make, deadline):
    """What was accepted with it is delivered, the rest dropped."""
    receiver.answer = Answer(200, headers={"X-Sentry-Rate-Limits": "60:span:organization"})
    ack = backend.spans([make.span(context=make.context(n)) for n in (1, 2, 3)], deadline)
    assert (ack.delivered, ack.dropped, ack.retry) == (1, {"rate_limited": 2}, 0)
    assert len(receiver.spans) == 1


@pytest.mark.parametrize("signal", SIGNALS)
@pytest.mark.parametrize("status", [500, 502, 503])
def test_a_server_error_asks_for_everything_again(backend, receiver, send, signal, status):
    """Not before the time that it names."""
    receiver.answer = Answer(status, headers={"Retry-After": "7"})
    ack = send(backend, signal)
    assert (ack.delivered, ack.dropped, ack.retry, ack.retry_after) == (0, {}, 3, 7.0)
    receiver.answer = Answer()
    assert send(backend, signal).delivered == 3


@pytest.mark.parametrize("status", [400, 401, 403, 404, 413])
def test_what_sentry_refuses_is_dropped_with_the_status_as_reason(backend, receiver, send, status):
    """It would be refused again."""
    receiver.answer = Answer(status)
    ack = send(backend, "spans")
    assert (ack.delivered, ack.dropped, ack.retry) == (0, {f"http_{status}": 3}, 0)
    assert len(receiver.requests) == 3


def test_what_was_refused_is_in_the_client_report(backend, receiver, send):
    """Sentry shows it among the outcomes."""
    receiver.answer = Answer(413)
    send(backend, "spans")
    receiver.answer = Answer()
    assert backend.flush(time.monotonic() + 10)
    reports = [entry for report in receiver.client_reports for entry in report["discarded_events"]]
    assert {"reason": "send_error", "category": "span", "quantity": 3} in reports


@pytest.mark.parametrize("signal", SIGNALS)
def test_where_nobody_listens_everything_is_asked_for_again(open_backend, send, signal):
    """A refused connection does not raise."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        dsn = f"http://public@127.0.0.1:{free.getsockname()[1]}/1"
    ack = send(open_backend(dsn=dsn), signal)
    assert (ack.delivered, ack.dropped, ack.retry) == (0, {}, 3)


@pytest.mark.parametrize("signal", SIGNALS)
def test_an_answer_after_the_deadline_is_none(backend, receiver, send, signal):
    """The call returns although the server never answers."""
    receiver.answer = Answer(delay=60)
    ack = send(backend, signal, time.monotonic() + 0.2)
    assert (ack.delivered, ack.dropped, ack.retry) == (0, {}, 3)


@pytest.mark.parametrize("secure", [False, True])
def test_an_answer_byte_by_byte_is_given_up_on_at_the_deadline(
    open_backend, trickling, send, monkeypatch, tmp_path, secure
):
    """Each byte arrives in time, and the answer never ends."""
    authority, context = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    place = f"https://public@localhost:{trickling(context)}" if secure else f"http://public@127.0.0.1:{trickling()}"
    until = time.monotonic() + 0.3
    ack = send(open_backend(dsn=f"{place}/1"), "spans", until)
    assert time.monotonic() >= until
    assert (ack.delivered, ack.dropped, ack.retry) == (0, {}, 3)


def test_after_the_deadline_nothing_is_sent(backend, receiver, send):
    """All of it is asked for again."""
    ack = send(backend, "spans", time.monotonic())
    assert (ack.delivered, ack.dropped, ack.retry) == (0, {}, 3)
    assert receiver.requests == []


def test_a_connection_that_the_server_has_closed_is_made_anew(backend, receiver, send):
    """Keep-alive ends without a loss."""
    receiver.answer = Answer(headers={"Connection": "close"})
    assert [send(backend, "spans").delivered for _ in range(3)] == [3, 3, 3]
    assert len(receiver.spans) == 9


class Failing:
    """Answers requests in turn, the last answer for ever."""

    def __init__(self, receiver, *answers):
        self.answers = list(answers)
        self.receiver = receiver

    def __enter__(self):
        decode = self.receiver.received

        def received(request):
            answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
            return answer if answer.status >= 400 else decode(request)

        self.receiver.received = received
        return self

    def __exit__(self, *error):
        del self.receiver.received


def test_interleaved_traces_are_sent_once_though_one_had_to_wait(backend, receiver, make, deadline):
    """Only the end of a batch can be offered again; what was delivered behind the failure is not sent twice."""
    one, two = make.span("one", make.context(1)), make.span("two", make.context(2))
    batch = [make.span("a1", root=one), make.span("b1", root=two), make.span("a2", root=one), two, one]
    with Failing(receiver, Answer(), Answer(500)):
        first = backend.spans(batch, deadline)
    assert (first.delivered, first.dropped, first.retry) == (1, {}, 4)
    second = backend.spans(batch[-first.retry :], deadline)
    assert (second.delivered, second.dropped, second.retry) == (4, {}, 0)
    assert sorted(span.name for span in receiver.spans) == ["a1", "a2", "b1", "one", "two"]


def test_logs_behind_a_failure_are_offered_again_in_order(backend, receiver, make, deadline):
    """The first hundred are delivered, the others wait."""
    batch = [make.log(f"line {n}") for n in range(250)]
    with Failing(receiver, Answer(), Answer(500)):
        ack = backend.logs(batch, deadline)
    assert (ack.delivered, ack.dropped, ack.retry) == (100, {}, 150)
    assert backend.logs(batch[-ack.retry :], deadline).delivered == 150
    assert [log.body for log in receiver.logs] == [f"line {n}" for n in range(250)]
