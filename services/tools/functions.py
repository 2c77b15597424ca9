"""Python functions that this deployment offers as tools: `@tool_function("name")` above one makes it known.

The modules that register them are named in TOOL_MODULES and imported at the first call. What a function takes is its
signature: its arguments are checked against its annotations, and come as what these say.
"""

from __future__ import annotations

import asyncio
import importlib
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, get_type_hints

from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model
from pydantic_core import to_jsonable_python

from domain.errors import Fault, ProblemError, platform_failed
from domain.tools import MOST_DESCRIPTION
from domain.values import Json
from services.secrets import Secrets
from services.tools.attempts import Attempt, plain
from services.tools.problems import tool_failed, tool_refused

Function = Callable[..., Any]
KEY = "idempotency_key"


@dataclass(frozen=True)
class Registered:
    """A function as a tool. Its schema is made when first asked for: start-up does not wait for it."""

    name: str
    function: Function

    @property
    def description(self) -> str:
        return (inspect.getdoc(self.function) or "")[:MOST_DESCRIPTION]

    @property
    def takes_key(self) -> bool:
        return KEY in inspect.signature(self.function).parameters

    @cached_property
    def shape(self) -> type[BaseModel]:
        """The arguments as a model. Raises `ProblemError` platform_failed for a signature that cannot be one."""
        try:
            return self._made()
        except Exception as error:  # annotations can be anything
            said = f"The function `{self.name}` cannot be a tool: {error}"[:500]
            raise ProblemError(platform_failed(said)) from error

    @property
    def input(self) -> dict[str, Json]:
        """JSON Schema of the arguments. Raises `ProblemError` as `shape` does."""
        schema: dict[str, Json] = _without_titles(self.shape.model_json_schema())
        return schema

    def taken(self, arguments: Json) -> dict[str, Any]:
        """The arguments as the function takes them. Raises `ValidationError`."""
        found = self.shape.model_validate(arguments)
        fields = type(found).model_fields
        return {str(fields[name].alias): getattr(found, name) for name in fields if name in found.model_fields_set} | (
            found.model_extra or {}
        )

    def _made(self) -> type[BaseModel]:
        hints = get_type_hints(self.function, include_extras=True)
        fields: dict[str, Any] = {}
        more = False
        for number, parameter in enumerate(inspect.signature(self.function).parameters.values()):
            if parameter.kind is parameter.VAR_KEYWORD:
                more = True
            elif parameter.kind in (parameter.VAR_POSITIONAL, parameter.POSITIONAL_ONLY):
                raise TypeError(f"`{parameter.name}` of {self.name!r} cannot be given by name")
            elif parameter.name != KEY:
                default = ... if parameter.default is parameter.empty else parameter.default
                # Models keep some names for themselves: the fields have names of their own.
                fields[f"a{number}"] = (hints.get(parameter.name, Any), Field(default, alias=parameter.name))
        config = ConfigDict(extra="allow" if more else "forbid")
        return create_model(self.name, __config__=config, **fields)


_registered: dict[str, Registered] = {}


def tool_function(name: str) -> Callable[[Function], Function]:
    """Register the function below it. It is called with the tool's arguments by name, and gives JSON, or what pydantic
    can write as JSON. It may be async; one that is not is called in a thread.

    Raises `ValueError` when the name is taken by another.
    """

    def register(function: Function) -> Function:
        known = _registered.get(name)
        if known is not None and known.function is not function:
            raise ValueError(f"there is already a tool function {name!r}")
        _registered[name] = Registered(name, function)
        return function

    return register


class Functions:
    def __init__(self, modules: tuple[str, ...]) -> None:
        self._modules = modules

    def find(self, name: str) -> Registered | None:
        """Raises `ProblemError` platform_failed when a module that should register functions cannot be imported."""
        self._load()
        return _registered.get(name)

    def all(self) -> list[Registered]:
        """By name. Raises `ProblemError` as `find` does."""
        self._load()
        return [_registered[name] for name in sorted(_registered)]

    async def call(self, attempt: Attempt, secrets: Secrets) -> Json:
        """Raises `ProblemError`: its own, tool_refused, tool_failed, platform_failed."""
        name, tool = attempt.tool.function or "", attempt.tool.name
        registered = self.find(name)
        if registered is None:
            action = "Register it with `@tool_function`, in a module that TOOL_MODULES names."
            raise tool_refused(f"This deployment has no tool function `{name}`.", action, Fault.PLATFORM)
        try:
            given = registered.taken(attempt.arguments)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            where = ".".join(map(str, first["loc"]))
            action = "Correct the arguments; the tool's `input` may say less than the function's signature."
            raise tool_refused(f"Function `{name}` does not take this, at `{where}`: {first['msg']}", action) from error
        attempt.begin()
        try:
            return plain(to_jsonable_python(await _called(registered, given, attempt.key)))
        except ProblemError:
            raise
        except Exception as error:  # a function raises anything
            # Without its secrets before it is cut short: half a one would not be found any more.
            said = secrets.scrubbed(f"{type(error).__name__}: {error}")[:500]
            # How far it came, only it knows: what must not run twice is not run again.
            again = attempt.tool.delivery != "at_most_once"
            raise tool_failed(f"Tool `{tool}` failed: {said}", retryable=again) from error

    def _load(self) -> None:
        for module in self._modules:
            try:
                importlib.import_module(module)
            except Exception as error:  # a module can do anything
                said = f"The module `{module}` that TOOL_MODULES names cannot be imported"
                raise ProblemError(platform_failed(f"{said}: {type(error).__name__}: {error}"[:500])) from error


async def _called(registered: Registered, given: dict[str, Any], key: str) -> Any:
    """What the function gives. It gets `idempotency_key` as well, if it takes that."""
    function = registered.function
    if registered.takes_key:
        given = {**given, KEY: key}
    if inspect.iscoroutinefunction(function):
        return await function(**given)
    # What blocks would hold up every other call of this process.
    found = await asyncio.to_thread(function, **given)
    return await found if inspect.isawaitable(found) else found


def _without_titles(schema: Json) -> Json:
    if isinstance(schema, list):
        return [_without_titles(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    return {key: _without_titles(item) for key, item in schema.items() if key != "title" or not isinstance(item, str)}
