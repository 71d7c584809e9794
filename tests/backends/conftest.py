"""What the tests of several backends need."""

import contextlib
import socket
import threading
from contextlib import ExitStack

import pytest


@pytest.fixture
def trickling():
    """Start a server whose answer comes byte by byte and never ends, over TLS where it is given a context."""
    stop = threading.Event()

    def answer(server, context):
        with contextlib.suppress(OSError), ExitStack() as stack:
            peer = stack.enter_context(server.accept()[0])
            if context is not None:
                peer = stack.enter_context(context.wrap_socket(peer, server_side=True))
            peer.sendall(b"HTTP/1.1 200 OK\r\nX: ")
            while not stop.wait(0.02):
                peer.sendall(b"x")

    def start(context=None):
        server = running.enter_context(socket.create_server(("127.0.0.1", 0)))
        thread = threading.Thread(target=answer, args=(server, context))
        thread.start()
        running.callback(thread.join)
        return server.getsockname()[1]

    with ExitStack() as running:
        yield start
        stop.set()
