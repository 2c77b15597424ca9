"""The budgets of one model call: reserved before it is made, settled with its end.

Those of the execution are written with the call's own beginning and end. Those of its tenant are in a partition of
their own: held before, charged after. What a crash leaves in between is found by the next attempt, or by the sweep.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from domain.base import split_reference
from domain.budgets import estimated
from domain.calls import ModelCall
from domain.errors import ProblemError, platform_failed
from domain.tenant_budgets import TenantBudget
from domain.usage import Usage
from services.budgets import BUDGET
from services.documents.base import Conflict, Put
from services.models.client import ModelRequest
from services.tokens.counting import Counter, counter_for, tokens_of
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
        self._tenants: Sequence[TenantBudget] = ()
        self._held: bool | None = None
        """Whether tenants' budgets hold something for the call; None: only the store knows."""

    @property
    def is_of_tenant(self) -> bool:
        """Whether the tenant's budgets limit it; known once `limited` was asked."""
        return bool(self._tenants)

    async def limited(self) -> bool:
        """Whether anything limits what the call may use, so that it is to be reserved before anything is asked."""
        call = self._call
        plan = await self._services.plans.load(call.tenant, call.plan)
        agent, _ = split_reference(call.agent)
        self._tenants = await self._services.tenant_budgets.counting(call.tenant, plan.workflow.name, agent)
        return bool(call.caps or self._tenants)

    async def reserved(self, request: ModelRequest, write: Write[T]) -> T:
        """Do the write with the reservation. Raises `ProblemError` budget_exceeded, and then nothing is reserved."""
        call = self._call
        if not call.caps and not self._tenants:
            self._held = False
            return await write()
        counter = await self._counter(request)
        estimate = estimated(await tokens_of(request, counter), request.max_output_tokens)
        cost = self._services.models.cost(request.alias, estimate.tokens_in, estimate.tokens_out)
        estimate = estimate.model_copy(update={"cost_usd": cost})
        await self._hold(request, estimate)
        try:
            return await self._written(request, estimate, write)
        except BaseException:
            if self._held:
                await self._charge(Usage())
            raise

    async def broken_off(self, request: ModelRequest, said: str) -> Usage | None:
        """What a call has used that came to no answer after it had said so much, as far as that can be counted; None
        when it had said nothing. It is no further model call: that is what its next attempt may be.
        """
        if not said:
            return None
        counter = await self._counter(request)
        tokens_in, tokens_out = await tokens_of(request, counter), await asyncio.to_thread(counter.count, said)
        cost = self._services.models.cost(request.alias, tokens_in, tokens_out)
        return Usage(tokens_in=tokens_in, tokens_out=tokens_out, cost_usd=cost)

    async def settled(self, usage: Usage, write: Write[T]) -> T:
        """Do the write, and put what was used in place of what was reserved."""
        call = self._call
        if call.caps:
            budgets = self._services.budgets
            result = await _persistently(write, lambda: budgets.settling(call.tenant, call.execution, call.key, usage))
        else:
            result = await write()
        await self.found(usage)
        return result

    async def found(self, usage: Usage) -> None:
        """Charge what the call has used, its own write being done: by now, or by an attempt that was cut off then."""
        call = self._call
        if self._held is None:
            self._held = await self._services.accounts.is_held(call.tenant, call.execution, call.key)
        if self._held:
            await self._charge(usage)

    async def _counter(self, request: ModelRequest) -> Counter:
        model, _ = await self._services.model_registry.window(request.alias, escalated=request.escalated)
        return await counter_for(model)

    async def _hold(self, request: ModelRequest, estimate: Usage) -> None:
        call = self._call
        if self._tenants:
            where = call.tenant, call.execution, call.key
            await self._services.accounts.reserve(*where, self._tenants, estimate, request.alias)
        self._held = bool(self._tenants)

    async def _charge(self, usage: Usage) -> None:
        call = self._call
        await self._services.accounts.settle(call.tenant, call.execution, call.key, usage)
        self._held = False

    async def _written(self, request: ModelRequest, estimate: Usage, write: Write[T]) -> T:
        call, budgets = self._call, self._services.budgets
        if not call.caps:
            return await write()
        where = call.tenant, call.execution, call.key
        return await _persistently(write, lambda: budgets.reserving(*where, call.caps, estimate, request.alias))


async def _persistently(write: Write[T], change: Callable[[], Awaitable[Put]]) -> T:
    for _ in range(ATTEMPTS):
        try:
            return await write(await change())
        except Conflict as conflict:
            if conflict.id != BUDGET:
                raise
    raise ProblemError(platform_failed("Too many calls of the execution want its budget at the same time."))
