"""FastAPI's own telemetry, which newer versions have, and ours: each request has one server span."""

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from anytel.fastapi import instrument


@pytest.fixture
def app():
    """Give an application with another one mounted in it."""
    made, inner = FastAPI(), FastAPI()
    made.get("/orders/{number}")(lambda number: {})
    inner.get("/inner")(lambda: {"inner": True})
    made.mount("/sub", inner)
    return made


@pytest.mark.parametrize("path", ["/orders/7", "/sub/inner"])
def test_an_observed_application_has_our_server_span_alone(memory, app, path):
    with TestClient(instrument(app)) as client:
        client.get(path)
    (server,) = [span for span in memory.spans if span.kind == "server"]
    assert server.scope == ""
    assert memory.total("http.server.request.duration") == 1


def test_an_excluded_path_has_none(memory, app):
    with TestClient(instrument(app, exclude=["/orders/*"])) as client:
        client.get("/orders/7")
    assert memory.spans == []
