"""Receivers: who is told of an alert, and by which way."""

from __future__ import annotations

from collections.abc import Iterable

from anytel.catalogue import declared
from anytel.catalogue.alert import Severity
from anytel.catalogue.declared import several
from anytel.place import declaring

__all__ = ["Receiver"]


class Receiver:
    """Somebody who is told: by one or several of *slack*, *email*, *webhook* and *pagerduty*.

    An alert goes to the receivers that it names in ``notify=``. Without them it goes to those of its owner that take
    its severity, else to the default one. What nobody takes is only shown. Secrets are never part of a declaration:
    the files that hold them are named after the receiver, ``oncall_slack_url`` and so on.

    Args:
        name: As it stands in ``notify=``.
        slack: A channel, ``#shop-alerts``; the address of its incoming webhook is a secret.
        email: An address, or several.
        webhook: An address that alerts are posted to.
        webhook_token: The webhook wants a bearer token, which is a secret.
        pagerduty: An incident is opened; the integration key is a secret.
        owners: Whose alerts it gets.
        severities: Which of them.
        default: It gets what no other receiver does; only one can be the default. A single receiver is it anyway.
        repeat: After how long it is told again of what goes on; by default after 4h of a critical alert, else 24h.
        resolved: It is also told when it is over.
    """

    def __init__(
        self,
        name: str,
        *,
        slack: str = "",
        email: str | Iterable[str] = (),
        webhook: str = "",
        webhook_token: bool = False,
        pagerduty: bool = False,
        owners: str | Iterable[str] = (),
        severities: Severity | Iterable[Severity] = ("critical", "warning"),
        default: bool = False,
        repeat: str = "",
        resolved: bool = True,
    ) -> None:
        self.place = declaring()
        self.name, self.slack, self.webhook = name, slack, webhook
        self.webhook_token, self.pagerduty = webhook_token, pagerduty
        self.email, self.owners, self.severities = several(email), several(owners), several(severities)
        self.default, self.repeat, self.resolved = default, repeat, resolved
        declared.add(self)

    def __repr__(self) -> str:
        return f"<anytel.Receiver {self.name!r}>"

    @property
    def secrets(self) -> dict[str, str]:
        """The names of its secrets' files, by what they hold: ``slack_url``, ``webhook_token``, ``pagerduty_key``."""
        slug = "".join(letter if letter.isalnum() else "_" for letter in self.name.lower())
        wanted = {"slack_url": self.slack, "webhook_token": self.webhook_token, "pagerduty_key": self.pagerduty}
        return {what: f"{slug}_{what}" for what, needed in wanted.items() if needed}
