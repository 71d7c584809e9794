"""The target ``datadog``: monitors, objectives, a dashboard, and what Datadog has to know of metrics.

All of it is there as bodies of Datadog's API and as one configuration of Terraform.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from anytel.catalogue.catalogue import Catalogue
from anytel.catalogue.expressions import Expression, Raw
from anytel.catalogue.validate import problem
from anytel.errors import DeclarationError
from anytel.generate.clashes import refuse_clashes
from anytel.generate.datadog.dashboards import Dashboard
from anytel.generate.datadog.metrics import metadata, percentiles
from anytel.generate.datadog.monitors import Body, Monitors
from anytel.generate.datadog.ql import DatadogQL, tag_value
from anytel.generate.datadog.rules import monitor_problems, query_problems
from anytel.generate.datadog.slos import Objectives
from anytel.generate.datadog.terraform import configuration
from anytel.generate.options import Options
from anytel.generate.spelling import speller
from anytel.generate.text import json_text

__all__ = ["Made", "files", "made", "scope"]

_OWN_TAGS = ("env", "service", "version")
"""Tags that our backend gives to every series."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """All bodies by name, and what Datadog cannot have of the alerts and objectives, with the reason."""

    monitors: Mapping[str, Body]
    slos: Mapping[str, Body]
    dashboards: Mapping[str, Body]
    metrics: Mapping[str, Body]
    tag_configurations: Mapping[str, Body]
    left_out: Mapping[str, str]


def files(catalogue: Catalogue, options: Options) -> Mapping[str, str]:
    """Give ``datadog/{monitors,slos,dashboards,metrics,tag_configurations}/*.json`` and ``datadog/terraform``.

    Raises:
        DeclarationError: A query in Datadog's words cannot be used, or a warning comes too late.
    """
    found = made(catalogue, options)
    kinds = {name: getattr(found, name) for name in ("monitors", "slos", "dashboards", "metrics", "tag_configurations")}
    texts = {
        f"datadog/{kind}/{name}.json": json_text(body)
        for kind, bodies in kinds.items()
        for name, body in bodies.items()
    }
    whole = configuration(
        found.monitors.items(),
        found.slos.items(),
        found.dashboards.items(),
        found.metrics.items(),
        found.tag_configurations.items(),
    )
    return {**texts, "datadog/terraform/main.tf.json": json_text(whole)}


def made(catalogue: Catalogue, options: Options) -> Made:
    """Give all that there is at Datadog of a catalogue.

    Raises:
        DeclarationError: As `files` does.
    """
    spell = speller("datadog")
    refuse_clashes(catalogue, spell, _OWN_TAGS)
    _refuse(catalogue)
    service, tags = tag_value(options.service), scope(options)
    monitors = Monitors(catalogue, spell, DatadogQL(catalogue, spell, tags, options.datadog_by), service)
    objectives = Objectives(catalogue, DatadogQL(catalogue, spell, tags), service)
    left_out = {**objectives.left_out, **monitors.left_out}
    variables = ["env", *options.datadog_by]
    drawn = DatadogQL(catalogue, spell, (*tags, *(f"${one}" for one in variables)))
    board = Dashboard(catalogue, drawn, service, objectives.kept, left_out).body(variables)
    return Made(
        monitors={**dict(monitors.bodies()), **dict(objectives.monitors())},
        slos=dict(objectives.bodies()),
        dashboards={service: board},
        metrics=dict(metadata(catalogue, spell)),
        tag_configurations=dict(percentiles(catalogue, spell)),
        left_out=left_out,
    )


def scope(options: Options) -> tuple[str, ...]:
    """Give the tags that all series of a service have, and those of others have not."""
    return (f"service:{tag_value(options.service)}", *options.datadog_tags)


def _refuse(catalogue: Catalogue) -> None:
    found = [*_own_names(catalogue), *_raw(catalogue)]
    if found:
        raise DeclarationError(found)


def _own_names(catalogue: Catalogue) -> Iterator[str]:
    """Keep the names of the monitors that are made here."""
    taken = tuple(f"slo-{slo.name}-" for slo in catalogue.slos)
    for alert in catalogue.alerts:
        if alert.name.startswith(taken):
            yield problem(alert.place, f"alert {alert.name!r}", "anytel makes monitors of such names", "Rename it.")


def _raw(catalogue: Catalogue) -> Iterator[str]:
    """Read the queries that a person has written: that of an alert is a monitor's, that of a view is none."""
    for alert in catalogue.alerts:
        condition = alert.condition
        if isinstance(condition, Raw) and condition.datadog:
            for wrong in monitor_problems(condition.datadog.strip()):
                told = f"datadog= is no query of a monitor: {wrong}"
                yield problem(condition.place, f"alert {alert.name!r}", told, "Write avg(last_5m):avg:name{*} > 1.")
    for view in catalogue.views:
        for one in (one for shown in view.shows if isinstance(shown, Expression) for one in shown.walk()):
            if isinstance(one, Raw) and one.datadog:
                for wrong in query_problems(one.datadog.strip()):
                    told = f"datadog= is no query: {wrong}"
                    yield problem(one.place, f"view {view.name!r}", told, "Write avg:name{*} by {tag}.")
