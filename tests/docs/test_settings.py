"""The settings page says what the code does."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import fields

import pytest

from anytel.config.settings import Settings, read
from docs.pages import DOCS, PAGES, ROOT, code, name_of, rows

PAGE = DOCS / "settings.md"
OTHERS = DOCS / "how-to-nextjs.md"
"""Its variables are those of Node's SDKs, and have a table there."""
VARIABLE = re.compile(r"\b(?:TELEMETRY|SENTRY|DD|OTEL)_[A-Z][A-Z_]*[A-Z]\b")
SETTINGS = {row[0].strip("`"): row for row in rows(PAGE) if len(row) == 5 and row[0].startswith("`TELEMETRY_")}


class Asked(Mapping[str, str]):
    """An environment in which nothing is set, that remembers what was asked for."""

    def __init__(self) -> None:
        self.names: list[str] = []

    def __getitem__(self, name: str) -> str:
        self.names.append(name)
        raise KeyError(name)

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


def names(cell: str) -> list[str]:
    """Give the variables that a cell names, without the attribute that is meant in one of them."""
    return [name.partition(":")[0] for name in code(cell)]


def test_the_table_has_exactly_the_settings_that_there_are():
    """Variable and argument, one row each."""
    arguments = {variable: code(row[1])[0] for variable, row in SETTINGS.items()}
    assert arguments == {f"TELEMETRY_{one.name.upper()}": one.name for one in fields(Settings)}


def test_the_defaults_are_as_shown():
    """Those that are one value; the others depend on something and are said in words."""
    settings = read({}, {})
    shown = {code(row[1])[0]: code(row[2]) for row in SETTINGS.values()}
    values = {name: str(getattr(settings, name).value) for name, marks in shown.items() if len(marks) == 1}
    assert values == {name: marks[0] for name, marks in shown.items() if len(marks) == 1}
    assert values


def test_a_setting_without_a_default_in_the_table_has_none():
    """An empty value, said in words."""
    empty = {code(row[1])[0] for row in SETTINGS.values() if not code(row[2])}
    assert not any(getattr(read({}, {}), name).value for name in empty)


@pytest.mark.parametrize("variable", sorted(SETTINGS))
def test_the_fallbacks_are_consulted_in_the_order_shown(variable: str):
    """Each answers where those before it are not set."""
    asked = Asked()
    read({}, asked)
    start = asked.names.index(variable)
    later = [f"TELEMETRY_{one.name.upper()}" for one in fields(Settings)]
    consulted: list[str] = []
    for name in asked.names[start + 1 :]:
        if name in later:
            break
        consulted.append(name)
    assert names(SETTINGS[variable][3]) == consulted


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_variable_that_a_page_names_is_on_the_settings_page(page):
    """Whoever reads of one can look it up."""
    known = PAGE.read_text()
    if page == OTHERS:
        known += "".join(cell for row in rows(page) for cell in row)
    assert set(VARIABLE.findall(page.read_text())) <= set(VARIABLE.findall(known))


def test_every_variable_that_the_code_reads_is_on_the_settings_page():
    """Nothing is configured in secret."""
    sources = [*(ROOT / "src" / "anytel").rglob("*.py"), *(ROOT / "backends").rglob("*.py")]
    quoted = {name for source in sources for name in re.findall(rf'"({VARIABLE.pattern})"', source.read_text())}
    assert quoted <= set(VARIABLE.findall(PAGE.read_text()))
