"""OpenTelemetry's instrumentations run unmodified, and what they record reaches the vendors, decoded at the wire."""

import logging
import logging.config
from contextlib import ExitStack
from types import SimpleNamespace
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import httpx
import pytest
import redis
import sqlalchemy
from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor
from opentelemetry.instrumentation.httpx import HTTPXClientInstrumentor
from opentelemetry.instrumentation.logging import LoggingInstrumentor
from opentelemetry.instrumentation.redis import RedisInstrumentor
from opentelemetry.instrumentation.sqlalchemy import SQLAlchemyInstrumentor
from opentelemetry.instrumentation.urllib3 import URLLib3Instrumentor

import anytel
from anytel import runtime
from anytel.fastapi import instrument
from anytel.otel import tracer
from anytel.testing.receivers.datadog import DatadogAgent, trace_id_of
from anytel.testing.receivers.dogstatsd import DogStatsD
from anytel.testing.receivers.http import HttpReceiver
from anytel.testing.receivers.prometheus import scrape
from anytel.testing.receivers.sentry import SentryReceiver
from otel import shop
from otel.resp import redis_server

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


@pytest.fixture
def world(monkeypatch):
    """Give the vendors' receivers, a service downstream, and a Redis, all of them on loopback."""
    with ExitStack() as stack:
        made = SimpleNamespace(
            sentry=stack.enter_context(SentryReceiver()),
            agent=stack.enter_context(DatadogAgent()),
            statsd=stack.enter_context(DogStatsD()),
            downstream=stack.enter_context(HttpReceiver()),
            redis=stack.enter_context(redis_server()),
        )
        monkeypatch.setenv("SENTRY_DSN", made.sentry.dsn)
        monkeypatch.setenv("DD_TRACE_AGENT_URL", made.agent.url)
        monkeypatch.setenv("DD_DOGSTATSD_URL", made.statsd.url)
        monkeypatch.setenv("OTEL_EXPORTER_PROMETHEUS_PORT", "0")
        anytel.configure(service="shop", backends="sentry,datadog,prometheus", log_format="json")
        yield made
        anytel.shutdown(5)


@pytest.fixture
def app(world, instrumented, monkeypatch):
    """Give the application, with all that it uses instrumented by OpenTelemetry, and anytel's uploads if they were."""
    for module, name in [(logging, "basicConfig"), (logging.config, "dictConfig"), (logging.config, "fileConfig")]:
        monkeypatch.setattr(module, name, getattr(module, name))
    for instrumentor in (HTTPXClientInstrumentor, SQLAlchemyInstrumentor, RedisInstrumentor, URLLib3Instrumentor):
        instrumented(instrumentor())
    instrumented(LoggingInstrumentor())
    made = shop.make(world.downstream.url, world.redis)
    FastAPIInstrumentor.instrument_app(made)
    yield made
    FastAPIInstrumentor.uninstrument_app(made)


def get(url, **headers):
    """Make a request as another service would, without any instrumentation; gives the status and the body."""
    try:
        with urlopen(Request(url, headers=headers), timeout=20) as answer:
            return answer.status, answer.read()
    except HTTPError as exc:
        return exc.code, exc.read()


def scope(span):
    """Give the name of what has instrumented the library."""
    return span.attributes.get("otel.scope.name", "").removeprefix("opentelemetry.instrumentation.")


def test_one_trace_of_all_instrumentations_reaches_every_vendor(world, app):
    """One request: server, SQL, Redis, HTTP client and log, with the caller's trace id, parents and decision."""
    with shop.serving(app) as url:
        status, body = get(f"{url}/orders/7", traceparent=f"00-{TRACE}-{SPAN}-01")
    assert (status, body) == (200, b'{"found":42,"stock":"7","price":200}')
    assert anytel.flush(10)

    spans = {(scope(span), span.name): span for span in world.sentry.spans}
    server = spans["fastapi", "GET /orders/{number}"]
    assert {span.trace_id for span in spans.values()} == {TRACE}
    assert (server.parent_span_id, server.attributes["sentry.kind"]) == (SPAN, "server")
    for one in (
        ("sqlalchemy", "connect"),
        ("sqlalchemy", "SELECT"),
        ("redis", "SET"),
        ("redis", "GET"),
        ("httpx", "GET"),
    ):
        assert (spans[one].parent_span_id, spans[one].attributes["sentry.kind"]) == (server.span_id, "client"), one
    assert spans["sqlalchemy", "SELECT"].attributes["db.statement"] == "SELECT 40 + 2"
    assert server.attributes["http.route"] == "/orders/{number}"

    datadog = {span["resource"]: span for span in world.agent.spans}
    assert {f"{trace_id_of(chunk):032x}" for chunk in world.agent.traces} == {TRACE}
    assert datadog["GET /orders/{number}"]["parent_id"] == int(SPAN, 16)
    assert {f"{span['span_id']:016x}" for span in world.agent.spans} == {span.span_id for span in world.sentry.spans}

    (sold,) = [log for log in world.sentry.logs if log.body == "sold 7"]
    assert (sold.trace_id, sold.span_id) == (TRACE, server.span_id)


def test_clients_send_the_headers_of_all_vendors_once_with_one_decision(world, app):
    with shop.serving(app) as url:
        get(f"{url}/orders/7", **{"sentry-trace": f"{TRACE}-{SPAN}-1"})
    assert anytel.flush(10)
    (client,) = [span for span in world.sentry.spans if scope(span) == "httpx"]
    (request,) = world.downstream.requests
    sent = request.headers
    assert sent["traceparent"] == f"00-{TRACE}-{client.span_id}-01"
    assert sent["sentry-trace"] == f"{TRACE}-{client.span_id}-1"
    assert sent["x-datadog-trace-id"] == str(int(TRACE[16:], 16))
    assert sent["x-datadog-parent-id"] == str(int(client.span_id, 16))
    assert sent["x-datadog-sampling-priority"] == "2"
    assert sent["baggage"].count("mine=1") == sent["baggage"].count("sentry-trace_id=") == 1


def test_the_instrumentations_metrics_are_on_every_vendors_page(world, app):
    with shop.serving(app) as url:
        get(f"{url}/orders/7")
        get(f"{url}/orders/8")
    assert anytel.flush(10)
    (prometheus,) = (backend for backend in runtime.active.pipeline.backends if backend.name == "prometheus")
    page = scrape(prometheus.url)
    counted = page.samples("http_server_duration_seconds_count")  # in ms there, and Prometheus wants base units
    assert sum(one.value for one in counted) == 2
    assert {one.labels["http_target"] for one in counted} == {"/orders/{number}"}
    assert page.samples("http_client_duration_seconds_count")
    assert world.statsd.named("http.server.duration")
    assert world.statsd.named("http.server.active_requests")


def test_an_exception_of_a_handler_is_one_report(world, app):
    with shop.serving(app) as url:
        status, _ = get(f"{url}/broken")
    assert status == 500
    assert anytel.flush(10)
    (event,) = world.sentry.events
    assert [one["type"] for one in event["exception"]["values"]] == ["ValueError"]
    (server,) = [span for span in world.sentry.spans if span.name == "GET /broken"]
    assert server.status == "error"
    assert event["contexts"]["trace"]["span_id"] == server.span_id
    assert [span["error"] for span in world.agent.spans if span["resource"] == "GET /broken"] == [1]


def test_what_anytel_uploads_is_never_traced(world, app):
    """Sentry's uploads go through urllib3, which is instrumented here."""
    with anytel.span("work"):
        pass
    assert anytel.flush(10)
    with anytel.span("more"):
        pass
    assert anytel.flush(10)
    assert {span.name for span in world.sentry.spans} == {"work", "more"}


def test_both_instrumentations_of_fastapi_make_one_server_span_and_one_warning(world, app, monkeypatch, capsys):
    monkeypatch.setattr(tracer, "_warned", False)
    instrument(app)
    with shop.serving(app) as url:
        get(f"{url}/orders/7")
        get(f"{url}/orders/7")
    assert anytel.flush(10)
    servers = [span for span in world.sentry.spans if span.attributes.get("sentry.kind") == "server"]
    assert [span.name for span in servers] == ["GET /orders/{number}"] * 2
    said = [line for line in capsys.readouterr().out.splitlines() if "observed twice" in line]
    assert len(said) == 1
    assert "Remove one of them" in said[0]


def test_an_error_of_a_client_library_is_on_its_span(world, app):
    with pytest.raises(redis.ResponseError), anytel.span("root"):
        redis.Redis(port=world.redis, protocol=2).incr("stock")
    with (
        pytest.raises(sqlalchemy.exc.OperationalError),
        anytel.span("root"),
        sqlalchemy.create_engine("sqlite://").connect() as connection,
    ):
        connection.execute(sqlalchemy.text("SELECT nothing FROM nowhere"))
    with pytest.raises(httpx.ConnectError), anytel.span("root"):
        httpx.get("http://127.0.0.1:1/")
    assert anytel.flush(10)
    failed = [span for span in world.sentry.spans if span.name != "root"]
    assert {span.name for span in failed if span.status == "error"} >= {"INCRBY", "GET"}
    assert len(world.sentry.events) == 3
