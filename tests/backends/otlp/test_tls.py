"""TLS, certificates of both sides, and proxies."""

import ssl

import pytest
import trustme

from anytel.testing.receivers.http import HttpReceiver
from anytel.testing.receivers.otlp import OtlpReceiver

PREFIX = "OTEL_EXPORTER_OTLP_"


@pytest.fixture(scope="module")
def authority():
    return trustme.CA()


@pytest.fixture
def pem(tmp_path):
    """Write certificates and keys into a file, and give its path."""

    def write(name, *blobs):
        path = tmp_path / name
        path.write_bytes(b"".join(blob.bytes() for blob in blobs))
        return str(path)

    return write


@pytest.fixture
def secure(authority):
    """Serve OTLP over TLS; *wants_certificate* of the client too."""
    with OtlpReceiver() as receiver:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("localhost").configure_cert(context)
        authority.configure_trust(context)
        receiver._server.socket = context.wrap_socket(receiver._server.socket, server_side=True)
        receiver.context = context
        receiver.secure_url = receiver.url.replace("http://127.0.0.1", "https://localhost")
        yield receiver


def test_a_receiver_that_is_trusted_gets_everything(connect, secure, authority, pem, make, environment):
    """By the certificate of OTEL_EXPORTER_OTLP_CERTIFICATE."""
    environment.setenv(f"{PREFIX}CERTIFICATE", pem("ca.pem", authority.cert_pem))
    backend = connect(secure.secure_url)
    assert [backend.logs(make.logs(), make.soon()).delivered for _ in range(2)] == [1, 1]
    assert len(secure.logs) == 2


def test_a_receiver_that_is_not_trusted_gets_nothing(connect, secure, make):
    """The system does not know its authority."""
    assert connect(secure.secure_url).logs(make.logs(), make.soon()).retry == 1
    assert secure.requests == []


@pytest.mark.parametrize("together", [True, False])
def test_a_receiver_may_want_our_certificate(connect, secure, authority, pem, make, environment, together):
    """With its key in the same file or in one of its own."""
    secure.context.verify_mode = ssl.CERT_REQUIRED
    ours = authority.issue_cert("shop")
    environment.setenv(f"{PREFIX}CERTIFICATE", pem("ca.pem", authority.cert_pem))
    if together:
        environment.setenv(f"{PREFIX}CLIENT_CERTIFICATE", pem("both.pem", ours.private_key_and_cert_chain_pem))
    else:
        environment.setenv(f"{PREFIX}CLIENT_CERTIFICATE", pem("client.pem", *ours.cert_chain_pems))
        environment.setenv(f"{PREFIX}CLIENT_KEY", pem("key.pem", ours.private_key_pem))
    assert connect(secure.secure_url).logs(make.logs(), make.soon()).delivered == 1


def test_a_silent_receiver_behind_tls_is_given_up_on_at_the_deadline(
    connect, secure, authority, pem, make, environment
):
    """As one without."""
    environment.setenv(f"{PREFIX}CERTIFICATE", pem("ca.pem", authority.cert_pem))
    secure.answer = type(secure.answer)(delay=60)
    assert connect(secure.secure_url).logs(make.logs(), make.soon(0.3)).retry == 1


def test_an_answer_byte_by_byte_over_tls_is_given_up_on_at_the_deadline(
    connect, trickling, authority, pem, make, environment
):
    """Each byte arrives in time, and the answer never ends."""
    environment.setenv(f"{PREFIX}CERTIFICATE", pem("ca.pem", authority.cert_pem))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    backend = connect(f"https://localhost:{trickling(context)}")
    assert backend.logs(make.logs(), make.soon(0.3)).retry == 1


def test_a_proxy_is_used_where_the_environment_names_one(connect, make, environment):
    """With its login; and not for hosts that NO_PROXY names."""
    with HttpReceiver() as proxy, OtlpReceiver() as direct:
        environment.setenv("http_proxy", proxy.url.replace("http://", "http://user:p%40ss@"))
        environment.setenv("no_proxy", "127.0.0.1")
        assert connect("http://collector.invalid:4318").logs(make.logs(), make.soon()).delivered == 1
        assert connect(direct.url).logs(make.logs(), make.soon()).delivered == 1
        [request] = proxy.requests
        assert request.path == "http://collector.invalid:4318/v1/logs"
        assert request.headers["proxy-authorization"] == "Basic dXNlcjpwQHNz"
        assert len(direct.logs) == 1
