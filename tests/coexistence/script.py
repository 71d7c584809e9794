"""A process without a server in which a vendor's own spans are around ours: ``python script.py CASE VENDORS``.

Prints as JSON what it knows of its spans.
"""

import asyncio
import json
import os
import sys
from concurrent.futures import ThreadPoolExecutor

CASE, VENDORS = sys.argv[1], sys.argv[2].split(",")
KEPT = "dropped" not in VENDORS

if "ddtrace" in VENDORS:
    import ddtrace.auto  # noqa: F401
    from ddtrace.trace import tracer
if "sentry-static" in VENDORS or "sentry-stream" in VENDORS:
    import sentry_sdk
    from sentry_sdk import traces

    more = {"trace_lifecycle": "stream"} if "sentry-stream" in VENDORS else {}
    sentry_sdk.init(traces_sample_rate=float(KEPT), enable_backpressure_handling=False, **more)

import anytel  # noqa: E402

anytel.configure(service="job", sample_rate=float(KEPT), span_mode=os.environ.get("SPAN_MODE", "auto"))


def theirs(name, *, root=False):
    """Begin a span of the vendor's own; gives the span and how to read its id."""
    if "ddtrace" in VENDORS:
        return tracer.trace(name)
    if "sentry-stream" in VENDORS:
        return traces.start_span(name)
    return sentry_sdk.start_transaction(name=name) if root else sentry_sdk.start_span(name=name)


def ids(span):
    """Give the trace and span id, whoever's span it is."""
    if isinstance(span.trace_id, int):
        return f"{span.trace_id:032x}", f"{span.span_id:016x}"
    return span.trace_id, span.span_id


def around():
    """Begin ours in theirs, theirs in that, and ours in that."""
    with (
        theirs("outermost", root=True) as outermost,
        anytel.span("root") as root,
        theirs("nested") as nested,
        anytel.span("deep") as deep,
    ):
        if "ddtrace" not in VENDORS:
            sentry_sdk.capture_message("within")
    return {
        "outermost": ids(outermost), "root": ids(root), "nested": ids(nested), "deep": ids(deep),
        "sampled": root.sampled,
    }  # fmt: skip


def tasks():
    """Begin theirs in ours in several tasks at once, and ours in theirs."""

    async def one(number):
        with anytel.span(f"ours {number}") as ours:
            await asyncio.sleep(0)
            with theirs(f"theirs {number}") as inner:
                await asyncio.sleep(0.001)
                with anytel.span(f"below {number}") as below:
                    await asyncio.sleep(0)
        return ids(ours), ids(inner), ids(below)

    async def run():
        with anytel.span("root") as root:
            return {"root": ids(root), "tasks": await asyncio.gather(*map(one, range(5)))}

    return asyncio.run(run())


def threads():
    """Begin theirs in threads that were given our context."""

    def one(number):
        with theirs(f"theirs {number}") as inner:
            return ids(inner)

    with anytel.span("root") as root, ThreadPoolExecutor(2) as pool:
        return {"root": ids(root), "threads": list(pool.map(anytel.propagate(one), range(4)))}


def generator():
    """Advance a traced generator between spans of theirs."""

    @anytel.traced("stream")
    def stream():
        for number in range(3):
            with theirs(f"inside {number}") as inner:
                yield ids(inner)

    with anytel.span("root") as root:
        inside = list(stream())
        with theirs("after") as after:
            return {"root": ids(root), "inside": inside, "after": ids(after)}


def raised():
    """Let an exception through theirs and ours, reported by both."""
    try:
        with anytel.span("root"), anytel.span("inner") as inner:
            raise ValueError("declined")
    except ValueError as exc:
        sentry_sdk.capture_exception(exc)
        return {"inner": ids(inner), "error_id": anytel.capture_exception(exc)}


if __name__ == "__main__":
    found = globals()[CASE]()
    found["delivered"] = anytel.shutdown(5)
    counts = anytel.stats().backends
    found["accounts"] = {
        name: [counts[name]["span"].handed, counts[name]["span"].queued] for name in counts if "span" in counts[name]
    }
    print(json.dumps(found))
