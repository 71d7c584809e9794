"""Senders: one request in, its answer out (OTLP/HTTP, https://opentelemetry.io/docs/specs/otlp/#otlphttp)."""

from __future__ import annotations

import gzip
import ssl
import time
import urllib.request
import zlib
from collections.abc import Callable, Mapping
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

import urllib3

from anytel.backend import ConfigError
from anytel.backend.deadline import Deadline
from anytel.backend.http import close, retry_after, untraced
from anytel.backend.version import version
from anytel_otlp.settings import Compression, Destination, PemFile, Tls

__all__ = ["Answer", "Sender"]

_RETRYABLE = (429, 502, 503, 504)
_MAX_ANSWER = 1 << 16
# Level 1: half the time of the default, for bodies that are a little larger.
_COMPRESS: Mapping[Compression, Callable[[bytes], bytes]] = {
    "none": bytes,
    "gzip": lambda body: gzip.compress(body, compresslevel=1, mtime=0),
    "deflate": lambda body: zlib.compress(body, level=1),
}


class Answer(NamedTuple):
    """What came of a request; *status* is 0 where there was no answer. *retry_after* is in seconds.

    *body* is empty unless it is protobuf.
    """

    status: int
    body: bytes = b""
    retry_after: float = 0.0

    @property
    def ok(self) -> bool:
        """Whether it was accepted, at least in part."""
        return 200 <= self.status < 300

    @property
    def retryable(self) -> bool:
        """Whether the same request may succeed later."""
        return self.status == 0 or self.status in _RETRYABLE


class Sender:
    """Posts to one destination over kept-alive connections, on the calling thread.

    Proxies are those of ``HTTP_PROXY``, ``HTTPS_PROXY`` and ``NO_PROXY``. Redirects are not followed: the headers may
    hold a key, which is for this destination alone.

    Raises:
        ConfigError: a certificate or key cannot be read.
    """

    def __init__(self, destination: Destination) -> None:
        self._to = destination
        self._pool, self._deadline = _pool(destination), Deadline()
        self._deadline.rule(self._pool)
        self._headers = {"user-agent": f"anytel/{version()}", **destination.headers}
        self._headers["content-type"] = "application/x-protobuf"
        if destination.compression != "none":
            self._headers["content-encoding"] = destination.compression

    def post(self, body: bytes, deadline: float) -> Answer:
        """Send *body*, giving up at *deadline* (`time.monotonic`). Never raises for what the network does."""
        if deadline <= time.monotonic():
            return Answer(0)
        packed = _COMPRESS[self._to.compression](body)
        try:
            return untraced(self._exchange, packed, deadline)
        except (urllib3.exceptions.HTTPError, OSError):
            return Answer(0)

    def close(self) -> None:
        """Close the connections."""
        close(self._pool)

    def _exchange(self, body: bytes, deadline: float) -> Answer:
        self._deadline.at = min(time.monotonic() + self._to.timeout, deadline)
        response = self._pool.urlopen(
            "POST",
            self._to.url,
            body=body,
            headers=self._headers,
            timeout=self._deadline.left(),
            retries=False,
            redirect=False,
            preload_content=False,
        )
        read = _body(response)
        protobuf = response.headers.get("content-type", "").partition(";")[0].strip() == "application/x-protobuf"
        return Answer(response.status, read if protobuf else b"", retry_after(response.headers.get("retry-after", "")))


def _body(response: urllib3.BaseHTTPResponse) -> bytes:
    """Read the answer's body; what is broken off, late or too long is nothing: the status has come, and it counts."""
    read = b""
    try:
        while part := response.read1(_MAX_ANSWER):
            read += part
            if len(read) > _MAX_ANSWER:
                response.close()
                return b""
        response.release_conn()
    except (urllib3.exceptions.HTTPError, OSError):
        response.close()
        return b""
    return read


def _pool(destination: Destination) -> urllib3.PoolManager:
    url = urlsplit(destination.url)
    context = _ssl_context(destination.tls) if url.scheme == "https" else None
    proxies = urllib.request.getproxies()
    proxy = proxies.get(url.scheme) or proxies.get("all")
    if not proxy or urllib.request.proxy_bypass(url.netloc.rpartition("@")[2]):
        return urllib3.PoolManager(ssl_context=context)
    proxy = proxy if "://" in proxy else f"http://{proxy}"
    login = urlsplit(proxy).netloc.rpartition("@")[0]
    headers = urllib3.make_headers(proxy_basic_auth=unquote(login)) if login else None
    return urllib3.ProxyManager(proxy, proxy_headers=headers, ssl_context=context)


def _ssl_context(tls: Tls) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=tls.certificate.path or None)
    except OSError as error:
        raise _unreadable(tls.certificate, error) from error
    if tls.client_certificate.path:
        try:
            context.load_cert_chain(tls.client_certificate.path, tls.client_key.path or None)
        except OSError as error:
            raise _unreadable(tls.client_certificate, error) from error
    return context


def _unreadable(file: PemFile, error: OSError) -> ConfigError:
    fix = "Give the path of a PEM file; a client's certificate needs its key, there or in ..._CLIENT_KEY."
    problem = f"it cannot be used: {error.strerror or error}"
    return ConfigError(file.variable, file.path, "the environment", problem, fix)
