"""Under uvicorn, over real sockets: what only a server does to an application."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time

import httpx
import pytest
import uvicorn
from fastapi import BackgroundTasks, FastAPI
from fastapi.responses import StreamingResponse

import anytel
from anytel.fastapi import instrument
from anytel.testing.receivers.otlp import OtlpReceiver


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


SHOP = """
import anytel
from anytel.fastapi import instrument
from fastapi import FastAPI

anytel.configure(service="shop", backends="otlp", flush_interval=600)
app = instrument(FastAPI())


@app.get("/items")
def items():
    anytel.count("shop.asked")
    return [1]
"""


def test_what_was_recorded_is_delivered_before_sigterm_ends_a_server(tmp_path):
    """Uvicorn shuts down, and then dies of the signal itself: nothing that Python does at its exit is done."""
    (tmp_path / "shop.py").write_text(SHOP)
    with OtlpReceiver() as collector, socket.create_server(("127.0.0.1", 0)) as listening:
        environment = {**os.environ, "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url}
        server = subprocess.Popen(
            [sys.executable, "-m", "uvicorn", "shop:app", "--fd", str(listening.fileno())], cwd=tmp_path,
            env=environment, pass_fds=[listening.fileno()], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            assert httpx.get(f"http://127.0.0.1:{listening.getsockname()[1]}/items", timeout=60).json() == [1]
        finally:
            server.send_signal(signal.SIGTERM)
            ended = server.wait(60)
        assert ended == -signal.SIGTERM
        assert [span.name for span in collector.spans] == ["GET /items"]
        assert {"shop.asked", "http.server.request.duration"} <= {metric.name for metric in collector.metrics}
