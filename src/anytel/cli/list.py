"""``anytel list``: what an application declares, and what each vendor calls it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from anytel.cli.application import app_option, as_json_option

__all__ = ["list_command"]


@click.command("list")
@app_option()
@as_json_option()
def list_command(*, app: str, as_json: bool) -> None:
    """Show the metrics, objectives, alerts and views that MODULE declares, and what each vendor calls the metrics.

    \b
    Examples:
      anytel list --app shop.telemetry
      anytel list --app shop.telemetry --json
    """  # noqa: D301 -- the mark for click is the character itself
    from anytel.catalogue.load import load  # noqa: PLC0415 -- `--help` must be quick
    from anytel.generate.listing import listing  # noqa: PLC0415 -- as above

    found = listing(load(app))
    if as_json:
        click.echo(json.dumps(found, indent=2, ensure_ascii=False))
    else:
        _show(Console(), found)


def _show(console: Console, found: Mapping[str, Any]) -> None:
    for title, rows in found.items():
        if title == "app" or not rows:
            continue
        table = Table(title=title, title_justify="left", box=None, header_style="bold")
        flat = [_flat(row) for row in rows]
        for column in flat[0]:
            table.add_column(column, overflow="fold")
        for row in flat:
            table.add_row(*row.values())
        console.print(table)


def _flat(row: Mapping[str, Any]) -> dict[str, str]:
    out: dict[str, str] = {}
    for name, value in row.items():
        if name == "names":
            out |= {backend: spelled["name"] for backend, spelled in value.items()}
        elif name == "tags":
            out[name] = " ".join(tag if some is None else f"{tag}={'|'.join(some)}" for tag, some in value.items())
        elif isinstance(value, list):
            out[name] = " ".join(map(str, value))
        else:
            out[name] = str(value)
    return out
