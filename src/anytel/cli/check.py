"""``anytel check``: are generated files right?"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from anytel.cli.application import app_option, as_json_option

if TYPE_CHECKING:
    from anytel.generate.checking import Finding

__all__ = ["check"]


@click.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path, exists=True, file_okay=False))
@app_option(required=False)
@click.option("--live", default="", metavar="URL", help="A Prometheus, which is asked for every series that is read.")
@click.option("--require-tools", is_flag=True, help="Exit with 1 also where a check was skipped.")
@as_json_option()
def check(*, folder: Path, app: str | None, live: str, require_tools: bool, as_json: bool) -> None:
    """Check the files in DIR: by rules of our own, then by promtool and amtool where they are installed.

    With --app every metric and label that a query reads has to be declared. A tool that is missing is shown as
    skipped. Exit codes: 0 nothing failed, 1 something did, 2 it could not be run.

    \b
    Examples:
      anytel check ops
      anytel check ops --app shop.telemetry --live http://localhost:9090
      anytel check ops --require-tools --json
    """  # noqa: D301 -- the mark for click is the character itself
    from anytel.catalogue.load import load  # noqa: PLC0415 -- `--help` must be quick
    from anytel.generate import checking  # noqa: PLC0415 -- as above

    findings = list(checking.check(folder, load(app) if app else None, live))
    if as_json:
        click.echo(json.dumps([one._asdict() for one in findings], indent=2, ensure_ascii=False))
    else:
        _show(findings)
    bad = {"failed", "skipped"} if require_tools else {"failed"}
    if any(one.outcome in bad for one in findings):
        sys.exit(1)


def _show(findings: Sequence[Finding]) -> None:
    passed = Counter(one.check for one in findings if one.outcome == "passed")
    for name, number in passed.items():
        click.echo(f"passed   {name}: {number}")
    for one in findings:
        if one.outcome != "passed":
            where = f"{one.file}: " if one.file else ""
            click.echo(f"{one.outcome:8} {one.check}: {where}{one.detail}")
    counts = Counter(one.outcome for one in findings)
    click.echo(", ".join(f"{counts[outcome]} {outcome}" for outcome in ("passed", "noted", "skipped", "failed")))
