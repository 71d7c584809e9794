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


def files(catalogue: Catalogue, options: Options) -> Mapping[str, str]:
    """Give ``alertmanager/alertmanager.yml``, ``alertmanager/templates/*.tmpl`` and ``alertmanager/tests/routes.yml``.

    Raises:
        DeclarationError: A receiver or a mute cannot be used, or nobody would be told.
    """
    refuse(catalogue)
    head = notice(catalogue.app, "alertmanager")
    tests = f"{head}# Each alert that is declared, and who is told of it: amtool config routes test.\n"
    return {
        "alertmanager/alertmanager.yml": yaml_text(config(catalogue, options), head),
        "alertmanager/templates/anytel.tmpl": TEMPLATES,
        "alertmanager/tests/routes.yml": yaml_text(route_tests(catalogue, options), tests),
    }


def refuse(catalogue: Catalogue) -> None:
    """Refuse receivers and mutes that cannot be used.

    Raises:
        DeclarationError: Some cannot, or nobody would be told.
    """
    declarations: list[SLO | Alert] = [*catalogue.slos, *catalogue.alerts]
    found = problems(catalogue.receivers, catalogue.mutes)
    if catalogue.receivers:
        found += unknown(catalogue.receivers, declarations)
    else:
        app = catalogue.app or "the application"
        found.append(
            f"{app}: no receiver is declared, so nobody would be told. "
            "Declare one: anytel.Receiver('oncall', slack='#alerts')."
        )
    if found:
        raise DeclarationError(found)
