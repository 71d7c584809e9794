"""Install and build the Next.js example, outside the tree: ``PYTHONPATH=tests python -m nextjs.build``.

Both go to the folder of the real receivers (`real.install.cache`), keyed by content: the packages by ``package.json``,
the build by all of the example. What is there already is left alone.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from real.install import Tool, install, run
from real.processes import OFFLINE

__all__ = ["EXAMPLE", "PACKAGES"]

SOURCE = Path(__file__).parents[2] / "docs" / "examples" / "nextjs"
GENERATED = ".next", "node_modules", "next-env.d.ts", "tsconfig.tsbuildinfo", "package-lock.json"
NEXT = "node_modules/next/dist/bin/next"


def _files() -> list[Path]:
    return sorted(one for one in SOURCE.rglob("*") if one.is_file() and not set(one.parts) & set(GENERATED))


def _key(files: Sequence[Path]) -> str:
    """Give twelve hex digits that change with the names and the contents of *files*."""
    found = hashlib.sha256()
    for file in files:
        content = file.read_bytes()
        found.update(f"{file.relative_to(SOURCE)}\0{len(content)}\0".encode() + content)
    return found.hexdigest()[:12]


def _install(folder: Path) -> None:
    shutil.copy(SOURCE / "package.json", folder)
    run(
        "npm",
        "install",
        "--no-fund",
        "--no-audit",
        "--no-package-lock",
        "--ignore-scripts",
        "--loglevel=error",
        cwd=folder,
    )


def _build(folder: Path) -> None:
    """Build a copy of the example, whose packages are hard links, without a way to the internet."""
    shutil.copytree(SOURCE, folder, ignore=shutil.ignore_patterns(*GENERATED), dirs_exist_ok=True)
    packages = PACKAGES.folder / "node_modules"
    shutil.copytree(packages, folder / "node_modules", symlinks=True, copy_function=os.link)
    run("node", NEXT, "build", cwd=folder, NEXT_TELEMETRY_DISABLED="1", **OFFLINE)
    shutil.rmtree(folder / ".next" / "cache", ignore_errors=True)


PACKAGES = Tool("nextjs-packages", _key([SOURCE / "package.json"]), "nextjs", NEXT, _install)
EXAMPLE = Tool("nextjs-example", _key(_files()), "nextjs", ".next/BUILD_ID", _build)


if __name__ == "__main__":
    sys.exit(install([PACKAGES, EXAMPLE]))
