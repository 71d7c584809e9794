"""A FastAPI application that uses what others have instrumented with OpenTelemetry, and the server that runs it."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import redis
import sqlalchemy
import uvicorn
from fastapi import FastAPI


def make(downstream: str, redis_port: int) -> FastAPI:
    """Make the application; it calls *downstream* and a Redis on *redis_port*."""
    app = FastAPI()
    engine = sqlalchemy.create_engine("sqlite://", poolclass=sqlalchemy.pool.StaticPool)
    store = redis.Redis(port=redis_port, protocol=2)

    @app.get("/orders/{number}")
    def order(number: int) -> dict[str, object]:
        with engine.connect() as connection:
            found = connection.execute(sqlalchemy.text("SELECT 40 + 2")).scalar()
        store.set("stock", number)
        price = httpx.get(f"{downstream}/prices", headers={"baggage": "mine=1"}).status_code
        logging.getLogger("orders").warning("sold %s", number)
        return {"found": found, "stock": store.get("stock"), "price": price}

    @app.get("/broken")
    async def broken() -> None:
        raise ValueError("broken")

    return app


@contextmanager
def serving(app: FastAPI) -> Iterator[str]:
    """Run *app* under uvicorn on a free port; gives its address."""
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_config=None, lifespan="off"))
    started = threading.Event()
    startup = server.startup

    async def starting(*args: object, **kwargs: object) -> None:
        await startup(*args, **kwargs)
        started.set()

    server.startup = starting
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        assert started.wait(20)
        port = server.servers[0].sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(20)
