"""The tables that say how faithful each backend is, written from what its class states.

``PYTHONPATH=tests python -m docs.tables`` brings the pages up to date; the tests fail where they are not.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib.metadata import entry_points

from anytel.backend import Backend, Signal
from docs.pages import DOCS, ROOT

ORDER = ("console", "memory", "sentry", "datadog", "prometheus", "otlp")
SIGNALS: tuple[Signal, ...] = ("span", "metric", "log", "error")


def backend(name: str) -> type[Backend]:
    """Load the class of a backend."""
    [point] = entry_points(group="anytel.backends", name=name)
    found: type[Backend] = point.load()
    return found


def fidelity(name: str) -> str:
    """Write the table of one backend: a row per feature."""
    lines = ["| Feature | Fidelity | How, or why not |", "| --- | --- | --- |"]
    for feature, stated in sorted(backend(name).fidelity.items(), key=lambda item: item[0] == "*"):
        word, _, how = stated.partition(": ")
        lines.append(f"| {'all others' if feature == '*' else f'`{feature}`'} | {word} | {how} |")
    return "\n".join(lines)


def glance(name: str) -> list[str]:
    """Give one word per signal: exact only where every feature of it is, — where there is nothing of it."""
    return [_word(backend(name), signal) for signal in SIGNALS]


def _word(of: type[Backend], signal: Signal) -> str:
    if signal not in of.signals and of.fidelity.get(signal, "unsupported").startswith("unsupported"):
        return "—"
    features = [stated for feature, stated in of.fidelity.items() if _signal(feature) == signal]
    words = {stated.partition(":")[0] for stated in features or [of.fidelity["*"]]}
    return "exact" if words == {"exact"} else "approximate"


def _signal(feature: str) -> str:
    return feature.partition(".")[0]


def marked(text: str) -> Iterator[re.Match[str]]:
    """Find the tables to be written: ``<!-- fidelity: NAME -->`` down to ``<!-- end -->``."""
    return re.finditer(r"<!-- fidelity: (\w+) -->\n(.*?)\n?<!-- end -->", text, re.DOTALL)


def main() -> None:
    """Write all tables anew."""
    for page in (ROOT / "README.md", *DOCS.rglob("*.md")):
        text = page.read_text()
        for found in list(marked(text)):
            text = text.replace(found[0], f"<!-- fidelity: {found[1]} -->\n{fidelity(found[1])}\n<!-- end -->")
        page.write_text(text)


if __name__ == "__main__":
    main()
