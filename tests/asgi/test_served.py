"""Under uvicorn, over real sockets: what only a server does to an application."""

import contextlib
import socket
import threading
import time

import httpx
import pytest
import uvicorn
from fastapi import BackgroundTasks, FastAPI
from fastapi.responses import StreamingResponse

import anytel
from anytel.fastapi import instrument


def make():
    """Make an application whose stream ends when the client has gone."""
    app = FastAPI()

    @app.get("/stream")
    async def stream():
        def chunks():
            while True:
                yield b"x" * 65_536

        return StreamingResponse(chunks())

    @app.get("/boom")
    async def boom():
        raise KeyError("declined")

    @app.get("/later")
    async def later(tasks: BackgroundTasks):
        def task():
            raise KeyError("later")

        tasks.add_task(task)

    @app.api_route("/items", methods=["GET", "HEAD"])
    def items():
        return [1]

    return instrument(app, error_handlers=True)


@pytest.fixture
def port(memory):
    """Serve the application; give its port."""
    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(make(), log_level="info"))
    thread = threading.Thread(target=server.run, args=([listening],))
    thread.start()
    yield listening.getsockname()[1]
    server.should_exit = True
    thread.join(20)
    assert not thread.is_alive()


def finished(memory, count):
    """Wait for that many spans: the server tells the application later than the client."""
    deadline = time.monotonic() + 20
    while len(memory.spans) < count and time.monotonic() < deadline:
        time.sleep(0.01)
    assert len(memory.spans) == count
    return memory.spans


def test_a_client_that_hangs_up_in_the_middle_of_a_stream_is_no_error(port, memory):
    """The server's send() raises or the stream is cancelled; the span ends either way."""
    with httpx.stream("GET", f"http://127.0.0.1:{port}/stream") as answer:
        next(answer.iter_raw())

    (span,) = finished(memory, 1)
    assert (span.name, span.status, memory.errors) == ("GET /stream", "unset", [])
    assert memory.total("http.server.active_requests", **{"http.request.method": "GET", "url.scheme": "http"}) == 0


@pytest.mark.parametrize(("path", "status"), [("/boom", 500), ("/later", 200)])
def test_an_exception_that_the_server_logs_too_is_reported_once(port, memory, path, status):
    """Uvicorn writes "Exception in ASGI application" with the traceback: a line, and no report of its own."""
    assert httpx.get(f"http://127.0.0.1:{port}{path}").status_code == status

    finished(memory, 1)
    deadline = time.monotonic() + 20
    while ("uvicorn.error", "error") not in {(log.logger, log.level) for log in memory.logs}:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert memory.error().exception.type == "KeyError"
    assert anytel.flush(10)
    assert len(memory.errors) == 1


def test_attributes_are_those_of_the_connection(port, memory):
    """HEAD on a connection that is kept; the port is the one that was asked for."""
    with httpx.Client() as client, contextlib.suppress(httpx.HTTPError):
        for method in ("GET", "HEAD"):
            client.request(method, f"http://localhost:{port}/items", headers={"user-agent": "test/1"})

    first, second = finished(memory, 2)
    assert (first.name, second.name) == ("GET /items", "HEAD /items")
    wanted = {
        "server.address": "localhost",
        "server.port": port,
        "client.address": "127.0.0.1",
        "network.protocol.version": "1.1",
        "user_agent.original": "test/1",
    }
    assert wanted.items() <= second.attributes.items()
