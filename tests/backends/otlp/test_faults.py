"""A receiver that misbehaves: everything is accounted for, and no deadline is passed."""

import socket
import threading
import time

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsPartialSuccess, ExportLogsServiceResponse
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsPartialSuccess,
    ExportMetricsServiceResponse,
)

from anytel.testing.receivers.http import Answer, HttpReceiver
from anytel.testing.receivers.otlp import OtlpReceiver

PROTOBUF = {"Content-Type": "application/x-protobuf"}


@pytest.fixture
def raw():
    """Serve one connection by hand: what the function given sends is what the backend gets."""
    running = []

    def serve(answer):
        server = socket.create_server(("127.0.0.1", 0))

        def run():
            peer, _ = server.accept()
            with peer:
                peer.recv(1 << 16)
                answer(peer)

        thread = threading.Thread(target=run)
        thread.start()
        running.append((server, thread))
        return f"http://127.0.0.1:{server.getsockname()[1]}"

    yield serve
    for server, thread in running:
        thread.join()
        server.close()


def test_a_refused_connection_is_tried_again_later(connect, make):
    """Nothing is lost while the collector restarts."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}"
    ack = connect(url).logs(make.logs(2), make.soon())
    assert (ack.delivered, dict(ack.dropped), ack.retry) == (0, {}, 2)


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_a_failure_of_the_moment_is_tried_again_later(connect, collector, make, status):
    """And is delivered, once, when it is over."""
    backend = connect(collector.url)
    collector.answer = Answer(status, headers={"Retry-After": "7"})
    ack = backend.logs(make.logs(2), make.soon())
    assert (ack.delivered, ack.retry, ack.retry_after) == (0, 2, 7.0)
    collector.answer = Answer()
    assert backend.logs(make.logs(2), make.soon()).delivered == 2
    assert len(collector.logs) == 2


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("soon", 0.0), ("", 0.0), ("Wed, 21 Oct 2015 07:28:00 GMT", 0.0), ("120", 120.0)],
)
def test_the_receivers_wish_when_to_come_back_is_passed_on(connect, collector, make, header, seconds):
    """In seconds; what cannot be read or is over is no wish."""
    collector.answer = Answer(429, headers={"Retry-After": header})
    assert connect(collector.url).logs(make.logs(), make.soon()).retry_after == seconds


@pytest.mark.parametrize("status", [301, 308, 400, 401, 403, 404, 413, 500, 501])
def test_a_refusal_for_good_drops_with_its_reason_and_says_so(connect, collector, make, caplog, status):
    """The specification forbids to try again; the message of the receiver is in the warning."""
    collector.answer = Answer(status, b"\x08\x03\x12\x0bbad api key", PROTOBUF)
    backend = connect(collector.url)
    for _ in range(2):
        ack = backend.logs(make.logs(2), make.soon())
        assert (ack.delivered, ack.dropped, ack.retry) == (0, {f"http_{status}": 2}, 0)
    assert caplog.messages == [f"otlp: the receiver of logs answered {status}: bad api key"]


def test_a_redirect_takes_the_keys_nowhere(connect, make):
    """Whatever is at the other end of it."""
    with HttpReceiver() as thief, HttpReceiver() as collector:
        collector.answer = Answer(307, headers={"Location": thief.url})
        connect(collector.url, headers={"api-key": "secret"}).logs(make.logs(), make.soon())
        assert (len(collector.requests), thief.requests) == (1, [])


def test_what_a_receiver_rejects_of_a_request_is_dropped_and_its_message_said_once(connect, collector, make, caplog):
    """The rest is delivered."""
    partial = ExportLogsPartialSuccess(rejected_log_records=2, error_message="too old")
    body = ExportLogsServiceResponse(partial_success=partial).SerializeToString()
    collector.answer = Answer(200, body, PROTOBUF)
    backend = connect(collector.url)
    for _ in range(2):
        ack = backend.logs(make.logs(5), make.soon())
        assert (ack.delivered, ack.dropped, ack.retry) == (3, {"rejected": 2}, 0)
    assert caplog.messages == ["otlp: the receiver of logs rejected 2 of a request: too old"]


def test_more_rejected_than_sent_is_all_of_it(connect, collector, make):
    """A receiver that counts otherwise cannot break the account."""
    partial = ExportMetricsPartialSuccess(rejected_data_points=1_000)
    body = ExportMetricsServiceResponse(partial_success=partial).SerializeToString()
    collector.answer = Answer(200, body, PROTOBUF)
    ack = connect(collector.url).metrics(make.batch(make.point(), flow="cumulative"), make.soon())
    assert (ack.delivered, ack.dropped, ack.retry) == (0, {"rejected": 1}, 0)


@pytest.mark.parametrize(
    "answer",
    [
        Answer(200, b"OK", {"Content-Type": "text/plain"}),
        Answer(200, b"\xff\xff", PROTOBUF),
        Answer(202, b"", PROTOBUF),
        Answer(200, b"x" * 3_000_000, PROTOBUF),
    ],
)
def test_an_accepted_request_is_delivered_whatever_the_answer_holds(connect, make, answer):
    """And the next request on the connection gets its own answer."""
    with HttpReceiver() as odd:
        odd.answer = answer
        backend = connect(odd.url)
        assert [backend.logs(make.logs(2), make.soon()).delivered for _ in range(2)] == [2, 2]


def test_an_answer_that_breaks_off_after_its_status_counts(connect, raw, make):
    """The receiver has said that it took everything: to send it again would double it."""
    url = raw(lambda peer: peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n..."))
    assert connect(url).logs(make.logs(), make.soon()).delivered == 1


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 20", b"* OK IMAP4rev1\r\n"])
def test_what_is_no_answer_is_tried_again_later(connect, raw, make, answer):
    """Whether the receiver died or is another program."""
    assert connect(raw(lambda peer: peer.sendall(answer))).logs(make.logs(), make.soon()).retry == 1


def test_a_receiver_that_never_answers_is_given_up_on_at_the_deadline(connect, collector, make):
    """The worker comes back by itself, with everything to offer again; a hanging test would say otherwise."""
    collector.answer = Answer(delay=60)
    deadline = make.soon(0.2)
    ack = connect(collector.url).logs(make.logs(), deadline)
    assert time.monotonic() >= deadline
    assert (ack.delivered, ack.retry) == (0, 1)


def test_the_timeout_of_the_setting_ends_one_request_before_the_deadline(connect, collector, make, environment):
    """OTEL_EXPORTER_OTLP_TIMEOUT, in seconds."""
    environment.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "0.1")
    collector.answer = Answer(delay=60)
    deadline = make.soon(50)
    assert connect(collector.url).logs(make.logs(), deadline).retry == 1
    assert time.monotonic() < deadline


def test_a_receiver_that_answers_byte_by_byte_is_given_up_on_at_the_deadline(connect, trickling, make):
    """Each byte arrives in time, and the answer never ends."""
    ack = connect(f"http://127.0.0.1:{trickling()}").logs(make.logs(), make.soon(0.3))
    assert (ack.delivered, ack.retry) == (0, 1)


def test_a_passed_deadline_sends_nothing(connect, collector, make):
    """Everything is offered again."""
    assert connect(collector.url).logs(make.logs(), make.soon(-1)).retry == 1
    assert collector.requests == []


def test_nothing_is_sent_for_nothing(connect, collector, make):
    """An empty batch makes no request."""
    assert connect(collector.url).logs([], make.soon()).delivered == 0
    assert collector.requests == []


def test_one_connection_serves_many_requests(connect, make):
    """And one that the receiver has closed meanwhile is replaced without a word."""
    peers = []

    def serve(server):
        for _ in range(2):
            peer, address = server.accept()
            with peer, peer.makefile("rb") as stream:
                for _ in range(2):
                    peers.append(address)
                    _read_request(stream)
                    peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
            closed.release()

    closed = threading.Semaphore(0)
    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=serve, args=(server,))
        thread.start()
        backend = connect(f"http://127.0.0.1:{server.getsockname()[1]}")
        for number in range(4):
            assert backend.logs(make.logs(), make.soon()).delivered == 1
            assert number != 1 or closed.acquire(timeout=10)
        thread.join()
    assert (peers[0], peers[2]) == (peers[1], peers[3])
    assert peers[0] != peers[2]


def _read_request(stream):
    head = list(iter(stream.readline, b"\r\n"))
    stream.read(next(int(line.split(b":")[1]) for line in head if line.lower().startswith(b"content-length")))


@pytest.mark.parametrize("compression", ["gzip", "deflate"])
def test_bodies_are_compressed_where_that_is_set(connect, collector, make, environment, compression):
    """And decompress to what was sent."""
    environment.setenv("OTEL_EXPORTER_OTLP_COMPRESSION", compression)
    assert connect(collector.url).logs(make.logs(50), make.soon()).delivered == 50
    [request] = collector.requests
    assert request.headers["content-encoding"] == compression
    assert int(request.headers["content-length"]) < len(request.body)
    assert len(collector.logs) == 50


def test_what_is_too_much_for_one_request_is_sent_in_several(connect, collector, make):
    """Within the limit, in order, and nothing is missing."""
    ack = connect(collector.url).logs(make.logs(1_000, text="x" * 8_000), make.soon(30))
    assert ack.delivered == 1_000
    assert len(collector.requests) > 1
    assert max(len(request.body) for request in collector.requests) <= 4 << 20
    assert [log.body for log in collector.logs] == [f"n{number}" for number in range(1_000)]


def test_a_batch_that_fails_halfway_offers_again_only_what_was_not_taken(connect, make):
    """What was delivered before the failure comes first in the batch and is not sent twice."""

    class Failing(OtlpReceiver):
        def received(self, request):
            return super().received(request) if len(self.requests) == 1 else Answer(503)

    with Failing() as collector:
        ack = connect(collector.url).logs(make.logs(1_000, text="x" * 8_000), make.soon(30))
        taken = [log.body for log in collector.logs]
    assert ack.delivered + ack.retry == 1_000
    assert 0 < ack.delivered < 1_000
    assert taken == [f"n{number}" for number in range(ack.delivered)]
