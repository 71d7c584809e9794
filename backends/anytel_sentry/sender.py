"""Senders: one envelope in, what became of it out."""

from __future__ import annotations

import gzip
import time
from collections.abc import Mapping
from typing import Literal, NamedTuple, Protocol, TypeAlias

import urllib3
from sentry_sdk.client import BaseClient
from sentry_sdk.consts import VERSION, EndpointType
from sentry_sdk.envelope import Envelope
from sentry_sdk.transport import HttpTransport, Transport

from anytel.backend.deadline import Deadline
from anytel.backend.http import close, retry_after, untraced

__all__ = ["Direct", "Handover", "Outcome", "Sender", "sender_for"]

_Fate: TypeAlias = Literal["delivered", "dropped", "retry"]
_REDIRECTS = urllib3.Retry(total=None, connect=0, read=0, status=0, other=0, redirect=3)
_RELIED_ON = "_make_pool", "_check_disabled", "_update_rate_limits", "_fetch_pending_client_report", "_disabled_until"
"""Private names of the SDK's transport that `Direct` uses; a test pins what they do."""


class Outcome(NamedTuple):
    """What became of an envelope: *reason* says why it was dropped, *after* when to try again (seconds)."""

    fate: _Fate
    reason: str = ""
    after: float = 0.0


_DELIVERED = Outcome("delivered")
_RATE_LIMITED = Outcome("dropped", "rate_limited")


class Sender(Protocol):
    """Where envelopes go."""

    def send(self, envelope: Envelope, deadline: float, /) -> Outcome:
        """Send one envelope, blocking until *deadline* (`time.monotonic`) at the latest."""

    def close(self) -> None:
        """Close what was opened here."""


def sender_for(client: BaseClient, transport: Transport) -> Sender:
    """Choose how to send: directly where the transport is the SDK's usual one, else through the transport."""
    usual = type(transport) is HttpTransport and all(hasattr(transport, name) for name in _RELIED_ON)
    return Direct(client, transport) if usual else Handover(client, transport)  # type: ignore[arg-type] # narrowed by `usual`


class Direct:
    """Posts on the calling thread and looks at the answer, so that *delivered* means a 2xx.

    The connection is its own, made by the transport with its proxies, certificates and socket options; the rate
    limits and the client report are shared with it.
    """

    def __init__(self, client: BaseClient, transport: HttpTransport) -> None:
        assert transport.parsed_dsn is not None  # noqa: S101 -- HttpTransport cannot be made without one
        self._client, self._transport = client, transport
        self._pool, self._deadline = transport._make_pool(), Deadline()
        self._deadline.rule(self._pool)
        auth = transport.parsed_dsn.to_auth(f"sentry.python/{VERSION}")
        self._url = auth.get_api_url(EndpointType.ENVELOPE)
        self._headers = {
            "User-Agent": str(auth.client),
            "X-Sentry-Auth": auth.to_header(),
            "Content-Type": "application/x-sentry-envelope",
            "Content-Encoding": "gzip",
        }

    def send(self, envelope: Envelope, deadline: float) -> Outcome:
        """Send one envelope and report the answer; 5xx, no answer and no time left are worth a retry."""
        if self._limited(envelope):
            return _RATE_LIMITED
        if deadline <= time.monotonic():
            return Outcome("retry")
        _show(self._client, envelope)
        try:
            response = untraced(self._post, self._body(envelope), deadline)
        except (urllib3.exceptions.HTTPError, OSError):
            return Outcome("retry")
        self._transport._update_rate_limits(response)
        return self._judge(response.status, response.headers, envelope)

    def close(self) -> None:
        """Close the connections."""
        close(self._pool)

    def _limited(self, envelope: Envelope) -> bool:
        limited = any(self._transport._check_disabled(item.data_category) for item in envelope.items)
        for item in envelope.items if limited else ():
            self._transport.record_lost_event("ratelimit_backoff", item=item)
        return limited

    def _body(self, envelope: Envelope) -> bytes:
        report = self._transport._fetch_pending_client_report(interval=30)
        items = [*envelope.items, report] if report else envelope.items
        # Level 1: half the time of the SDK's level 9, for bodies 8 % larger.
        return gzip.compress(Envelope(envelope.headers, items).serialize(), compresslevel=1, mtime=0)

    def _post(self, body: bytes, deadline: float) -> urllib3.BaseHTTPResponse:
        self._deadline.at = min(deadline, time.monotonic() + self._transport.TIMEOUT)
        timeout = urllib3.Timeout(total=self._deadline.left())
        return self._pool.request(
            "POST", self._url, body=body, headers=self._headers, timeout=timeout, retries=_REDIRECTS
        )

    def _judge(self, status: int, headers: Mapping[str, str], envelope: Envelope) -> Outcome:
        if 200 <= status < 300:
            return _DELIVERED
        if status == 429:  # Relay has counted this loss, and asks not to be offered it again.
            return _RATE_LIMITED
        if status >= 500:
            return Outcome("retry", after=retry_after(headers.get("Retry-After", "")))
        for item in envelope.items:
            self._transport.record_lost_event("send_error", item=item)
        return Outcome("dropped", f"http_{status}")


class Handover:
    """Gives envelopes to a transport of the application's own, which may send later: *delivered* means handed over."""

    def __init__(self, client: BaseClient, transport: Transport) -> None:
        self._client, self._transport = client, transport

    def send(self, envelope: Envelope, deadline: float) -> Outcome:
        """Wait until the transport takes envelopes (it drops them while its queue is full), then hand one over."""
        while not self._transport.is_healthy():
            if time.monotonic() >= deadline:
                return Outcome("retry")
            time.sleep(0.002)
        _show(self._client, envelope)
        untraced(self._transport.capture_envelope, envelope)
        return _DELIVERED

    def close(self) -> None:
        """Leave the transport to the application."""


def _show(client: BaseClient, envelope: Envelope) -> None:
    """Copy *envelope* to Spotlight, which the client feeds and not the transport; events have been shown already."""
    if client.spotlight is not None and not any(item.type == "event" for item in envelope.items):
        client.spotlight.capture_envelope(envelope)
