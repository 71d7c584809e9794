"""The grammars that Grafana's own editors read queries by: PromQL and LogQL, run by node."""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from anytel.generate.checking.artefacts import Artefacts
from anytel.generate.checking.finding import Finding
from anytel.generate.checking.panels import Asked, asked
from anytel.generate.checking.schema import modules

__all__ = ["grammar_checks"]

_TIMEOUT = 60
_PACKAGES = {False: "@prometheus-io/lezer-promql", True: "@grafana/lezer-logql"}
_PROGRAM = """\
import {readFileSync} from 'node:fs';
import {parser as promql} from '@prometheus-io/lezer-promql';
import {parser as logql} from '@grafana/lezer-logql';
const first = (parser, text) => {
  let at = null;
  parser.parse(text).iterate({enter: node => { if (node.type.isError && at === null) at = node.from; }});
  return at;
};
const queries = JSON.parse(readFileSync('queries.json', 'utf8'));
console.log(JSON.stringify(queries.map(one => first(one.logs ? logql : promql, one.expr))));
"""


def grammar_checks(artefacts: Artefacts) -> Iterator[Finding]:
    """Read all queries of dashboards, and say where each cannot be read."""
    files = {file.path for file in artefacts.of("dashboard")}
    queries = [one for one in asked(artefacts) if one.path in files]
    if not queries:
        return
    folder = modules(*_PACKAGES.values())
    if folder is None:
        missing = f"{' and '.join(_PACKAGES.values())} are not in GRAFANA_MODULES"
        yield Finding("grammars", "skipped", detail=f"{missing}; {len(queries)} queries were not read by them")
        return
    try:
        places = _errors(folder, queries)
    except (OSError, ValueError, subprocess.SubprocessError) as exc:
        yield Finding("grammars", "failed", detail=f"it could not be run: {exc}")
        return
    wrong = [(one, place) for one, place in zip(queries, places, strict=True) if place is not None]
    for one, place in wrong:
        said = (
            f"{one.name}: {'LogQL' if one.logs else 'PromQL'} cannot be read from its character {place + 1}: {one.expr}"
        )
        yield Finding("grammars", "failed", one.path, said)
    told = {one.path for one, _ in wrong}
    yield from (Finding("grammars", "passed", path) for path in sorted(files - told))


def _errors(folder: Path, queries: Sequence[Asked]) -> list[int | None]:
    """Give for each query the first place that does not fit."""
    with tempfile.TemporaryDirectory(prefix="anytel-") as name:
        work = Path(name)
        (work / "node_modules").symlink_to(folder)
        (work / "read.mjs").write_text(_PROGRAM, encoding="utf-8")
        given = [{"expr": one.expr, "logs": one.logs} for one in queries]
        (work / "queries.json").write_text(json.dumps(given), encoding="utf-8")
        command = ["node", "--preserve-symlinks", "--preserve-symlinks-main", "read.mjs"]
        done = subprocess.run(command, cwd=work, capture_output=True, text=True, timeout=_TIMEOUT, check=True)  # noqa: S603 -- our own program
    found: list[int | None] = json.loads(done.stdout)
    return found
