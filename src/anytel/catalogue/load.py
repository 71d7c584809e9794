"""From the name of a module to its catalogue: the module is imported, which declares everything."""

from __future__ import annotations

import importlib
import os
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import replace
from pathlib import Path, PurePath

from anytel import misuse, runtime
from anytel.catalogue.catalogue import Catalogue
from anytel.config.settings import Settings
from anytel.config.sources import Setting
from anytel.errors import ConfigError, MisuseError

__all__ = ["load"]

_BACKENDS = "TELEMETRY_BACKENDS"


def load(app: str) -> Catalogue:
    """Import *app*, a module's name (``shop.telemetry``; what follows a ``:`` is ignored), and give what it declares.

    The folder we are in is looked in too, as ``python -m`` does.

    Raises:
        ConfigError: There is no such module, or importing it fails; or a declaration in it was refused.
    """
    name = app.partition(":")[0].strip()
    if not name or "/" in name or name.startswith(".") or name.endswith(".py"):
        near = ".".join(PurePath(name.removesuffix(".py")).parts).lstrip(".") or "shop.telemetry"
        raise _refused(app, "that is no name of a module", f"Name it as it is imported, such as {near}.")
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    misuse.set_strict(True)
    try:
        with _nothing_sent():
            importlib.import_module(name)
    except MisuseError as exc:
        raise _refused(app, f"{exc} ({_raised_at(exc)})", "Correct the declaration.") from exc
    except ModuleNotFoundError as exc:
        missing = str(exc.name)
        if name == missing or name.startswith(f"{missing}."):
            fix = "Name a module that can be imported from here, such as shop.telemetry."
            raise _refused(app, f"there is no module {missing!r}", fix) from exc
        raise _refused(app, f"it needs {missing!r}, which is not installed", f"Run: pip install {missing}") from exc
    except SystemExit as exc:
        problem = f"importing it ends the process, with {exc.code!r} ({_raised_at(exc)})"
        raise _refused(app, problem, 'Do that below `if __name__ == "__main__":`.') from exc
    except Exception as exc:
        problem = f"importing it fails: {type(exc).__name__}: {exc} ({_raised_at(exc)})"
        raise _refused(app, problem, "Correct that; `anytel --debug` shows the traceback.") from exc
    finally:
        misuse.set_strict(False)
    return Catalogue.declared(name)


@contextmanager
def _nothing_sent() -> Iterator[None]:
    """Have a module that configures telemetry when it is imported configure none: it is only read here.

    That holds for backends that it names itself, too. What it prints does not get among the output of a command.
    """
    before, amended = os.environ.get(_BACKENDS), runtime.amend
    os.environ[_BACKENDS] = "none"
    runtime.amend = _without_backends
    try:
        with redirect_stdout(sys.stderr):
            yield
    finally:
        runtime.amend = amended
        if before is None:
            del os.environ[_BACKENDS]
        else:
            os.environ[_BACKENDS] = before


def _without_backends(settings: Settings) -> Settings:
    return replace(settings, backends=Setting(("none",), _BACKENDS))


def _refused(app: str, problem: str, fix: str) -> ConfigError:
    return ConfigError("--app", app, "the command line", problem, fix)


def _raised_at(exc: BaseException) -> str:
    """Give the last line of the traceback that is not ours."""
    ours = str(Path(__file__).parents[1])
    frames = traceback.extract_tb(exc.__traceback__)
    outside = [one for one in frames if not one.filename.startswith((ours, "<frozen"))] or frames
    return f"{outside[-1].filename}:{outside[-1].lineno}"
