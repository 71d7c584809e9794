"""What a request's span, metrics and log lines say: OpenTelemetry's stable HTTP conventions, and of low cardinality."""

import json
import re

import pytest
from fastapi import APIRouter, FastAPI
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route, Router
from starlette.staticfiles import StaticFiles

import anytel
from anytel.asgi import Options, TelemetryMiddleware
from anytel.asgi.route import template
from anytel.fastapi import instrument
from asgi.client import ask, drive, scope_of

DURATION = "http.server.request.duration"


async def plain(scope, receive, send):
    """An application without a router."""
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"ok"})


def spoken(memory, *headers, app=plain, **changes):
    """Give the attributes of the span of one request."""
    drive(TelemetryMiddleware(app), scope_of(headers=list(headers), **changes))
    (span,) = memory.spans
    return span.attributes


def test_the_attributes_of_the_server_span(memory):
    """All of them, as the semantic conventions name them."""
    found = spoken(memory, (b"host", b"shop.example:8443"), (b"user-agent", b"curl/8"), scheme="https", path="/a")

    found.pop("request_id")
    assert found == {
        "http.request.method": "GET",
        "url.path": "/a",
        "url.scheme": "https",
        "server.address": "shop.example",
        "server.port": 8443,
        "client.address": "10.0.0.9",
        "user_agent.original": "curl/8",
        "network.protocol.version": "1.1",
        "http.response.status_code": 200,
    }


@pytest.mark.parametrize(
    ("host", "scheme", "server"),
    [
        (b"Shop.example", "http", ("shop.example", 80)),
        (b"shop.example", "https", ("shop.example", 443)),
        (b"[::1]:8000", "http", ("::1", 8000)),
        (b"[::1]", "http", ("::1", 80)),
        (None, "http", ("127.0.0.1", 8000)),
        (b"", "http", ("127.0.0.1", 8000)),
        (b"a b", "http", ("127.0.0.1", 8000)),
        (b"shop:http", "http", ("127.0.0.1", 8000)),
        (b"shop:99999", "http", ("127.0.0.1", 8000)),
        (b"user@shop", "http", ("127.0.0.1", 8000)),
        (b"x" * 300, "http", ("127.0.0.1", 8000)),
        ("shop:٣".encode(), "http", ("127.0.0.1", 8000)),
    ],
)
def test_the_server_s_address_is_what_the_client_asked_for(memory, host, scheme, server):
    """From Host, with the scheme's port; where that is no host, where the server listens."""
    headers = [(b"host", host)] if host is not None else []
    found = spoken(memory, *headers, scheme=scheme)
    assert (found["server.address"], found["server.port"]) == server


def test_a_server_that_says_little_is_enough(memory):
    """Everything optional in an ASGI scope may be missing."""
    scope = {"type": "http", "path": "/", "method": "GET"}
    drive(TelemetryMiddleware(plain), scope)
    (span,) = memory.spans
    assert span.attributes["url.path"] == "/"
    assert "server.address" not in span.attributes


def test_methods_that_a_caller_invents_are_one(memory):
    """The method itself is on the span alone, never in its name or a metric."""
    found = spoken(memory, method="SPAM")
    assert (found["http.request.method"], found["http.request.method_original"]) == ("_OTHER", "SPAM")
    assert memory.spans[0].name == "HTTP"
    assert {dict(tags)["http.request.method"] for tags in memory.tags(DURATION)} == {"_OTHER"}


def test_the_duration_is_in_seconds_with_the_conventional_buckets(memory):
    """The boundaries are those of the semantic conventions."""
    spoken(memory)
    (point,) = [point for point in memory.points if point.series.name == DURATION]
    assert point.series.unit == "s"
    advised = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10)
    assert point.series.bounds == advised


def mounted():
    """Make an application with everything that puts one router into another."""
    app, sub = FastAPI(), FastAPI()
    inner, outer = APIRouter(prefix="/inner/{z}"), APIRouter(prefix="/v1")

    @inner.get("/x/{a}")
    async def x(a: int, z: str):
        return a

    @sub.get("/y/{b}")
    async def y(b: str):
        return b

    async def k(request):
        return PlainTextResponse("k")

    outer.include_router(inner)
    app.include_router(outer, prefix="/api")
    sub.include_router(outer)
    app.mount("/tenants/{tenant}", sub)
    app.mount("/number/{n:int}", Router([Mount("/deep/{q}", routes=[Route("/k/{w}", k)])]))
    app.mount("/static", StaticFiles(directory="."))
    app.mount("/plain", plain)
    return instrument(app)


@pytest.mark.parametrize(
    ("path", "route"),
    [
        ("/api/v1/inner/1/x/1", "/api/v1/inner/{z}/x/{a}"),
        ("/api/v1/inner/1/x/bad", "/api/v1/inner/{z}/x/{a}"),
        ("/tenants/acme/y/2", "/tenants/{tenant}/y/{b}"),
        ("/tenants/acme/y/acme", "/tenants/{tenant}/y/{b}"),
        ("/tenants/y/y/tenants", "/tenants/{tenant}/y/{b}"),
        ("/tenants/acme/v1/inner/q/x/1", "/tenants/{tenant}/v1/inner/{z}/x/{a}"),
        ("/tenants/acme/nowhere/7", "/tenants/{tenant}"),
        ("/number/7/deep/q1/k/w1", "/number/{n}/deep/{q}/k/{w}"),
        ("/number/7/deep/q1/nowhere", "/number/{n}/deep/{q}"),
        ("/static/pyproject.toml", "/static"),
        ("/plain/what/ever", "/plain"),
        ("/nowhere/7", None),
    ],
)
@pytest.mark.parametrize("root", ["", "/proxy"])
def test_the_route_is_the_whole_template_and_never_a_value(memory, path, route, root):
    """Of included routers, mounts with parameters and mounts within mounts; what no route matches has none."""
    drive(mounted(), scope_of(root + path, root_path=root), {"type": "http.request", "body": b""})

    (span,) = memory.spans
    wanted = None if route is None else root + route
    assert span.attributes.get("http.route") == wanted
    assert span.name == ("GET" if route is None else f"GET {wanted}")
    assert {dict(tags).get("http.route") for tags in memory.tags(DURATION)} == {wanted}


def test_a_root_path_may_be_a_slash(memory):
    """As some write it: the route has one slash, and paths to exclude are found."""
    app = instrument(FastAPI(), exclude=["/health"])
    app.add_api_route("/items/{item}", lambda item: item)
    for path in ("/items/1", "/health"):
        drive(app, scope_of(path, root_path="/"), {"type": "http.request", "body": b""})
    assert [span.attributes.get("http.route") for span in memory.spans] == ["/items/{item}"]


def test_a_method_that_the_route_does_not_have_belongs_to_the_route(memory):
    """A 405 is the route's, under the method that was asked."""
    app = FastAPI()
    app.add_api_route("/items/{item}", lambda item: item)
    ask(instrument(app), "DELETE", "/items/1")
    assert [span.name for span in memory.spans] == ["DELETE /items/{item}"]
    assert memory.spans[0].attributes["http.response.status_code"] == 405


@pytest.mark.parametrize(
    ("exclude", "path", "observed"),
    [
        (["/health"], "/health", False),
        (["/health"], "/health/deep", True),
        (["/health*"], "/health/deep", False),
        (["/api/*/health"], "/api/v1/health", False),
        (["/api/*/health"], "/api/health", True),
        ("/health", "/health", False),
        ("/health", "/h", True),
        (["/a", "/b*"], "/bcd", False),
        (["/a.c"], "/abc", True),
        (["*"], "/any\nthing", False),
        (["xy"], "/proxyxy", True),
        ([], "/health", True),
    ],
)
@pytest.mark.parametrize("root", ["", "/proxy"])
def test_excluded_paths_leave_no_span_no_metric_and_no_line(memory, exclude, path, observed, root):
    """A path is given as the application declares it; ``*`` stands for any characters."""
    sent, _ = drive(TelemetryMiddleware(plain, Options(exclude=exclude)), scope_of(root + path, root_path=root))

    assert bool(memory.spans) is bool(memory.logs) is bool(memory.tags(DURATION)) is observed
    assert (b"x-request-id" in dict(sent[0]["headers"])) is observed


def test_spans_within_an_excluded_request_are_traces_of_their_own(memory):
    """Only the request is left out."""

    async def app(scope, receive, send):
        with anytel.span("ping"):
            await plain(scope, receive, send)

    drive(TelemetryMiddleware(app, Options(exclude=["/"])), scope_of())

    assert [(span.name, span.parent_id) for span in memory.spans] == [("ping", 0)]


PREFLIGHT = [(b"origin", b"https://a.example"), (b"access-control-request-method", b"POST")]


@pytest.mark.parametrize(
    ("headers", "options", "observed"),
    [(PREFLIGHT, {}, False), (PREFLIGHT, {"preflights": True}, True), (PREFLIGHT[:1], {}, True), ([], {}, True)],
)
def test_preflights_are_observed_only_when_asked(memory, headers, options, observed):
    """Another OPTIONS request is a request."""
    scope = scope_of(method="OPTIONS", headers=headers)
    drive(TelemetryMiddleware(plain, Options(**options)), scope)
    assert bool(memory.spans) is observed


def test_a_request_id_of_the_application_s_own_stays(memory):
    """The header is there once."""

    async def app(scope, receive, send):
        headers = [(b"x-correlation-id", b"own")]
        await send({"type": "http.response.start", "status": 200, "headers": iter(headers)})
        await send({"type": "http.response.body"})

    options = Options(request_id_header="X-Correlation-ID")
    sent, _ = drive(TelemetryMiddleware(app, options), scope_of(headers=[(b"x-correlation-id", b"given")]))

    assert sent[0]["headers"] == [(b"x-correlation-id", b"own")]
    assert memory.spans[0].attributes["request_id"] == "given"


def test_the_request_id_is_on_what_is_reported(memory):
    """On spans, lines and error reports within the request."""

    async def app(scope, receive, send):
        with anytel.span("work"):
            anytel.get_logger("shop").info("working")
            raise ValueError

    drive(TelemetryMiddleware(app), scope_of(headers=[(b"x-request-id", b"rid-1")]))

    found = [*memory.spans, *memory.logs, memory.error()]
    assert len(found) == 6
    assert {one.attributes["request_id"] for one in found} == {"rid-1"}


@pytest.mark.parametrize(
    ("given", "exposed"),
    [
        ([], b"x-request-id"),
        ([(b"access-control-expose-headers", b"x-a")], b"x-a, x-request-id"),
        ([(b"access-control-expose-headers", b"X-Request-ID, x-a")], b"X-Request-ID, x-a"),
        ([(b"access-control-expose-headers", b"*")], b"*"),
    ],
)
def test_scripts_of_an_allowed_origin_may_read_the_request_id(memory, given, exposed):
    """The header that lets them is completed, not repeated."""

    async def app(scope, receive, send):
        headers = [(b"access-control-allow-origin", b"https://a.example"), *given]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body"})

    sent, _ = drive(TelemetryMiddleware(app), scope_of())

    found = [value for name, value in sent[0]["headers"] if name == b"access-control-expose-headers"]
    assert found == [exposed]


@pytest.mark.parametrize("name", ["", "x id", "x-id\r\n", "ü"])
def test_what_is_no_header_name_is_refused(memory, name):
    """The usual one is used instead."""
    sent, _ = drive(TelemetryMiddleware(plain, Options(request_id_header=name)), scope_of())
    assert b"x-request-id" in dict(sent[0]["headers"])
    assert anytel.stats().refused["request_id_header"] == 1


def test_the_lines_name_method_path_status_and_duration(memory):
    """The query is in neither."""
    drive(TelemetryMiddleware(plain), scope_of("/a", query_string=b"secret=1"))
    started, completed = memory.logs
    assert {"method": "GET", "path": "/a"}.items() <= started.attributes.items()
    assert {"method": "GET", "path": "/a", "status": 200}.items() <= completed.attributes.items()
    assert completed.attributes["duration_ms"] > 0
    assert "secret" not in json.dumps([dict(log.attributes) for log in memory.logs])


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    headers=st.lists(
        st.tuples(
            st.sampled_from(
                [b"host", b"Host", b"user-agent", b"x-request-id", b"traceparent", b"tracestate", b"b3", b"x"]
            )
            | st.binary(max_size=20),
            st.binary(max_size=60) | st.from_regex(rb"\[?[a-z:]*\]?:[0-9]*", fullmatch=True),
        ),
        max_size=8,
    ),
    path=st.text(max_size=20),
    method=st.text(max_size=8),
    root_path=st.text(max_size=5),
)
def test_any_request_is_served(memory, headers, path, method, root_path):
    """Whatever a client sends, the application answers, and the response is well formed."""
    scope = scope_of(headers=headers, method=method, root_path=root_path, query_string=path.encode("utf-8", "replace"))
    scope["path"] = path
    options = Options(exclude=["/a*"], query=True, metrics="/metrics")
    sent, raised = drive(TelemetryMiddleware(plain, options), scope)
    assert (raised, sent[0]["status"]) == (None, 200)
    assert all(re.fullmatch(rb"[\x20-\x7e]*", value) for _, value in sent[0]["headers"])


def test_a_router_that_does_not_say_which_route_it_was_is_asked_for_the_endpoint():
    """As an older Starlette: the endpoint is in the scope, and the route only with it in a router."""

    async def k(request):
        """Never called."""

    router = Router([Route("/k/{w}", k), Mount("/deep", routes=[Route("/l/{w}", plain)])])
    assert template({"router": router, "endpoint": k}, "") == "/k/{w}"
    assert template({"router": router, "endpoint": plain, "root_path": "/deep"}, "") == "/deep/l/{w}"
    assert template({"router": router, "endpoint": print}, "") == ""
