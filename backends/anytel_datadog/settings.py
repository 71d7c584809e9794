"""What the backend is told by its environment and its arguments, by the names Datadog gives them."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple
from urllib.parse import SplitResult, urlsplit

from anytel.backend import ConfigError
from anytel.backend.settings import Setting

__all__ = ["AgentAddress", "Settings", "StatsdAddress"]

_FIX_AGENT = "Use http://<host>:<port>, by default http://localhost:8126, or unix:///<path of the socket>."
_FIX_STATSD = "Use udp://<host>:<port>, by default udp://localhost:8125, or unix:///<path of the socket>."
_FIX_PORT = "Use a number from 1 to 65535."


class AgentAddress(NamedTuple):
    """Where the trace API listens: at *host* and *port*, or at the unix *socket*; *prefix* comes before its paths."""

    host: str = "localhost"
    port: int = 8126
    socket: str = ""
    prefix: str = ""


class StatsdAddress(NamedTuple):
    """Where DogStatsD listens: at *host* and *port*, or at *socket*, a ``unix*://`` URL that also names its type."""

    host: str = "localhost"
    port: int = 8125
    socket: str = ""


@dataclass(frozen=True, slots=True)
class Settings:
    """The checked settings; *tags* are those of ``DD_TAGS``, for spans and metrics."""

    agent: AgentAddress
    statsd: StatsdAddress
    tags: Mapping[str, str]

    @classmethod
    def read(cls, agent_url: str | None, dogstatsd_url: str | None) -> Settings:
        """Take each setting from its argument or else from the environment.

        Raises:
            ConfigError: a setting cannot be used.
        """
        return cls(
            _agent(Setting.read("DD_TRACE_AGENT_URL", agent_url, "agent_url")),
            _statsd(Setting.read("DD_DOGSTATSD_URL", dogstatsd_url, "dogstatsd_url")),
            _tags(os.environ),
        )


def _agent(setting: Setting | None) -> AgentAddress:
    if setting is None:
        return AgentAddress(*_host_and_port(("DD_AGENT_HOST",), "DD_TRACE_AGENT_PORT", AgentAddress().port))
    url = _split(setting, _FIX_AGENT)
    if url.scheme == "unix":
        return AgentAddress(socket=_path(setting, url, _FIX_AGENT))
    if url.scheme != "http":
        raise setting.error(f"the scheme is {url.scheme!r}", _FIX_AGENT)
    return AgentAddress(_host(setting, url, _FIX_AGENT), url.port or AgentAddress().port, "", url.path.rstrip("/"))


def _statsd(setting: Setting | None) -> StatsdAddress:
    if setting is None:
        hosts = ("DD_DOGSTATSD_HOST", "DD_AGENT_HOST")
        return StatsdAddress(*_host_and_port(hosts, "DD_DOGSTATSD_PORT", StatsdAddress().port))
    url = _split(setting, _FIX_STATSD)
    if url.scheme in ("unix", "unixgram", "unixstream"):
        return StatsdAddress(socket=f"{url.scheme}://{_path(setting, url, _FIX_STATSD)}")
    if url.scheme != "udp":
        raise setting.error(f"the scheme is {url.scheme!r}", _FIX_STATSD)
    return StatsdAddress(_host(setting, url, _FIX_STATSD), url.port or StatsdAddress().port)


def _split(setting: Setting, fix: str) -> SplitResult:
    try:
        url = urlsplit(setting.value)
        if url.port == 0:
            raise setting.error("0 is not a port", fix)
    except ConfigError:
        raise
    except ValueError as error:
        raise setting.error(f"this is not a URL: {error}", fix) from None
    return url


def _host(setting: Setting, url: SplitResult, fix: str) -> str:
    if not url.hostname or not _is_host(url.hostname):
        raise setting.error("there is no usable host in it", fix)
    return url.hostname


def _path(setting: Setting, url: SplitResult, fix: str) -> str:
    path = url.netloc + url.path
    if not path or "\0" in path:
        raise setting.error("there is no path in it", fix)
    return path


def _host_and_port(hosts: tuple[str, ...], port: str, default: int) -> tuple[str, int]:
    host = next((found for name in hosts if (found := Setting.read(name))), None)
    if host and not _is_host(host.value.strip("[]")):
        raise host.error("this is not a host name or address", "Leave out the scheme, the port and the path.")
    number = Setting.read(port)
    return host.value.strip("[]") if host else "localhost", _port(number) if number else default


def _is_host(name: str) -> bool:
    return re.fullmatch(r"[\w.\-]+|[0-9A-Fa-f:.]+(%\w+)?", name) is not None


def _port(setting: Setting) -> int:
    if not setting.value.isdecimal() or not 1 <= int(setting.value) <= 65535:
        raise setting.error("this is not a port", _FIX_PORT)
    return int(setting.value)


def _tags(environ: Mapping[str, str]) -> Mapping[str, str]:
    """Read ``DD_TAGS``: ``key:value`` pairs between commas or, where there are none, white space."""
    text = environ.get("DD_TAGS", "")
    pairs = (pair.strip().partition(":") for pair in (text.split(",") if "," in text else text.split()))
    return {key.strip(): value.strip() for key, _, value in pairs if key.strip() and value.strip()}
