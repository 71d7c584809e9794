"""``anytel lock`` and ``anytel diff``: freeze what queries depend on, and see what has changed since."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from anytel.cli.application import app_option, as_json_option

__all__ = ["diff", "lock"]

_file = click.option(
    "--file",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path("anytel.lock.json"),
    show_default=True,
    help="The lock file.",
)


@click.command()
@app_option()
@_file
@as_json_option()
def lock(*, app: str, file: Path, as_json: bool) -> None:
    """Write names, units, tags and buckets of the metrics, as each vendor sees them, to a file to be committed.

    \b
    Examples:
      anytel lock --app shop.telemetry
    """  # noqa: D301 -- the mark for click is the character itself
    from anytel.catalogue.load import load  # noqa: PLC0415 -- `--help` must be quick
    from anytel.generate.lock import locked  # noqa: PLC0415 -- as above

    catalogue = load(app)
    file.write_text(locked(catalogue), encoding="utf-8")
    number = len(catalogue.instruments)
    click.echo(json.dumps({"file": str(file), "metrics": number}) if as_json else f"{number} metrics locked in {file}")


@click.command()
@app_option()
@_file
@as_json_option()
def diff(*, app: str, file: Path, as_json: bool) -> None:
    """Compare the declarations with the lock file; exit with 1 where a change breaks queries and dashboards.

    \b
    Examples:
      anytel diff --app shop.telemetry
    """  # noqa: D301 -- the mark for click is the character itself
    from anytel.catalogue.load import load  # noqa: PLC0415 -- `--help` must be quick
    from anytel.generate import lock as locking  # noqa: PLC0415 -- as above

    before = locking.read(file)
    now = json.loads(locking.locked(load(app)))
    found = list(locking.changes(before, now))
    missing = sorted(set(before["backends"]) - set(now["backends"]))
    if as_json:
        click.echo(json.dumps({"changes": [one._asdict() for one in found], "not_compared": missing}, indent=2))
    else:
        for one in found:
            click.echo(f"{'breaking' if one.breaking else 'addition'}  {one.metric}: {one.what}")
        for backend in missing:
            click.echo(f"skipped   {backend} is not installed: its names were not compared")
        broken = sum(one.breaking for one in found)
        click.echo(f"{broken} breaking, {len(found) - broken} other changes")
        if broken:
            click.echo(f"Where that is meant, accept it: anytel lock --app {app}")
    if any(one.breaking for one in found):
        sys.exit(1)
