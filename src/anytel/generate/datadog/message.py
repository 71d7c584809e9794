"""What a monitor says, and whom it tells, in Datadog's template language.

https://docs.datadoghq.com/monitors/notify/variables/
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from anytel.catalogue.receiver import Receiver
from anytel.generate.prometheus.message import pieces, plain

__all__ = ["Told", "block", "filled", "handles", "message", "variable"]

Told = tuple[str, Sequence[Receiver]]
"""A text and who reads it."""


def message(cases: Mapping[str, Told], name: str, runbook: str) -> str:
    """Give the message of a monitor: a text for each of *cases*, ``alert``, ``warning`` and ``no_data``.

    All who were told are also told when it is over, if they want to be.
    """
    parts = [block(f"is_{case}", text, handles(receivers)) for case, (text, receivers) in cases.items()]
    everybody = {one.name: one for _, receivers in cases.values() for one in receivers if one.resolved}
    parts.append(block("is_recovery", f"{name} is over.", handles(everybody.values())))
    if runbook:
        parts.append(f"Runbook: {runbook}")
    return "\n".join(parts)


def block(condition: str, text: str, told: Sequence[str]) -> str:
    """Give a text that is only there in one condition, with the handles of who is told."""
    return f"{{{{#{condition}}}}}\n{' '.join([text, *told])}\n{{{{/{condition}}}}}"


def filled(text: str, known: Mapping[str, str]) -> str:
    """Give a message with Datadog's variables for what is filled in."""
    return "".join(plain(literal) if name is None else known[name] for literal, name in pieces(text))


def variable(tag: str) -> str:
    """Give the variable for the value of a tag; one with a dot in its name stands in brackets."""
    return f"{{{{[{tag}].name}}}}" if "." in tag else f"{{{{{tag}.name}}}}"


def handles(receivers: Iterable[Receiver]) -> list[str]:
    """Give whom Datadog's integrations tell. Those of webhooks and services are named after the receiver."""
    found: dict[str, None] = {}
    for one in receivers:
        if one.slack:
            found[f"@slack-{one.slack.lstrip('#@')}"] = None
        found.update(dict.fromkeys(f"@{address}" for address in one.email))
        if one.webhook:
            found[f"@webhook-{one.name}"] = None
        if one.pagerduty:
            found[f"@pagerduty-{one.name}"] = None
    return list(found)
