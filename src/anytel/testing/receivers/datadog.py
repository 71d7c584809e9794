"""A loopback Datadog Agent: takes traces as its trace API does and decodes them.

It is stricter than the real one, which repairs what it can: what breaks the documented format is kept in `malformed`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, TypeAlias

import msgspec

from anytel.testing.receivers.http import Answer, HttpReceiver, Request

__all__ = ["DatadogAgent", "Span", "SpanLink", "decode_v04", "decode_v05", "trace_id_of"]

Span: TypeAlias = dict[str, Any]
"""A span as on the wire; what was left out has its zero value (`_Span`)."""

_TID = re.compile(r"[0-9a-f]{16}")
_UINT64 = 2**64


class SpanLink(msgspec.Struct, forbid_unknown_fields=True):
    """A span link as v0.4 has it: *trace_id* is the low half of the id; bit 31 of *flags* says that they are set."""

    trace_id: int
    span_id: int
    trace_id_high: int = 0
    attributes: dict[str, str] = {}
    tracestate: str = ""
    flags: int = 0


class _Span(msgspec.Struct, forbid_unknown_fields=True):
    """A span of v0.4. The fields without a default are the required ones; times are nanoseconds."""

    service: str
    name: str
    resource: str
    trace_id: int
    span_id: int
    start: int
    duration: int
    parent_id: int = 0
    error: int = 0
    type: str = ""
    meta: dict[str, str] = {}
    metrics: dict[str, float] = {}
    span_links: list[SpanLink] = []
    span_events: list[dict[str, Any]] = []
    meta_struct: dict[str, bytes] = {}

    def problem(self) -> str | None:
        """Say what the types do not forbid and yet is wrong."""
        ids = (self.trace_id, self.span_id, self.parent_id)
        if not all(0 <= number < _UINT64 for number in ids) or 0 in ids[:2]:
            return f"ids out of range: {ids}"
        if self.start < 0 or self.duration < 0 or self.error not in (0, 1):
            return f"start {self.start}, duration {self.duration}, error {self.error}"
        tid = self.meta.get("_dd.p.tid")
        return f"_dd.p.tid {tid!r}" if tid is not None and not _TID.fullmatch(tid) else None


_Row: TypeAlias = tuple[int, int, int, int, int, int, int, int, int, dict[int, int], dict[int, float], int]
_V04 = msgspec.msgpack.Decoder(list[list[_Span]])
_V05 = msgspec.msgpack.Decoder(tuple[list[str], list[list[_Row]]])


def decode_v04(body: bytes) -> list[list[Span]]:
    """Decode the body of ``/v0.4/traces``: traces, each a list of maps.

    Raises:
        ValueError: it is not of that form.
    """
    return [_checked(trace) for trace in _V04.decode(body)]


def decode_v05(body: bytes) -> list[list[Span]]:
    """Decode the body of ``/v0.5/traces``: a table of strings, and traces of 12-tuples that refer to it.

    Raises:
        ValueError: it is not of that form.
    """
    table, traces = _V05.decode(body)
    try:
        return [_checked([_from_row(table, row) for row in trace]) for trace in traces]
    except IndexError:
        raise ValueError("a reference outside of the string table") from None


def trace_id_of(spans: Span | Sequence[Span]) -> int:
    """Give the 128-bit trace id of a trace, or of a span that carries ``_dd.p.tid`` (the first of each trace does)."""
    trace = [spans] if isinstance(spans, Mapping) else spans
    high = next((span["meta"]["_dd.p.tid"] for span in trace if "_dd.p.tid" in span["meta"]), "0")
    low: int = trace[0]["trace_id"]
    return int(high, 16) << 64 | low


class DatadogAgent(HttpReceiver):
    """An Agent's trace API on a random loopback port (`url`).

    *traces* are those received, in order, each a list of spans; *malformed* says what was wrong with a request, which
    then adds no traces and is answered with 400.
    """

    info: Mapping[str, object] = {
        "version": "7.60.0",
        "endpoints": ["/v0.4/traces", "/v0.5/traces", "/info"],
        "client_drop_p0s": False,
        "config": {},
    }
    """What ``/info`` is answered with."""

    _decoders: ClassVar[Mapping[str, Callable[[bytes], list[list[Span]]]]] = {
        "/v0.4/traces": decode_v04,
        "/v0.5/traces": decode_v05,
    }

    def __init__(self) -> None:
        super().__init__()
        self.traces: list[list[Span]] = []
        self.malformed: list[str] = []

    @property
    def spans(self) -> list[Span]:
        """All spans of all traces."""
        return [span for trace in self.traces for span in trace]

    def received(self, request: Request) -> Answer | None:
        """Decode the traces of a request, unless it is to be answered with an error."""
        decode = self._decoders.get(request.path)
        if request.path == "/info":
            return Answer(body=json.dumps(self.info).encode())
        if decode is None:
            return Answer(404)
        if self.answer.status >= 300:
            return None
        try:
            traces = decode(request.body)
            _check_headers(request, len(traces))
        except ValueError as error:
            self.malformed.append(f"{request.method} {request.path}: {error}")
            return Answer(400)
        self.traces.extend(traces)
        return Answer(body=b'{"rate_by_service":{"service:,env:":1.0}}', delay=self.answer.delay)

    def clear(self) -> None:
        """Forget everything received so far."""
        super().clear()
        with self._changed:
            self.traces.clear()
            self.malformed.clear()


def _checked(trace: list[_Span]) -> list[Span]:
    if not trace:
        raise ValueError("an empty trace")
    if len({span.trace_id for span in trace}) > 1:
        raise ValueError(f"several trace ids in one trace: {[span.trace_id for span in trace]}")
    for span in trace:
        if problem := span.problem():
            raise ValueError(f"span {span.name!r}: {problem}")
    return [msgspec.to_builtins(span, builtin_types=(bytes,)) for span in trace]


def _check_headers(request: Request, traces: int) -> None:
    if request.method not in ("PUT", "POST"):
        raise ValueError("not a PUT or POST")
    if request.headers.get("content-type") != "application/msgpack":
        raise ValueError(f"content type {request.headers.get('content-type')!r}")
    count = request.headers.get("x-datadog-trace-count")
    if count != str(traces):
        raise ValueError(f"X-Datadog-Trace-Count is {count}, the traces are {traces}")


def _from_row(table: list[str], row: _Row) -> _Span:
    service, name, resource, trace_id, span_id, parent_id, start, duration, error, meta, metrics, kind = row
    return _Span(
        service=table[service],
        name=table[name],
        resource=table[resource],
        trace_id=trace_id,
        span_id=span_id,
        parent_id=parent_id,
        start=start,
        duration=duration,
        error=error,
        meta={table[key]: table[value] for key, value in meta.items()},
        metrics={table[key]: value for key, value in metrics.items()},
        type=table[kind],
    )
