"""A shop's declarations, and what is generated from them."""

from __future__ import annotations

import pytest

from anytel.catalogue import Catalogue
from anytel.generate import Options
from generate.shop import Shop


@pytest.fixture
def shop():
    return Shop()


@pytest.fixture
def catalogue(shop):
    """Give the catalogue of the shop."""
    shop.declare()
    return Catalogue.declared("shop.telemetry")


@pytest.fixture
def options():
    return Options(service="shop", scrape=("shop-1:8000", "shop-2:8000"))
