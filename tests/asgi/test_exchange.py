"""When a request begins and ends, whatever becomes of it."""

import asyncio

import pytest
from fastapi import FastAPI, WebSocket
from fastapi.responses import StreamingResponse
from starlette.requests import Request
from starlette.responses import Response

import anytel
from anytel.asgi import TelemetryMiddleware
from anytel.backends.memory import MemoryBackend
from anytel.fastapi import instrument
from asgi.client import ask, drive, scope_of

BODY = {"type": "http.request", "body": b"", "more_body": False}
CONNECT = {"type": "websocket.connect"}
START = {"type": "http.response.start", "status": 200, "headers": []}
DURATION, ACTIVE = "http.server.request.duration", "http.server.active_requests"


def completed(memory):
    """Give the attributes of the line at the end of the one request."""
    (line,) = [log for log in memory.logs if log.message == "request_completed"]
    return line.attributes


def only(memory):
    """Give the one span, and make sure that no request is counted as active still."""
    (span,) = memory.spans
    assert sum(point.value for point in memory.points[-20:] if point.series.name == ACTIVE) == 0
    return span


def test_a_stream_that_raises_midway_is_an_error_with_the_status_that_was_sent(memory):
    """The client has had a 200; the span says what happened."""
    app = instrument(FastAPI())

    @app.get("/stream")
    async def stream():
        async def chunks():
            yield b"a"
            raise ValueError("midway")

        return StreamingResponse(chunks())

    _, raised = drive(app, scope_of("/stream"), BODY)

    span = only(memory)
    assert type(raised) is ValueError
    assert (span.status, span.attributes["error.type"]) == ("error", "ValueError")
    assert span.attributes["http.response.status_code"] == 200
    assert memory.error().exception.type == "ValueError"


@pytest.mark.parametrize("at", [0, 1, 2])
def test_a_client_that_has_gone_is_no_error_of_the_server(memory, at):
    """The server tells by an OSError from send(); Starlette makes it a ClientDisconnect."""
    app = instrument(FastAPI())

    @app.get("/stream")
    async def stream():
        async def chunks():
            for _ in range(5):
                yield b"a"

        return StreamingResponse(chunks())

    drive(app, scope_of("/stream"), BODY, fails_at=at, failing=OSError("gone"))

    assert only(memory).status == "unset"
    assert memory.errors == []


def test_a_body_that_never_comes_is_no_error_of_the_server(memory):
    """Reading from a client that has gone raises Starlette's ClientDisconnect."""

    async def app(scope, receive, send):
        await Request(scope, receive).body()

    _, raised = drive(TelemetryMiddleware(app), scope_of())

    assert type(raised).__name__ == "ClientDisconnect"
    assert (only(memory).status, memory.errors) == ("unset", [])
    assert "status" not in completed(memory)


@pytest.mark.parametrize(("others", "status"), [([], "unset"), ([ValueError("declined")], "error")])
def test_a_task_group_in_which_the_client_has_gone_is_no_error(memory, others, status):
    """Unless something else went wrong in it too."""

    async def app(scope, receive, send):
        try:
            await send(START)
        except OSError as exc:
            raise ExceptionGroup("tasks", [exc, *others]) from None

    drive(TelemetryMiddleware(app), scope_of(), fails_at=0, failing=OSError("gone"))

    assert only(memory).status == status
    assert len(memory.errors) == len(others)


def test_what_else_sending_raises_is_an_error(memory):
    """As a server does for a body that is longer than its declared length."""

    async def app(scope, receive, send):
        await send(START)
        await send({"type": "http.response.body", "body": b"x"})

    drive(TelemetryMiddleware(app), scope_of(), fails_at=1, failing=RuntimeError("too long"))

    assert only(memory).status == "error"
    assert memory.error().exception.type == "RuntimeError"


@pytest.mark.parametrize(("reads", "status"), [(False, "error"), (True, "unset")])
def test_an_application_that_does_not_answer_is_a_500_unless_the_client_has_gone(memory, reads, status):
    """So the server answers then."""

    async def app(scope, receive, send):
        if reads:
            await receive()

    drive(TelemetryMiddleware(app), scope_of())

    span = only(memory)
    assert span.status == status
    assert span.attributes.get("error.type") == (None if reads else "no_response")
    assert span.attributes.get("http.response.status_code") == (None if reads else 500)


@pytest.mark.parametrize("last", ["http.response.body", "http.response.pathsend", "http.response.zerocopysend"])
def test_the_span_ends_with_the_last_part_of_the_body(memory, last):
    """Also where a server extension sends it; what follows is not in its duration."""
    open_after = []

    async def app(scope, receive, send):
        span = anytel.current_span()
        await send(START)
        await send({"type": "http.response.body", "body": b"a", "more_body": True})
        open_after.append(span.recording)
        await send({"type": last})
        open_after.append(span.recording)

    drive(TelemetryMiddleware(app), scope_of())

    assert open_after == [True, False]


def test_head_and_sync_endpoints_are_requests_like_others(memory):
    """A sync endpoint runs in a thread, within the server span."""
    app = instrument(FastAPI())

    @app.api_route("/sync", methods=["HEAD"])
    def sync():
        with anytel.span("work"):
            return Response()

    assert ask(app, "HEAD", "/sync").status_code == 200
    assert memory.span("work").parent_id == memory.span("HEAD /sync").context.span_id


def test_messages_that_an_application_sends_again_are_not_changed(memory):
    """Some applications keep the start of their answer as a constant."""
    start = {**START, "headers": [(b"x-a", b"1")]}

    async def app(scope, receive, send):
        await send(start)
        await send({"type": "http.response.body"})

    for _ in range(2):
        sent, _ = drive(TelemetryMiddleware(app), scope_of())
        assert [name for name, _ in sent[0]["headers"]] == [b"x-a", b"x-request-id"]
    assert start["headers"] == [(b"x-a", b"1")]


def test_lifespan_is_passed_on(memory):
    """It is no request."""
    seen = []

    async def app(scope, receive, send):
        seen.append((await receive())["type"])

    drive(TelemetryMiddleware(app), {"type": "lifespan"}, {"type": "lifespan.startup"})

    assert (seen, memory.spans, memory.logs) == (["lifespan.startup"], [], [])


@pytest.mark.parametrize("end", ["lifespan.shutdown.complete", "lifespan.shutdown.failed"])
def test_the_end_of_a_lifespan_is_told_once_everything_is_delivered(memory, end):
    """On a thread: the loop may have more to do than to end this application."""
    delivered = []

    async def app(scope, receive, send):
        with anytel.span("teardown"):
            pass
        await send({"type": end})
        delivered.extend(span.name for span in memory.backend.finished)

    sent, raised = drive(TelemetryMiddleware(app), {"type": "lifespan"})

    assert (sent, raised, delivered) == ([{"type": end}], None, ["teardown"])


def test_the_end_of_a_lifespan_needs_no_configuration():
    """As after a lifespan that has called `anytel.shutdown` itself."""

    async def app(scope, receive, send):
        await send({"type": "lifespan.shutdown.complete"})

    sent, raised = drive(TelemetryMiddleware(app), {"type": "lifespan"})

    assert (sent, raised) == ([{"type": "lifespan.shutdown.complete"}], None)


def sockets():
    """Make an application with WebSockets that end in every way."""
    app = instrument(FastAPI())

    @app.websocket("/ws/{way}")
    async def ws(socket: WebSocket, way: str):
        if way == "refused":
            await socket.close(4001)
            return
        await socket.accept()
        if way == "raises":
            raise ValueError("declined")
        if way == "reads":
            await socket.receive_text()
        if way in ("4000", "1011"):
            await socket.close(int(way))

    return app


@pytest.mark.parametrize(
    ("way", "handshake", "code", "error"),
    [
        ("4000", 101, 4000, None),
        ("1011", 101, 1011, "1011"),
        ("raises", 101, 1011, "ValueError"),
        ("reads", 101, 1001, None),
        ("refused", 403, None, None),
    ],
)
def test_a_websocket_tells_how_it_was_closed(memory, way, handshake, code, error):
    """The status is the handshake's; 1011 is the WebSocket's 5xx, and a client that leaves is no error."""
    app, scope = sockets(), scope_of(f"/ws/{way}", type="websocket", scheme="ws")
    del scope["method"]

    drive(app, scope, CONNECT, {"type": "websocket.disconnect", "code": 1001})

    span = only(memory)
    assert (span.name, span.status) == ("WEBSOCKET /ws/{way}", "error" if error else "unset")
    found = [span.attributes.get(f"{name}") for name in ("http.response.status_code", "websocket.close_code")]
    assert [*found, span.attributes.get("error.type")] == [handshake, code, error]
    assert len(memory.errors) == (way == "raises")
    assert completed(memory).get("close_code") == code
    assert memory.tags(DURATION) == set()


def test_a_handshake_answered_with_a_response_has_its_status(memory):
    """The extension is "WebSocket Denial Response"."""

    async def app(scope, receive, send):
        await send({"type": "websocket.http.response.start", "status": 503, "headers": []})
        await send({"type": "websocket.http.response.body", "body": b""})

    sent, _ = drive(TelemetryMiddleware(app), scope_of(type="websocket"), CONNECT)

    span = only(memory)
    assert (span.status, span.attributes["http.response.status_code"]) == ("error", 503)
    assert b"x-request-id" in dict(sent[0]["headers"])


def test_a_cancelled_handler_leaves_no_request_active(memory):
    """Its span has neither a status nor an error."""

    async def scenario():
        async def app(scope, receive, send):
            entered.set()
            await asyncio.Event().wait()

        entered = asyncio.Event()
        task = asyncio.create_task(TelemetryMiddleware(app)(scope_of(), None, None))
        await entered.wait()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(scenario())

    assert only(memory).status == "unset"


@pytest.mark.parametrize(
    "exchange",
    [
        lambda: anytel.configure(backends=MemoryBackend(), strict=True),
        lambda: anytel.configure(backends="none", strict=True),
        anytel.shutdown,
    ],
    ids=["configured again", "configured off", "shut down"],
)
def test_a_request_in_whose_course_telemetry_is_exchanged_is_answered_and_no_longer_active(configured, exchange):
    """Nothing of it is refused: in a strict application that would be an error."""
    configured(strict=True)
    app = instrument(FastAPI())

    @app.get("/")
    async def handler():
        exchange()
        anytel.current_span().set(after=True)
        with anytel.span("inside"):
            pass

    assert ask(app, "GET", "/").status_code == 200
    memory = configured()
    assert memory.total(ACTIVE) == 0
    assert anytel.stats().refused == {}
