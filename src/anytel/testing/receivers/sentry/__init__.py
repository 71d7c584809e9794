"""A loopback Sentry: takes envelopes and decodes them.

It is as strict as Relay about their form: what Relay would refuse is answered with 400 and kept in `malformed`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from anytel.testing.receivers.http import Answer, HttpReceiver, Request
from anytel.testing.receivers.sentry.envelopes import Envelope, Item, Json, decode
from anytel.testing.receivers.sentry.records import READERS, ReceivedLog, ReceivedMetric, ReceivedSpan, spans_of

__all__ = ["Envelope", "Item", "Malformed", "ReceivedLog", "ReceivedMetric", "ReceivedSpan", "SentryReceiver", "decode"]

_PATH = re.compile(r"/api/\d+/envelope/(\?.*)?")


@dataclass(frozen=True, slots=True)
class Malformed:
    """A request that Sentry would refuse, and why."""

    problem: str
    request: Request = field(repr=False)


class SentryReceiver(HttpReceiver):
    """Takes the envelopes of any project; those that `answer` refuses (429, 500, ...) are kept all the same.

    *events* and *transactions* are payloads as they came. *spans* are those of span items and of transactions.
    """

    def __init__(self) -> None:
        super().__init__()
        self.envelopes: list[Envelope] = []
        self.events: list[Json] = []
        self.transactions: list[Json] = []
        self.spans: list[ReceivedSpan] = []
        self.logs: list[ReceivedLog] = []
        self.metrics: list[ReceivedMetric] = []
        self.client_reports: list[Json] = []
        self.malformed: list[Malformed] = []

    @property
    def dsn(self) -> str:
        """The address to give to an SDK."""
        return f"{self.url.replace('://', '://public@')}/1"

    def clear(self) -> None:
        """Forget everything received so far."""
        with self._changed:
            self.requests.clear()
            self.envelopes.clear()
            self.malformed.clear()
            for records in self._records().values():
                records.clear()

    def received(self, request: Request) -> Answer | None:
        """Decode one request: all of it, or nothing and an entry in `malformed`."""
        try:
            _check_request(request)
            envelope = decode(request.body)
            decoded = [
                (item.type, READERS[item.type](item, envelope)) for item in envelope.items if item.type in READERS
            ]
        except (ValueError, LookupError, TypeError, AttributeError) as error:
            problem = str(error) if type(error) is ValueError else f"{type(error).__name__}: {error}"
            self.malformed.append(Malformed(problem, request))
            return Answer(400, json.dumps({"detail": problem}).encode())
        self.envelopes.append(envelope)
        for kind, records in decoded:
            self._keep(kind, records)
        return None

    def _keep(self, kind: str, records: list[Any]) -> None:
        self._records()[kind].extend(records)
        if kind == "transaction":
            self.spans.extend(span for event in records for span in spans_of(event))

    def _records(self) -> Mapping[str, list[Any]]:
        return {
            "event": self.events,
            "transaction": self.transactions,
            "span": self.spans,
            "log": self.logs,
            "trace_metric": self.metrics,
            "client_report": self.client_reports,
        }


def _check_request(request: Request) -> None:
    if not _PATH.fullmatch(request.path):
        raise ValueError(f"{request.path} is not the path of a project's envelopes")
    if "sentry_key=" not in request.headers.get("x-sentry-auth", "") + request.path:
        raise ValueError("there is no sentry_key")
