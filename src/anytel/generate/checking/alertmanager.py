"""Alertmanager's configuration: what amtool accepts, and that tells the wrong people, or too many."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

from anytel.catalogue.durations import seconds
from anytel.generate.checking.artefacts import Artefacts
from anytel.generate.checking.finding import Finding

__all__ = ["alertmanager_checks"]

_Data: TypeAlias = Mapping[str, Any]

_SECRETS = (
    "slack_api_url", "api_url", "smtp_auth_password", "auth_password", "routing_key", "service_key", "api_key",
    "bot_token", "credentials", "bearer_token", "password",
)  # fmt: skip
_OLD = ("match", "match_re", "source_match", "source_match_re", "target_match", "target_match_re")
_GROUP_INTERVAL = "5m"


def alertmanager_checks(artefacts: Artefacts) -> Iterator[Finding]:
    """Check each configuration by itself."""
    for file in artefacts.of("alertmanager"):
        found = [*_secrets(file.data), *_old(file.data), *_inhibitions(file.data), *_route(file.data["route"], {})]
        yield from [Finding("alerting", "failed", file.path, wrong) for wrong in dict.fromkeys(found)]
        if not any(len(one) > 1 for one in file.data["receivers"]):
            yield Finding("alerting", "noted", file.path, "nobody is told of anything: no receiver has a way")
        elif not found:
            yield Finding("alerting", "passed", file.path)


def _walk(data: object) -> Iterator[_Data]:
    if isinstance(data, dict):
        yield data
        for one in data.values():
            yield from _walk(one)
    elif isinstance(data, list):
        for one in data:
            yield from _walk(one)


def _secrets(data: _Data) -> Iterator[str]:
    for part in _walk(data):
        yield from (f"{name} holds a secret; write {name}_file" for name in _SECRETS if part.get(name))


def _old(data: _Data) -> Iterator[str]:
    for part in _walk({name: data.get(name) for name in ("route", "inhibit_rules")}):
        yield from (f"{name}: is deprecated; write matchers" for name in _OLD if name in part)


def _inhibitions(data: _Data) -> Iterator[str]:
    for rule in data.get("inhibit_rules") or ():
        if not rule.get("equal"):
            yield "an inhibition without equal: one alert would silence those of all services"


def _route(route: _Data, above: _Data) -> Iterator[str]:
    here = {**above, **{name: value for name, value in route.items() if name != "routes"}}
    if not {"alertname", "..."} & set(here.get("group_by") or ()):
        yield f"receiver {here.get('receiver')}: without alertname in group_by different alerts become one message"
    group, repeat = here.get("group_interval", _GROUP_INTERVAL), here.get("repeat_interval", "4h")
    try:
        if seconds(repeat) % seconds(group):
            yield f"receiver {here.get('receiver')}: repeat_interval {repeat} is no multiple of group_interval {group}"
    except (ValueError, ZeroDivisionError):
        pass  # amtool tells what is no duration
    for one in route.get("routes") or ():
        yield from _route(one, here)
