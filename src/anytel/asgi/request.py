"""What a request's span says of it: the attributes of the stable HTTP semantic conventions.

https://opentelemetry.io/docs/specs/semconv/http/http-spans/#http-server-span
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from anytel.asgi.protocol import Scope

__all__ = ["attributes", "known_method"]

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH", "QUERY"})
_PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443}


def known_method(scope: Scope) -> str:
    """Give the request's method, or ``_OTHER``: of those that a caller invents there are as many as it likes."""
    method = scope.get("method", "GET")
    return method if method in METHODS else "_OTHER"


def attributes(scope: Scope, headers: Mapping[str, str], *, method: str, query: bool) -> dict[str, object]:
    """Give the attributes that are known when the request begins."""
    client, scheme = scope.get("client"), scope.get("scheme", "http")
    address, port = _server(headers.get("host", ""), scope.get("server"), scheme)
    return {
        "http.request.method": method,
        "http.request.method_original": scope["method"] if method == "_OTHER" else None,
        "url.path": scope["path"],
        "url.scheme": scheme,
        "url.query": (scope.get("query_string", b"").decode("latin-1") or None) if query else None,
        "server.address": address,
        "server.port": port,
        "client.address": client[0] if client else None,
        "user_agent.original": headers.get("user-agent") or None,
        "network.protocol.version": scope.get("http_version"),
    }


def _server(host: str, server: tuple[str, int | None] | None, scheme: str) -> tuple[str | None, int | None]:
    """Give the name and port that the client has asked for, or where the server listens if it has not said."""
    name, port = _host(host) if host else (None, None)
    if name is not None:
        return name, port or _PORTS.get(scheme)
    return (server[0] or None, server[1]) if server else (None, None)


@lru_cache(maxsize=256)
def _host(host: str) -> tuple[str | None, int | None]:
    """Read a ``Host`` header (RFC 9110, section 7.2); one that is no host gives nothing."""
    name, colon, port = host.rpartition(":")
    if not colon or "]" in port:
        name, port = host, ""
    if not name or len(name) > 255 or not set(name).isdisjoint(" /@?#\\,") or (port and not _is_port(port)):
        return None, None
    return name.strip("[]").lower(), int(port) if port else None


def _is_port(text: str) -> bool:
    return text.isascii() and text.isdigit() and 0 < len(text) <= 5 and 0 < int(text) < 65_536
