"""The functions that an application gave `sentry_sdk.init` to look at, change or refuse what is sent."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from sentry_sdk.utils import format_attribute, logger, serialize_attribute

__all__ = ["Hook", "guarded", "wire_attributes"]

Hook: TypeAlias = Callable[[dict[str, Any]], dict[str, Any] | None]
"""Takes what the SDK would show the application; gives what to send, or None. Never raises."""


def guarded(hook: Callable[[Any, Any], Any] | None) -> Hook | None:
    """Make a `Hook` of an SDK option such as ``before_send_log``: like there, one that raises refuses."""
    if hook is None:
        return None

    def run(record: dict[str, Any]) -> dict[str, Any] | None:
        try:
            kept = hook(record, {})
        except Exception:
            logger.exception("A hook of the application raised")  # the SDK's own logger, silent unless debug is on
            return None
        return kept if isinstance(kept, dict) else None

    return run


def wire_attributes(kept: Mapping[str, Any]) -> dict[str, object]:
    """Give the attributes that a hook left, whatever their values have become, in wire form."""
    attributes = kept.get("attributes") or {}
    return {str(name): serialize_attribute(format_attribute(value)) for name, value in attributes.items()}
