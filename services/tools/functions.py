"""Python functions that this deployment offers as tools: `@tool_function("name")` above one makes it known.

The modules that register them are named in TOOL_MODULES and imported at the first call.
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable
from typing import Any

from domain.errors import Fault, ProblemError
from domain.values import Json
from services.secrets import Secrets
from services.tools.attempts import Attempt, plain
from services.tools.problems import tool_failed, tool_refused

Function = Callable[..., Any]
_registered: dict[str, Function] = {}


def tool_function(name: str) -> Callable[[Function], Function]:
    """Register the function below it. It is called with the tool's arguments by name, and gives JSON; it may be async.

    Raises `ValueError` when the name is taken by another.
    """

    def register(function: Function) -> Function:
        if _registered.get(name, function) is not function:
            raise ValueError(f"there is already a tool function {name!r}")
        _registered[name] = function
        return function

    return register


class Functions:
    def __init__(self, modules: tuple[str, ...]) -> None:
        self._modules = modules

    def find(self, name: str) -> Function | None:
        """Raises `ImportError` when a module that should register functions is not there."""
        for module in self._modules:
            importlib.import_module(module)
        return _registered.get(name)

    async def call(self, attempt: Attempt, secrets: Secrets) -> Json:
        """Raises `ProblemError`: its own, tool_refused, tool_failed."""
        name, tool = attempt.tool.function or "", attempt.tool.name
        function = self.find(name)
        if function is None:
            action = "Register it with `@tool_function`, in a module that TOOL_MODULES names."
            raise tool_refused(f"This deployment has no tool function `{name}`.", action, Fault.PLATFORM)
        try:
            return plain(await called(function, attempt.arguments, attempt.key))
        except (ProblemError, TimeoutError):
            raise
        except Exception as error:  # a function raises anything
            # Without its secrets before it is cut short: half a one would not be found any more.
            said = secrets.scrubbed(f"{type(error).__name__}: {error}")[:500]
            raise tool_failed(f"Tool `{tool}` failed: {said}") from error


async def called(function: Function, arguments: Json, key: str) -> Json:
    """What the function gives. It gets `idempotency_key` as well, if it takes that."""
    takes_key = "idempotency_key" in inspect.signature(function).parameters
    given = {**arguments, **({"idempotency_key": key} if takes_key else {})}
    found = function(**given)
    return await found if inspect.isawaitable(found) else found
