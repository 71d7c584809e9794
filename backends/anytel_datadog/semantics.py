"""From OpenTelemetry's attribute names to what Datadog shows.

The names follow Datadog's "OpenTelemetry semantic conventions mapping", which its Agent applies to spans that arrive by
OTLP, and what ddtrace's integrations set.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from anytel.backend import Attributes, SpanKind, SpanRecord

__all__ = ["Identity", "identify", "translate"]

_HTTP = {
    "client.address": "http.client_ip",
    "http.request.body.size": "http.request.content_length",
    "http.request.header.referer": "http.referrer",
    "http.request.method": "http.method",
    "http.response.body.size": "http.response.content_length",
    "http.response.status_code": "http.status_code",
    "network.protocol.version": "http.version",
    "url.full": "http.url",
    "user_agent.original": "http.useragent",
}
_DATABASE = {
    "db.namespace": "db.name",
    "db.operation.name": "db.operation",
    "db.query.text": "db.statement",
    "db.system.name": "db.system",
}
_RENAMED = _HTTP | _DATABASE
_TEXT = frozenset({"http.status_code", "http.version"})
"""Strings in Datadog, even where they are numbers: facets are made of strings."""
_CONSUMED = frozenset({"operation.name", "resource.name", "service.name", "span.type"})
"""Said by fields of the span."""

_TYPES: Mapping[SpanKind, str] = {"server": "web", "consumer": "worker", "producer": "worker"}
_CACHES = frozenset({"redis", "memcached", "valkey"})
_NOT_SQL = frozenset({"cassandra", "couchbase", "dynamodb", "elasticsearch", "mongodb", "neo4j", "opensearch"})


class Identity(NamedTuple):
    """What Datadog groups a span by: *operation* makes the metric's name, *resource* is what was worked on."""

    operation: str
    resource: str
    type: str


def identify(span: SpanRecord) -> Identity:
    """Name a span. The attributes ``operation.name``, ``resource.name`` and ``span.type`` decide where they are set.

    An HTTP span is ``http.server.request`` or ``http.client.request``, and its own name, ``POST /route``, the resource.
    """
    given = span.attributes
    over_http = "http.request.method" in given and span.kind in ("server", "client")
    return Identity(
        operation=str(given.get("operation.name") or (f"http.{span.kind}.request" if over_http else span.name)),
        resource=str(given.get("resource.name") or span.name),
        type=str(given.get("span.type") or _type(span.kind, given)),
    )


def _type(kind: SpanKind, attributes: Attributes) -> str:
    if kind != "client":
        return _TYPES.get(kind, "")
    system = str(attributes.get("db.system.name") or attributes.get("db.system") or "")
    if system:
        return "cache" if system in _CACHES else "db" if system in _NOT_SQL else "sql"
    return "http" if "http.request.method" in attributes else ""


def translate(span: SpanRecord) -> Attributes:
    """Give the attributes of *span* by Datadog's names; one that is set by that name already keeps its value."""
    given = span.attributes
    found = {_RENAMED.get(key, key): value for key, value in given.items() if key not in _CONSUMED}
    found |= {key: given[key] for key in found.keys() & given.keys()}
    found |= {key: str(found[key]) for key in _TEXT & found.keys()}
    if "http.method" in found and "http.url" not in found and "url.path" in given:
        found["http.url"] = _url(given)
    if span.kind == "client" and "server.address" in given:  # by these Datadog infers the service that was called
        found.setdefault("out.host", given["server.address"])
        if "server.port" in given:
            found.setdefault("network.destination.port", given["server.port"])
    return found


def _url(given: Attributes) -> str:
    path = str(given["url.path"])
    if "url.scheme" not in given or "server.address" not in given:
        return path
    port = f":{given['server.port']}" if "server.port" in given else ""
    return f"{given['url.scheme']}://{given['server.address']}{port}{path}"
