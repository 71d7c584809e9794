"""Thanos: Prometheus' blocks in a bucket, for as long as is wanted, and one query over all of it.

Flags are those of the version in `images`; `tests/ops` compares them with the program's own help.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from anytel.catalogue.durations import seconds
from anytel.errors import ConfigError
from anytel.generate.options import Options
from anytel.generate.stack.images import BUCKET as BUCKET_IMAGE
from anytel.generate.stack.images import THANOS
from anytel.generate.stack.service import Service, after, healthy, local, mounted, service

__all__ = ["BUCKET", "BUCKET_NAME", "ENDPOINTS", "PROMETHEUS_USER", "check", "services"]

BUCKET_NAME = "metrics"
PROMETHEUS_USER = "65534:65534"
"""The user of Prometheus' image. The sidecar has to be the same: it writes beside Prometheus' blocks."""
_THANOS_USER = "1001:1001"
_KEYS = {"AWS_ACCESS_KEY_ID": "${S3_ACCESS_KEY:?}", "AWS_SECRET_ACCESS_KEY": "${S3_SECRET_KEY:?}"}
_GRPC, _HTTP = 10901, 10902
_ANSWERING = ("sidecar", "store", "rule", "receive")
_STATEFUL = ("store", "compact", "rule", "receive")

_QUERYING = (
    "One query over all of them, each series once: the label replica tells the copies apart. With automatic "
    "downsampling a range query reads the resolution of 5m or 1h where that is at most a fifth of its step: so a year "
    "is quick, and an hour is exact. A window such as [5m] then has to be several times the resolution; in panels use "
    "$__rate_interval. Remove the flag to always read raw samples."
)
_COMPACTING = (
    "Merges blocks, and adds those of 5m and 1h. Only ever one of it may run on a bucket. Downsampling does not save "
    "space, it makes long ranges quick; keep all resolutions for as long, or you cannot zoom in."
)

BUCKET: Mapping[str, object] = {
    "type": "S3",
    "config": {"bucket": BUCKET_NAME, "endpoint": "bucket:8333", "region": "us-east-1", "insecure": True},
}
"""Without keys: they are in the environment."""
ENDPOINTS: Mapping[str, object] = {"endpoints": [{"address": f"thanos-{one}:{_GRPC}"} for one in _ANSWERING]}


def check(options: Options) -> None:
    """Refuse retentions that would delete what the next resolution is made of.

    Raises:
        ConfigError: That is so.
    """
    least = {"retention_raw": ("40h", "5m"), "retention_5m": ("10d", "1h")}
    for name, (limit, made) in least.items():
        kept = getattr(options, name)
        if kept != "0s" and seconds(kept) <= seconds(limit):
            raise ConfigError(
                f"--{name.replace('_', '-')}",
                kept,
                "the command line",
                f"blocks of the {made} resolution are made after {limit}, of blocks that would be deleted by then",
                f"Keep them for longer than {limit}, or for ever with 0s.",
            )


def services(options: Options) -> Mapping[str, tuple[str, Service]]:
    """Give each service by its name, with the comment that belongs above it."""
    return {
        "bucket": (
            "A bucket that speaks S3. In production, take your cloud's: change thanos/bucket.yml, and remove this.",
            _bucket(),
        ),
        "prepare": ("Gives the volumes to the users that write to them, once.", _prepare()),
        "thanos-sidecar": ("Uploads Prometheus' blocks, and answers for what is not uploaded yet.", _sidecar()),
        "thanos-store": ("Answers for what is in the bucket.", _store()),
        "thanos-query": (_QUERYING, _query()),
        "thanos-compact": (_COMPACTING, _compact(options)),
        "thanos-rule": ("Evaluates what looks back further than Prometheus keeps samples.", _rule()),
        "thanos-receive": ("Takes what others send by remote write, to /api/v1/receive.", _receive()),
    }


def _thanos(command: str, *flags: str, volumes: Sequence[str] = (), **more: Any) -> Service:
    data = [f"thanos_{command}:/var/thanos"] if command in _STATEFUL else []
    return service(
        THANOS,
        command=[command, f"--http-address=0.0.0.0:{_HTTP}", *flags],
        volumes=[*data, *volumes],
        healthcheck=healthy("wget", "-q", "-O", "/dev/null", f"http://127.0.0.1:{_HTTP}/-/ready"),
        **more,
    )


def _stored(command: str, *flags: str, volumes: Sequence[str] = (), needs: Sequence[str] = (), **more: Any) -> Service:
    """Give a component that uses the bucket, and *needs* others too."""
    return _thanos(
        command,
        "--objstore.config-file=/etc/thanos/bucket.yml",
        *flags,
        volumes=[mounted("thanos/bucket.yml", "/etc/thanos/bucket.yml"), *volumes],
        environment=_KEYS,
        depends_on=after("bucket", *needs, done=["prepare"]),
        **more,
    )


def _bucket() -> Service:
    return service(
        BUCKET_IMAGE,
        command=["mini", "-dir=/data", "-admin.ui=false", "-webdav=false", "-s3.port.iceberg=0", "-s3.port.lance=0"],
        environment={**_KEYS, "S3_BUCKET": BUCKET_NAME},
        volumes=["bucket_data:/data"],
        healthcheck=healthy("wget", "-q", "-O", "/dev/null", "http://127.0.0.1:8333/healthz"),
    )


def _prepare() -> Service:
    folders = {"prometheus_data": PROMETHEUS_USER, **{f"thanos_{one}": _THANOS_USER for one in _STATEFUL}}
    script = " && ".join(f"chown {user} /volumes/{name}" for name, user in folders.items())
    volumes = [f"{name}:/volumes/{name}" for name in folders]
    return service(THANOS, user="0:0", entrypoint=["/bin/sh", "-c"], command=[script], volumes=volumes, restart="no")


def _sidecar() -> Service:
    return _stored(
        "sidecar",
        f"--grpc-address=0.0.0.0:{_GRPC}",
        "--prometheus.url=http://prometheus:9090",
        "--tsdb.path=/prometheus",
        user=PROMETHEUS_USER,
        volumes=["prometheus_data:/prometheus"],
        needs=["prometheus"],
    )


def _store() -> Service:
    return _stored("store", f"--grpc-address=0.0.0.0:{_GRPC}", "--data-dir=/var/thanos")


def _query() -> Service:
    return _thanos(
        "query",
        f"--grpc-address=0.0.0.0:{_GRPC}",
        "--endpoint.sd-config-file=/etc/thanos/endpoints.yml",
        "--query.replica-label=replica",
        "--query.auto-downsampling",
        volumes=[mounted("thanos/endpoints.yml", "/etc/thanos/endpoints.yml")],
        ports=[local(_HTTP, _HTTP)],
        depends_on=after("thanos-sidecar", "thanos-store"),
    )


def _compact(options: Options) -> Service:
    return _stored(
        "compact",
        "--wait",
        "--data-dir=/var/thanos",
        f"--retention.resolution-raw={options.retention_raw}",
        f"--retention.resolution-5m={options.retention_5m}",
        f"--retention.resolution-1h={options.retention_1h}",
        scale=1,
    )


def _rule() -> Service:
    return _stored(
        "rule",
        f"--grpc-address=0.0.0.0:{_GRPC}",
        "--data-dir=/var/thanos",
        "--rule-file=/etc/thanos/rules/*.yml",
        "--eval-interval=1m",
        f"--query=thanos-query:{_HTTP}",
        "--alertmanagers.url=http://alertmanager:9093",
        '--label=ruler="thanos"',
        '--label=replica="a"',
        "--alert.label-drop=replica",
        volumes=[mounted("thanos/rules", "/etc/thanos/rules")],
        needs=["thanos-query", "alertmanager"],
    )


def _receive() -> Service:
    return _stored(
        "receive",
        f"--grpc-address=0.0.0.0:{_GRPC}",
        "--remote-write.address=0.0.0.0:19291",
        "--tsdb.path=/var/thanos",
        "--tsdb.retention=15d",
        '--label=receiver="thanos"',
        '--label=replica="a"',
        ports=[local(19291, 19291)],
    )
