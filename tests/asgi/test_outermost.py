"""An instrumented application observes its requests around everything else, and stays what it was."""

import asyncio
import copy

import httpx
import pytest
from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

import anytel
from anytel.asgi import Options, TelemetryMiddleware
from anytel.fastapi import instrument
from asgi.client import ask

SENTRY = """
import sentry_sdk
from sentry_sdk.transport import Transport
class Nowhere(Transport):
    def capture_envelope(self, envelope): pass
def sampler(context):
    seen.append(anytel.current_span().span_id)
    return 1.0
def start():
    sentry_sdk.init(dsn="http://key@127.0.0.1:9/1", transport=Nowhere, traces_sampler=sampler)
"""
DDTRACE = """
import ddtrace
from ddtrace.trace import TraceFilter, tracer
class Watch(TraceFilter):
    def process_trace(self, trace):
        seen.append(anytel.current_span().span_id)
        return None
def start():
    tracer.configure(trace_processors=[Watch()])
    ddtrace.patch(fastapi=True, starlette=True)
"""
APPLICATION = """
def make():
    global app
    from fastapi import FastAPI
    from anytel.fastapi import instrument
    app = FastAPI()
    @app.get("/")
    async def home():
        return anytel.current_span().span_id
    instrument(app)
def ask():
    import asyncio, httpx
    async def go():
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://shop") as client:
            return (await client.get("/")).json()
    return asyncio.run(go())
anytel.configure(backends="memory", log_level="error")
"""


@pytest.mark.parametrize(
    ("vendor", "order"),
    [
        pytest.param(SENTRY, "start(); make()", id="sentry-first"),
        pytest.param(SENTRY, "make(); start()", id="sentry-last"),
        pytest.param(SENTRY, "make(); ask(); start()", id="sentry-while-serving"),
        pytest.param(DDTRACE, "start(); make()", id="ddtrace-first"),
        pytest.param(DDTRACE, "make(); start()", id="ddtrace-last"),
    ],
)
def test_it_is_outside_what_the_vendors_put_around_the_application(run_python, vendor, order):
    """Whichever was first: our span is current when the vendor's middleware runs, and it is the endpoint's too."""
    check = "seen.clear(); span_id = ask(); assert seen == [span_id], seen"
    run_python(
        f"import anytel\nseen = []\n{vendor}\n{APPLICATION}\n{order}\n{check}",
        DD_TRACE_AGENT_URL="http://127.0.0.1:9", DD_INSTRUMENTATION_TELEMETRY_ENABLED="false",
        DD_REMOTE_CONFIGURATION_ENABLED="false", DD_TRACE_STARTUP_LOGS="false",
    )  # fmt: skip


class Shop(FastAPI):
    """A subclass of the user's."""

    def __init__(self, **more):
        super().__init__(**more)
        self.stock = 3


def test_the_application_stays_what_it_was():
    """Its type, its repr, its state and its attributes are as before, and its class is not touched."""
    app = Shop(title="shop")
    before = {**vars(app)}, repr(app).partition(" at ")[0], Shop.__call__

    assert instrument(app) is app

    assert isinstance(app, Shop)
    assert (vars(app), repr(app).partition(" at ")[0], Shop.__call__) == before
    assert (type(app).__name__, type(app).__qualname__, type(app).__module__) == ("Shop", "Shop", __name__)
    assert asyncio.iscoroutinefunction(app.__call__), "servers tell ASGI 3 by it"
    assert app.stock == 3
    assert vars(app.state) == {"_state": {}}


def test_a_copy_observes_its_requests_too(memory):
    """The options belong to the class of the object, which a copy shares."""
    app = copy.copy(instrument(Shop()))

    ask(app, "GET", "/nowhere")

    assert [span.name for span in memory.spans] == ["GET"]


def test_only_the_instrumented_application_observes(memory):
    """Another one of the same class does not; a recent FastAPI may have recorded its request itself."""
    instrument(Shop())

    ask(Shop(), "GET", "/nowhere")

    assert [span for span in memory.spans if not span.scope] == []


def test_it_begins_while_the_application_serves(memory):
    """instrument() works after the first request, and so within a lifespan."""
    app = FastAPI()
    ask(app, "GET", "/nowhere")
    before = len(memory.spans)  # a recent FastAPI has recorded this one itself

    instrument(app)
    ask(app, "GET", "/nowhere")

    assert [span.scope for span in memory.spans[before:]] == [""]


def test_a_lifespan_that_instruments_is_enough(memory):
    """The requests that follow are observed."""

    async def lifespan(app):
        instrument(app)
        yield

    from contextlib import asynccontextmanager

    with TestClient(FastAPI(lifespan=asynccontextmanager(lifespan))) as client:
        client.get("/nowhere")

    assert len(memory.spans) == 1


@pytest.mark.parametrize("inner", ["fastapi", "middleware"])
def test_an_instrumented_application_that_is_mounted_is_observed_once(memory, inner):
    """One request is one server span, and the mounted one's own too when it is called by itself."""
    mounted = FastAPI()

    @mounted.get("/items/{item}")
    async def item(item: int):
        return anytel.current_span().span_id

    observed = instrument(mounted) if inner == "fastapi" else TelemetryMiddleware(mounted)
    app = instrument(FastAPI())
    app.mount("/sub", observed)

    ask(app, "GET", "/sub/items/1")
    assert [span.name for span in memory.spans] == ["GET /sub/items/{item}"]
    ask(observed, "GET", "/items/1")
    assert [span.name for span in memory.spans] == ["GET /sub/items/{item}", "GET /items/{item}"]


def test_starlette_takes_the_middleware(memory):
    """A Starlette application is wrapped, or adds the middleware as any other."""

    async def item(request):
        return PlainTextResponse("x")

    routes = [Route("/items/{item:int}", item)]
    added = Starlette(routes=routes)
    added.add_middleware(TelemetryMiddleware, options=Options(query=True))

    ask(TelemetryMiddleware(Starlette(routes=routes)), "GET", "/items/1")
    ask(added, "GET", "/items/1?a=b")

    assert [span.name for span in memory.spans] == ["GET /items/{item}"] * 2
    assert memory.spans[1].attributes["url.query"] == "a=b"


def test_an_application_called_by_a_handler_has_its_own_span(memory):
    """A request in process, as httpx sends it, is a request: its server span is within the caller's trace."""
    inner, outer = instrument(FastAPI()), instrument(FastAPI())

    @outer.get("/outer")
    async def call():
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app=inner), base_url="http://inner") as client:
            headers = {}
            anytel.inject(headers)
            await client.get("/inner", headers=headers)

    ask(outer, "GET", "/outer")

    first, second = memory.spans
    assert (first.name, second.name) == ("GET", "GET /outer")
    assert (first.parent_id, first.context.trace_id) == (second.context.span_id, second.context.trace_id)
