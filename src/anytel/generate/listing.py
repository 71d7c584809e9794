"""The listing: a catalogue as plain data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from anytel.backend import Spelling
from anytel.catalogue import SLO, Alert, Mute, Receiver
from anytel.catalogue.catalogue import Catalogue
from anytel.generate.spelling import backends, series
from anytel.metrics.instruments import Instrument

__all__ = ["listing", "metric", "spelled"]


def listing(catalogue: Catalogue) -> dict[str, Any]:
    """Give what is declared, in the order of declaration, as JSON can say it."""
    return {
        "app": catalogue.app,
        "metrics": [
            metric(one) | {"description": one.description, "owner": one.owner, "place": str(one.place)}
            for one in catalogue.instruments.values()
        ],
        "slos": [_slo(one) for one in catalogue.slos],
        "alerts": [_alert(one) for one in catalogue.alerts],
        "receivers": [_receiver(one) for one in catalogue.receivers],
        "mutes": [_mute(one) for one in catalogue.mutes],
        "views": [
            {"title": one.title, "row": one.row, "drawn": one.drawn, "place": str(one.place)} for one in catalogue.views
        ],
    }


def _slo(one: SLO) -> dict[str, Any]:
    return {
        "name": one.name,
        "objective": str(one.objective),
        "window": one.window,
        "owner": one.owner,
        "place": str(one.place),
    }


def _alert(one: Alert) -> dict[str, Any]:
    return {
        "name": one.name,
        "severity": one.severity,
        "for": one.for_,
        "notify": list(one.notify),
        "place": str(one.place),
    }


def _receiver(one: Receiver) -> dict[str, Any]:
    return _routed(one) | {"secrets": sorted(one.secrets.values()), "place": str(one.place)}


def _mute(one: Mute) -> dict[str, Any]:
    return _routed(one) | {"timezone": one.timezone, "place": str(one.place)}


def _routed(one: Receiver | Mute) -> dict[str, Any]:
    return {"name": one.name, "owners": list(one.owners), "severities": list(one.severities)}


def metric(instrument: Instrument) -> dict[str, Any]:
    """Give what queries of a metric depend on."""
    tags = instrument.tags or {}
    return {
        "name": instrument.name,
        "kind": instrument.kind,
        "unit": instrument.unit,
        "tags": {tag: None if some is None else sorted(some) for tag, some in sorted(tags.items())},
        "buckets": list(instrument.bounds),
        "names": spelled(instrument),
    }


def spelled(instrument: Instrument) -> dict[str, Mapping[str, Any]]:
    """Give what each installed backend calls a metric."""
    found = {name: backend.spelling(series(instrument)) for name, backend in backends().items()}
    return {name: _plain(spelling) for name, spelling in found.items() if spelling is not None}


def _plain(spelling: Spelling) -> Mapping[str, Any]:
    plain = {"name": spelling.name, "type": spelling.type, "unit": spelling.unit, "tags": dict(spelling.tags)}
    return plain | ({"buckets": list(spelling.bounds)} if spelling.bounds else {})
