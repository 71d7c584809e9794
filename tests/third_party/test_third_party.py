"""A backend from another distribution: installed beside anytel, found by its entry point, on the kit with its gaps."""

import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).parent / "anytel-statsd"


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """Install the distribution into a folder of its own; gives a function that runs Python with it."""
    folder = tmp_path_factory.mktemp("third_party")
    copied = shutil.copytree(SOURCE, folder / "source", ignore=shutil.ignore_patterns("__pycache__"))
    site = folder / "site"
    offline = ["--no-deps", "--no-build-isolation", "--no-index", "--disable-pip-version-check", "--quiet"]
    run([sys.executable, "-m", "pip", "install", *offline, "--target", str(site), str(copied)], folder)
    shutil.rmtree(copied / "src")  # what runs is what was installed
    return lambda *arguments, **env: run([sys.executable, *arguments], copied, PYTHONPATH=str(site), **env)


def run(command, folder, **env):
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "TELEMETRY_"))}
    done = subprocess.run(
        command, cwd=folder, env={**clean, **env}, capture_output=True, text=True, timeout=55, check=False
    )
    assert done.returncode == 0, done.stdout[-3_000:] + done.stderr[-3_000:]
    return done.stdout


def test_it_passes_the_kit_with_its_declared_gaps(installed):
    """Its own test module is forty lines of subclass and ten of decoding."""
    assert " passed" in installed("-m", "pytest", "-q", "--tb=short")


def test_its_name_in_the_setting_is_all_it_takes(installed):
    """TELEMETRY_BACKENDS=statsd, and its own setting, as for any other backend."""
    script = (
        "import anytel; anytel.configure(); anytel.count('jobs', 3, tags={'queue': 'mail'}); assert anytel.shutdown(5)"
    )
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        server.settimeout(10)
        url = "udp://{}:{}".format(*server.getsockname())
        installed("-c", script, TELEMETRY_BACKENDS="statsd", STATSD_URL=url)
        assert server.recv(1_500) == b"jobs.queue.mail:3|c\n"


def test_a_wrong_address_says_what_to_do(installed):
    """An error of its own settings is anytel's, with the setting and the fix."""
    script = "import anytel\ntry: anytel.configure(backends='statsd')\nexcept anytel.ConfigError as error: print(error)"
    said = installed("-c", script, STATSD_URL="localhost")
    assert "STATSD_URL='localhost'" in said
    assert "Give udp://HOST:PORT." in said


def test_its_claims_can_be_shown_beside_the_others(installed):
    """The table has any installed backend."""
    page = installed("-m", "anytel.testing.conformance", "statsd", "memory")
    assert "| Feature | What exact means | statsd | memory |" in page
    assert "unsupported: StatsD takes metrics only" in page
