"""The SDK's client: the application's, or one of our own."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from weakref import WeakSet

import sentry_sdk
from sentry_sdk.client import BaseClient
from sentry_sdk.scope import (
    has_external_propagation_context,
    register_external_propagation_context,
    remove_external_propagation_context,
)
from sentry_sdk.transport import AsyncHttpTransport, Transport

__all__ = ["Linked", "adoptable", "close", "drain", "forget_inherited", "initialise"]

_ours: WeakSet[BaseClient] = WeakSet()
"""Clients made here, which a later backend must not take for the application's."""


def adoptable() -> BaseClient | None:
    """Give the client that the application has initialised, if it can send."""
    client = sentry_sdk.get_client()
    return client if client.transport is not None and client not in _ours else None


def initialise(dsn: str, resource: Mapping[str, str]) -> BaseClient:
    """Initialise the SDK for what it is needed for: its transport, and errors and logs captured with it directly.

    Integrations and tracing are off: what they do is ours to do. The backpressure monitor is off too, since it
    would change the shared sampling decision for one vendor.
    """
    release = _release(resource)
    sentry_sdk.init(
        dsn=dsn,
        release=release,  # without one, the SDK forks `git` to find it
        environment=resource.get("deployment.environment.name") or None,
        server_name=resource.get("host.name") or None,
        default_integrations=False,
        auto_enabling_integrations=False,
        enable_backpressure_handling=False,
    )
    client = sentry_sdk.get_client()
    client.options["release"] = release or None
    _ours.add(client)
    if client.transport is not None:
        client.transport.flush(0.001)  # starts its thread here, outside any span that the thread might inherit
    return client


def _release(resource: Mapping[str, str]) -> str:
    """Name the release as Sentry recommends: ``package@version``."""
    service, version = resource.get("service.name", ""), resource.get("service.version", "")
    named = f"{service}@{version}" if service and version else version
    return os.environ.get("SENTRY_RELEASE", "") or named


def forget_inherited(transport: Transport) -> None:
    """Drop what the parent process had queued in *transport*: it sends that itself."""
    renew: Callable[[Mapping[str, object]], object] | None = getattr(transport, "_create_worker", None)
    if renew is not None and transport.options is not None:
        transport._worker = renew(transport.options)  # type: ignore[attr-defined] # HttpTransportCore has it


def drain(client: BaseClient, deadline: float) -> bool:
    """Send what the SDK itself still holds; whether that was done in time."""
    if isinstance(client.transport, AsyncHttpTransport):  # drained by its event loop, and by `flush_async` alone
        return True
    client.flush(timeout=max(0.0, deadline - time.monotonic()))
    return time.monotonic() < deadline


def close(client: BaseClient, deadline: float) -> bool:
    """Close a client of our own; the application's is only drained."""
    drained = drain(client, deadline)
    if client in _ours:
        client.close(timeout=0.0)
        if sentry_sdk.get_client() is client:
            sentry_sdk.get_global_scope().set_client(None)
    return drained


class Linked:
    """While open, what the application captures with the SDK itself carries the ids of our current span."""

    _last: Linked | None = None

    def __init__(self, ids: Callable[[], tuple[str, str] | None]) -> None:
        self._ids = ids

    def open(self) -> None:
        """Register with the SDK, which knows one such function; one that is not ours stays."""
        if Linked._last is not None or not has_external_propagation_context():
            register_external_propagation_context(self._ids)
            Linked._last = self

    def close(self) -> None:
        """Undo `open`, unless a later backend has registered since."""
        if Linked._last is self:
            remove_external_propagation_context()
            Linked._last = None
