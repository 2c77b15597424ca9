"""A function app of plain functions, without a host around it: real SDK orchestrators and entities, for tests."""

from __future__ import annotations

import asyncio
import inspect
import json
import traceback
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Literal

import azure.durable_functions as df

from devhost.ports import FunctionFailed, UnknownFunction

Function = Callable[..., Any]


class SdkApp:
    """Implements `devhost.ports.App` over plain functions. Counts the calls of activities by name."""

    def __init__(self) -> None:
        self._functions: dict[str, dict[str, Function]] = {"orchestrator": {}, "activity": {}, "entity": {}}
        self._pool = ThreadPoolExecutor(4)
        self.calls: list[tuple[str, Any]] = []
        self.turns: list[str] = []

    def orchestrator(self, function: Function) -> Function:
        return self._functions["orchestrator"].setdefault(function.__name__.lower(), function)

    def activity(self, function: Function) -> Function:
        return self._functions["activity"].setdefault(function.__name__.lower(), function)

    def entity(self, function: Function) -> Function:
        return self._functions["entity"].setdefault(function.__name__.lower(), function)

    def replace(self, name: str, function: Function) -> None:
        """Deploy other code under the name of an orchestrator."""
        self._functions["orchestrator"][name.lower()] = function

    def has(self, kind: Literal["orchestrator", "activity", "entity"], name: str) -> bool:
        return name.lower() in self._functions[kind]

    def run_orchestrator(self, name: str, context_json: str) -> str:
        self.turns.append(name)
        handle = df.Orchestrator.create(self._find("orchestrator", name))
        try:
            return str(handle(context_json))
        except Exception as error:
            raise FunctionFailed(str(error), traceback.format_exc()) from error

    async def run_entity(self, name: str, batch_json: str) -> str:
        handle = df.Entity.create(self._find("entity", name))
        return await asyncio.get_running_loop().run_in_executor(self._pool, handle, batch_json)

    async def run_activity(self, name: str, input_json: str | None, instance_id: str) -> str:
        function = self._find("activity", name)
        value = None if input_json is None else json.loads(input_json)
        self.calls.append((name, value))
        try:
            if inspect.iscoroutinefunction(function):
                return json.dumps(await function(value))
            return json.dumps(await asyncio.get_running_loop().run_in_executor(self._pool, function, value))
        except Exception as error:
            message = f"Activity function '{name}' failed:  {type(error).__name__}: {error}"
            raise FunctionFailed(message, traceback.format_exc()) from error

    def close(self) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _find(self, kind: str, name: str) -> Function:
        try:
            return self._functions[kind][name.lower()]
        except KeyError:
            known = ", ".join(self._functions[kind]) or "none"
            raise UnknownFunction(
                f"The function '{name}' doesn't exist, is disabled, or is not an {kind} function. Known: {known}"
            ) from None
