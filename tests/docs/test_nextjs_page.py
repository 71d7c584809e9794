"""The page about Next.js shows what stands in the example, which ``make test-nextjs`` runs."""

import json
import re

import pytest

from docs.pages import DOCS, blocks

PAGE = DOCS / "how-to-nextjs.md"
EXAMPLE = DOCS / "examples" / "nextjs"
FILES = [one for folder in (".", "app", "lib", "telemetry") for one in sorted((EXAMPLE / folder).glob("*.ts*"))]


@pytest.mark.parametrize("block", list(blocks(PAGE, "typescript")), ids=lambda block: block.split("(")[0])
def test_what_the_page_shows_is_in_the_example(block):
    """Part by part: what lies between two of them may be left out."""
    sources = [file.read_text() for file in FILES]
    assert any(all(part in source for part in block.split("\n\n")) for source in sources)


def test_the_versions_are_those_of_the_example():
    """By name, so that the page is corrected with the example."""
    pinned = json.loads((EXAMPLE / "package.json").read_text())["dependencies"]
    (shown,) = re.findall(
        r"Next\.js (\S+), `@sentry/nextjs` (\S+), `dd-trace` (\S+) and OpenTelemetry's `sdk-node` (\S+)",
        PAGE.read_text(),
    )
    assert shown == tuple(pinned[name] for name in ("next", "@sentry/nextjs", "dd-trace", "@opentelemetry/sdk-node"))


def test_every_version_is_exact():
    """The example has no lock file."""
    package = json.loads((EXAMPLE / "package.json").read_text())
    versions = {**package["dependencies"], **package["devDependencies"]}
    assert [name for name, version in versions.items() if not re.fullmatch(r"\d+\.\d+\.\d+", version)] == []
