"""What every envelope says about the process that sends it."""

from __future__ import annotations

import platform
import uuid
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from urllib.parse import quote, unquote

from sentry_sdk.client import SDK_INFO, BaseClient
from sentry_sdk.envelope import Envelope, Item

from anytel.backend import SpanContext
from anytel_sentry.attributes import Typed, typed

__all__ = ["Resource", "isoformat"]

_KNUTH = 1111111111111111111
_MASK = 2**64 - 1
_SAMPLING = ("transaction", "sample_rate", "sample_rand")


class Resource:
    """The release, environment and host as the client has them, and what they become in each kind of item."""

    def __init__(self, client: BaseClient, described: Mapping[str, str]) -> None:
        names = "release", "environment", "server_name", "dist"
        options = client.options
        self.common = {name: str(options[name]).strip() for name in names if options[name]}
        self.sdk = {**SDK_INFO, "integrations": sorted(client.integrations)}
        self.runtime = {"name": platform.python_implementation(), "version": platform.python_version()}
        self.attributes = self._attributes(described)
        self.typed: Typed = typed(self.attributes)
        dsn = client.parsed_dsn
        key, self._org = (dsn.public_key, dsn.org_id) if dsn else ("", None)
        self._header: dict[str, str] = {
            name: self.common[name] for name in ("environment", "release") if name in self.common
        }
        self._header |= {"public_key": key} | ({"org_id": self._org} if self._org else {})
        # Logs and metrics must name a trace: outside of any, the SDK makes one up that lasts as long as its scope.
        self.trace_id, self.span_id = uuid.uuid4().hex, uuid.uuid4().hex[16:]

    def _attributes(self, described: Mapping[str, str]) -> dict[str, str]:
        names = {"release": "sentry.release", "environment": "sentry.environment", "server_name": "server.address"}
        return {
            "sentry.sdk.name": str(self.sdk["name"]),
            "sentry.sdk.version": str(self.sdk["version"]),
            "process.runtime.name": self.runtime["name"],
            "process.runtime.version": self.runtime["version"],
            **{attribute: self.common[name] for name, attribute in names.items() if name in self.common},
        } | ({"service.name": described["service.name"]} if described.get("service.name") else {})

    def ids(self, context: SpanContext | None) -> dict[str, str]:
        """Give the trace and span of *context*; without one, the trace that stands for the process."""
        if context is None:
            return {"trace_id": self.trace_id}
        return {"trace_id": f"{context.trace_id:032x}", "span_id": f"{context.span_id:016x}"}

    def trace(self, context: SpanContext, root_name: str) -> dict[str, str]:
        """Give the dynamic sampling context: what Sentry samples and extrapolates by.

        Format: https://develop.sentry.dev/sdk/telemetry/traces/dynamic-sampling-context/. The random number is the
        one that decided, so that ``sample_rand < sample_rate`` says the same as ``sampled``.
        """
        header = self._continued(context.dynamic_sampling) if context.dynamic_sampling else self._begun(root_name)
        header["trace_id"] = f"{context.trace_id:032x}"
        if context.sample_rate is not None:
            fraction = ((context.trace_id & _MASK) * _KNUTH & _MASK) / 2**64
            # Cut, not rounded: rounding up could reach the rate.
            header |= {"sample_rand": f"{int(fraction * 1e6) / 1e6:.6f}", "sample_rate": str(context.sample_rate)}
        return header | {"sampled": "true" if context.sampled else "false"}

    def _begun(self, root_name: str) -> dict[str, str]:
        """Say what is to be known of a trace that has begun here."""
        return {**self._header, "transaction": root_name} if root_name else dict(self._header)

    def _continued(self, members: str) -> dict[str, str]:
        """Go on with what upstream says; of another organisation, with what concerns the sampling alone.

        An SDK takes the ``org_id`` of another organisation for a trace that it must not continue.
        """
        pairs = (member.partition("=") for member in members.split(","))
        found = {name.removeprefix("sentry-"): unquote(value, errors="replace") for name, _, value in pairs}
        if found.get("org_id", self._org) != self._org:
            found = self._header | {name: found[name] for name in _SAMPLING if name in found}
        return found | ({"org_id": self._org} if self._org else {})

    def baggage(self, context: SpanContext) -> str:
        """Give the dynamic sampling context as members of the ``baggage`` header."""
        return ",".join(f"sentry-{name}={quote(value, safe='')}" for name, value in self.trace(context, "").items())

    def envelope(self, items: Iterable[Item], trace: Mapping[str, str] | None = None, event_id: str = "") -> Envelope:
        """Put *items* in an envelope that is dated now."""
        headers: dict[str, object] = {"sent_at": isoformat(datetime.now(UTC))}
        headers |= {"trace": dict(trace)} if trace else {}
        headers |= {"event_id": event_id} if event_id else {}
        return Envelope(headers, list(items))


def isoformat(moment: datetime) -> str:
    """Write a UTC *moment* the way the SDK does, in microseconds."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
