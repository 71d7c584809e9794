"""The page on generated artefacts names every file that is generated, with what has checked it."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

from anytel.catalogue.load import load
from anytel.generate import TARGETS, Options, generate
from anytel.generate.lock import FILE

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


@pytest.mark.parametrize("target", TARGETS)
def test_every_generated_file_is_on_the_page(target):
    """A row may be of a folder."""
    patterns = list(rows())
    assert FILE in patterns
    files = generate(target, load("anytel.demo.telemetry"), Options(service="afo"))
    missing = [
        path for path in files if not any(fnmatchcase(path, one) or fnmatchcase(path, f"{one}/*") for one in patterns)
    ]
    assert missing == []
