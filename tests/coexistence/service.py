"""A FastAPI service with anytel and vendors' own tracing, put together as its environment says.

python service.py     prints its port, and serves until its standard input is closed
uvicorn service:app   serves as any application is served

COEXIST_VENDORS: comma list of ``sentry-static``, ``sentry-stream``, ``ddtrace`` (``ddtrace.auto``), ``otel``.
COEXIST_PLACE: ``inside`` puts our middleware inside of what the vendors put around the application.
COEXIST_ORDER: ``before`` (the vendors are loaded before anytel and the application), ``after``, or ``late`` (by the
first request).
"""

import os
import sys

VENDORS = frozenset(os.environ.get("COEXIST_VENDORS", "").split(",")) - {""}
ORDER = os.environ.get("COEXIST_ORDER", "before")
ECHO = os.environ.get("COEXIST_ECHO", "")


def load_vendors():
    """Do what an application that uses the vendors' SDKs does."""
    if "ddtrace" in VENDORS:
        import ddtrace.auto  # noqa: F401
    for lifecycle in ("static", "stream"):
        if f"sentry-{lifecycle}" in VENDORS:
            import sentry_sdk

            more = {} if lifecycle == "static" else {"trace_lifecycle": "stream"}
            if os.environ.get("COEXIST_SENTRY") == "otlp":
                from sentry_sdk.integrations.otlp import OTLPIntegration

                more["integrations"] = [OTLPIntegration(setup_otlp_traces_exporter=False)]
            if os.environ.get("COEXIST_SENTRY") == "instrumenter":
                more["instrumenter"] = "otel"
            sentry_sdk.init(traces_sample_rate=1.0, enable_backpressure_handling=False, **more)
    if "otel" in VENDORS:
        from opentelemetry import trace
        from opentelemetry.sdk.trace import TracerProvider

        trace.set_tracer_provider(TracerProvider())


if ORDER == "before":
    load_vendors()

import httpx  # noqa: E402
from fastapi import FastAPI, Request  # noqa: E402

import anytel  # noqa: E402
from anytel.asgi import TelemetryMiddleware  # noqa: E402
from anytel.fastapi import instrument  # noqa: E402

anytel.configure(service="shop", log_level="warning")
INSIDE = "inside" in os.environ.get("COEXIST_PLACE", "")
# What is added inside does not stand for FastAPI's own telemetry, as `instrument` does.
app = FastAPI(telemetry={"tracing": False, "metrics": False}) if INSIDE else FastAPI()


def their_span(name):
    """Begin a span with the SDK of whichever vendor is there."""
    from contextlib import ExitStack

    stack = ExitStack()
    if "ddtrace" in sys.modules:
        from ddtrace.trace import tracer

        stack.enter_context(tracer.trace(name))
    if "sentry-static" in VENDORS:
        import sentry_sdk

        stack.enter_context(sentry_sdk.start_span(name=name, op="theirs"))
    if "sentry-stream" in VENDORS:
        from sentry_sdk import traces

        stack.enter_context(traces.start_span(name))
    return stack


@app.get("/work/{number}")
async def work(number: int, request: Request):
    server = anytel.current_span()
    server.set({"user.tier": "gold"})
    with anytel.span("outer") as outer:
        async with httpx.AsyncClient() as client:
            echoed = (await client.get(f"{ECHO}/echo")).json()
        with their_span("theirs"), anytel.span("inner") as inner:
            async with httpx.AsyncClient() as client:
                await client.get(f"{ECHO}/inner")
    ids = {"server": server, "outer": outer, "inner": inner}
    return {
        "trace_id": server.trace_id,
        "sampled": server.sampled,
        "ids": {name: span.span_id for name, span in ids.items()},
        "echoed": echoed,
        "pid": os.getpid(),
    }


@app.get("/boom")
async def boom():
    with anytel.span("failing"):
        raise ValueError("declined")


@app.get("/direct")
async def direct():
    raise LookupError("nothing around")


@app.get("/captured")
async def captured():
    import sentry_sdk

    try:
        raise KeyError("captured")
    except KeyError as exc:
        sentry_sdk.capture_exception(exc)
        anytel.capture_exception(exc)
        anytel.get_logger("shop").exception("failed")
    return {"trace_id": anytel.current_span().trace_id}


if ORDER == "after":
    load_vendors()
if INSIDE:
    app.add_middleware(TelemetryMiddleware)
else:
    instrument(app)
if ORDER == "late":

    @app.get("/load")
    def load():
        load_vendors()


if __name__ == "__main__":
    from serving import serve

    serve(app, log_level="warning")
