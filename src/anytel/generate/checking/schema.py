"""Dashboards, by the types that Grafana's own panels have: TypeScript compiles them against ``@grafana/schema``."""

from __future__ import annotations

import json
import os
import re
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from anytel.generate.checking.artefacts import Artefact, Artefacts
from anytel.generate.checking.finding import Finding

__all__ = ["modules", "schema_checks"]

CHECK = "tsc @grafana/schema"
_TIMEOUT = 120
"""Seconds that the compiler may take."""
_KINDS = ("timeseries", "stat", "gauge", "heatmap", "table", "bargauge", "piechart", "logs")
_WITH_FIELDS = ("timeseries", "heatmap", "table", "piechart")
"""Those that export a type of what their fields are configured by."""
_RAW = "./node_modules/@grafana/schema/dist/types/raw"
# A panel's file has texts where the types have enumerations, and may leave out what has a default.
_LOOSE = (
    "type Loose<T> = T extends string ? `${T}` : T extends number ? T : T extends boolean ? T"
    " : T extends object ? {[K in keyof T]?: Loose<T[K]>} : T;"
)
_OPTIONS = (
    "--noEmit", "--strict", "--skipLibCheck", "--pretty", "false", "--module", "esnext",
    "--moduleResolution", "bundler", "--target", "es2022", "--preserveSymlinks",
)  # fmt: skip
_ERROR = re.compile(r"check\.ts\((\d+),\d+\): error TS\d+: (.*)")


class _Line(NamedTuple):
    """A line of the program: the *code*, and of which file and part it is."""

    code: str
    path: str = ""
    place: str = ""


def schema_checks(artefacts: Artefacts) -> Iterator[Finding]:
    """Compile all dashboards at once."""
    files = artefacts.of("dashboard")
    if not files:
        return
    folder = modules("@grafana/schema", "typescript")
    if folder is None:
        missing = (
            f"@grafana/schema and typescript are not in GRAFANA_MODULES; {len(files)} files were not checked by it"
        )
        yield Finding(CHECK, "skipped", detail=missing)
        return
    lines = [*_head(), *(line for file in files for line in _lines(file))]
    try:
        wrong = list(_compiled(folder, lines))
    except (OSError, subprocess.TimeoutExpired) as exc:
        yield Finding(CHECK, "failed", detail=f"it could not be run: {exc}")
        return
    yield from wrong
    told = {one.file for one in wrong}
    yield from (Finding(CHECK, "passed", file.path) for file in files if file.path not in told and "" not in told)


def modules(*packages: str) -> Path | None:
    """Give the folder ``node_modules`` with these npm packages: that of ``GRAFANA_MODULES``, or the one we are in."""
    folder = Path(os.environ.get("GRAFANA_MODULES") or "node_modules").resolve()
    return folder if all((folder / package / "package.json").is_file() for package in packages) else None


def _head() -> Iterator[_Line]:
    yield _Line(f"import * as S from '{_RAW}/dashboard/x/types.gen';")
    for kind in _KINDS:
        yield _Line(f"import * as {kind} from '{_RAW}/composable/{kind}/panelcfg/x/types.gen';")
    yield _Line(_LOOSE)


def _lines(file: Artefact) -> Iterator[_Line]:
    whole = {name: value for name, value in file.data.items() if name not in ("panels", "annotations", "__inputs")}
    yield _typed("S.Dashboard", whole, file.path, "the dashboard")
    for panel in file.data.get("panels") or ():
        yield from _panel(panel, file.path)
        for inner in panel.get("panels") or ():
            yield from _panel(inner, file.path)


def _panel(panel: Mapping[str, Any], path: str) -> Iterator[_Line]:
    kind, place = str(panel.get("type")), f"panel {panel.get('title')!r}"
    if kind == "row":
        yield _typed("S.RowPanel", {**panel, "panels": []}, path, f"row {panel.get('title')!r}")
        return
    yield _typed("S.Panel", panel, path, place)
    if kind not in _KINDS:
        return
    yield _typed(f"{kind}.Options", panel.get("options") or {}, path, f"{place}, options")
    custom = ((panel.get("fieldConfig") or {}).get("defaults") or {}).get("custom")
    if custom is not None and kind in _WITH_FIELDS:
        yield _typed(f"{kind}.FieldConfig", custom, path, f"{place}, fieldConfig.defaults.custom")


def _typed(name: str, value: object, path: str, place: str) -> _Line:
    return _Line(f"{{ const one: Loose<{name}> = {json.dumps(value)}; }}", path, place)


def _compiled(folder: Path, lines: Sequence[_Line]) -> Iterator[Finding]:
    with tempfile.TemporaryDirectory(prefix="anytel-") as name:
        work = Path(name)
        (work / "node_modules").symlink_to(folder)
        (work / "check.ts").write_text("\n".join([*(line.code for line in lines), "export {};", ""]), encoding="utf-8")
        command = ["node", str(folder / "typescript/bin/tsc"), *_OPTIONS, "check.ts"]
        done = subprocess.run(command, cwd=work, capture_output=True, text=True, timeout=_TIMEOUT, check=False)  # noqa: S603 -- the user's own
    found = _ERROR.findall(done.stdout)
    for number, said in found:
        line = lines[int(number) - 1]
        yield Finding(CHECK, "failed", line.path, f"{line.place}: {said}" if line.place else said)
    if done.returncode and not found:
        yield Finding(CHECK, "failed", detail=(done.stdout + done.stderr).strip()[-2000:])
