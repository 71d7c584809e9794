"""The catalogue: all declarations of an application together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from anytel.catalogue import declared
from anytel.catalogue.alert import Alert
from anytel.catalogue.expressions import Stat
from anytel.catalogue.mute import Mute
from anytel.catalogue.receiver import Receiver
from anytel.catalogue.slo import SLO
from anytel.catalogue.view import View
from anytel.metrics import registry
from anytel.metrics.instruments import Instrument

__all__ = ["Catalogue"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalogue:
    """What is declared: metrics by name, all else in the order of declaration."""

    app: str = ""
    instruments: Mapping[str, Instrument] = field(default_factory=dict)
    slos: Sequence[SLO] = ()
    alerts: Sequence[Alert] = ()
    views: Sequence[View] = ()
    receivers: Sequence[Receiver] = ()
    mutes: Sequence[Mute] = ()

    @classmethod
    def declared(cls, app: str = "") -> Catalogue:
        """Give what was declared in this process so far."""
        return cls(
            app=app,
            instruments=registry.declared(),
            slos=declared.everything(SLO),
            alerts=declared.everything(Alert),
            views=declared.everything(View),
            receivers=declared.everything(Receiver),
            mutes=declared.everything(Mute),
        )

    def instrument(self, stat: Stat) -> Instrument:
        """Give the instrument that a stat is of.

        Raises:
            KeyError: It is not declared.
        """
        given = stat.instrument
        return self.instruments[given if isinstance(given, str) else given.name]
