"""Routes: from the labels of an alert to who is told, how soon, how often, and when not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from anytel.catalogue.alert import SEVERITIES, Alert
from anytel.catalogue.catalogue import Catalogue
from anytel.catalogue.delivery import default, mutes_of, receivers_of
from anytel.catalogue.mute import Mute
from anytel.catalogue.receiver import Receiver
from anytel.catalogue.slo import SLO
from anytel.generate.promql import quoted

__all__ = ["GROUP_BY", "NOBODY", "Delivery", "delivery", "routes"]

NOBODY = "nobody"
"""The receiver of alerts that are only shown."""
GROUP_BY = ("alertname", "service", "cluster")
_WAIT = {"critical": "10s", "warning": "30s", "info": "1m"}
"""How long a new group is waited for to fill, by severity."""
_REPEAT = {"critical": "4h", "warning": "24h", "info": "24h"}


class Delivery(NamedTuple):
    """Who is told of an alert, and the mutes that it has."""

    receivers: Sequence[Receiver]
    mutes: Sequence[str]


def delivery(catalogue: Catalogue, severity: str, owner: str, notify: Sequence[str]) -> Delivery:
    """Give what becomes of an alert with these labels."""
    return Delivery(
        receivers_of(catalogue.receivers, severity, owner, notify), mutes_of(catalogue.mutes, severity, owner)
    )


def routes(catalogue: Catalogue) -> Mapping[str, object]:
    """Give the tree: whom an alert names, then its owner's, then the default, who also gets what is not declared."""
    last = default(catalogue.receivers)
    return {
        "receiver": last.name if last else NOBODY,
        "group_by": list(GROUP_BY),
        "group_wait": "30s",
        "group_interval": "5m",
        "repeat_interval": "4h",
        "routes": [route for notify in _notified(catalogue) for route in _of(catalogue, notify)],
    }


def _notified(catalogue: Catalogue) -> list[tuple[str, ...]]:
    """Give all combinations in ``notify=``, and in the end none."""
    declarations: Sequence[SLO | Alert] = [*catalogue.slos, *catalogue.alerts]
    return [*{one.notify: None for one in declarations if one.notify}, ()]


def _of(catalogue: Catalogue, notify: tuple[str, ...]) -> Iterator[Mapping[str, object]]:
    matchers = {"notify": ",".join(notify)} if notify else {}
    for owner in (*_owners(catalogue), ""):
        for severity in SEVERITIES:
            found = delivery(catalogue, severity, owner, notify)
            if owner and found == delivery(catalogue, severity, "", notify):
                continue
            labels = {**matchers, **({"owner": owner} if owner else {}), "severity": severity}
            yield from _told([f"{name}={quoted(value)}" for name, value in labels.items()], severity, found)


def _told(matchers: Sequence[str], severity: str, found: Delivery) -> Iterator[Mapping[str, object]]:
    """Give a route for each receiver: all but the last let the alert go on to the next one."""
    names = [(one.name, one.repeat) for one in found.receivers] or [(NOBODY, "")]
    for number, (name, repeat) in enumerate(names, 1):
        yield {
            "matchers": list(matchers),
            "receiver": name,
            "group_wait": _WAIT[severity],
            "repeat_interval": repeat or _REPEAT[severity],
            **({"mute_time_intervals": list(found.mutes)} if found.mutes and found.receivers else {}),
            **({"continue": True} if number < len(names) else {}),
        }


def _owners(catalogue: Catalogue) -> list[str]:
    """Give the owners for whom anything is declared."""
    declarations: Sequence[Receiver | Mute] = [*catalogue.receivers, *catalogue.mutes]
    return list(dict.fromkeys(owner for one in declarations for owner in one.owners))
