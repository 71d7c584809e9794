"""One process of a trace that passes several: a service with one vendor's SDK alone, or a call from one.

python process.py serve VENDOR         prints its port, and serves until its standard input is closed
python process.py call VENDOR URL keep|drop    prints what it knows of the trace, and what the URL has answered
"""

import json
import sys
from typing import Annotated

import httpx
from fastapi import FastAPI, Query, Request

from serving import serve


class Sentry:
    """A service that has Sentry's SDK and nothing else."""

    def __init__(self, rate):
        import sentry_sdk
        from sentry_sdk.transport import Transport

        class Nowhere(Transport):
            def capture_envelope(self, envelope):
                """Send nothing."""

        # The caller's organisation is another than the callee's: its id is in the baggage, and would split the trace.
        dsn = f"http://key@o{len(sys.argv[1])}.ingest.localhost/1"
        self.sdk = sentry_sdk
        sentry_sdk.init(dsn=dsn, transport=Nowhere, traces_sample_rate=rate, auto_session_tracking=False)

    def known(self, request):
        span = self.sdk.get_current_span()
        return span.trace_id, bool(span.sampled)

    def call(self, url, keep):
        with self.sdk.start_transaction(name="call"):
            return self.known(None), httpx.get(url, timeout=30).json()


class Datadog:
    """A service that has ddtrace and nothing else."""

    def __init__(self, rate):
        import ddtrace
        from ddtrace.trace import tracer

        ddtrace.patch(fastapi=True, httpx=True)
        self.tracer = tracer

    def known(self, request):
        context = self.tracer.current_root_span().context
        priority = context.sampling_priority
        return f"{context.trace_id:032x}", None if priority is None else priority > 0

    def call(self, url, keep):
        with self.tracer.trace("call") as span:
            span.context.sampling_priority = 2 if keep else -1
            return self.known(None), httpx.get(url, timeout=30).json()


class OpenTelemetry:
    """A service that has OpenTelemetry's SDK and nothing else."""

    def __init__(self, rate):
        from opentelemetry import propagate, trace
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.sampling import ParentBasedTraceIdRatio

        self.tracer = TracerProvider(ParentBasedTraceIdRatio(rate)).get_tracer("interop")
        self.propagate, self.trace = propagate, trace

    def known(self, request):
        with self.tracer.start_as_current_span("served", context=self.propagate.extract(request.headers)) as span:
            return self._of(span)

    def _of(self, span):
        context = span.get_span_context()
        return f"{context.trace_id:032x}", context.trace_flags.sampled

    def call(self, url, keep):
        with self.tracer.start_as_current_span("call") as span:
            headers = {}
            self.propagate.inject(headers)
            return self._of(span), httpx.get(url, headers=headers, timeout=30).json()


VENDORS = {"sentry": Sentry, "datadog": Datadog, "opentelemetry": OpenTelemetry}


def make():
    """Make the service of the vendor that is named on the command line."""
    vendor = VENDORS[sys.argv[2]](1.0)
    app = FastAPI()

    @app.get("/")
    async def served(request: Request):
        return vendor.known(request)

    return app


def make_anytel():
    """Make the service between two others: instrumented with anytel, it calls the one whose URL it is given."""
    import anytel
    from anytel.fastapi import instrument

    anytel.configure(service="relay", backends="memory", sample_rate=0.5, log_level="error")
    app = instrument(FastAPI())

    @app.get("/")
    async def relay(to: Annotated[list[str], Query()]):
        server, callees = anytel.current_span(), []
        for url in to:
            with anytel.span("call", kind="client"):
                headers = {}
                anytel.inject(headers)
                async with httpx.AsyncClient() as client:
                    callees.append((await client.get(url, headers=headers, timeout=30)).json())
        return {"relay": (server.trace_id, server.sampled), "callees": callees}

    return app


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        factory = "make_anytel" if sys.argv[2] == "anytel" else "make"
        serve(f"process:{factory}", factory=True, log_level="error")
    else:
        keep = sys.argv[4] == "keep"
        known, answer = VENDORS[sys.argv[2]](float(keep)).call(sys.argv[3], keep)
        print(json.dumps({"caller": known, **answer}))
