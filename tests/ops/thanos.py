"""Thanos with an S3 server, by the commands and files of the generated compose project.

Only what names a machine or a folder is replaced: addresses by free ports of this machine, folders by those of the
test.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import yaml

from ops.servers import edited, tool
from real.processes import Program, free_ports, need, running
from real.prometheus import Prometheus
from real.web import get

__all__ = ["Stack"]

THANOS = "thanos-0.42.4"
KEYS = {"AWS_ACCESS_KEY_ID": "anytel", "AWS_SECRET_ACCESS_KEY": "not-a-secret"}
ANSWERING = ("thanos-sidecar", "thanos-store", "thanos-rule", "thanos-receive")


class Stack:
    """The generated project in *folder*, of which single services are run as processes."""

    def __init__(self, folder: Path, running_until: ExitStack) -> None:
        self.folder, self._until = folder, running_until
        self.services: Mapping[str, Any] = yaml.safe_load((folder / "stack/compose.yaml").read_text())["services"]
        names = [*ANSWERING, "thanos-query", "thanos-compact"]
        ports = iter(free_ports(2 * len(names) + 3))
        self.http = {name: next(ports) for name in names}
        self.grpc = {name: next(ports) for name in names}
        self.prometheus, self.bucket, self.remote_write = next(ports), next(ports), next(ports)
        with edited(folder / "stack/thanos/bucket.yml") as bucket:
            bucket["config"]["endpoint"] = f"127.0.0.1:{self.bucket}"
        with edited(folder / "stack/thanos/endpoints.yml") as endpoints:
            assert [one["address"] for one in endpoints["endpoints"]] == [f"{name}:10901" for name in ANSWERING]
            endpoints["endpoints"] = [{"address": f"127.0.0.1:{self.grpc[name]}"} for name in ANSWERING]

    @property
    def query(self) -> Prometheus:
        """What answers queries as a Prometheus does."""
        return Prometheus(f"http://127.0.0.1:{self.http['thanos-query']}")

    def start(self, name: str, *more: str) -> Program:
        """Run a service of Thanos until the end; *more* flags make time short."""
        instead = {flag.partition("=")[0] for flag in more}
        given = [one for one in self.services[name]["command"] if one.partition("=")[0] not in instead]
        command = [self._here(one, name) for one in given]
        where = self.folder / "run" / name
        where.mkdir(parents=True)
        ready = f"http://127.0.0.1:{self.http[name]}/-/ready"
        run = running([need(THANOS).path, *command, *more], where, lambda: get(ready), **KEYS)
        return self._until.enter_context(run)

    def start_bucket(self) -> None:
        """Run the S3 server, with the flags of the project and ports of its own."""
        service = self.services["bucket"]
        names = "s3.port", "master.port", "volume.port", "filer.port"
        ports = dict(zip(names, (self.bucket, *free_ports(3)), strict=True))
        data = self.folder / "run/bucket"
        data.mkdir(parents=True)
        command = [one.replace("/data", str(data)) for one in service["command"]]
        flags = "-ip=127.0.0.1", "-ip.bind=127.0.0.1", *(f"-{name}={port}" for name, port in ports.items())
        env = {**KEYS, "S3_BUCKET": service["environment"]["S3_BUCKET"]}
        health = f"http://127.0.0.1:{self.bucket}/healthz"
        program = need("seaweedfs-4.48").path
        self._until.enter_context(running([program, *command, *flags], data, lambda: get(health) is not None, **env))

    def tools(self, *arguments: str) -> str:
        """Give what a command of ``thanos tools bucket`` says."""
        store = f"--objstore.config-file={self.folder}/stack/thanos/bucket.yml"
        command = need(THANOS).path, "tools", "bucket", *arguments, store
        env = {**os.environ, **KEYS}
        return subprocess.run(command, env=env, check=True, capture_output=True, text=True, timeout=60).stdout

    def blocks(self) -> list[dict[str, Any]]:
        """Give the meta data of the blocks in the bucket."""
        text, found = self.tools("ls", "--output=json").strip(), []
        while text:  # one object after the other, over several lines
            one, end = json.JSONDecoder().raw_decode(text)
            found.append(one)
            text = text[end:].lstrip()
        return found

    def _here(self, argument: str, name: str) -> str:
        places = {
            "0.0.0.0:10902": f"127.0.0.1:{self.http[name]}",
            "0.0.0.0:10901": f"127.0.0.1:{self.grpc[name]}",
            "0.0.0.0:19291": f"127.0.0.1:{self.remote_write}",
            "http://prometheus:9090": f"http://127.0.0.1:{self.prometheus}",
            "thanos-query:10902": f"127.0.0.1:{self.http['thanos-query']}",
            "alertmanager:9093": "127.0.0.1:9",
            "/etc/thanos": f"{self.folder}/stack/thanos",
            "/var/thanos": f"{self.folder}/run/{name}/data",
            "=/prometheus": f"={self.folder}/run/prometheus",
        }
        for place, here in places.items():
            argument = argument.replace(place, here)
        return argument


def history(folder: Path, series: Mapping[str, Callable[[float], float]], start: float, end: float) -> Path:
    """Write blocks of old samples, one each minute, with promtool."""
    lines = [f"# TYPE {name.partition('{')[0]} gauge" for name in series]
    for name, value in series.items():
        lines += [f"{name} {value(at)} {at}" for at in range(int(start), int(end), 60)]
    folder.mkdir(parents=True)
    text = folder / "samples.om"
    text.write_text("\n".join([*lines, "# EOF\n"]))
    blocks = folder / "blocks"
    promtool = tool("prometheus-3.16.0", "promtool")
    command = promtool, "tsdb", "create-blocks-from", "--max-block-duration=54h", "openmetrics", text, blocks
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    return blocks
