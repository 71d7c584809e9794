"""Names, labels and texts as Prometheus spells them: pure functions.

The rules are those of OpenTelemetry's "Prometheus and OpenMetrics Compatibility".
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Literal, TypeAlias

from anytel.backend import MetricKind

__all__ = [
    "TYPES",
    "FamilyType",
    "escape_help",
    "escape_quoted",
    "family_name",
    "label_name",
    "labels",
    "reserved_names",
]

FamilyType: TypeAlias = Literal["counter", "gauge", "histogram"]

TYPES: Mapping[MetricKind, FamilyType] = {
    "count": "counter",
    "gauge": "gauge",
    "distribution": "histogram",
    "histogram": "histogram",
    "set": "gauge",
}

_SUFFIXES: Mapping[str, Sequence[str]] = {
    "counter": ("", "_total", "_created"),
    "histogram": ("", "_bucket", "_count", "_sum", "_created"),
    "gaugehistogram": ("", "_bucket", "_gcount", "_gsum"),
    "summary": ("", "_count", "_sum", "_created"),
    "info": ("", "_info"),
}
_NOT_IN_NAME = re.compile(r"[^a-zA-Z0-9_:]")
_NOT_IN_LABEL = re.compile(r"[^a-zA-Z0-9_]")
_UNDERSCORES = re.compile(r"__+")
_QUOTED = str.maketrans({"\\": r"\\", "\n": r"\n", '"': r"\""})
_HELP = str.maketrans({"\\": r"\\", "\n": r"\n"})


def family_name(name: str, kind: MetricKind, unit: str) -> str:
    """Name the family of a metric, without a counter's ``_total``: ``mcp.calls`` is ``mcp_calls``.

    *unit* is the Prometheus word; it is added unless the name ends with it.
    """
    base = _identifier(_NOT_IN_NAME, name)
    if kind == "count" and len(base) > len("_total"):
        base = base.removesuffix("_total")
    if not unit or base == unit or base.endswith(f"_{unit}"):
        return base
    return _UNDERSCORES.sub("_", f"{base}_{unit}")


def label_name(name: str) -> str:
    """Name a label; no name starts with ``__``, and ``le``, which Prometheus keeps for buckets, is ``exported_le``."""
    label = _identifier(_NOT_IN_LABEL, name)
    return "exported_le" if label == "le" else label


def labels(tags: Sequence[tuple[str, str]]) -> dict[str, str]:
    """Give the labels for *tags*, sorted; values whose names become the same are joined with ``;``.

    To Prometheus an empty value is no label, so these are left out.
    """
    values: dict[str, list[str]] = {}
    for name, value in tags:
        values.setdefault(label_name(name), []).append(value)
    joined = ((name, ";".join(several)) for name, several in sorted(values.items()))
    return {name: value for name, value in joined if value}


def reserved_names(name: str, family_type: str) -> frozenset[str]:
    """Give all names that a family takes, so that no other may use them in the same exposition."""
    spellings = {name, _NOT_IN_NAME.sub("_", name)}
    return frozenset(spelling + suffix for spelling in spellings for suffix in _SUFFIXES.get(family_type, ("",)))


def escape_quoted(text: str) -> str:
    """Escape a label value, or a help text in OpenMetrics."""
    return text.translate(_QUOTED)


def escape_help(text: str) -> str:
    """Escape a help text in the text format 0.0.4, which leaves quotes alone."""
    return text.translate(_HELP)


def _identifier(invalid: re.Pattern[str], name: str) -> str:
    base = _UNDERSCORES.sub("_", invalid.sub("_", name))
    return f"_{base}" if not base or base[0].isdigit() else base
