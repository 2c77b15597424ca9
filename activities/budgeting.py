"""The budgets of one model call: reserved with its beginning, settled with its end, in the same writes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from domain.budgets import estimated
from domain.calls import ModelCall
from domain.errors import ProblemError, platform_failed
from domain.usage import Usage
from services.budgets import BUDGET
from services.documents.base import Conflict, Put
from services.models.client import ModelRequest
from services.tokens.counting import counter_for, tokens_of
from services.wiring import Services

T = TypeVar("T")
Write = Callable[..., Awaitable[T]]
"""Does the call's own write, and the operations it is given, in one transaction."""
ATTEMPTS = 200
"""Tries to write beside others of the execution: each failure means that one of them got through."""


class Budgeted:
    def __init__(self, call: ModelCall, services: Services) -> None:
        self._call = call
        self._services = services

    async def reserved(self, request: ModelRequest, write: Write[T]) -> T:
        """Do the write with the reservation. Raises `ProblemError` budget_exceeded, and then writes nothing."""
        call = self._call
        if not call.caps:
            return await write()
        counter = await counter_for(self._services.settings.model_for(request.alias))
        estimate = estimated(await tokens_of(request, counter), request.max_output_tokens)
        cost = self._services.models.cost(request.alias, estimate.tokens_in, estimate.tokens_out)
        estimate = estimate.model_copy(update={"cost_usd": cost})
        budgets = self._services.budgets
        return await _persistently(
            write, lambda: budgets.reserving(call.tenant, call.execution, call.key, call.caps, estimate, request.alias)
        )

    async def settled(self, usage: Usage, write: Write[T]) -> T:
        """Do the write, and put what was used in place of what was reserved."""
        call = self._call
        if not call.caps:
            return await write()
        budgets = self._services.budgets
        return await _persistently(write, lambda: budgets.settling(call.tenant, call.execution, call.key, usage))


async def _persistently(write: Write[T], change: Callable[[], Awaitable[Put]]) -> T:
    for _ in range(ATTEMPTS):
        try:
            return await write(await change())
        except Conflict as conflict:
            if conflict.id != BUDGET:
                raise
    raise ProblemError(platform_failed("Too many calls of the execution want its budget at the same time."))
