"""What error_handlers=True answers, and what is reported."""

from typing import Annotated

import pytest
from fastapi import BackgroundTasks, Body, Depends, FastAPI, HTTPException
from fastapi.exceptions import RequestValidationError
from fastapi.middleware.cors import CORSMiddleware
from fastapi.responses import JSONResponse, PlainTextResponse, StreamingResponse
from pydantic import BaseModel, field_validator
from starlette.middleware.base import BaseHTTPMiddleware

import anytel
from anytel.fastapi import instrument
from asgi.client import ask

ORIGIN = {"origin": "https://shop.example"}


class Item(BaseModel):
    size: int
    name: str = ""

    @field_validator("name")
    @classmethod
    def known(cls, name):
        if name:
            raise ValueError(f"unknown {name}")
        return name


class Base(BaseHTTPMiddleware):
    async def dispatch(self, request, call_next):
        return await call_next(request)


async def create(size: Annotated[int, Body()]):
    return size


async def get_db():
    try:
        yield 1
    finally:
        pass


def make(*middleware, **options):
    """Make an application that fails in every way."""
    app = FastAPI()
    for cls, arguments in middleware:
        app.add_middleware(cls, **arguments)

    @app.post("/items")
    async def items(item: Item):
        return item.size

    @app.get("/boom")
    async def boom(db: Annotated[int, Depends(get_db)]):
        raise KeyError("declined")

    @app.get("/sync")
    def sync():
        raise KeyError("declined")

    @app.get("/model")
    async def model():
        return Item(size="many")

    @app.get("/response", response_model=Item)
    async def response():
        return {"size": "many"}

    @app.get("/made")
    async def made(kind: str):
        errors = {"text": ["plain"], "object": [{"loc": "q", "msg": object}], "bytes": [{"loc": (b"x", 1.5, 2)}]}
        raise RequestValidationError(errors[kind])

    @app.get("/teapot")
    async def teapot():
        raise HTTPException(418, {"short": True}, headers={"x-pot": "1"})

    @app.get("/down")
    async def down():
        raise HTTPException(503, "later", headers={"retry-after": "7"})

    @app.get("/later")
    async def later(tasks: BackgroundTasks):
        async def task():
            with anytel.span("task"):
                raise KeyError("later")

        tasks.add_task(task)

    @app.get("/midway")
    async def midway():
        async def chunks():
            yield "a"
            raise KeyError("midway")

        return StreamingResponse(chunks())

    return instrument(app, **{"error_handlers": True, **options})


@pytest.mark.parametrize("path", ["/boom", "/sync", "/model", "/response"])
def test_what_the_server_got_wrong_is_a_500(memory, path):
    """A model that does not fit in the server's own code, or in its response, is no fault of the caller."""
    answer = ask(make(), "GET", path)

    server = memory.span(f"GET {path}")
    assert (answer.status_code, answer.json()["trace_id"]) == (500, f"{server.context.trace_id:032x}")
    assert answer.json()["error"] == "Internal server error"
    assert (server.status, memory.error().handled) == ("error", False)


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        ({"size": "x"}, {"type": "int_parsing", "loc": ["body", "size"]}),
        ({"size": 1, "name": "a"}, {"type": "value_error", "loc": ["body", "name"], "msg": "Value error, unknown a"}),
        ({}, {"type": "missing", "loc": ["body", "size"], "msg": "Field required"}),
    ],
)
def test_what_the_caller_got_wrong_is_a_400(memory, body, detail):
    """The details are JSON whatever errors() holds, such as an exception as the context of a validator."""
    answer = ask(make(), "POST", "/items", json=body)

    assert answer.status_code == 400
    assert detail.items() <= answer.json()["details"][0].items()
    assert (memory.span("POST /items").status, memory.errors) == ("unset", [])


def test_half_a_surrogate_pair_comes_back_as_a_question_mark(memory):
    """JSON can name what UTF-8 cannot write."""
    answer = ask(make(), "POST", "/items", content=rb'{"size": 1, "name": "\ud800"}')

    assert (answer.status_code, answer.json()["error"]) == (400, "Invalid input")


@pytest.mark.parametrize(
    ("kind", "detail"),
    [
        ("text", {"type": "value_error", "loc": [], "msg": "plain"}),
        ("object", {"type": "value_error", "loc": ["q"], "msg": "<class 'object'>"}),
        ("bytes", {"type": "value_error", "loc": ["b'x'", "1.5", 2], "msg": ""}),
    ],
)
def test_errors_that_the_application_has_made_are_shown_as_text(memory, kind, detail):
    """A RequestValidationError may be raised with anything."""
    answer = ask(make(), "GET", f"/made?kind={kind}")

    assert (answer.status_code, answer.json()["details"]) == (400, [detail])


def test_http_exceptions_keep_status_body_and_headers(memory):
    """Of a 4xx nothing is reported, and a 5xx fails the span without a report."""
    teapot, down = (ask(make(), "GET", path) for path in ("/teapot", "/down"))

    assert (teapot.status_code, teapot.json(), teapot.headers["x-pot"]) == (418, {"detail": {"short": True}}, "1")
    assert (down.status_code, down.json(), down.headers["retry-after"]) == (503, {"detail": "later"}, "7")
    assert [memory.span(f"GET /{name}").status for name in ("teapot", "down")] == ["unset", "error"]
    assert memory.span("GET /down").attributes["error.type"] == "503"
    assert memory.errors == []


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("key", [Exception, 500])
def test_the_application_s_own_handler_of_exceptions_stays(memory, when, key):
    """Whether it is registered before instrument() or after; the exception is reported all the same, once."""

    async def own(request, exc):
        return JSONResponse({"own": type(exc).__name__}, 500)

    app = FastAPI()
    app.add_api_route("/boom", lambda: 1 / 0)
    if when == "before":
        app.add_exception_handler(key, own)
    instrument(app, error_handlers=True)
    if when == "after":
        app.add_exception_handler(key, own)

    assert ask(app, "GET", "/boom").json() == {"own": "ZeroDivisionError"}
    assert memory.error().exception.type == "ZeroDivisionError"


@pytest.mark.parametrize("when", ["before", "after"])
def test_the_application_s_own_handler_of_invalid_requests_stays(memory, when):
    """Whether it is registered before instrument() or after."""

    async def own(request, exc):
        return PlainTextResponse("own", 422)

    app = FastAPI()
    app.post("/items")(create)
    if when == "before":
        app.add_exception_handler(RequestValidationError, own)
    instrument(app, error_handlers=True)
    if when == "after":
        app.add_exception_handler(RequestValidationError, own)

    assert (ask(app, "POST", "/items").status_code, ask(app, "POST", "/items").text) == (422, "own")


def test_a_middleware_that_answers_exceptions_still_does(memory):
    """What the application handles itself never comes to us: it is a 5xx of the span, and no report."""

    class Own(BaseHTTPMiddleware):
        async def dispatch(self, request, call_next):
            try:
                return await call_next(request)
            except KeyError:
                return PlainTextResponse("own", 502)

    answer = ask(make((Own, {})), "GET", "/boom")

    assert (answer.status_code, answer.text) == (502, "own")
    assert (memory.span("GET /boom").status, memory.errors) == ("error", [])


BASES = [(Base, {}), (Base, {})]


@pytest.mark.parametrize(
    ("path", "middleware", "status"),
    [
        ("/boom", [], "error"),
        ("/boom", BASES, "error"),
        ("/later", [], "unset"),
        ("/later", BASES, "unset"),
        ("/midway", [], "error"),
        ("/midway", BASES, "unset"),  # BaseHTTPMiddleware ends the body as if it were whole, and raises afterwards
    ],
)
def test_an_exception_is_reported_once_wherever_it_is_raised(memory, path, middleware, status):
    """In an endpoint, in a background task, or in the middle of a body that is streamed."""
    ask(make(*middleware), "GET", path)

    report = memory.error()
    assert (report.exception.type, report.handled, report.root_name) == ("KeyError", False, f"GET {path}")
    assert report.context.trace_id == memory.span(f"GET {path}").context.trace_id
    assert memory.span(f"GET {path}").status == status


def test_the_500_has_the_headers_that_the_application_s_cors_would_give(memory):
    """Its answer comes from outside all middleware, where a browser would hide it from the page."""
    cors = CORSMiddleware, {"allow_origins": ["https://shop.example"], "expose_headers": ["x-other"]}
    app = make(cors, (Base, {}))

    answer = ask(app, "GET", "/boom", headers=ORIGIN)
    assert answer.status_code == 500
    assert answer.headers["access-control-allow-origin"] == "https://shop.example"
    assert answer.headers["access-control-expose-headers"] == "x-other, x-request-id"

    foreign = ask(app, "GET", "/boom", headers={"origin": "https://evil.example"})
    assert "access-control-allow-origin" not in foreign.headers
    assert "access-control-allow-origin" not in ask(make(), "GET", "/boom", headers=ORIGIN).headers


def test_it_says_so_when_it_comes_too_late(memory, caplog):
    """Starlette has taken the handlers over when the application started."""
    app = FastAPI()
    app.add_api_route("/boom", lambda: 1 / 0)
    ask(app, "GET", "/nowhere")

    instrument(app, error_handlers=True)

    assert "comes too late" in caplog.text
    assert anytel.stats().refused["error_handlers"] == 1
    assert ask(app, "GET", "/boom").text == "Internal Server Error"
