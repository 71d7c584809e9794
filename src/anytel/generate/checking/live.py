"""A live Prometheus: does it have the series that the rules ask for?"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from typing import Any
from urllib.error import URLError
from urllib.parse import urlencode
from urllib.request import urlopen

from anytel.generate.checking.artefacts import Artefacts
from anytel.generate.checking.finding import Finding
from anytel.generate.checking.panels import asked as asked_by
from anytel.generate.queries import Selector, parse, selectors

__all__ = ["live_checks"]

_BACK = 3600
"""Seconds that are looked back on."""
_TIMEOUT = 10
_VARIABLE = re.compile(r'=~"\$\w+"')
"""Matchers that a variable of Grafana is in, which stands for all values here."""


def live_checks(artefacts: Artefacts, url: str) -> Iterator[Finding]:
    """Ask the Prometheus at *url* for each series that a rule reads.

    A metric that is not there at all fails. One of which only no series matches, as of errors that have not happened
    yet, is noted.
    """
    asked: dict[Selector, str] = {}
    for one in asked_by(artefacts):
        if one.logs:
            continue
        try:
            found = selectors(parse(_VARIABLE.sub('=~".*"', one.expr)))
        except ValueError:
            continue  # told by our own checks
        for selector in found:
            asked.setdefault(selector, f"{one.path} ({one.name})")
    try:
        for selector, by in asked.items():
            yield _found(url.rstrip("/"), selector, by)
    except (OSError, ValueError) as exc:
        reason = exc.reason if isinstance(exc, URLError) else exc
        yield Finding("live", "failed", detail=f"{url} does not answer as a Prometheus does: {reason}")


def _found(url: str, selector: Selector, by: str) -> Finding:
    if _series(url, str(selector)):
        return Finding("live", "passed", detail=str(selector))
    if selector.name and _series(url, selector.name):
        return Finding("live", "noted", detail=f"no series of {selector.name} matches {selector} yet; asked by {by}")
    return Finding("live", "failed", detail=f"there is no {selector}; asked by {by}")


def _series(url: str, selector: str) -> bool:
    now = time.time()
    query = urlencode({"match[]": selector, "start": f"{now - _BACK:.3f}", "end": f"{now:.3f}", "limit": "1"})
    with urlopen(f"{url}/api/v1/series?{query}", timeout=_TIMEOUT) as answer:  # noqa: S310 -- the user's own address
        found: dict[str, Any] = json.load(answer)
    return bool(found["data"])
