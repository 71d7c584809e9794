"""Prints the lowest versions that pyproject.toml allows, as pins: what `make test-lowest` installs."""

import re
import tomllib
from pathlib import Path

PROJECT = tomllib.loads((Path(__file__).parent.parent / "pyproject.toml").read_text())["project"]
EXTRAS = ("sentry", "datadog", "prometheus", "otlp", "testing")

requirements = [*PROJECT["dependencies"], *(one for extra in EXTRAS for one in PROJECT["optional-dependencies"][extra])]
for pin in sorted({re.sub(r">=([\d.]+).*", r"==\1", one) for one in requirements}):
    print(pin)
