"""Being outermost: the application object itself observes its requests, around all that others put around it.

Sentry's integration replaces ``Starlette.__call__`` and ddtrace's wraps ``FastAPI.build_middleware_stack``, both on the
class and at any time. So the object gets a class of its own below the one it had. Its ``__call__`` precedes theirs,
whoever was first, and before all middleware, whenever it is added.
"""

from __future__ import annotations

from typing import Any

from anytel.asgi.middleware import serve
from anytel.asgi.options import Options
from anytel.asgi.protocol import Receive, Scope, Send

__all__ = ["is_observed", "observe"]

_MARK = "_anytel_options"


def is_observed(app: object) -> bool:
    """Say whether *app* observes its requests already."""
    return isinstance(getattr(type(app), _MARK, None), Options)


def observe(app: object, options: Options) -> None:
    """Let *app* observe its requests. It stays an instance of its class, which looks as before; the class is untouched.

    Raises:
        TypeError: The class of *app* cannot be extended.
    """
    cls: Any = type(app)
    own: Any

    async def __call__(self: object, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: N807 -- it is one
        await serve(super(own, self).__call__, options, scope, receive, send)

    # One base only: with a second one Python would not let the object change over.
    like = {"__module__": cls.__module__, "__qualname__": cls.__qualname__, "__doc__": cls.__doc__}
    own = type(cls)(cls.__name__, (cls,), {**like, "__slots__": (), "__call__": __call__, _MARK: options})
    app.__class__ = own
