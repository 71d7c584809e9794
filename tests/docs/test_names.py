"""The commands, files and headings that the documentation names exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from docs.pages import PAGES, ROOT, name_of

LINK = re.compile(r"\[[^\]]+\]\(([^)\s]+)\)")


def anchors(page: Path) -> set[str]:
    """Give the anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_the_links_of_a_page_lead_somewhere(page: Path):
    """Files of the repository, and headings in them."""
    for target in LINK.findall(page.read_text()):
        if not target.startswith(("https://", "http://")):
            path, _, anchor = target.partition("#")
            file = (page.parent / path).resolve() if path else page
            assert file.exists(), target
            assert not anchor or anchor in anchors(file), target


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_make_target_that_a_page_names_exists(page: Path):
    """In shell blocks and in running text."""
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"(?:^\$ |`)make ([a-z-]+)", page.read_text(), re.MULTILINE)) <= targets


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_anytel_command_that_a_page_names_exists(page: Path):
    """With the options it is shown with."""
    from anytel.cli.group import commands

    for command, rest in re.findall(
        r"(?:^\$ (?:\.venv/bin/)?|`)anytel ([a-z-]+)([^`\n]*)", page.read_text(), re.MULTILINE
    ):
        assert command in commands.commands, command
        known = {option for one in commands.commands[command].params for option in one.opts}
        assert set(re.findall(r"--[a-z-]+", rest)) <= known


def test_the_extras_of_the_readme_are_those_of_the_package():
    """An extra that is misspelt installs nothing, and pip only warns."""
    import tomllib

    known = set(tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"])
    named = re.findall(r"anytel\[([\w,]+)\]", "".join(page.read_text() for page in PAGES))
    assert {extra for group in named for extra in group.split(",")} <= known
    assert named
