"""What is declared for the demo service in these tests, with receivers that listen on this machine."""

from __future__ import annotations

import anytel
from anytel.catalogue import Catalogue, declared
from anytel.demo import telemetry
from anytel.metrics.instruments import Instrument

__all__ = ["SERVICE", "catalogue"]

SERVICE = "afo"
MAIL = "oncall@afo.example"


def catalogue(hook: str = "http://hook.example") -> Catalogue:
    """Give a catalogue: an objective that pages, an alert that is mailed, and one that is muted for ever."""
    failing = anytel.Stat(telemetry.SKILLS_EXECUTIONS, where={"status": "error"})
    running = anytel.Stat(telemetry.SKILLS_EXECUTIONS, "rate") > 0
    made = Catalogue(
        app="ops.declared",
        instruments={one.name: one for one in vars(telemetry).values() if isinstance(one, Instrument)},
        slos=(
            anytel.SLO(
                "skills-succeed",
                "0.99",
                "30d",
                anytel.Ratio(total=telemetry.SKILLS_EXECUTIONS, bad=failing),
                description="Skills do what they are asked for",
                runbook="https://runbooks.example/skills",
            ),
        ),
        alerts=(
            anytel.Alert(
                "SkillsAreRun", running, severity="warning", for_="0s", owner="api", message="{value} a second"
            ),
            anytel.Alert("SkillsAreRunAtNight", running, severity="warning", for_="0s", owner="night"),
            anytel.Alert(
                "SkillsAreRunAgain", running, severity="warning", for_="0s", owner="content", notify=("api", "audit")
            ),
        ),
        receivers=(
            anytel.Receiver(
                "oncall", webhook=f"{hook}/oncall", slack="#afo-alerts", email="oncall@afo.example", default=True
            ),
            anytel.Receiver("api", webhook=f"{hook}/api", webhook_token=True, owners="api"),
            anytel.Receiver("audit", webhook=f"{hook}/audit"),
        ),
        mutes=(anytel.Mute("always", days="sunday:saturday", owners="night"),),
    )
    declared.forget()  # of other tests no less than of this: nobody but us reads what is declared
    return made
