"""What a function raises stays a failure of that function, whatever it raises."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from devhost.expressions import BindingData
from devhost.functions import ACTIVITY_TRIGGER, Binding, Function
from devhost.invocation import Invoker
from devhost.time_limit import FunctionPool, TimeLimit


def leave() -> None:
    raise SystemExit(3)


async def leave_later() -> None:
    raise SystemExit(3)


def stop() -> None:
    raise StopIteration("nothing left")


@pytest.mark.parametrize("user_function", [leave, leave_later, stop])
async def test_neither_an_exit_nor_a_stop_iteration_reaches_the_host(user_function: object) -> None:
    trigger = Binding("unused", ACTIVITY_TRIGGER, "in", {})
    is_async = asyncio.iscoroutinefunction(user_function)

    def call(unused: object) -> object:
        return user_function()  # type: ignore[operator]

    function = Function("fails", call, trigger, is_async=is_async)
    with FunctionPool(1) as pool, pytest.raises(RuntimeError, match="function 'fails' raised S"):
        await asyncio.wait_for(Invoker(Path(), pool, {}, {}, TimeLimit()).invoke(function, None, BindingData(), str), 5)
