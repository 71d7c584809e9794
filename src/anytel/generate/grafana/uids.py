"""Uids: what Grafana knows dashboards, rules and contact points by; the same for the same names."""

from __future__ import annotations

import hashlib
import re

__all__ = ["uid"]

_LONGEST = 40
"""Characters that Grafana allows."""


def uid(*names: str) -> str:
    """Give a uid that can be read, as far as there is room, and that no other *names* have."""
    whole = "-".join(names)
    slug = re.sub(r"[^a-z0-9]+", "-", whole.lower()).strip("-")
    if slug == whole.lower() and len(slug) <= _LONGEST:
        return slug
    mark = hashlib.sha256("\0".join(names).encode()).hexdigest()[:8]
    return f"{slug[: _LONGEST - 9].rstrip('-')}-{mark}"
