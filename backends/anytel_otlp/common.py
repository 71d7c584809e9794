"""What the three signals have in common on the wire: attribute values, ids, resources and scopes."""

from __future__ import annotations

import os
import platform
import uuid
from collections.abc import Iterable, Mapping
from functools import cache

from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, InstrumentationScope, KeyValue
from opentelemetry.proto.resource.v1.resource_pb2 import Resource

from anytel.backend import Scalar
from anytel.backend.version import version

__all__ = ["Resources", "attributes", "scope", "span_id", "trace_id"]

_OWN_SCOPE = "anytel"


def attributes(pairs: Iterable[tuple[str, Scalar | tuple[Scalar, ...]]]) -> list[KeyValue]:
    """Give attributes with their types."""
    return [KeyValue(key=key, value=_value(value)) for key, value in pairs]


def _value(value: Scalar | tuple[Scalar, ...]) -> AnyValue:
    if isinstance(value, str):
        return AnyValue(string_value=value)
    if isinstance(value, bool):  # before the numbers: it is one
        return AnyValue(bool_value=value)
    if isinstance(value, int):
        return AnyValue(int_value=value)
    if isinstance(value, float):
        return AnyValue(double_value=value)
    return AnyValue(array_value=ArrayValue(values=map(_value, value)))


def trace_id(number: int) -> bytes:
    """Give a trace id's 16 bytes."""
    return number.to_bytes(16, "big")


def span_id(number: int) -> bytes:
    """Give a span id's 8 bytes."""
    return number.to_bytes(8, "big")


def scope(name: str) -> InstrumentationScope:
    """Give the scope of that *name*; ours where it is empty."""
    if not name or name == _OWN_SCOPE:
        return InstrumentationScope(name=_OWN_SCOPE, version=version())
    return InstrumentationScope(name=name)


@cache
def _instance(pid: int) -> str:
    """Give the id by which receivers tell processes apart; it outlives every `configure`, and a fork begins another."""
    return str(uuid.uuid4())


class Resources:
    """The resource of this process, and those that stand for other services which it reports on.

    *described* is what anytel knows of the process, *given* what ``OTEL_RESOURCE_ATTRIBUTES`` says.
    """

    def __init__(self, described: Mapping[str, str], given: Mapping[str, str]) -> None:
        self._service = described.get("service.name", "")
        self._process: dict[str, Scalar] = {
            "telemetry.sdk.language": "python",
            "telemetry.sdk.name": "anytel",
            "telemetry.sdk.version": version(),
            "process.pid": os.getpid(),
            "process.runtime.name": platform.python_implementation().lower(),
            "process.runtime.version": platform.python_version(),
        }
        self._given = {name: value for name, value in given.items() if not name.startswith("service.")}
        own = {"service.instance.id": _instance(os.getpid()), **given, **described}
        self._environment = {name: own[name] for name in ("deployment.environment.name",) if name in own}
        self.own = Resource(attributes=attributes({**self._process, **own}.items()))

    def of(self, service: str) -> Resource:
        """Give the resource of *service*; another one's has no version and no instance that we could know."""
        if service in ("", self._service):
            return self.own
        other = {**self._process, **self._given, **self._environment, "service.name": service}
        return Resource(attributes=attributes(other.items()))
