"""The target ``docs``: the handbook of a service, for those who read its dashboards and are woken up by its alerts."""

from __future__ import annotations

from collections.abc import Mapping

from anytel.catalogue.catalogue import Catalogue
from anytel.generate.docs.handbook import Handbook
from anytel.generate.options import Options

__all__ = ["files"]


def files(catalogue: Catalogue, options: Options) -> Mapping[str, str]:
    """Give ``docs/METRICS.md``."""
    return {"docs/METRICS.md": Handbook(catalogue, options).text()}
