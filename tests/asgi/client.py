"""Requests to an application in process: through httpx, or message by message."""

import asyncio

import httpx

__all__ = ["ask", "drive", "scope_of"]


def ask(app, method, path, **more) -> httpx.Response:
    """Send one request and give the answer; what the application raises is its server's to answer."""

    async def send():
        transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://shop") as client:
            return await client.request(method, path, **more)

    return asyncio.run(send())


def scope_of(path="/", **changes):
    """Give the scope of a request as a server makes it."""
    return {
        "type": "http", "asgi": {"version": "3.0", "spec_version": "2.4"}, "http_version": "1.1", "method": "GET",
        "scheme": "http", "path": path, "raw_path": path.encode(), "query_string": b"", "root_path": "",
        "headers": [], "client": ("10.0.0.9", 4711), "server": ("127.0.0.1", 8000), **changes,
    }  # fmt: skip


def drive(app, scope, *messages, fails_at="", failing=None):
    """Call *app* with what the client sends, then its disconnect; give what it sent, and what it raised.

    At the message *fails_at*, which is a type or a number, sending raises *failing*.
    """
    sent, raised = [], None
    gone = "websocket.disconnect" if scope["type"] == "websocket" else "http.disconnect"
    queue = [*messages, {"type": gone}]

    async def receive():
        return queue.pop(0)

    async def send(message):
        if fails_at in (message["type"], len(sent)):
            raise failing
        sent.append(message)

    async def run():
        nonlocal raised
        try:
            await app(scope, receive, send)
        except Exception as exc:
            raised = exc

    asyncio.run(run())
    return sent, raised
