"""Selectors: which series the central Prometheus asks the leaves for, as ``match[]`` of ``/federate``.

Prometheus refuses a selector without a non-empty matcher in a query, but not there: ``{job!="prometheus"}`` gets every
series but a few, and ``{}`` gets none, both without an error. So it is refused here.
"""

from __future__ import annotations

import re
from typing import cast

import promql_parser

from anytel.errors import ConfigError
from anytel.generate.options import Options
from anytel.generate.prometheus.recording import RECORDED
from anytel.generate.promql import quoted
from anytel.generate.queries import Matcher, is_selector, parse, selectors

__all__ = ["EVERYTHING", "check", "problem", "wanted"]

EVERYTHING = frozenset(('{__name__=~".+"}', '{__name__!=""}'))

_EXCLUDING = (
    "it needs at least one non-empty matcher that says what is wanted, else it takes everything",
    """Say what is wanted, not only what is not: '{__name__=~".+",job!~"test|dev"}'.""",
)


def wanted(options: Options) -> tuple[str, ...]:
    """Give those of the options, else what rules record, and whether the service's targets are up."""
    return options.match or (f"{{__name__=~{quoted(RECORDED)}}}", f"up{{job={quoted(options.service)}}}")


def check(selector: str) -> None:
    """Refuse what is no selector, or has no matcher that says what it wants.

    Raises:
        ConfigError: It is such a one.
    """
    wrong, fix = problem(selector)
    if wrong:
        raise ConfigError("--match", selector, "the command line", wrong, fix)


def problem(selector: str) -> tuple[str, str]:
    """Give what is wrong with a selector and the fix; both are empty where nothing is."""
    try:
        parsed = parse(selector)
    except ValueError as exc:
        if "non-empty matcher" in str(exc):
            return _EXCLUDING
        return f"it cannot be read ({exc})", """Write '{job="shop"}'."""
    if not is_selector(parsed):
        return "it is no selector, and /federate computes nothing", "Record it with a rule, and select that."
    (found,) = selectors(parsed)
    if cast("promql_parser.VectorSelector", parsed).matchers.or_matchers:
        return "/federate has no 'or' within a selector", "Give each of them as a selector of its own."
    if any("~" in one.operator and (one.value.startswith("^") or one.value.endswith("$")) for one in found.matchers):
        return "a regular expression always matches all of a value", "Leave ^ and $ out."
    if not found.name and not any(one.operator in ("=", "=~") and not _takes_none(one) for one in found.matchers):
        return _EXCLUDING
    return "", ""


def _takes_none(matcher: Matcher) -> bool:
    """Whether a matcher is satisfied by a label that is not there."""
    if matcher.operator == "=":
        return not matcher.value
    try:
        return re.fullmatch(matcher.value, "") is not None
    except re.error:  # Prometheus' expressions are RE2's; where Python has others, none of them matches nothing
        return False
