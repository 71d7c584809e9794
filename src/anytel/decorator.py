"""The decorator: a span around each call, right for every kind of callable."""

from __future__ import annotations

import functools
import inspect
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import perf_counter
from types import TracebackType
from typing import Any, Protocol, TypeVar, overload

from anytel import misuse, runtime
from anytel.backend import SpanKind
from anytel.metrics.buckets import per_second
from anytel.metrics.instruments import Counter, Distribution, Instrument
from anytel.tracing.context import RemoteContext
from anytel.tracing.record import NoopSpan, Span

__all__ = ["traced"]

T = TypeVar("T")
F = TypeVar("F", bound="Callable[..., Any] | classmethod[Any, ..., Any]")
_NEW = RemoteContext()
_TRACED = "__anytel_traced__"


class _Body(Protocol):
    """What brackets the call: a span, or a span with more to do at its end."""

    def __enter__(self) -> object: ...
    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None: ...


@dataclass(frozen=True, slots=True)
class _Spec:
    """What the decorator was given."""

    name: str
    kind: SpanKind
    attributes: Mapping[str, object] | None
    record: tuple[str, ...]
    ignore: tuple[type[BaseException], ...]
    metric: Instrument | None
    new_root: bool
    signature: inspect.Signature | None = field(default=None, compare=False)

    def start(self, args: tuple[object, ...], kwargs: Mapping[str, object]) -> NoopSpan:
        """Start the span of one call."""
        attributes = self._recorded(args, kwargs) if self.record else self.attributes
        return runtime.active.tracer.start(self.name, self.kind, attributes, (), _NEW if self.new_root else None, None)

    def body(self, args: tuple[object, ...], kwargs: Mapping[str, object]) -> _Body:
        """Give what the call runs in."""
        span = self.start(args, kwargs)
        return _Watched(span, self) if self.ignore or self.metric is not None else span

    def _recorded(self, args: tuple[object, ...], kwargs: Mapping[str, object]) -> Mapping[str, object]:
        try:
            assert self.signature is not None  # noqa: S101 -- made with the wrapper where something is recorded
            given = self.signature.bind_partial(*args, **kwargs)
            given.apply_defaults()
        except TypeError:  # the call itself will fail, with the error the user knows
            return self.attributes or {}
        return {**(self.attributes or {}), **{name: given.arguments.get(name) for name in self.record}}


class _Watched:
    """A span whose body may raise what is no error, and whose duration goes to a metric."""

    __slots__ = ("_span", "_spec", "_started")

    def __init__(self, span: NoopSpan, spec: _Spec) -> None:
        self._span, self._spec, self._started = span, spec, perf_counter()

    def __enter__(self) -> object:
        return self._span.__enter__()

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None) -> None:
        _measure(self._spec.metric, self._started)
        if exc is not None and isinstance(exc, self._spec.ignore):
            exc = None
        self._span.__exit__(kind, exc, tb)


def _measure(metric: Instrument | None, started: float) -> None:
    if isinstance(metric, Distribution):
        metric.record((perf_counter() - started) * (per_second(metric.unit or "s") or 1.0))
    elif isinstance(metric, Counter):
        metric.add()


@contextmanager
def _attached(span: NoopSpan) -> Iterator[None]:
    """Make *span* current for one stretch of a generator's body."""
    if not isinstance(span, Span):
        yield
        return
    span.__enter__()
    try:
        yield
    finally:
        span.leave()


def _finish(span: NoopSpan, spec: _Spec, started: float, exc: BaseException | None) -> None:
    _measure(spec.metric, started)
    if exc is not None and not isinstance(exc, spec.ignore) and isinstance(span, Span):
        span.raised(exc)
    span.end()


def _generator(function: Callable[..., Generator[Any, Any, Any]], spec: _Spec) -> Callable[..., Any]:
    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
        span, started = spec.start(args, kwargs), perf_counter()
        body = function(*args, **kwargs)
        step: Callable[[], Any] = functools.partial(next, body)
        try:
            while True:
                with _attached(span):
                    item = step()
                try:
                    step = functools.partial(body.send, (yield item))
                except GeneratorExit:
                    with _attached(span):
                        body.close()
                    raise
                except BaseException as exc:
                    step = functools.partial(body.throw, exc)
        except StopIteration as stop:
            _finish(span, spec, started, None)
            return stop.value
        except BaseException as exc:
            _finish(span, spec, started, exc)
            raise

    return wrapper


def _async_generator(function: Callable[..., AsyncGenerator[Any, Any]], spec: _Spec) -> Callable[..., Any]:
    @functools.wraps(function)
    async def wrapper(*args: Any, **kwargs: Any) -> AsyncGenerator[Any, Any]:
        span, started = spec.start(args, kwargs), perf_counter()
        body = function(*args, **kwargs)
        step: Callable[[], Awaitable[Any]] = functools.partial(anext, body)
        try:
            while True:
                with _attached(span):
                    item = await step()
                try:
                    step = functools.partial(body.asend, (yield item))
                except GeneratorExit:
                    with _attached(span):
                        await body.aclose()
                    raise
                except BaseException as exc:
                    step = functools.partial(body.athrow, exc)
        except StopAsyncIteration:
            _finish(span, spec, started, None)
        except BaseException as exc:
            _finish(span, spec, started, exc)
            raise

    return wrapper


def _coroutine(function: Callable[..., Awaitable[Any]], spec: _Spec) -> Callable[..., Any]:
    @functools.wraps(function)
    async def wrapper(*args: Any, **kwargs: Any) -> Any:
        with spec.body(args, kwargs):
            return await function(*args, **kwargs)

    return wrapper


def _function(function: Callable[..., Any], spec: _Spec) -> Callable[..., Any]:
    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        with spec.body(args, kwargs):
            return function(*args, **kwargs)

    return wrapper


@overload
def traced(
    name: str | None = None,
    /,
    *,
    kind: SpanKind = ...,
    attributes: Mapping[str, object] | None = ...,
    record: Iterable[str] = ...,
    ignore: Iterable[type[BaseException]] | type[BaseException] = ...,
    metric: Instrument | None = ...,
    new_root: bool = ...,
) -> Callable[[T], T]: ...
@overload
def traced(target: F, /) -> F: ...
def traced(  # noqa: D417 -- the positional argument is described in the text
    target: Any = None,
    /,
    *,
    kind: SpanKind = "internal",
    attributes: Mapping[str, object] | None = None,
    record: Iterable[str] = (),
    ignore: Iterable[type[BaseException]] | type[BaseException] = (),
    metric: Instrument | None = None,
    new_root: bool = False,
) -> Any:
    """Give a function a span per call: bare, ``@traced``, or with the span's name and options.

    Functions, coroutines, generators, async generators, static and class methods, and classes (their public methods;
    the class stays a class). A generator's span lasts from the first ``next`` to its end, and is current only while
    the body runs.

    Args:
        kind: The role of the span towards other processes.
        attributes: Set on every span.
        record: Names of parameters whose values become attributes.
        ignore: Exceptions that are no error.
        metric: A distribution or histogram that takes the duration, or a counter of the calls.
        new_root: Begin a new trace instead of being a child of the current span.
    """
    names = _several(record, str, lambda one: isinstance(one, str), "record= takes names of parameters")
    ignored = _several(ignore, type, _is_exception, "ignore= takes exception classes")
    options = (kind, attributes, names, ignored, _suitable(metric), new_root)
    if target is None or isinstance(target, str):
        return lambda decorated: _decorate(decorated, target or "", options)
    return _decorate(target, "", options)


def _several(given: Any, one: type, suits: Callable[[object], bool], takes: str) -> tuple[Any, ...]:
    """Give what was given, alone or several, as a tuple."""
    try:
        several = (given,) if isinstance(given, one) else tuple(given)
    except Exception:
        several = (None,)
    if all(map(suits, several)):
        return several
    return misuse.refuse("traced", f"@traced: {takes}, not {misuse.shown(given)}", ())


def _is_exception(one: object) -> bool:
    return isinstance(one, type) and issubclass(one, BaseException)


def _suitable(metric: object) -> Instrument | None:
    if metric is None:
        return None
    if not isinstance(metric, Distribution | Counter):
        problem = f"@traced: metric= takes a distribution, a histogram or a counter, not {misuse.shown(metric)}"
        return misuse.refuse("traced", problem, None)
    if isinstance(metric, Distribution) and per_second(metric.unit or "s") is None:
        return misuse.refuse("unit", f"@traced: metric {metric.name!r} is in {metric.unit!r}, which is no time", None)
    return metric


_Options = tuple[
    SpanKind, Mapping[str, object] | None, tuple[str, ...], tuple[type[BaseException], ...], Instrument | None, bool
]


def _decorate(target: Any, name: str, options: _Options) -> Any:
    if isinstance(target, type):
        return _class(target, name, options)
    if isinstance(target, staticmethod | classmethod):
        return type(target)(_decorate(target.__func__, name, options))
    if not callable(target):
        return misuse.refuse("traced", f"@traced needs a function or a class, not {misuse.shown(target)}", target)
    wrapper = _wrapper(target)(target, _spec(target, name, options))
    setattr(wrapper, _TRACED, True)
    return wrapper


def _wrapper(target: Any) -> Callable[[Any, _Spec], Callable[..., Any]]:
    if inspect.iscoroutinefunction(target):
        return _coroutine
    if inspect.isasyncgenfunction(target):
        return _async_generator
    return _generator if inspect.isgeneratorfunction(target) else _function


def _spec(target: Any, name: str, options: _Options) -> _Spec:
    record = options[2]
    signature = inspect.signature(target) if record else None
    metric = options[4]
    if metric is not None and not _measurable(metric):
        refused = f"@traced(metric={metric!r}): a distribution or histogram in a unit of time, or a counter"
        options = (*options[:4], misuse.refuse("traced", refused, None), options[5])
    unknown = [one for one in record if signature is not None and one not in signature.parameters]
    if unknown:
        misuse.refuse("traced", f"@traced(record=): {target!r} has no parameter {', '.join(unknown)}", None)
    return _Spec(name or _name(target), *options, signature)


def _measurable(metric: Instrument) -> bool:
    return isinstance(metric, Counter) or (
        isinstance(metric, Distribution) and per_second(metric.unit or "s") is not None
    )


def _name(target: Any) -> str:
    """Name a function as it is written: without the functions it is nested in."""
    return str(getattr(target, "__qualname__", type(target).__name__)).rpartition("<locals>.")[2]


def _class(cls: type, name: str, options: _Options) -> type:
    for attribute, member in list(vars(cls).items()):
        wanted = inspect.isfunction(member) or isinstance(member, staticmethod | classmethod)
        own = getattr(getattr(member, "__func__", member), _TRACED, False)  # it is decorated itself
        if wanted and not own and not attribute.startswith("_"):
            setattr(cls, attribute, _decorate(member, f"{name or cls.__name__}.{attribute}", options))
    return cls
