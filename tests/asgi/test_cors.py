"""With CORSMiddleware, inside of us or outside."""

import pytest
from fastapi import FastAPI
from fastapi.middleware.cors import CORSMiddleware

from anytel.fastapi import instrument
from asgi.client import ask

ORIGIN = "https://shop.example"
SENT = "traceparent, tracestate, baggage, sentry-trace, x-request-id"
PREFLIGHT = {
    "origin": ORIGIN,
    "access-control-request-method": "GET",
    "access-control-request-headers": SENT,
}
ARGUMENTS = {"allow_origins": [ORIGIN], "allow_headers": SENT.split(", "), "expose_headers": ["x-request-id"]}


@pytest.fixture(params=["inside", "outside"])
def app(request, memory):
    """Have an application that a page of another origin may ask."""
    app = FastAPI()
    app.add_api_route("/items", lambda: 1)
    instrument(app, error_handlers=True)
    if request.param == "outside":
        return CORSMiddleware(app, **ARGUMENTS)
    app.add_middleware(CORSMiddleware, **ARGUMENTS)
    return app


def test_a_preflight_is_answered_and_not_observed(app, memory):
    """The browser's question is no request of the route."""
    answer = ask(app, "OPTIONS", "/items", headers=PREFLIGHT)

    assert answer.status_code == 200
    assert "traceparent" in answer.headers["access-control-allow-headers"]
    assert memory.spans == memory.logs == []
    assert memory.tags("http.server.request.duration") == set()


def test_the_request_itself_is_observed_and_its_id_can_be_read(app, memory):
    """The id is in the response and exposed, once each."""
    parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    answer = ask(app, "GET", "/items", headers={"origin": ORIGIN, "traceparent": parent, "x-request-id": "r-1"})

    assert answer.headers.get_list("x-request-id") == ["r-1"]
    assert answer.headers.get_list("access-control-expose-headers") == ["x-request-id"]
    assert f"{memory.span('GET /items').context.trace_id:032x}" == parent.split("-")[1]


def test_a_preflight_that_is_asked_for_is_observed(memory):
    """Under its own method, without the route: CORSMiddleware answers before the router."""
    app = FastAPI()
    app.add_middleware(CORSMiddleware, **ARGUMENTS)

    ask(instrument(app, preflights=True), "OPTIONS", "/items", headers=PREFLIGHT)

    assert [span.name for span in memory.spans] == ["OPTIONS"]
