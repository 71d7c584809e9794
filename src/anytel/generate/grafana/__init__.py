"""The target ``grafana``: dashboards, and the files by which Grafana finds them, its data sources and its alerts."""

from __future__ import annotations

from collections.abc import Mapping

from anytel.catalogue.catalogue import Catalogue
from anytel.generate.alertmanager import refuse
from anytel.generate.grafana import alerting, notifying
from anytel.generate.grafana.dashboards import dashboards
from anytel.generate.grafana.datasources import datasources, provider
from anytel.generate.options import Options
from anytel.generate.spelling import speller
from anytel.generate.text import json_text, notice, yaml_text

__all__ = ["files", "shown"]


def files(catalogue: Catalogue, options: Options) -> Mapping[str, str]:
    """Give ``grafana/dashboards/*.json`` and ``grafana/provisioning/{datasources,dashboards,alerting}/*.yaml``.

    Raises:
        DeclarationError: A receiver or a mute cannot be used.
    """
    refuse(catalogue)
    head = notice(catalogue.app, "grafana")
    made = {
        "grafana/provisioning/datasources/datasources.yaml": datasources(options),
        "grafana/provisioning/dashboards/dashboards.yaml": provider(options),
        alerting.FILE: alerting.rules(catalogue, speller("prometheus"), options),
    }
    if catalogue.receivers:  # else Grafana tells whom it is set up to tell
        made |= {
            notifying.CONTACTS: notifying.contact_points(catalogue, options),
            notifying.MUTES: notifying.mute_timings(catalogue, options),
            "grafana/provisioning/alerting/policies.yaml": notifying.policies(catalogue),
            "grafana/provisioning/alerting/templates.yaml": notifying.templates(),
        }
    return {**shown(catalogue, options), **{path: yaml_text(data, head) for path, data in made.items()}}


def shown(catalogue: Catalogue, options: Options) -> Mapping[str, str]:
    """Give the dashboards alone."""
    made = dashboards(catalogue, speller("prometheus"), options.service)
    return {f"grafana/dashboards/{name}.json": json_text(data) for name, data in made.items()}
