"""What the documentation says about the backends' fidelity is what their classes state."""

from __future__ import annotations

import pytest

from docs.pages import DOCS, ROOT, rows, section
from docs.tables import ORDER, backend, fidelity, glance, marked


@pytest.mark.parametrize("name", ORDER)
def test_the_page_of_a_backend_shows_its_fidelity_as_stated(name: str):
    """Else ``PYTHONPATH=tests python -m docs.tables`` writes the tables anew."""
    tables = {found[1]: found[2] for found in marked((DOCS / "backends" / f"{name}.md").read_text())}
    assert tables == {name: fidelity(name)}


def test_every_statement_is_one_of_three_words_and_says_how():
    """Exact needs no explanation, the others do."""
    stated = [text.partition(": ") for name in ORDER for text in backend(name).fidelity.values()]
    assert {word for word, _, _ in stated} <= {"exact", "approximate", "unsupported"}
    assert all(how for word, _, how in stated if word != "exact")


def test_the_readme_s_table_of_backends_follows_from_the_classes():
    """One word per signal, in the order of its columns."""
    shown = {
        row[0].strip("[`").partition("`")[0]: row[1:5] for row in rows(ROOT / "README.md") if row[0].startswith("[`")
    }
    assert shown == {name: glance(name) for name in ORDER}


def test_every_backend_is_on_the_index():
    """A page that nobody links to is not read."""
    assert all(f"(backends/{name}.md)" in (DOCS / "index.md").read_text() for name in ORDER)
    assert section(DOCS / "index.md", "Backends")
