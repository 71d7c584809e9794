"""The fragment store: a real SQLite database, in memory."""

from __future__ import annotations

import sqlite3
import weakref
from typing import Literal

import anytel
from anytel.demo.telemetry import DB_QUERY_TIME

__all__ = ["FragmentStore"]

_SCHEMA = "CREATE TABLE fragment (key TEXT PRIMARY KEY, page TEXT, revision INTEGER NOT NULL DEFAULT 1)"
_SELECT = "SELECT revision FROM fragment WHERE key = ?"
_UPSERT = (
    "INSERT INTO fragment (key, page) VALUES (?, ?)"
    " ON CONFLICT (key) DO UPDATE SET page = excluded.page, revision = revision + 1"
)


class FragmentStore:
    """Remembers how often each fragment was revalidated."""

    def __init__(self) -> None:
        # Whoever serves the application chooses the thread; it is one thread all the time.
        self._connection = sqlite3.connect(":memory:", check_same_thread=False, isolation_level=None)
        self._connection.execute(_SCHEMA)
        weakref.finalize(self, self._connection.close)

    def revision(self, key: str) -> int:
        """Give the fragment's revision, 0 if it is not known."""
        rows = self._query("select", _SELECT, (key,))
        return int(rows[0][0]) if rows else 0

    def save(self, key: str, page: str | None) -> None:
        """Store the next revision of a fragment."""
        self._query("upsert", _UPSERT, (key, page))

    def _query(
        self, operation: Literal["select", "upsert"], text: str, values: tuple[str | None, ...]
    ) -> list[tuple[int]]:
        attributes = {"db.system.name": "sqlite", "db.operation.name": operation, "db.query.text": text}
        with (
            anytel.span("db.query", kind="client", attributes=attributes) as span,
            DB_QUERY_TIME.time({"operation": operation}),
        ):
            rows = self._connection.execute(text, values).fetchall()
            span.set({"db.response.returned_rows": len(rows)})
            return rows
