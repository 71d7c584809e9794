"""What a user may choose about the requests of one application."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, field

from anytel import misuse
from anytel.asgi.protocol import Scope, header

__all__ = ["Options"]

_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,128}")
_REQUEST_ID = "x-request-id"


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How requests are observed.

    Args:
        request_id_header: Taken from the request where it is well formed (128 characters of ``[A-Za-z0-9._~+/=:-]``),
            else made; returned in the response.
        exclude: Paths that are not observed at all; ``*`` stands for any characters.
        log_requests: Whether ``request_started`` and ``request_completed`` are logged.
        query: Whether ``url.query`` is recorded.
        trust_incoming: Whether the caller's sampling decision holds; None: as `anytel.configure` says.
        preflights: Whether a browser's CORS preflight requests are observed.
        metrics: The path at which the backend that is scraped (Prometheus) answers, such as ``/metrics``.
    """

    request_id_header: str = _REQUEST_ID
    exclude: Collection[str] = ()
    log_requests: bool = True
    query: bool = False
    trust_incoming: bool | None = None
    preflights: bool = False
    metrics: str | None = None
    request_id_header_lower: str = field(init=False, repr=False, default=_REQUEST_ID)
    request_id_name: bytes = field(init=False, repr=False, default=_REQUEST_ID.encode())
    _excluded: re.Pattern[str] | None = field(init=False, repr=False, compare=False, default=None)

    def __post_init__(self) -> None:
        name = str(self.request_id_header)
        if not _TOKEN.fullmatch(name):
            problem = f"request_id_header={misuse.shown(name)}: no name of a header"
            name = misuse.refuse("request_id_header", problem, _REQUEST_ID)
        object.__setattr__(self, "request_id_header_lower", name.lower())
        object.__setattr__(self, "request_id_name", name.lower().encode())
        if self.metrics is not None and not str(self.metrics).startswith("/"):
            problem = f"metrics={misuse.shown(self.metrics)}: a path begins with '/', as '/metrics'"
            object.__setattr__(self, "metrics", misuse.refuse("metrics_path", problem, None))
        exclude = (self.exclude,) if isinstance(self.exclude, str) else self.exclude
        paths = [".*".join(map(re.escape, str(one).split("*"))) for one in exclude]
        if paths:
            object.__setattr__(self, "_excluded", re.compile("|".join(paths), re.DOTALL))

    def observes(self, scope: Scope) -> bool:
        """Say whether the connection of *scope* is observed."""
        if self._excluded is not None and self._excluded.fullmatch(_path(scope)):
            return False
        return self.preflights or scope.get("method") != "OPTIONS" or not _is_preflight(scope)

    def serves_metrics(self, scope: Scope) -> bool:
        """Say whether *scope* is a scrape."""
        return scope["type"] == "http" and _path(scope) == self.metrics


def _path(scope: Scope) -> str:
    """Give the path as the application declares it, without what a proxy or a mount has put before it."""
    path, root = str(scope["path"]), str(scope.get("root_path", "")).rstrip("/")
    return path[len(root) :] if root and path.startswith(f"{root}/") else path


def _is_preflight(scope: Scope) -> bool:
    """Recognise a CORS preflight (https://fetch.spec.whatwg.org/#cors-preflight-request)."""
    headers = scope.get("headers", ())
    return bool(header(headers, b"origin") and header(headers, b"access-control-request-method"))
