"""``anytel generate``: from the declarations of an application to configuration, rules and their tests."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable
from pathlib import Path

import click

from anytel.cli.application import app_option, as_json_option
from anytel.errors import ConfigError

__all__ = ["generate"]


@click.command()
@click.argument("target")
@app_option()
@click.option("--out", required=True, type=click.Path(path_type=Path, file_okay=False), help="The folder to write to.")
@click.option("--service", default=None, help="Name of the service; by default TELEMETRY_SERVICE, else the module's.")
@click.option("--scrape", multiple=True, metavar="HOST:PORT", help="Where its metrics are served; repeatable.")
@click.option("--metrics-path", default=None, help="The path they are served at; by default /metrics.")
@click.option("--scrape-interval", default=None, metavar="DURATION", help="How often it is scraped; by default 15s.")
@click.option("--evaluation-interval", default=None, metavar="DURATION", help="How often rules run; by default 30s.")
@click.option("--alertmanager", "alertmanagers", multiple=True, metavar="HOST:PORT", help="Repeatable.")
@click.option("--smtp", default=None, metavar="HOST:PORT", help="Takes e-mail; by default localhost:25.")
@click.option("--smtp-from", default=None, metavar="ADDRESS", help="Of whom e-mail comes.")
@click.option("--smtp-username", default=None, help="Signs in with it, and with the password in smtp_password.")
@click.option("--secrets", default=None, metavar="FOLDER", help="Of the files with secrets; by default /run/secrets.")
@click.option("--leaf", "leaves", multiple=True, metavar="CLUSTER=HOST:PORT", help="A Prometheus below; repeatable.")
@click.option("--match", multiple=True, metavar="SELECTOR", help="What is federated; repeatable.")
@click.option("--retention", default=None, metavar="DURATION", help="Of Prometheus; by default 15d.")
@click.option("--retention-raw", default=None, metavar="DURATION", help="Of raw samples in Thanos; by default 365d.")
@click.option("--retention-5m", default=None, metavar="DURATION", help="Of samples each 5m; by default 365d.")
@click.option("--retention-1h", default=None, metavar="DURATION", help="Of samples each 1h; by default 365d.")
@click.option("--external-label", "external_labels", multiple=True, metavar="NAME=VALUE", help="Repeatable.")
@click.option("--prometheus-url", default=None, metavar="URL", help="Where Grafana asks; empty to leave it out.")
@click.option("--thanos-url", default=None, metavar="URL", help="Of Thanos Query, likewise.")
@click.option("--loki-url", default=None, metavar="URL", help="Of Loki, likewise.")
@click.option("--traces-url", default=None, metavar="URL", help="Of a trace, with {trace_id} in it.")
@as_json_option()
def generate(*, target: str, app: str, out: Path, as_json: bool, **given: object) -> None:
    """Write the files of TARGET: prometheus, alertmanager, federation, grafana or stack, or all of them.

    They follow from what MODULE declares, and are the same, byte for byte, as long as that is. Files that an earlier
    run has written and that are no longer generated are removed; other files are never touched.

    \b
    Examples:
      anytel generate prometheus --app shop.telemetry --out ops
      anytel generate all --app shop.telemetry --out ops --service shop --scrape shop:8000
    """  # noqa: D301 -- the mark for click is the character itself
    from anytel import generate as generators  # noqa: PLC0415 -- what they need is an extra, and `--help` must be quick
    from anytel.catalogue.load import load  # noqa: PLC0415 -- as above
    from anytel.generate.options import options  # noqa: PLC0415 -- as above
    from anytel.generate.writer import texts, write  # noqa: PLC0415 -- as above

    targets = generators.TARGETS if target == "all" else (_known(target, generators.TARGETS),)
    catalogue = load(app)
    chosen = options(app, {**given, "before": texts(out)})
    files = {one: generators.generate(one, catalogue, chosen) for one in targets}
    done = write(out, files)
    if as_json:
        shown = {"out": str(out), "written": done.written, "unchanged": done.unchanged, "removed": done.removed}
        click.echo(json.dumps(shown, indent=2))
        return
    for path in done.written:
        click.echo(f"wrote    {out / path}")
    for path in done.removed:
        click.echo(f"removed  {out / path}")
    click.echo(f"{len(done.written)} written, {len(done.unchanged)} unchanged, {len(done.removed)} removed in {out}")


def _known(target: str, known: Iterable[str]) -> str:
    known = (*known, "all")
    if target not in known:
        near = difflib.get_close_matches(target, known, n=1)
        hint = f"Did you mean {near[0]!r}? " if near else ""
        raise ConfigError(
            "TARGET", target, "the command line", "there is no such target", f"{hint}Known: {', '.join(known)}."
        )
    return target
