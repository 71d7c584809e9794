"""``anytel list``: what an application declares, and what each vendor calls it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import click
from rich.console import Console
from rich.markup import escape
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
        _show(_console(), found)


def _console() -> Console:
    """Give a console as wide as the terminal, and without one as wide as the rows are: nobody folds a pipe."""
    console = Console()
    return console if console.is_terminal else Console(width=1000)


def _show(console: Console, found: Mapping[str, Any]) -> None:
    if not any(rows for title, rows in found.items() if title != "app"):
        console.print(f"{found['app']} declares nothing.")
    for title, rows in found.items():
        if title == "app" or not rows:
            continue
        table = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False)
        flat = [_flat(row) for row in rows]
        columns = dict.fromkeys(column for row in flat for column in row if any(one.get(column) for one in flat))
        for column in columns:
            table.add_column(column, overflow="fold", no_wrap=not console.is_terminal)
        for row in flat:
            table.add_row(*(escape(row.get(column, "")) for column in columns))
        console.print(table, "")


def _flat(row: Mapping[str, Any]) -> dict[str, str]:
    """Give the cells of a row; what is long is in ``--json``."""
    out: dict[str, str] = {}
    for name, value in row.items():
        if name == "names":
            out |= {backend: spelled["name"] for backend, spelled in value.items() if spelled["name"] != row["name"]}
        elif name == "tags":
            out[name] = " ".join(tag if some is None else f"{tag}({len(some)})" for tag, some in value.items())
        elif isinstance(value, list):
            out[name] = " ".join(map(str, value)) if name != "buckets" else ""
        elif name != "description":
            out[name] = str(value)
    return out
