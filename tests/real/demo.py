"""The demo service, as its users would start it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from real.processes import Program, free_ports, listening, running

__all__ = ["demo_service"]


@contextmanager
def demo_service(folder: Path, **settings: str) -> Iterator[tuple[str, Program]]:
    """Run the demo service under uvicorn; give its address and its program."""
    (port,) = free_ports(1)
    command = [sys.executable, "-m", "uvicorn", "anytel.demo.app:app", "--host", "127.0.0.1", "--port", str(port)]
    with running(command, folder, lambda: listening(port), **settings) as program:
        yield f"http://127.0.0.1:{port}", program
