"""``anytel demo``: run the demo service, and see what it emits and what each vendor receives of that."""

from __future__ import annotations

import difflib
import json
import sys
from collections.abc import Sequence

import click
from rich.console import Console

from anytel.errors import ConfigError

__all__ = ["demo"]


@click.command()
@click.option(
    "--backends", default="memory", metavar="NAMES", help="sentry, datadog, prometheus, otlp; comma-separated."
)
@click.option("--seconds", default=3.0, type=click.FloatRange(0, 3600), help="How long the traffic lasts.")
@click.option("--requests", default=120, type=click.IntRange(1, 100_000), help="How many requests are sent.")
@click.option("--seed", default=1, help="The same seed gives the same requests.")
@click.option("--check", is_flag=True, help="Exit with 1 where a vendor's data differ from what was emitted.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as data.")
def demo(*, backends: str, seconds: float, requests: int, seed: int, check: bool, as_json: bool) -> None:
    """Send real traffic to a real service, and show what its telemetry says.

    Without --backends everything is collected in memory and shown. With it, each vendor's backend sends to a receiver
    on this machine that decodes what arrives; nothing leaves the machine and no account is needed.

    \b
    Examples:
      anytel demo
      anytel demo --backends sentry,datadog,prometheus
      anytel demo --backends datadog --requests 1000 --seconds 20 --json
      anytel demo --backends sentry,datadog,prometheus,otlp --check
    """  # noqa: D301 -- the mark for click is the character itself
    from anytel.demo import run, show, traffic  # noqa: PLC0415 -- what they need is an extra, and `--help` must be quick
    from anytel.demo.app import secret  # noqa: PLC0415 -- as above
    from anytel.demo.report import data  # noqa: PLC0415 -- as above

    plan = traffic.plan(requests, seconds, seed, secret())
    with show.progress(Console(stderr=True, quiet=as_json or not sys.stderr.isatty()), requests) as progress:
        result = run.run(_names(backends), plan, progress)
    if as_json:
        click.echo(json.dumps(data(result), indent=2))
    else:
        show.show(Console(), result)
    if check and result.differences():
        sys.exit(1)


def _names(given: str) -> list[str]:
    from anytel.testing.observe import OBSERVERS  # noqa: PLC0415 -- as above

    names = list(dict.fromkeys(name.strip().lower() for name in given.split(",") if name.strip()))
    for name in names:
        if name not in OBSERVERS and name != "memory":
            raise _unobservable(name, given, [*OBSERVERS, "memory"])
    return [name for name in names if name != "memory"]


def _unobservable(name: str, given: str, known: Sequence[str]) -> ConfigError:
    near = difflib.get_close_matches(name, known, n=1)
    hint = f"Did you mean {near[0]!r}? " if near else ""
    problem = f"the demo has no receiver for {name!r}"
    return ConfigError("--backends", given, "the command line", problem, f"{hint}Known: {', '.join(known)}.")
