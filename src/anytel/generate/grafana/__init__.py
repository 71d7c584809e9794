"""The target ``grafana``: dashboards, and the files by which Grafana finds them, its data sources and its alerts."""

from __future__ import annotations

from collections.abc import Mapping

from anytel.catalogue.catalogue import Catalogue
from anytel.generate.grafana.dashboards import dashboards
from anytel.generate.options import Options
from anytel.generate.spelling import speller
from anytel.generate.text import json_text

__all__ = ["files", "shown"]


def files(catalogue: Catalogue, options: Options) -> Mapping[str, str]:
    """Give ``grafana/dashboards/*.json`` and ``grafana/provisioning/{datasources,dashboards,alerting}/*.yaml``."""
    return shown(catalogue, options)


def shown(catalogue: Catalogue, options: Options) -> Mapping[str, str]:
    """Give the dashboards alone."""
    made = dashboards(catalogue, speller("prometheus"), options.service)
    return {f"grafana/dashboards/{name}.json": json_text(data) for name, data in made.items()}
