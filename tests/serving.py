"""Serving from a process that a test has started, for as long as the test wants."""

import socket
import sys
import threading

import uvicorn


def serve(app, **config):
    """Serve *app* on a free port, which is printed, until standard input is closed."""
    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, **config))
    print(f"port={listening.getsockname()[1]}", flush=True)

    def watch():
        sys.stdin.read()
        server.should_exit = True

    threading.Thread(target=watch, daemon=True).start()
    server.run([listening])
