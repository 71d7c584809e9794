"""Before: what an earlier run has generated, so that Grafana, which keeps it, can be told to take it away."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import yaml

__all__ = ["gone"]


def gone(text: str, names: Callable[[Mapping[str, Any]], Iterable[str]], now: Iterable[str]) -> list[str]:
    """Give the *names* in the file of an earlier run that are not there *now*, in their order.

    A file that cannot be read, or is somebody else's, names nothing.
    """
    try:
        data = yaml.safe_load(text) if text else {}
        return sorted(set(names(data)) - set(now))
    except (yaml.YAMLError, AttributeError, KeyError, TypeError):
        return []
