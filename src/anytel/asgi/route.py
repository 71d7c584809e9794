"""The template of the route that a request has matched, as Starlette and FastAPI leave it in the scope.

The template is of low cardinality: never the raw path, of which there are as many as callers like.
"""

from __future__ import annotations

from collections.abc import Iterable

from anytel.asgi.protocol import Scope

__all__ = ["template"]

_REST = "/{path}"
"""What Starlette adds to the path of a mount."""


def template(scope: Scope, root_path: str) -> str:
    """Give the matched route with the application's root, or an empty string; known once the router has run.

    *root_path* is the one that the server has given: what has been added since is the path of mounts.
    """
    root, root_path = str(scope.get("root_path", "")).rstrip("/"), root_path.rstrip("/")
    if len(root) > len(root_path) and root.startswith(root_path):
        root = root_path + _mounts(scope, root[len(root_path) :])
    route = scope.get("route") or _by_endpoint(getattr(scope.get("router"), "routes", ()), scope.get("endpoint"))
    if _is_mount(route):
        return root
    path = _path(scope, route)
    return f"{root}{path}" if path else root if root != root_path else ""


def _path(scope: Scope, route: object) -> str:
    """Give the route's own path. A recent FastAPI has the prefix of an included router beside the route."""
    included = (scope.get("fastapi") or {}).get("effective_route_context")
    if included is not None and getattr(included, "original_route", None) is route:
        route = included
    path = getattr(route, "path_format", None) or getattr(route, "path", None)
    return path if isinstance(path, str) else ""


def _by_endpoint(routes: Iterable[object], endpoint: object) -> object:
    """Find a route by what it has called: an older Starlette does not say which one it was."""
    if endpoint is None:
        return None
    for route in routes:
        if getattr(route, "endpoint", None) is endpoint:
            return route
        if _is_mount(route) and (found := _by_endpoint(getattr(route, "routes", None) or (), endpoint)) is not None:
            return found
    return None


def _is_mount(route: object) -> bool:
    return route is not None and hasattr(route, "routes") and not hasattr(route, "endpoint")


def _mounts(scope: Scope, path: str) -> str:
    """Give the templates of the mounts on *path*: as it is, unless it holds values of parameters."""
    values = {str(value): name for name, value in (scope.get("path_params") or {}).items()}
    parts = path.split("/")
    if values.keys().isdisjoint(parts):
        return path
    known = _walk(getattr(scope.get("router"), "routes", ()), path)
    return known or "/".join(f"{{{values[part]}}}" if part in values else part for part in parts)


def _walk(routes: Iterable[object], path: str) -> str | None:
    """Follow *path* through the mounts of *routes*."""
    for route in routes:
        pattern = getattr(route, "path_regex", None)
        match = pattern.match(f"{path}/") if _is_mount(route) and pattern is not None else None
        if match is not None:
            own, rest = getattr(route, "path_format", "").removesuffix(_REST), match["path"].rstrip("/")
            below = _walk(getattr(route, "routes", None) or (), f"/{rest}") if rest else ""
            if below is not None:
                return f"{own}{below}"
    return None
