"""What a failing request leaves at each vendor: one issue, one failed span, one trace."""

import asyncio

import httpx
import pytest
from fastapi import BackgroundTasks, FastAPI, HTTPException
from pydantic import BaseModel

import anytel
from anytel.fastapi import instrument
from anytel.testing.receivers.datadog import trace_id_of


class Item(BaseModel):
    size: int


def make(*, error_handlers):
    """Make an application that fails in several ways."""
    app = FastAPI()

    @app.get("/boom")
    async def boom():
        with anytel.span("work"):
            try:
                raise ValueError("declined")
            except ValueError as exc:
                anytel.get_logger("shop").exception("failed")
                anytel.capture_exception(exc)
                raise

    @app.get("/model")
    async def model():
        return Item(size="many")

    @app.get("/later")
    async def later(tasks: BackgroundTasks):
        def task():
            raise ValueError("later")

        tasks.add_task(task)

    @app.get("/teapot")
    async def teapot():
        raise HTTPException(418)

    @app.get("/down")
    async def down():
        raise HTTPException(503)

    @app.post("/items")
    async def items(item: Item):
        return item

    return instrument(app, error_handlers=error_handlers)


def ask(app, method, path):
    async def go():
        transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://shop") as client:
            return await client.request(method, path, json={})

    return asyncio.run(go())


@pytest.mark.parametrize("error_handlers", [True, False])
@pytest.mark.parametrize(
    ("method", "path", "issues", "failed"),
    [
        ("GET", "/boom", 1, True),
        ("GET", "/model", 1, True),
        ("GET", "/later", 1, False),
        ("GET", "/teapot", 0, False),
        ("GET", "/down", 0, True),
        ("POST", "/items", 0, False),
        ("GET", "/nowhere", 0, False),
    ],
)
def test_an_exception_is_one_issue_and_a_5xx_is_a_failed_span_everywhere(
    vendors, error_handlers, method, path, issues, failed
):
    """Though it was logged and captured on its way, and whoever answers it; a 4xx is no error of the span."""
    anytel.configure()

    answer = ask(make(error_handlers=error_handlers), method, path)
    assert anytel.flush(10)

    assert len(vendors.sentry.events) == issues
    (segment,) = [span for span in vendors.sentry.spans if span.is_segment]
    (chunk,) = vendors.agent.traces
    (root,) = [span for span in chunk if not span["parent_id"]]
    assert [event["contexts"]["trace"]["trace_id"] for event in vendors.sentry.events] == [segment.trace_id] * issues
    assert f"{trace_id_of(chunk):032x}" == segment.trace_id
    assert (segment.status == "error", bool(root["error"])) == (failed, failed)
    if error_handlers and answer.status_code == 500:
        assert answer.json()["trace_id"] == segment.trace_id
