"""The targets by name."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Protocol, cast

from anytel.catalogue.catalogue import Catalogue
from anytel.catalogue.validate import validate
from anytel.generate.options import Options

__all__ = ["TARGETS", "Target", "generate"]

TARGETS = ("prometheus", "alertmanager", "federation", "grafana", "stack")
"""In the order in which ``all`` generates them; each is the module ``anytel.generate.NAME``."""


class Target(Protocol):
    """A module that generates."""

    def files(self, catalogue: Catalogue, options: Options, /) -> Mapping[str, str]:
        """Give the text of each file by its path below the output folder, with ``/`` between folders."""


def generate(target: str, catalogue: Catalogue, options: Options) -> dict[str, str]:
    """Give the files of *target*, one of `TARGETS`.

    Raises:
        DeclarationError: The catalogue cannot be used; it names every declaration that is wrong.
        ConfigError: An option cannot be used.
    """
    validate(catalogue)
    return dict(cast(Target, import_module(f"anytel.generate.{target}")).files(catalogue, options))
