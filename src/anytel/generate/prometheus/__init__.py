"""The target ``prometheus``: its configuration, recording and alert rules, and unit tests of the rules."""

from __future__ import annotations

from collections.abc import Mapping

from anytel.catalogue.catalogue import Catalogue
from anytel.generate.options import Options
from anytel.generate.prometheus.config import config
from anytel.generate.text import notice, yaml_text

__all__ = ["files"]


def files(catalogue: Catalogue, options: Options) -> Mapping[str, str]:
    """Give ``prometheus/prometheus.yml``, ``prometheus/rules/*.yml`` and ``prometheus/tests/*.yml``."""
    head = notice(catalogue.app, "prometheus")
    return {"prometheus/prometheus.yml": yaml_text(config(options), head)}
