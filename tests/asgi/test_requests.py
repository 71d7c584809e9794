"""What a request of an instrumented FastAPI application leaves."""

import asyncio
import contextlib
import json

import pytest
from fastapi import BackgroundTasks, FastAPI, HTTPException, Request, WebSocket
from fastapi.responses import StreamingResponse
from pydantic import BaseModel
from starlette.middleware.base import BaseHTTPMiddleware

import anytel
from anytel.asgi import Options, TelemetryMiddleware
from anytel.fastapi import instrument
from asgi.client import ask


class Item(BaseModel):
    size: int


def make(**options) -> FastAPI:
    """Make an application with a route of each kind."""
    app = FastAPI()
    instrument(app, **options)

    @app.post("/items/{item_id}")
    async def item(item_id: int, item: Item):
        with anytel.span("work"):
            return {"id": item_id, "trace_id": anytel.current_span().trace_id}

    @app.get("/boom")
    async def boom():
        with anytel.span("work"):
            raise ValueError("declined")

    @app.get("/teapot")
    async def teapot():
        raise HTTPException(418, "short and stout")

    @app.get("/down")
    async def down():
        raise HTTPException(503)

    @app.get("/stream")
    async def stream():
        async def chunks():
            for chunk in ("a", "b"):
                with anytel.span(f"chunk.{chunk}"):
                    yield chunk

        return StreamingResponse(chunks())

    @app.get("/later")
    async def later(tasks: BackgroundTasks):
        async def task():
            with anytel.span("task"):
                await asyncio.sleep(0)

        tasks.add_task(task)
        return {}

    @app.websocket("/ws/{room}")
    async def ws(socket: WebSocket, room: str):
        await socket.accept()
        await socket.send_text(room)
        await socket.close()

    return app


def test_a_request_is_a_server_span_named_by_its_route(memory):
    """The span has the route's template and the stable HTTP attributes; spans of the handler are its children."""
    answer = ask(make(), "POST", "/items/7?debug=1", json={"size": 1})

    server, work = memory.span("POST /items/{item_id}"), memory.span("work")
    assert answer.json() == {"id": 7, "trace_id": f"{server.context.trace_id:032x}"}
    assert work.parent_id == server.context.span_id
    assert (server.kind, server.status) == ("server", "unset")
    expected = {
        "http.request.method": "POST",
        "http.route": "/items/{item_id}",
        "http.response.status_code": 200,
        "url.path": "/items/7",
        "url.scheme": "http",
    }
    assert {name: server.attributes[name] for name in expected} == expected
    assert "url.query" not in server.attributes


def test_metrics_carry_the_route_and_never_the_raw_path(memory):
    """Two paths of one route are one series; unmatched paths are one series without a route."""
    app = make()
    for path in ("/teapot", "/teapot", "/nowhere/1", "/nowhere/2"):
        ask(app, "GET", path)

    counts = {(p.series.tags, p.count) for p in memory.points if p.series.name == "http.server.request.duration"}
    base = (("http.request.method", "GET"), ("http.response.status_code", "404"), ("url.scheme", "http"))
    with_route = (*base[:1], ("http.response.status_code", "418"), ("http.route", "/teapot"), base[2])
    assert counts == {(base, 2), (with_route, 2)}
    assert memory.total("http.server.active_requests") == 0


@pytest.mark.parametrize(("path", "status"), [("/teapot", "unset"), ("/nowhere", "unset"), ("/down", "error")])
def test_a_4xx_is_no_error_of_the_span_and_a_5xx_is(memory, path, status):
    """The server has failed only where it says so with a 5xx."""
    ask(make(), "GET", path)

    (server,) = memory.spans
    assert server.status == status
    assert memory.errors == []


@pytest.mark.parametrize("handlers", [True, False])
def test_an_unexpected_exception_is_a_500_and_reported_once(memory, handlers):
    """The report is unhandled, names the route and links to the innermost span; the answer names the trace."""
    answer = ask(make(error_handlers=handlers), "GET", "/boom")

    report, server, work = memory.error(), memory.span("GET /boom"), memory.span("work")
    assert answer.status_code == 500
    if handlers:
        assert answer.json() == {"error": "Internal server error", "trace_id": f"{server.context.trace_id:032x}"}
    assert (report.exception.type, report.handled, report.root_name) == ("ValueError", False, "GET /boom")
    assert report.context.span_id == work.context.span_id
    assert (server.status, work.status) == ("error", "error")
    assert server.attributes["error.type"] == "ValueError"


def test_an_invalid_request_is_a_400_with_type_location_and_message(memory):
    """With error_handlers, what does not fit the model is answered in a form that never echoes the input."""
    answer = ask(make(error_handlers=True), "POST", "/items/7", json={"size": "secret"})

    assert answer.status_code == 400
    (detail,) = answer.json()["details"]
    assert answer.json()["error"] == "Invalid input"
    assert (detail["type"], detail["loc"]) == ("int_parsing", ["body", "size"])
    assert set(detail) == {"type", "loc", "msg"}
    assert memory.errors == []


def test_http_exceptions_keep_their_meaning(memory):
    """error_handlers does not touch HTTPException."""
    answer = ask(make(error_handlers=True), "GET", "/teapot")

    assert (answer.status_code, answer.json()) == (418, {"detail": "short and stout"})


@pytest.mark.parametrize("given", ["abc-123", "0f8fad5b-d9cb-469f-a165-70867728950e"])
def test_a_well_formed_request_id_is_taken_over(memory, given):
    """It comes back in the response and is on the span and in the log lines."""
    answer = ask(make(), "GET", "/teapot", headers={"x-request-id": given})

    assert answer.headers["x-request-id"] == given
    assert memory.span("GET /teapot").attributes["request_id"] == given
    assert {log.attributes["request_id"] for log in memory.logs} == {given}


@pytest.mark.parametrize("hostile", ["a b", 'x"y', "x" * 129, "<script>", ""])
def test_a_hostile_request_id_is_replaced(memory, hostile):
    """What is not well formed never comes back."""
    answer = ask(make(), "GET", "/teapot", headers={"x-request-id": hostile})

    assert len(answer.headers["x-request-id"]) == 32
    assert answer.headers["x-request-id"].isalnum()


def test_the_request_is_logged_with_status_and_duration(memory):
    """There are two lines, which can be switched off."""
    ask(make(), "GET", "/teapot")

    started, completed = memory.logs
    assert (started.message, completed.message) == ("request_started", "request_completed")
    assert completed.attributes["status"] == 418
    assert completed.attributes["duration_ms"] > 0
    assert completed.context.trace_id == memory.span("GET /teapot").context.trace_id


def test_without_log_requests_there_are_no_lines(memory):
    """log_requests=False keeps the span and the metrics."""
    ask(make(log_requests=False), "GET", "/teapot")

    assert memory.logs == []
    assert memory.span("GET /teapot")


def test_a_streamed_body_is_part_of_the_request(memory):
    """Spans made while the body is streamed are children, and the server span ends after them."""
    ask(make(), "GET", "/stream")

    server = memory.span("GET /stream")
    chunks = [memory.span("chunk.a"), memory.span("chunk.b")]
    assert {chunk.parent_id for chunk in chunks} == {server.context.span_id}
    assert server.end_ns >= max(chunk.end_ns for chunk in chunks)


def test_a_background_task_is_in_the_trace_and_not_in_the_request_s_duration(memory):
    """The server span ends with the body; what runs afterwards is its child all the same."""
    ask(make(), "GET", "/later")

    server, task = memory.span("GET /later"), memory.span("task")
    assert task.parent_id == server.context.span_id
    assert server.end_ns <= task.start_ns


def test_it_is_outermost_whatever_middleware_is_added_afterwards(memory):
    """Middleware added after instrument() runs inside the server span, BaseHTTPMiddleware too."""
    app = make()

    class Inner(BaseHTTPMiddleware):
        async def dispatch(self, request, call_next):
            with anytel.span("middleware"):
                return await call_next(request)

    app.add_middleware(Inner)
    ask(app, "GET", "/teapot")

    assert memory.span("middleware").parent_id == memory.span("GET /teapot").context.span_id


def test_instrument_twice_is_instrument_once(memory):
    """The second call changes nothing."""
    app = make()
    instrument(app)

    ask(app, "GET", "/teapot")

    assert len(memory.spans) == 1


@pytest.mark.parametrize(("pattern", "path"), [("/teapot", "/teapot"), ("/items/*", "/items/1")])
def test_excluded_paths_leave_nothing(memory, pattern, path):
    """exclude= takes whole paths and prefixes."""
    ask(make(exclude=(pattern,)), "GET", path)

    assert memory.spans == memory.logs == []


@pytest.mark.parametrize(("trust", "sampled"), [(True, False), (False, True)])
def test_the_caller_s_trace_continues_and_its_decision_holds_where_it_is_trusted(memory, trust, sampled):
    """The trace id is the caller's; trust_incoming=False decides anew."""
    headers = {"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"}
    answer = ask(make(trust_incoming=trust), "POST", "/items/1", json={"size": 1}, headers=headers)

    assert answer.json()["trace_id"] == "0af7651916cd43dd8448eb211c80319c"
    assert bool(memory.spans) is sampled


def test_a_websocket_is_one_span_until_it_is_closed(memory):
    """It is named by its route."""
    from starlette.testclient import TestClient

    with TestClient(make()) as client, client.websocket_connect("/ws/lobby") as socket:
        assert socket.receive_text() == "lobby"

    (server,) = memory.spans
    assert server.name == "WEBSOCKET /ws/{room}"
    assert server.kind == "server"


def test_a_client_that_disconnects_is_no_error(memory):
    """Cancellation of the handler ends the span without an error report."""
    app = make()
    entered = asyncio.Event()

    @app.get("/slow")
    async def slow(request: Request):
        entered.set()
        await asyncio.Event().wait()

    async def scenario():
        scope = {
            "type": "http", "method": "GET", "path": "/slow", "raw_path": b"/slow", "headers": [], "query_string": b"",
            "http_version": "1.1", "scheme": "http", "server": ("shop", 80), "client": ("c", 1), "root_path": "",
        }  # fmt: skip
        task = asyncio.create_task(app(scope, asyncio.Event().wait, lambda message: asyncio.sleep(0)))
        await entered.wait()
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task

    asyncio.run(scenario())

    assert memory.span("GET /slow").status == "unset"
    assert memory.errors == []


def test_any_asgi_application_can_be_wrapped(memory):
    """Without a router there is no route: the span is named by its method."""

    async def app(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"ok"})

    answer = ask(TelemetryMiddleware(app, Options(query=True)), "GET", "/any?page=2")

    assert answer.text == "ok"
    assert memory.span("GET").attributes["url.query"] == "page=2"


def test_requests_are_served_while_nothing_is_configured(capsys):
    """Instrumented code works before configure(): only the log lines are there."""
    answer = ask(make(), "POST", "/items/7", json={"size": 1})

    assert answer.json() == {"id": 7, "trace_id": "0" * 32}
    events = [json.loads(line)["event"] for line in capsys.readouterr().out.splitlines()]
    assert events == ["request_started", "request_completed"]
