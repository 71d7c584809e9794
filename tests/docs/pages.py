"""The pages that users read, and what the tests need of them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
OURS = (page for page in DOCS.rglob("*.md") if "node_modules" not in page.parts)
PAGES = sorted([ROOT / "README.md", ROOT / "CHANGELOG.md", *OURS])


def name_of(page: Path) -> str:
    """Give the path of a page as it is written in the repository."""
    return page.relative_to(ROOT).as_posix()


def blocks(page: Path, language: str) -> Iterator[str]:
    """Give the fenced blocks of one language."""
    for found in re.finditer(rf"^```{language}\n(.*?)^```$", page.read_text(), re.MULTILINE | re.DOTALL):
        yield found[1]


def rows(page: Path) -> Iterator[list[str]]:
    """Give the cells of every row of every table; in code, an escaped bar is a bar."""
    for line in page.read_text().splitlines():
        if line.startswith("| "):
            cells = re.split(r"(?<!\\)\|", line.strip().strip("|"))
            yield [cell.strip().replace(r"\|", "|") for cell in cells]


def code(text: str) -> list[str]:
    """Give what is marked as code in a line of text."""
    return re.findall(r"`([^`]+)`", text)


def section(page: Path, heading: str) -> str:
    """Give the text below a heading, down to the next one of any level."""
    found = re.search(rf"^#+ {re.escape(heading)}\n(.*?)(?=^#+ |\Z)", page.read_text(), re.MULTILINE | re.DOTALL)
    assert found, f"{name_of(page)} has no section {heading!r}"
    return found[1]
