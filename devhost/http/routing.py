"""Finds the function that a request is for."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from urllib.parse import unquote

from devhost.errors import StartupError
from devhost.functions import HTTP_TRIGGER, Function
from devhost.http.templates import Template, TemplateError, compile_template


@dataclass(frozen=True)
class Route:
    function: Function
    template: Template

    @property
    def path(self) -> str:
        return f"/{self.template.text}"


def mark_conflicting_routes(functions: Iterable[Function]) -> list[Function]:
    """The functions, with the reason at each HTTP function that Azure refuses for its route."""
    taken: list[Function] = []
    return [replace(function, unserved=function.unserved or _why_unrouted(function, taken)) for function in functions]


class RouteTable:
    """The routes of an app, most exact first, then by function name."""

    def __init__(self, functions: Iterable[Function], prefix: str) -> None:
        """Raises `StartupError` for a template that cannot be read."""
        routes = [_route(function, prefix) for function in functions if function.trigger.type == HTTP_TRIGGER]
        self.routes = sorted(routes, key=lambda route: (route.template.precedence, route.function.name.lower()))

    def urls(self, origin: str) -> dict[str, str]:
        """The URL that reaches each function, by its name; route parameters stay as they are written."""
        return {route.function.name: f"{origin}{route.path}" for route in self.routes}

    def find(self, raw_path: bytes, method: str) -> tuple[Function, dict[str, str]] | None:
        """The function and its route parameters, or None: a wrong method is no match either, as on Azure."""
        path = _decoded(raw_path)
        for route in self.routes:
            methods = route.function.methods
            if methods and method.upper() not in methods:
                continue
            values = route.template.match(path)
            if values is not None:
                return route.function, values
        return None


def _why_unrouted(function: Function, taken: list[Function]) -> str | None:
    if function.trigger.type != HTTP_TRIGGER or function.disabled:
        return None
    route = _written(function).lower()
    if route.startswith(("admin", "runtime")):
        return f"its route '{route}' is the host's own: on Azure none may begin with 'admin' or 'runtime'"
    for other in taken:
        if _written(other).lower() == route and _share_a_method(function, other):
            return f"the function '{other.name}' has the same route '{route}'"
    taken.append(function)
    return None


def _share_a_method(one: Function, other: Function) -> bool:
    return not one.methods or not other.methods or bool(set(one.methods) & set(other.methods))


def _written(function: Function) -> str:
    return function.trigger.text("route", function.name).strip("/")


def _route(function: Function, prefix: str) -> Route:
    try:
        return Route(function, compile_template("/".join(part for part in (prefix, _written(function)) if part)))
    except TemplateError as error:
        raise StartupError(f"Cannot route to the function '{function.name}': {error}.") from error


def _decoded(raw_path: bytes) -> str:
    """Decode segment by segment, keeping %2F: an encoded slash is part of a value, not of the path's shape."""
    segments = raw_path.decode("latin-1").strip("/").split("/")
    return "/".join(unquote(segment).replace("/", "%2F") for segment in segments)
