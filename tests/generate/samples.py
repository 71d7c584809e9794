"""Two catalogues: that of the demo service, and a shop's with everything that can be declared of a view."""

from __future__ import annotations

import runpy
from dataclasses import replace
from pathlib import Path

import anytel
from anytel import asgi
from anytel.catalogue import Catalogue, declared
from generate.shop import Shop

__all__ = ["demo", "shop"]


def demo() -> Catalogue:
    """Give what the demo service declares."""
    declared.forget()
    runpy.run_path(str(Path(asgi.__file__).with_name("demo") / "telemetry.py"), run_name="anytel.demo.telemetry")
    found = Catalogue.declared("anytel.demo.telemetry")
    ours = {one.name: one for one in (asgi.DURATION, asgi.ACTIVE)}
    return replace(found, instruments={**ours, **found.instruments})


def shop() -> Catalogue:
    """Give the shop with views of every kind, and somebody who is told."""
    made = Shop()
    made.declare()
    anytel.Receiver("slack", slack="#shop", default=True)
    anytel.Receiver("mail", email=("a@example.com", "b@example.com"), webhook="https://x.example", webhook_token=True)
    anytel.Receiver("pager", pagerduty=True, owners="core", severities="critical", resolved=False)
    anytel.Mute("nights", times="22:00-06:00", timezone="Europe/Berlin")
    failed = anytel.Stat(made.calls, where={"outcome": "error"})
    anytel.View("Times", made.time)
    anytel.View("How often", made.time, drawn="heatmap")
    anytel.View("Calls", made.calls, row="Calls")
    anytel.View("Calls by both", anytel.Stat(made.calls, by=("endpoint", "outcome")), row="Calls")
    anytel.View("Outcomes", anytel.Stat(made.calls, "increase", by="outcome"), row="Calls")
    anytel.View("Failed", anytel.Ratio(bad=failed, total=anytel.Stat(made.calls, by="endpoint")), row="Calls")
    anytel.View("Depth", anytel.Stat(made.depth, "max", by="queue"))
    anytel.View("Disk", anytel.Stat(made.disk, "max"))
    anytel.View("Users", made.users)
    anytel.View("Own", anytel.Raw(promql='up{job="other"}'), style=anytel.Style(unit="By"))
    anytel.View("Warnings", anytel.Raw(logql='{service_name="shop", level="warning"} | json'))
    anytel.View("Nothing here", anytel.Raw(datadog="avg:x{*}"))
    return Catalogue.declared("shop.telemetry")
