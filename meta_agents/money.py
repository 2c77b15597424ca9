"""What agents may spend: the tenant's budgets, for both clients."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from meta_agents import operations
from meta_agents.results import Json, StandingBudget

if TYPE_CHECKING:
    from meta_agents.async_client import AsyncCall
    from meta_agents.client import Call


class Budgets:
    """Caps on what the tenant, a workflow or an agent spends in a period. Only admins change them."""

    def __init__(self, call: Call) -> None:
        self._call = call

    def list(self) -> tuple[StandingBudget, ...]:
        """All of them, by name, and how each stands."""
        return self._call(operations.list_budgets()).items

    def get(self, name: str) -> StandingBudget:
        return self._call(operations.get_budget(name))

    def put(
        self, budget: Mapping[str, Json], *, if_match: str | None = None, create_only: bool = False
    ) -> StandingBudget:
        """Create the budget under its `name`, or change it; executions that waited for it go on if it has room.

        `if_match` and `create_only` as for definitions.
        """
        return self._call(operations.put_budget(budget, if_match, create_only))

    def delete(self, name: str, *, if_match: str | None = None) -> None:
        """Executions that waited for it go on."""
        self._call(operations.delete_budget(name, if_match))


class AsyncBudgets:
    """Caps on what the tenant, a workflow or an agent spends in a period. Only admins change them."""

    def __init__(self, call: AsyncCall) -> None:
        self._call = call

    async def list(self) -> tuple[StandingBudget, ...]:
        """All of them, by name, and how each stands."""
        return (await self._call(operations.list_budgets())).items

    async def get(self, name: str) -> StandingBudget:
        return await self._call(operations.get_budget(name))

    async def put(
        self, budget: Mapping[str, Json], *, if_match: str | None = None, create_only: bool = False
    ) -> StandingBudget:
        """Create the budget under its `name`, or change it; executions that waited for it go on if it has room.

        `if_match` and `create_only` as for definitions.
        """
        return await self._call(operations.put_budget(budget, if_match, create_only))

    async def delete(self, name: str, *, if_match: str | None = None) -> None:
        """Executions that waited for it go on."""
        await self._call(operations.delete_budget(name, if_match))
