"""One WebSocket connection: a server span from the handshake to the close."""

from __future__ import annotations

from anytel.asgi.exchange import Exchange
from anytel.asgi.protocol import Message, Receive, Send
from anytel.asgi.request_id import echoed

__all__ = ["WebSocketExchange"]

_NO_CODE = 1005
_INTERNAL_ERROR = 1011
"""Close codes of RFC 6455, section 7.4.1."""


class WebSocketExchange(Exchange):
    """One WebSocket connection; its status is that of the handshake."""

    code: int | None = None

    def _receiving(self, receive: Receive) -> Receive:
        async def receiving() -> Message:
            message = await receive()
            if message["type"] == "websocket.disconnect":
                self.gone = True
                if self.code is None:
                    self.code = message.get("code", _NO_CODE)
            return message

        return receiving

    def _sending(self, send: Send) -> Send:
        async def sending(message: Message) -> None:
            kind = message["type"]
            if kind in ("websocket.accept", "websocket.http.response.start"):
                self.status = message.get("status", 101)
                self._named()
                message = echoed(message, self.options.request_id_name, self.request_id)
            elif kind == "websocket.close":
                self._closed(message)
            try:
                await send(message)
            except OSError as exc:
                self._cut_off(exc)
                raise

        return sending

    def _closed(self, message: Message) -> None:
        if not self.status:
            self.status = 403  # so the server answers a handshake that is refused
        elif self.code is None:
            self.code = message.get("code", 1000)

    def _failed(self, exc: Exception) -> None:
        super()._failed(exc)
        if self.error and self.code is None and self.status == 101:
            self.code = _INTERNAL_ERROR  # so the server closes then

    def _finish(self) -> None:
        if not self.finished:
            self.span.set({"websocket.close_code": self.code})
        super()._finish()

    def _name(self, route: str) -> str:
        return f"WEBSOCKET {route}".rstrip()

    def _error(self) -> str:
        return str(_INTERNAL_ERROR) if self.code == _INTERNAL_ERROR else super()._error()

    def _reason(self) -> str:
        return f"WebSocket closed with {self.code}" if self.code == _INTERNAL_ERROR else super()._reason()

    def _outcome(self) -> dict[str, object]:
        return {**super()._outcome(), "close_code": self.code}

    def _record(self, seconds: float, route: str | None, error: str | None) -> None:
        """Record nothing: how long a connection is kept says nothing of how long requests take."""
