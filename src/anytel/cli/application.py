"""The application that a verb is about: ``--app``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

__all__ = ["app_option", "as_json_option"]

_Command = Callable[..., Any]


def app_option(*, required: bool = True) -> Callable[[_Command], _Command]:
    """Give the option that names the module whose declarations are meant."""
    shown = "The module that declares the metrics, such as shop.telemetry; it is imported."
    return click.option("--app", required=required, metavar="MODULE", help=shown)


def as_json_option() -> Callable[[_Command], _Command]:
    """Give the option for output as data."""
    return click.option("--json", "as_json", is_flag=True, help="Print the result as data.")
