"""The demo service, a FastAPI application: ``TELEMETRY_BACKENDS=... uvicorn anytel.demo.app:app``."""

from __future__ import annotations

import os
import secrets
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Annotated

from fastapi import Depends, FastAPI, Header, Request
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

import anytel
from anytel import runtime
from anytel.demo import skills
from anytel.demo.revalidate import RevalidateRequest, Revalidation
from anytel.demo.telemetry import ACTIVE_USERS, RESPONSE_TIME, SKILLS
from anytel.fastapi import instrument

__all__ = ["SERVICE", "app", "create_app", "secret"]

SERVICE = "afo-kingdom-api"


def secret() -> str:
    """Give the secret that callers must send: ``REVALIDATE_SECRET``, in the demo "test-secret"."""
    return os.environ.get("REVALIDATE_SECRET") or "test-secret"


def create_app() -> FastAPI:
    """Make the service, with an empty fragment store.

    Started by a server while nothing is configured, it configures telemetry from the environment.
    """
    app = FastAPI(title=SERVICE, lifespan=_lifespan, docs_url=None, redoc_url=None, openapi_url=None)
    revalidation = Revalidation()

    @app.post("/revalidate", dependencies=[Depends(_authorised)])
    async def revalidate(request: RevalidateRequest) -> dict[str, bool | str | None]:
        with _served("revalidate"):
            await revalidation.process(request)
        return {"revalidated": True, "fragmentKey": request.fragmentKey, "pageSlug": request.pageSlug}

    @app.get("/skills")
    async def list_skills() -> dict[str, dict[str, int]]:
        with _served("skills"):
            return {"skills": skills.count()}

    @app.post("/skills/{skill_id}/run")
    async def run_skill(skill_id: str) -> dict[str, str]:
        if skill_id not in SKILLS:
            raise HTTPException(404, "Unknown skill")
        with _served("skills"):
            if not await skills.run(skill_id):
                raise HTTPException(502, "The MCP server failed")
        return {"skill": skill_id, "status": "ok"}

    app.add_exception_handler(405, _method_not_allowed)
    instrument(app, error_handlers=True)
    return app


@contextmanager
def _served(endpoint: str) -> Iterator[None]:
    ACTIVE_USERS.add(1)
    try:
        with RESPONSE_TIME.time({"endpoint": endpoint}):
            yield
    finally:
        ACTIVE_USERS.add(-1)


async def _authorised(x_revalidate_secret: Annotated[str, Header()] = "") -> None:
    sent = x_revalidate_secret.encode("latin-1")  # as it was sent: that is how a header was decoded
    if not secrets.compare_digest(sent, secret().encode()):
        raise HTTPException(401, "Invalid secret")


async def _method_not_allowed(request: Request, exc: Exception) -> JSONResponse:
    headers = exc.headers if isinstance(exc, HTTPException) else None
    return JSONResponse({"error": "Method Not Allowed"}, 405, headers)


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    own = runtime.active.settings is None
    if own:
        anytel.configure(service=os.environ.get("TELEMETRY_SERVICE") or SERVICE)
    skills.count()
    try:
        yield
    finally:
        if own:
            anytel.shutdown()


app = create_app()
