"""The fidelity table in the documentation is what the backends state, with the SDKs that are installed."""

from pathlib import Path

import pytest

from anytel.testing.conformance import FEATURES, table

PAGE = Path(__file__).parents[2] / "docs" / "fidelity.md"


def test_the_table_in_the_documentation_is_up_to_date():
    """Else: ``python -m anytel.testing.conformance > docs/fidelity.md``."""
    assert table() == PAGE.read_text()


def test_the_table_has_a_row_for_every_feature():
    """With one cell per backend."""
    rows = [line for line in table(["memory"]).splitlines() if line.startswith("| `")]
    assert [row.split("`")[1] for row in rows] == list(FEATURES)
    assert all(row.endswith("| exact |") for row in rows)


def test_the_table_names_the_versions_of_the_sdks():
    """Those of the backend's own extra."""
    assert "sentry<br>" in table(["sentry"])
    assert "sentry-sdk 2." in table(["sentry"])


def test_a_backend_that_is_not_installed_has_no_column():
    """It is an error to ask for one."""
    with pytest.raises(KeyError):
        table(["statsd-of-nobody"])
