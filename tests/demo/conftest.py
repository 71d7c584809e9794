"""A client of the demo service, and its command line in a process of its own."""

import os
import subprocess
import sys

import pytest
from fastapi.testclient import TestClient

from anytel.demo.app import create_app

SECRET = "test-secret"
MAIN = "from anytel.cli import main; main()"
HIDE = """
import sys

class Hidden:
    def find_spec(self, name, path=None, target=None):
        if name in {names!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Hidden())
"""


@pytest.fixture(autouse=True)
def _default_secret(monkeypatch):
    monkeypatch.delenv("REVALIDATE_SECRET", raising=False)


@pytest.fixture
def client():
    """Give a client to a new service, which gets the answers that a real one would."""
    with TestClient(create_app(), raise_server_exceptions=False) as client:
        yield client


@pytest.fixture
def revalidate(client):
    """Give a function that asks for a fragment's revalidation."""

    def ask(key, page=None, secret=SECRET):
        body = {"fragmentKey": key, "pageSlug": page}
        return client.post("/revalidate", json=body, headers={"x-revalidate-secret": secret})

    return ask


@pytest.fixture
def run_anytel():
    """Give a function that runs the command line, where warnings are errors.

    It runs as if the modules in *without* were not installed, and after the code in *first*.
    """

    def run(*arguments, without=(), first="", **env):
        script = f"{HIDE.format(names=set(without))}\n{first}\n{MAIN}"
        command = [sys.executable, "-W", "error", "-c", script, *arguments]
        environment = {**os.environ, "COLUMNS": "140", **env}
        return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=50, check=False)

    return run
