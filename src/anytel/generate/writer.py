"""The writer: puts generated files into a folder, and takes away those that are no longer generated."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from anytel.errors import ConfigError

__all__ = ["INTERRUPTED", "MANIFEST", "Written", "manifest", "write"]
__all__ = ["MANIFEST", "Written", "manifest", "texts", "write"]

MANIFEST = ".anytel-generated.json"
"""Remembers which files of the folder were generated, by target."""
INTERRUPTED = "interrupted"
"""Stands there for a target, while a run is removing its files."""


@dataclass(slots=True)
class Written:
    """What became of the files, as paths below the folder."""

    written: list[str] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)


def manifest(folder: Path) -> dict[str, list[str]]:
    """Give the generated files of *folder* by target.

    Raises:
        ConfigError: What remembers them cannot be read.
    """
    try:
        found = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        return {str(target): [_safe(path) for path in paths] for target, paths in found.items()}
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (OSError, ValueError, AttributeError, TypeError) as exc:
        fix = "Restore it, or remove it together with what was generated."
        raise ConfigError("--out", str(folder), "the command line", f"{MANIFEST} cannot be read ({exc})", fix) from exc


def texts(folder: Path) -> dict[str, str]:
    """Give the texts of the generated files of *folder* that can be read, by their paths.

    Raises:
        ConfigError: What remembers them cannot be read.
    """
    found = {}
    for path in {path for paths in manifest(folder).values() for path in paths}:
        with suppress(OSError, UnicodeDecodeError):
            found[path] = (folder / path).read_text(encoding="utf-8")
    return found


def write(folder: Path, files: Mapping[str, Mapping[str, str]]) -> Written:
    """Write the *files* of some targets, each file at once or not at all.

    What an earlier run has generated for one of these targets, and is not among them any more, is removed. A file that
    anytel did not generate is never overwritten.

    Raises:
        ConfigError: Such a file is in the way, or the folder cannot be written to.
    """
    before = manifest(folder)
    ours = {path for paths in before.values() for path in paths}
    wanted = {_safe(path): text for paths in files.values() for path, text in paths.items()}
    _refuse_strangers(folder, [path for path in wanted if path not in ours], wanted)
    before.pop(INTERRUPTED, None)
    after = {**before, **{target: sorted(paths) for target, paths in files.items()}}
    kept = {path for paths in after.values() for path in paths}
    try:
        # First remember: a run that is interrupted must find its files again.
        _put(folder / MANIFEST, _listed({**after, INTERRUPTED: sorted(ours - kept)}))
        done = _put_all(folder, wanted)
        done.removed = [path for path in sorted(ours - kept) if _remove(folder, path)]
        _put(folder / MANIFEST, _listed(after))
    except OSError as exc:
        problem = f"it cannot be written to ({exc.strerror}: {exc.filename})"
        raise ConfigError("--out", str(folder), "the command line", problem, "Choose another folder.") from exc
    return done


def _put_all(folder: Path, wanted: Mapping[str, str]) -> Written:
    done = Written()
    for path, text in sorted(wanted.items()):
        (done.written if _put(folder / path, text) else done.unchanged).append(path)
    return done


def _put(path: Path, text: str) -> bool:
    """Write one file; whether anything changed."""
    data = text.encode()
    with suppress(FileNotFoundError):
        if path.read_bytes() == data:
            return False
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        mask = os.umask(0)
        os.umask(mask)
        Path(temporary).chmod(0o666 & ~mask)  # mkstemp's files are for their owner alone, and servers run as others
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    return True


def _remove(folder: Path, path: str) -> bool:
    """Remove one file, and the folders that are empty without it."""
    found = folder / path
    if not found.is_file():
        return False
    found.unlink()
    with suppress(OSError):
        for parent in PurePosixPath(path).parents[:-1]:
            (folder / parent).rmdir()
    return True


def _refuse_strangers(folder: Path, paths: Sequence[str], wanted: Mapping[str, str]) -> None:
    for path in sorted(paths):
        found = folder / path
        if found.exists() and not (found.is_file() and found.read_bytes() == wanted[path].encode()):
            problem = f"{path} is there already, and anytel did not generate it"
            raise ConfigError(
                "--out", str(folder), "the command line", problem, "Move it away, or choose another folder."
            )


def _safe(path: str) -> str:
    """Refuse to leave the folder: a manifest is a file that anybody may have written."""
    pure = PurePosixPath(path)
    if pure.is_absolute() or ".." in pure.parts or not pure.parts:
        raise ValueError(f"{path!r} is not below the folder")
    return str(pure)


def _listed(files: Mapping[str, Sequence[str]]) -> str:
    return json.dumps({target: list(paths) for target, paths in sorted(files.items()) if paths}, indent=2) + "\n"
