"""Compose projects: what the specification's schema allows, and that does not start, or should not."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

from anytel.generate.checking.artefacts import Artefact, Artefacts
from anytel.generate.checking.finding import Finding

__all__ = ["compose_checks"]

_Service: TypeAlias = Mapping[str, Any]

_SECRET = re.compile(r"(?i)(pass(word)?|secret|token|(access|api|routing|integration)_?key)(_|$)")
_GIVEN = re.compile(r"\$\{\w+[^}]*\}|/run/secrets/.*|")
"""What may stand for a secret: a variable of whoever starts it, a secret's path, or nothing."""


def compose_checks(artefacts: Artefacts) -> Iterator[Finding]:
    """Check each project by itself."""
    for file in artefacts.of("compose"):
        found = [wrong for one in (_services, _parts, _ports, _mounts) for wrong in one(artefacts, file)]
        yield from [Finding("compose", "failed", file.path, wrong) for wrong in found]
        if not found:
            yield Finding("compose", "passed", file.path)


def _services(artefacts: Artefacts, file: Artefact) -> Iterator[str]:
    services: Mapping[str, _Service] = file.data["services"]
    if "version" in file.data:
        yield "version: is obsolete, and warned of"
    for name, service in services.items():
        image = str(service.get("image", ""))
        tag = image.rpartition("/")[2].partition(":")[2]
        if image and not image.startswith("${") and (not tag or tag == "latest"):
            yield f"{name}: the image {image} is not pinned to a version"
        if service.get("privileged"):
            yield f"{name}: it is privileged"
        for variable, value in (service.get("environment") or {}).items():
            if _SECRET.search(variable) and not _GIVEN.fullmatch(str(value)):
                yield f"{name}: {variable} holds a secret"
        yield from _needs(name, service, services)


def _needs(name: str, service: _Service, services: Mapping[str, _Service]) -> Iterator[str]:
    for other, how in (service.get("depends_on") or {}).items():
        if other not in services:
            yield f"{name}: it depends on {other}, which is not there"
        elif how.get("condition") == "service_healthy" and not services[other].get("healthcheck"):
            yield f"{name}: it waits for {other} to be healthy, which has no healthcheck"
        elif how.get("condition") == "service_completed_successfully" and services[other].get("restart") != "no":
            yield f"{name}: it waits for {other} to end, which is restarted"


def _parts(artefacts: Artefacts, file: Artefact) -> Iterator[str]:
    """Whatever is named is declared, and whatever is declared is used."""
    for kind in ("networks", "secrets", "volumes"):
        declared = set(file.data.get(kind) or {})
        used = {name for one in file.data["services"].values() for name in _named(one, kind)}
        yield from (f"{kind}: {name} is used and not declared" for name in sorted(used - declared))
        yield from (f"{kind}: {name} is declared and not used" for name in sorted(declared - used))
    for name, secret in (file.data.get("secrets") or {}).items():
        if "environment" not in secret and "external" not in secret:
            yield f"secrets: {name} is in a file"


def _named(service: _Service, kind: str) -> Iterator[str]:
    for one in service.get(kind) or ():
        name = str(one).partition(":")[0] if kind == "volumes" else str(one)
        if kind != "volumes" or name[0] not in "./~$":
            yield name


def _ports(artefacts: Artefacts, file: Artefact) -> Iterator[str]:
    published = [str(port) for one in file.data["services"].values() for port in one.get("ports") or ()]
    hosts = Counter(_host(port) for port in published)
    yield from (
        f"ports: {port} of this machine is published {number} times" for port, number in hosts.items() if number > 1
    )
    for port in published:
        if not port.startswith(("127.0.0.1:", "[::1]:")):
            yield f"ports: {port} is open to everybody; write 127.0.0.1:{port}"


def _host(port: str) -> str:
    """Give the host's port: what stands before the last colon outside of variables."""
    return re.sub(r"\$\{[^}]*\}", lambda found: found[0].replace(":", ";"), port).rpartition(":")[0].rpartition(":")[2]


def _mounts(artefacts: Artefacts, file: Artefact) -> Iterator[str]:
    folder = (artefacts.folder / file.path).parent
    writers: dict[str, set[str]] = {}
    for name, service in file.data["services"].items():
        for volume in service.get("volumes") or ():
            source = str(volume).partition(":")[0]
            if source.startswith("./") and not (folder / source).exists() and not source.endswith("dashboards"):
                yield f"{name}: it mounts {source}, which is not there"
            if source[0] not in "./~$" and service.get("restart") != "no":
                writers.setdefault(source, set()).add(str(service.get("user", "")))
    for volume, users in writers.items():
        if len(users) > 1:
            shown = ", ".join(sorted(user or "its image's" for user in users))
            yield f"volumes: {volume} is written to by several users: {shown}"
