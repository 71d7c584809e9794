"""Generators: from a catalogue to the files of Prometheus, Alertmanager and others.

A target is a module of this package with ``files(catalogue, options) -> Mapping[str, str]``: paths below the output
folder, and the text of each. It neither reads nor writes files, and gives the same text for the same catalogue.
"""

from __future__ import annotations

from anytel.generate.options import Options
from anytel.generate.targets import TARGETS, generate, missing

__all__ = ["TARGETS", "Options", "generate", "missing"]
