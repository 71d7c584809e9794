"""Who is told by Grafana: contact points, the policy that chooses among them, mute timings and what messages say."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from anytel.catalogue.catalogue import Catalogue
from anytel.catalogue.delivery import default
from anytel.catalogue.receiver import Receiver
from anytel.generate.alertmanager.routes import NOBODY, routes
from anytel.generate.alertmanager.texts import TEMPLATES
from anytel.generate.alertmanager.times import interval
from anytel.generate.grafana.before import gone
from anytel.generate.grafana.source import Data
from anytel.generate.grafana.uids import uid
from anytel.generate.options import Options

__all__ = ["CONTACTS", "MUTES", "contact_points", "mute_timings", "policies", "templates"]

CONTACTS = "grafana/provisioning/alerting/contact-points.yaml"
MUTES = "grafana/provisioning/alerting/mute-timings.yaml"
ALWAYS = "always"
"""The mute timing of what is only shown: Grafana has no contact point that tells nobody."""
_MATCHER = re.compile(r'([A-Za-z_][A-Za-z0-9_]*)(=~|!~|!=|=)("(?:[^"\\]|\\.)*")')
_TITLE, _TEXT = '{{ template "anytel.title" . }}', '{{ template "anytel.text" . }}'


def contact_points(catalogue: Catalogue, options: Options) -> Data:
    """Give a contact point for each receiver. Secrets are read from files when Grafana starts."""
    points = [
        {"orgId": 1, "name": one.name, "receivers": [*_integrations(one, options)]} for one in catalogue.receivers
    ]
    vanished = gone(options.before.get(CONTACTS, ""), _contacts, _contacts({"contactPoints": points}))
    taken = {"deleteContactPoints": [{"orgId": 1, "uid": one} for one in vanished]} if vanished else {}
    return {"apiVersion": 1, **taken, "contactPoints": points}


def policies(catalogue: Catalogue) -> Data:
    """Give the tree of Alertmanager's routes, in Grafana's words."""
    last = default(catalogue.receivers)
    name = last.name if last else ""
    return {"apiVersion": 1, "policies": [{"orgId": 1, **_policy(routes(catalogue), name)}]}


def mute_timings(catalogue: Catalogue, options: Options) -> Data:
    """Give the mutes, and the one that is always on."""
    named = [interval(one) for one in catalogue.mutes]
    always = {"name": ALWAYS, "time_intervals": [{"times": [{"start_time": "00:00", "end_time": "24:00"}]}]}
    timings = [{"orgId": 1, **one} for one in (*named, always)]
    vanished = gone(options.before.get(MUTES, ""), _mutes, _mutes({"muteTimes": timings}))
    taken = {"deleteMuteTimes": [{"orgId": 1, "name": one} for one in vanished]} if vanished else {}
    return {"apiVersion": 1, **taken, "muteTimes": timings}


def templates() -> Data:
    """Give what messages say: the same as those of Alertmanager."""
    return {"apiVersion": 1, "templates": [{"orgId": 1, "name": "anytel", "template": TEMPLATES}]}


def _policy(route: Mapping[str, Any], last: str) -> Data:
    matchers = [_matcher(one) for one in route.get("matchers", ())]
    muted = [*route.get("mute_time_intervals", ()), *([ALWAYS] if route["receiver"] == NOBODY else [])]
    made: Data = {"receiver": last if route["receiver"] == NOBODY else route["receiver"]}
    if matchers:
        made["object_matchers"] = matchers
    kept = ("group_by", "group_wait", "group_interval", "repeat_interval", "continue")
    made |= {name: route[name] for name in kept if name in route}
    if muted:
        made["mute_time_intervals"] = muted
    if route.get("routes"):
        made["routes"] = [_policy(one, last) for one in route["routes"]]
    return made


def _matcher(text: str) -> list[str]:
    """Give the three parts of a matcher of Alertmanager."""
    found = _MATCHER.fullmatch(text)
    if found is None:
        raise ValueError(text)
    return [found[1], found[2], json.loads(found[3])]


def _integrations(one: Receiver, options: Options) -> Iterator[Data]:
    secret = {what: f"$__file{{{options.secrets}/{name}}}" for what, name in one.secrets.items()}
    if one.slack:
        settings: Data = {"url": secret["slack_url"], "recipient": one.slack, "title": _TITLE, "text": _TEXT}
        yield _integration(one, "slack", settings)
    if one.email:
        settings = {"addresses": ";".join(one.email), "singleEmail": False, "subject": _TITLE, "message": _TEXT}
        yield _integration(one, "email", settings)
    if one.webhook:
        settings = {"url": one.webhook, "httpMethod": "POST"}
        if one.webhook_token:
            settings |= {"authorization_scheme": "Bearer", "authorization_credentials": secret["webhook_token"]}
        yield _integration(one, "webhook", settings)
    if one.pagerduty:
        settings = {
            "integrationKey": secret["pagerduty_key"],
            "severity": '{{ template "anytel.severity" . }}',
            "summary": _TITLE,
        }
        yield _integration(one, "pagerduty", settings)


def _integration(one: Receiver, kind: str, settings: Mapping[str, Any]) -> Data:
    return {
        "uid": uid(one.name, kind),
        "type": kind,
        "settings": dict(settings),
        "disableResolveMessage": not one.resolved,
    }


def _contacts(data: Mapping[str, Any]) -> list[str]:
    """Give the uids in a file of contact points, those that it took away too: not every Grafana may have read it."""
    points = [made["uid"] for point in data.get("contactPoints", ()) for made in point["receivers"]]
    return [*points, *(one["uid"] for one in data.get("deleteContactPoints", ()))]


def _mutes(data: Mapping[str, Any]) -> list[str]:
    return [one["name"] for key in ("muteTimes", "deleteMuteTimes") for one in data.get(key, ())]
