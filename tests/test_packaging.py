"""What is built is what is in the tree, and what the documentation names can be installed."""

import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
BACKENDS = sorted(path.name for path in (ROOT / "backends").iterdir() if path.is_dir() and path.name != "__pycache__")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (built,) = folder.glob("*.whl")
    return built


@pytest.mark.parametrize("package", BACKENDS)
def test_each_backend_is_a_package_an_extra_and_an_entry_point(package):
    """A folder under backends/ is named in the three places that make it installable."""
    name = package.removeprefix("anytel_")
    project = PROJECT["project"]

    assert f"backends/{package}" in PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    assert name in project["optional-dependencies"]
    assert project["entry-points"]["anytel.backends"][name].startswith(f"{package}:")


def test_the_wheel_holds_every_module_and_the_type_marker(wheel):
    """No module of src/ or backends/ is missing from what is installed."""
    sources = {
        str(path.relative_to(ROOT / top))
        for top in ("src", "backends")
        for path in (ROOT / top).rglob("*")
        if path.suffix == ".py" or path.name == "py.typed"
    }

    with zipfile.ZipFile(wheel) as archive:
        assert sources - set(archive.namelist()) == set()


def test_the_core_alone_records_and_configures_without_any_extra(wheel, tmp_path):
    """With only the core's dependencies importable, the API works, and a vendor's backend names its extra."""
    script = """
import sys
BLOCKED = {"sentry_sdk", "datadog", "ddtrace", "prometheus_client", "msgspec", "fastapi", "starlette", "click", "rich"}

class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in BLOCKED:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name.partition(".")[0])

sys.meta_path.insert(0, Blocker())
import anytel
anytel.configure(backends="memory")
with anytel.span("job"):
    anytel.count("done")
    anytel.get_logger("job").info("done")
assert anytel.flush(5)
for name in ("sentry", "datadog", "prometheus"):
    try:
        anytel.configure(backends=name)
    except anytel.ConfigError as exc:
        assert f"pip install 'anytel[{name}]'" in str(exc), exc
    else:
        raise AssertionError(name)
"""

    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=tmp_path, check=False)

    assert done.returncode == 0, done.stderr


def test_every_pinned_package_is_named_without_an_address():
    """constraints.txt holds exact versions by name, and no address of a registry."""
    lines = [line for line in (ROOT / "constraints.txt").read_text().splitlines() if not line.startswith("#")]

    assert lines
    assert all("==" in line and "://" not in line and "@" not in line for line in lines)
