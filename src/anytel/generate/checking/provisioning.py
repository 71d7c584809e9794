"""Provisioning files of Grafana: names that have to fit each other, secrets, and what its own reader refuses."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

from anytel.catalogue.durations import seconds
from anytel.generate.checking.artefacts import Artefact, Artefacts
from anytel.generate.checking.finding import Finding

__all__ = ["provisioning_checks"]

CHECK = "provisioning"
_Data: TypeAlias = Mapping[str, Any]
_SECRETS: Mapping[str, Sequence[str]] = {
    "slack": ("url", "token"),
    "webhook": ("password", "authorization_credentials"),
    "pagerduty": ("integrationKey",),
}
_GIVEN = re.compile(r"\$__(?:file|env|vault)\{.+\}|\$\{?\w+\}?")
_RANDOM = re.compile(r"(?<!\$)\$(?!\$|__(?:file|env|vault)\{)")
_STATES = {
    "noDataState": ("Alerting", "NoData", "OK", "KeepLast"),
    "execErrState": ("Alerting", "Error", "OK", "KeepLast"),
}
_EVERY = 10
"""Seconds of which the interval of a group is a multiple."""
_LONGEST = 40


def provisioning_checks(artefacts: Artefacts) -> Iterator[Finding]:
    """Check each file, and that what it names is in the files beside it."""
    files = artefacts.of("provisioning")
    for file in files:
        beside = [one for one in files if _root(one) == _root(file)]
        known = _Known(beside)
        checks: Sequence[Callable[[_Data, _Known], Iterator[str]]] = (_sources, _rules, _contacts, _policies)
        wrong = [one for check in checks for one in check(file.data, known)]
        yield from [Finding(CHECK, "failed", file.path, one) for one in dict.fromkeys(wrong)]
        if not wrong:
            yield Finding(CHECK, "passed", file.path)


def _root(file: Artefact) -> str:
    """Give the folder ``provisioning``: files below one such folder are read by one Grafana."""
    return file.path.rpartition("/")[0].rpartition("/")[0]


class _Known:
    """The names in the files of one Grafana."""

    def __init__(self, files: Sequence[Artefact]) -> None:
        self.sources = {one["uid"] for file in files for one in file.data.get("datasources") or () if "uid" in one}
        self.contacts = {one["name"] for file in files for one in file.data.get("contactPoints") or ()}
        self.mutes = {one["name"] for file in files for one in file.data.get("muteTimes") or ()}
        self.uids = Counter(
            rule.get("uid") for file in files for group in file.data.get("groups") or () for rule in group["rules"]
        )


def _sources(data: _Data, known: _Known) -> Iterator[str]:
    for one in data.get("datasources") or ():
        name = one.get("name")
        if not one.get("uid"):
            yield f"datasource {name}: without a uid Grafana makes another one each time; write one"
        for text in _texts(one):
            if _RANDOM.search(text):
                yield f"datasource {name}: a single $ is filled in from the environment; write $$: {text}"
        if "secureJsonData" not in one and {"password", "basicAuthPassword"} & one.keys():
            yield f"datasource {name}: a password belongs into secureJsonData, from $__file{{...}}"


def _rules(data: _Data, known: _Known) -> Iterator[str]:
    for group in data.get("groups") or ():
        try:
            every = seconds(group.get("interval"))
        except ValueError as exc:
            every = 0
            yield f"group {group.get('name')}: interval: {exc}"
        if every % _EVERY:
            yield f"group {group.get('name')}: interval {group['interval']} is no multiple of 10s"
        if not group.get("folder"):
            yield f"group {group.get('name')}: it has no folder; write one"
        titles = Counter(rule.get("title") for rule in group["rules"])
        yield from (
            f"group {group.get('name')}: {number} rules are named {one}" for one, number in titles.items() if number > 1
        )
        for rule in group["rules"]:
            yield from (f"rule {rule.get('title')}: {one}" for one in _rule(rule, known))


def _rule(rule: _Data, known: _Known) -> Iterator[str]:
    uid = str(rule.get("uid", ""))
    if not 0 < len(uid) <= _LONGEST:
        yield f"uid {uid!r} has not 1 to {_LONGEST} characters"
    elif known.uids[uid] > 1:
        yield f"uid {uid!r} is that of {known.uids[uid]} rules"
    refs = [one.get("refId") for one in rule.get("data") or ()]
    if rule.get("condition") not in refs:
        yield f"its condition {rule.get('condition')} is none of its queries: {', '.join(map(str, refs)) or 'none'}"
    for one in rule.get("data") or ():
        source = one.get("datasourceUid")
        if known.sources and source not in known.sources | {"__expr__"}:
            yield f"no datasource has the uid {source!r}; there are {', '.join(sorted(known.sources))}"
    for name, words in _STATES.items():
        if rule.get(name) not in words:
            yield f"{name} is {rule.get(name)!r}; use one of {', '.join(words)}"
    for name, text in (rule.get("annotations") or {}).items():
        if _RANDOM.search(str(text)):
            yield f"annotation {name}: a $ may be filled in from the environment; write .Labels and .Values: {text}"


def _contacts(data: _Data, known: _Known) -> Iterator[str]:
    for point in data.get("contactPoints") or ():
        if not point.get("receivers"):
            yield f"contact point {point.get('name')}: it has no way to tell anybody"
        for one in point.get("receivers") or ():
            for name in _SECRETS.get(one.get("type"), ()):
                value = (one.get("settings") or {}).get(name)
                if value and not _GIVEN.fullmatch(str(value)):
                    yield f"contact point {point.get('name')}: {name} holds a secret; write $__file{{...}}"


def _policies(data: _Data, known: _Known) -> Iterator[str]:
    for one in data.get("policies") or ():
        yield from _policy(one, known)


def _policy(route: _Data, known: _Known) -> Iterator[str]:
    receiver = route.get("receiver")
    if receiver and receiver not in known.contacts:
        yield f"no contact point is named {receiver!r}; there are {', '.join(sorted(known.contacts)) or 'none'}"
    for mute in route.get("mute_time_intervals") or ():
        if mute not in known.mutes:
            yield f"no mute timing is named {mute!r}; there are {', '.join(sorted(known.mutes)) or 'none'}"
    if "matchers" in route and not all(isinstance(one, str) for one in route["matchers"]):
        yield "matchers are texts; pairs of three belong into object_matchers"
    for one in route.get("object_matchers") or ():
        if len(one) != 3 or one[1] not in ("=", "!=", "=~", "!~"):
            yield f"the matcher {one} is not [label, operator, value]"
    for inner in route.get("routes") or ():
        yield from _policy(inner, known)


def _texts(data: object) -> Iterator[str]:
    if isinstance(data, str):
        yield data
    elif isinstance(data, dict):
        for one in data.values():
            yield from _texts(one)
    elif isinstance(data, list):
        for one in data:
            yield from _texts(one)
