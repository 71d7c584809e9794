"""``alertmanager.yml``. Secrets are only named in it, by the paths of the files that hold them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from anytel.catalogue.catalogue import Catalogue
from anytel.catalogue.receiver import Receiver
from anytel.generate.alertmanager.routes import NOBODY, routes
from anytel.generate.alertmanager.times import interval
from anytel.generate.options import Options
from anytel.generate.prometheus.labels import NO_DATA, SLO_ABSENT, TARGET_DOWN, TARGETS_ABSENT

__all__ = ["SMTP_PASSWORD", "config", "secrets"]

SMTP_PASSWORD = "smtp_password"  # noqa: S105 -- a file's name
_TITLE = '{{ template "anytel.title" . }}'
_TEXT = '{{ template "anytel.text" . }}'
_COLOUR = '{{ template "anytel.colour" . }}'


def config(catalogue: Catalogue, options: Options) -> Mapping[str, object]:
    """Give the configuration of Alertmanager 0.25 and later."""
    return {
        **_global(catalogue, options),
        "templates": ["templates/*.tmpl"],
        "route": routes(catalogue),
        **({"time_intervals": [interval(one) for one in catalogue.mutes]} if catalogue.mutes else {}),
        "inhibit_rules": _inhibitions(),
        "receivers": [{"name": NOBODY}, *(_receiver(one, options) for one in catalogue.receivers)],
    }


def secrets(catalogue: Catalogue, options: Options) -> list[str]:
    """Give the names of the files that have to be in the folder of secrets."""
    named = [name for one in catalogue.receivers for name in one.secrets.values()]
    mails = any(one.email for one in catalogue.receivers)
    return [*named, *([SMTP_PASSWORD] if mails and options.smtp_username else [])]


def _global(catalogue: Catalogue, options: Options) -> Mapping[str, object]:
    if not any(one.email for one in catalogue.receivers):
        return {}
    signed_in = {
        "smtp_auth_username": options.smtp_username,
        "smtp_auth_password_file": f"{options.secrets}/{SMTP_PASSWORD}",
    }
    return {
        "global": {
            "smtp_smarthost": options.smtp,
            "smtp_from": options.smtp_from,
            **(signed_in if options.smtp_username else {}),
            "smtp_require_tls": bool(options.smtp_username),
        }
    }


def _inhibitions() -> list[Mapping[str, object]]:
    """Give what goes without saying; never across services or clusters, and of a target never for the others."""
    scope = ["service", "cluster"]
    targets = f'"{TARGET_DOWN}|{TARGETS_ABSENT}"'
    return [
        # What cannot be scraped has no metrics: say the first only.
        _inhibits([f"alertname=~{targets}"], [f'alertname=~"{SLO_ABSENT}|.+{NO_DATA}"'], scope),
        # A target that is down is also slow; other targets may be slow for a reason of their own.
        _inhibits(
            [f'alertname="{TARGET_DOWN}"'], [f'alertname!="{TARGET_DOWN}"', 'instance=~".+"'], ["instance", *scope]
        ),
        # Whoever has been woken up need not be told by mail too.
        _inhibits(['severity="critical"', f"alertname!~{targets}"], ['severity=~"warning|info"'], ["owner", *scope]),
    ]


def _inhibits(source: list[str], target: list[str], equal: list[str]) -> Mapping[str, object]:
    return {"source_matchers": source, "target_matchers": target, "equal": equal}


def _receiver(one: Receiver, options: Options) -> Mapping[str, object]:
    return {"name": one.name, **dict(_integrations(one, options.secrets))}


def _integrations(one: Receiver, folder: str) -> Iterator[tuple[str, object]]:
    files = {what: f"{folder}/{name}" for what, name in one.secrets.items()}
    also = {"send_resolved": one.resolved}
    if one.slack:
        said = {"title": _TITLE, "text": _TEXT, "color": _COLOUR, "fallback": _TITLE}
        yield "slack_configs", [{"api_url_file": files["slack_url"], "channel": one.slack, **also, **said}]
    if one.email:
        headers = {"headers": {"Subject": _TITLE}}
        yield "email_configs", [{"to": address, **also, **headers, "text": _TEXT} for address in one.email]
    if one.webhook:
        token = {"http_config": {"authorization": {"credentials_file": files.get("webhook_token", "")}}}
        yield "webhook_configs", [{"url": one.webhook, **also, **(token if one.webhook_token else {})}]
    if one.pagerduty:
        said = {"description": _TITLE, "severity": '{{ template "anytel.severity" . }}'}
        yield "pagerduty_configs", [{"routing_key_file": files["pagerduty_key"], **also, **said}]
