"""The code on "Write a backend" is the code of the distribution that the tests install."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "write-a-backend.md").read_text()
SOURCE = ROOT / "tests" / "third_party" / "anytel-statsd"
AREAS = ROOT / "src" / "anytel" / "testing" / "conformance" / "areas"


def test_every_block_of_the_page_is_in_the_distribution():
    """Line by line, so that what a stranger copies is what was tested."""
    files = "\n".join(path.read_text() for path in [*SOURCE.rglob("*.py"), SOURCE / "pyproject.toml"])
    blocks = re.findall(r"^```(?:py|toml)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    assert len(blocks) > 10
    assert [block for block in blocks if block not in files] == []


def test_the_page_names_every_area_of_the_kit():
    """An area that is added is described."""
    rows = re.findall(r"^\| ([a-z, ]+) \|", PAGE, re.MULTILINE)
    named = {area for row in rows for area in row.split(", ")}
    areas = {path.stem for path in AREAS.glob("*.py")} - {"__init__"}
    assert {area.removesuffix("s") for area in areas} <= {area.removesuffix("s") for area in named}


def test_every_statement_of_the_example_says_how_or_why():
    """As the kit demands."""
    stated = re.findall(r'^        "[\w.]+": "(approximate|unsupported)(: .+)?",$', PAGE, re.MULTILINE)
    assert stated
    assert all(how for _, how in stated)
