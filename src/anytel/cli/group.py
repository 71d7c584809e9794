"""The group of all verbs, and how what goes wrong in one is told."""

from __future__ import annotations

import traceback

import click

from anytel.cli.check import check
from anytel.cli.demo import demo
from anytel.cli.generate import generate
from anytel.cli.list import list_command
from anytel.cli.lock import diff, lock
from anytel.errors import AnytelError

__all__ = ["Problem", "commands"]

INTERRUPTED = 130


class Problem(click.ClickException):
    """What is told in one line; exit code 2."""

    exit_code = 2


class _Verbs(click.Group):
    """Tells errors in one line, or with ``--debug`` by their traceback."""

    def invoke(self, ctx: click.Context) -> object:
        """Run the verb."""
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit, click.Abort, BrokenPipeError):
            raise
        except KeyboardInterrupt:
            ctx.exit(INTERRUPTED)
        except Exception as exc:
            if ctx.params["debug"]:
                traceback.print_exc()
                ctx.exit(Problem.exit_code)
            raise Problem(_told(exc)) from exc


def _told(exc: Exception) -> str:
    if isinstance(exc, AnytelError):
        return str(exc)
    if isinstance(exc, ModuleNotFoundError):
        module = str(exc.name).partition(".")[0]
        extra = "generate" if module in ("yaml", "promql_parser", "prometheus_client") else "demo"
        return f"this needs {module!r}, which is not installed. Run: pip install 'anytel[{extra}]'"
    return f"{type(exc).__name__}: {exc} (anytel --debug ... shows where)"


@click.group(cls=_Verbs, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
@click.version_option(package_name="anytel", message="anytel %(version)s")
def commands(*, debug: bool) -> None:
    """See what your telemetry does.

    \b
    Examples:
      anytel demo
      anytel demo --backends sentry,datadog,prometheus --check
      anytel list --app shop.telemetry
      anytel generate all --app shop.telemetry --out ops
      anytel check ops --app shop.telemetry

    Exit codes: 0 success, 1 a check found something, 2 it could not be run.
    """  # noqa: D301 -- the mark for click is the character itself


commands.add_command(demo)
commands.add_command(list_command)
commands.add_command(generate)
commands.add_command(check)
commands.add_command(lock)
commands.add_command(diff)
