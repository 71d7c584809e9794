"""An Agent that misbehaves: every span is accounted for, and no deadline is passed."""

import socket
import threading
import time

import pytest

from anytel.testing.receivers.datadog import DatadogAgent
from anytel.testing.receivers.http import Answer, HttpReceiver
from anytel_datadog import DatadogBackend


@pytest.fixture
def connect(host):
    """Open a backend on an Agent's address."""
    opened = []

    def at(url):
        backend = DatadogBackend(agent_url=url, dogstatsd_url="udp://127.0.0.1:9")
        backend.open(host)
        opened.append(backend)
        return backend

    yield at
    for backend in opened:
        backend.close(time.monotonic() + 1)


@pytest.fixture
def silent():
    """A server whose connections are accepted, by its queue, and never answered."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


def test_a_refused_connection_is_tried_again_later(connect, make):
    """Nothing is lost while the Agent restarts."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}"
    ack = connect(url).spans([make.span(), make.span("b", 2)], make.soon())
    assert (ack.delivered, dict(ack.dropped), ack.retry) == (0, {}, 2)


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503])
def test_a_failure_of_the_moment_is_tried_again_later(connect, agent, make, status):
    """And is delivered, once, when it is over."""
    backend, spans = connect(agent.url), [make.span(), make.span("b", 2)]
    agent.answer = Answer(status)
    assert backend.spans(spans, make.soon()).retry == 2
    agent.answer = Answer()
    assert backend.spans(spans, make.soon()).delivered == 2
    assert len(agent.spans) == 2


@pytest.mark.parametrize("status", [302, 400, 403, 404, 413, 415])
def test_a_refusal_for_good_drops_with_its_reason(connect, agent, make, status):
    """The same request would be refused again."""
    agent.answer = Answer(status)
    ack = connect(agent.url).spans([make.span(), make.span("b", 2)], make.soon())
    assert (ack.delivered, ack.dropped, ack.retry) == (0, {f"http_{status}": 2}, 0)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ({"Retry-After": "7"}, 7.0),
        ({"Retry-After": "soon"}, 0.0),
        ({"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}, 0.0),
        ({}, 0.0),
    ],
)
def test_the_agents_wish_when_to_come_back_is_passed_on(connect, agent, make, header, seconds):
    """In seconds; what cannot be read or is over is no wish."""
    agent.answer = Answer(429, headers=header)
    ack = connect(agent.url).spans([make.span()], make.soon())
    assert (ack.retry, ack.retry_after) == (1, seconds)


def test_a_date_to_come_back_at_is_passed_on_as_seconds(connect, agent, make):
    """A date far ahead is many seconds ahead."""
    agent.answer = Answer(503, headers={"Retry-After": "Fri, 31 Dec 2199 23:59:59 GMT"})
    assert connect(agent.url).spans([make.span()], make.soon()).retry_after > 1e9


def test_an_agent_that_never_answers_is_given_up_on_at_the_deadline(connect, silent, make):
    """The worker comes back by itself, with everything to offer again; a hanging test would say otherwise."""
    deadline = make.soon(0.2)
    ack = connect(silent).spans([make.span()], deadline)
    assert time.monotonic() >= deadline
    assert (ack.delivered, ack.retry) == (0, 1)


def test_an_agent_that_answers_byte_by_byte_is_given_up_on_at_the_deadline(connect, trickling, make):
    """Each byte arrives in time, and the answer never ends."""
    ack = connect(f"http://127.0.0.1:{trickling()}").spans([make.span()], make.soon(0.3))
    assert (ack.delivered, ack.retry) == (0, 1)


def test_a_passed_deadline_sends_nothing(connect, agent, make):
    """Everything is offered again."""
    assert connect(agent.url).spans([make.span()], make.soon(-1)).retry == 1
    assert agent.requests == []


def test_one_connection_serves_many_requests(connect, make):
    """And one that the Agent has closed meanwhile is replaced without a word."""
    peers = []

    class Counting(DatadogAgent):
        def received(self, request):
            peers.append(request.headers["x-datadog-trace-count"])
            return super().received(request)

    with Counting() as agent:
        backend = connect(agent.url)
        assert backend.spans([make.span()], make.soon()).delivered == 1
        first = backend._agent._connection.sock
        assert backend.spans([make.span()], make.soon()).delivered == 1
        assert backend._agent._connection.sock is first
        first.shutdown(socket.SHUT_RDWR)
        assert backend.spans([make.span()], make.soon()).delivered == 1
        assert peers == ["1"] * 3


def test_an_answer_without_end_is_not_read_to_its_end(connect, make):
    """What is left of it is not taken for the next answer."""
    with HttpReceiver() as agent:
        agent.answer = Answer(body=b"x" * 3_000_000)
        backend = connect(agent.url)
        assert [backend.spans([make.span()], make.soon()).delivered for _ in range(2)] == [1, 1]


def test_what_is_too_much_for_one_request_is_sent_in_several(connect, agent, make):
    """Well below the Agent's limit, and nothing is missing."""
    spans = [make.span(f"n{number}", number, attributes={"text": "x" * 8_000}) for number in range(1, 1_001)]
    ack = connect(agent.url).spans(spans, make.soon(30))
    assert ack.delivered == 1_000
    assert len(agent.requests) > 1
    assert max(len(request.body) for request in agent.requests) <= 5_000_000
    assert {span["span_id"] for span in agent.spans} == set(range(1, 1_001))


def test_a_batch_that_fails_halfway_offers_again_only_what_was_not_taken(connect, make):
    """What was delivered before the failure comes first in the batch and is not sent twice."""

    class Failing(DatadogAgent):
        def received(self, request):
            return super().received(request) if len(self.requests) == 1 else Answer(503)

    spans = [make.span(f"n{number}", number, attributes={"text": "x" * 8_000}) for number in range(1, 1_001)]
    with Failing() as agent:
        ack = connect(agent.url).spans(spans, make.soon(30))
        taken = {span["span_id"] for span in agent.spans}
    assert ack.delivered + ack.retry == 1_000
    assert 0 < ack.delivered < 1_000
    assert taken == {span.context.span_id for span in spans[: ack.delivered]}


def test_nothing_is_sent_for_nothing(connect, agent, make):
    """An empty batch makes no request."""
    assert connect(agent.url).spans([], make.soon()).delivered == 0
    assert agent.requests == []


def test_what_is_not_http_is_tried_again_later(connect, make):
    """Another program on the Agent's port does no harm."""

    def babble(server):
        peer, _ = server.accept()
        with peer:
            peer.recv(1 << 16)
            peer.sendall(b"* OK IMAP4rev1\r\n")

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=babble, args=(server,))
        thread.start()
        ack = connect(f"http://127.0.0.1:{server.getsockname()[1]}").spans([make.span()], make.soon())
        thread.join()
    assert ack.retry == 1


def test_an_agent_behind_a_unix_socket_is_reached(connect, make, tmp_path):
    """The same requests, over a socket file."""
    heard = []

    def answer(server):
        peer, _ = server.accept()
        with peer, peer.makefile("rb") as lines:
            head = [line := lines.readline()]
            while line != b"\r\n":
                head.append(line := lines.readline())
            length = next(int(line.split(b":")[1]) for line in head if line.lower().startswith(b"content-length"))
            heard.extend([head[0], lines.read(length)])
            peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")

    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "apm.socket"))
        server.listen()
        thread = threading.Thread(target=answer, args=(server,))
        thread.start()
        ack = connect(f"unix://{tmp_path}/apm.socket").spans([make.span()], make.soon())
        thread.join()
    assert ack.delivered == 1
    assert heard[0] == b"POST /v0.4/traces HTTP/1.1\r\n"


def test_a_missing_unix_socket_is_tried_again_later(connect, make, tmp_path):
    """The Agent may not have made it yet."""
    assert connect(f"unix://{tmp_path}/apm.socket").spans([make.span()], make.soon()).retry == 1


def test_a_path_in_the_agents_address_comes_before_the_apis(connect, make):
    """A proxy may serve the Agent below a path."""
    with HttpReceiver() as proxy:
        assert connect(f"{proxy.url}/agent/").spans([make.span()], make.soon()).delivered == 1
        assert proxy.requests[0].path == "/agent/v0.4/traces"
