"""The target ``alertmanager``: routes, receivers, inhibition and mutes, what messages say, and tests of the routes."""

from __future__ import annotations

from collections.abc import Mapping

from anytel.catalogue.alert import Alert
from anytel.catalogue.catalogue import Catalogue
from anytel.catalogue.delivery import problems, unknown
from anytel.catalogue.slo import SLO
from anytel.errors import DeclarationError
from anytel.generate.alertmanager.config import config
from anytel.generate.alertmanager.route_tests import route_tests
from anytel.generate.alertmanager.texts import TEMPLATES
from anytel.generate.options import Options
from anytel.generate.text import notice, yaml_text

__all__ = ["files", "refuse"]

_ALONE = (
    "# No receiver is declared, so alerts are shown and nobody is told: anytel.Receiver('oncall', slack='#shop').\n"
)


def files(catalogue: Catalogue, options: Options) -> Mapping[str, str]:
    """Give ``alertmanager/alertmanager.yml``, ``alertmanager/templates/*.tmpl`` and ``alertmanager/tests/routes.yml``.

    Raises:
        DeclarationError: A receiver or a mute cannot be used.
    """
    refuse(catalogue)
    head = notice(catalogue.app, "alertmanager") + ("" if catalogue.receivers else _ALONE)
    tests = f"{head}# Each alert that is declared, and who is told of it: amtool config routes test.\n"
    return {
        "alertmanager/alertmanager.yml": yaml_text(config(catalogue, options), head),
        "alertmanager/templates/anytel.tmpl": TEMPLATES,
        "alertmanager/tests/routes.yml": yaml_text(route_tests(catalogue, options), tests),
    }


def refuse(catalogue: Catalogue) -> None:
    """Refuse receivers and mutes that cannot be used.

    Raises:
        DeclarationError: Some cannot.
    """
    declarations: list[SLO | Alert] = [*catalogue.slos, *catalogue.alerts]
    found = problems(catalogue.receivers, catalogue.mutes)
    if catalogue.receivers:  # without any, the names mean somebody elsewhere
        found += unknown(catalogue.receivers, declarations)
    if found:
        raise DeclarationError(found)
