"""Completeness: is everything there that was generated?"""

from __future__ import annotations

from collections.abc import Iterator

from anytel.generate.checking.artefacts import Artefacts
from anytel.generate.checking.finding import Finding
from anytel.generate.writer import INTERRUPTED, MANIFEST, manifest

__all__ = ["completeness_checks"]


def completeness_checks(artefacts: Artefacts) -> Iterator[Finding]:
    """Look for each file that the manifest names: without a test file, its rules would pass untested.

    Raises:
        ConfigError: The manifest cannot be read.
    """
    for target, paths in sorted(manifest(artefacts.folder).items()):
        missing = [path for path in paths if not (artefacts.folder / path).is_file()]
        if target != INTERRUPTED:
            told = f"it was generated for {target}, and is not there; generate it again"
            yield from [Finding("complete", "failed", path, told) for path in missing]
            if not missing:
                yield Finding("complete", "passed", MANIFEST, target)
