"""What a service declares beside its metrics: objectives, alerts and views, from which every vendor's artefacts come.

A declaration is cheap and has no effect at run time. It is checked when something is generated from it, and what is
wrong is told with its place in the code.
"""

from anytel.catalogue.alert import Alert
from anytel.catalogue.catalogue import Catalogue
from anytel.catalogue.expressions import Condition, Expression, Latency, Ratio, Raw, Stat
from anytel.catalogue.mute import Mute
from anytel.catalogue.receiver import Receiver
from anytel.catalogue.slo import SLO
from anytel.catalogue.style import Style
from anytel.catalogue.view import View

__all__ = [
    "SLO",
    "Alert",
    "Catalogue",
    "Condition",
    "Expression",
    "Latency",
    "Mute",
    "Ratio",
    "Raw",
    "Receiver",
    "Stat",
    "Style",
    "View",
]
