"""The API reference has every public name, with the signature it really has."""

from __future__ import annotations

import inspect
import re

import pytest

import anytel
from anytel.asgi import TelemetryMiddleware
from anytel.fastapi import instrument
from anytel.tracing.record import NoopSpan
from docs.pages import DOCS

PAGE = DOCS / "api.md"
SIGNATURES = dict(re.findall(r"^#+ `([\w.]+)`\n\n`\w+(\(.*\))`$", PAGE.read_text(), re.MULTILINE))
HEADINGS = set(re.findall(r"^#+ `([\w.]+)`$", PAGE.read_text(), re.MULTILINE))
OTHERS = {"instrument": instrument, "TelemetryMiddleware": TelemetryMiddleware}


def resolve(name: str):
    """Give what a heading names: anytel.x, anytel.X.method, Span.method, or what the integrations offer."""
    first, *rest = name.split(".")
    found = {"anytel": anytel, "Span": NoopSpan, **OTHERS}[first]
    for part in rest:
        found = getattr(found, part)
    return found


def signature_of(found) -> str:
    """Give the parameters without their types; of a method, without itself."""
    given = inspect.signature(found)
    parameters = [one.replace(annotation=one.empty) for one in given.parameters.values() if one.name != "self"]
    return str(given.replace(parameters=parameters, return_annotation=given.empty))


def test_every_public_name_has_a_section():
    """Also `anytel.set`, which is not in `__all__` so that a star import does not hide the built-in."""
    assert {f"anytel.{name}" for name in (*anytel.__all__, "set")} <= HEADINGS


def test_every_method_of_a_span_has_a_section():
    """A user holds one all the time."""
    public = {name for name, one in vars(NoopSpan).items() if inspect.isfunction(one) and not name.startswith("_")}
    assert {f"Span.{name}" for name in public} <= HEADINGS


@pytest.mark.parametrize("name", sorted(SIGNATURES))
def test_a_signature_is_as_shown(name: str):
    """Names, defaults, and what is positional or by keyword only."""
    assert SIGNATURES[name] == signature_of(resolve(name))


def test_every_function_shows_its_signature():
    """Those of the errors say nothing to a user."""
    functions = {name for name in HEADINGS if inspect.isfunction(resolve(name))}
    assert functions == functions & SIGNATURES.keys()
