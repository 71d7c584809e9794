"""The page on generated artefacts names every file that is generated, with what has checked it."""

from __future__ import annotations

import re
import subprocess
import sys
from fnmatch import fnmatchcase
from pathlib import Path

from anytel.generate.lock import FILE
from anytel.generate.writer import manifest

PAGE = Path(__file__).parents[2] / "docs" / "generated-artefacts.md"


def rows():
    """Give the patterns of the table's first column, with a star where a name is the declaration's."""
    for line in PAGE.read_text().splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("| `") and len(cells) == 3 and cells[2]:
            for written in re.findall(r"`([^`]+)`", cells[0]):
                before, _, rest = written.partition("{")
                inner, _, after = rest.partition("}")
                for one in inner.split(","):
                    yield re.sub(r"NAME|CLUSTER", "*", f"{before}{one}{after}")


def test_every_generated_file_is_on_the_page(tmp_path):
    """A row may be of a folder."""
    patterns = list(rows())
    assert FILE in patterns
    command = [Path(sys.executable).with_name("anytel"), "generate", "all", "--app", "anytel.demo.telemetry"]
    subprocess.run([*command, "--out", "ops"], cwd=tmp_path, check=True, timeout=60)
    files = [one for paths in manifest(tmp_path / "ops").values() for one in paths]
    assert len(files) > 20
    missing = [
        path for path in files if not any(fnmatchcase(path, end) for one in patterns for end in (one, one + "/*"))
    ]
    assert missing == []
