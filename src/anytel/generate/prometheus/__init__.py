"""The target ``prometheus``: its configuration, recording and alert rules, and unit tests of the rules."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from anytel.catalogue.catalogue import Catalogue
from anytel.catalogue.validate import problem
from anytel.errors import DeclarationError
from anytel.generate.clashes import refuse_clashes
from anytel.generate.options import Options
from anytel.generate.prometheus.alerts import Watch, target_rules
from anytel.generate.prometheus.config import config
from anytel.generate.prometheus.labels import BURN, NO_DATA, SLO_ABSENT, TARGET_DOWN, TARGETS_ABSENT
from anytel.generate.prometheus.recording import recording_rules
from anytel.generate.prometheus.slo import Objective
from anytel.generate.prometheus.unit_tests import alert_tests, slo_tests, target_tests
from anytel.generate.queries import parse
from anytel.generate.raw import unreadable
from anytel.generate.spelling import speller
from anytel.generate.text import notice, yaml_text

__all__ = ["documents", "files"]

TARGET_LABELS = ("instance", "job")
"""Prometheus sets them itself, and calls a metric's own ``exported_job``."""


def files(catalogue: Catalogue, options: Options) -> Mapping[str, str]:
    """Give ``prometheus/prometheus.yml``, ``prometheus/rules/*.yml`` and ``prometheus/tests/*.yml``."""
    head = notice(catalogue.app, "prometheus")
    return {f"prometheus/{path}": yaml_text(data, head) for path, data in documents(catalogue, options).items()}


def documents(catalogue: Catalogue, options: Options) -> Mapping[str, Mapping[str, object]]:
    """Give the same as data: ``prometheus.yml``, ``rules/*.yml`` and ``tests/*.yml``."""
    return {"prometheus.yml": config(options), **_rules_and_tests(catalogue, options)}


def _rules_and_tests(catalogue: Catalogue, options: Options) -> Mapping[str, Mapping[str, object]]:
    spell, service = speller("prometheus"), options.service
    refuse_clashes(catalogue, spell, TARGET_LABELS)
    _refuse(catalogue)
    made: dict[str, Mapping[str, object]] = {
        "rules/targets.yml": _groups({"name": "targets", "rules": target_rules(options)}),
        "tests/targets.yml": target_tests(options),
    }
    if recorded := recording_rules(catalogue, spell, service):
        made["rules/recording.yml"] = _groups({"name": "recording", "rules": recorded})
    for slo in catalogue.slos:
        objective = Objective(catalogue, spell, slo, service)
        made[f"rules/slo-{slo.name}.yml"] = _groups(objective.group())
        made[f"tests/slo-{slo.name}.yml"] = slo_tests(catalogue, spell, objective)
    for alert in catalogue.alerts:
        watch, name = Watch(catalogue, spell, alert, service), f"alert-{alert.name}"
        rules = list(watch.rules())
        if rules:
            made[f"rules/{name}.yml"] = _groups({"name": name, "rules": rules})
        tests = alert_tests(catalogue, spell, watch)
        if tests is not None:
            made[f"tests/{name}.yml"] = tests
    return made


def _refuse(catalogue: Catalogue) -> None:
    """Refuse what only Prometheus cannot use."""
    found = [*_own_names(catalogue), *unreadable(catalogue, "promql", parse)]
    if found:
        raise DeclarationError(found)


def _own_names(catalogue: Catalogue) -> Iterator[str]:
    """Keep the names of the alerts that are made here."""
    made = {f"{alert.name}{NO_DATA}" for alert in catalogue.alerts if alert.no_data}
    taken = {BURN, SLO_ABSENT, TARGET_DOWN, TARGETS_ABSENT, *made}
    for alert in catalogue.alerts:
        if alert.name in taken:
            yield problem(alert.place, f"alert {alert.name!r}", "anytel makes an alert of that name", "Rename it.")


def _groups(*groups: Mapping[str, object]) -> Mapping[str, object]:
    return {"groups": list(groups)}
