"""The command line: ``anytel``. One module per verb."""

from __future__ import annotations

import io
import sys

__all__ = ["main"]


def main() -> None:
    """Run the command line. Exit codes: 0 is success, 1 a check that found something, 2 that it could not be run."""
    try:
        from anytel.cli.group import commands  # noqa: PLC0415 -- what it needs is an extra
    except ModuleNotFoundError as exc:
        missing = (exc.name or "").partition(".")[0]
        if missing not in ("click", "rich"):
            raise
        sys.stderr.write(f"anytel: the command line needs {missing!r}. Run: pip install 'anytel[cli]'\n")
        sys.exit(2)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal that cannot show a character shows "?"
    commands()
