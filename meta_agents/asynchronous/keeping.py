"""What a deployment and a tenant set for all: retention, models, budgets."""

from __future__ import annotations

from collections.abc import Mapping

from meta_agents import operations
from meta_agents.asynchronous.calling import AsyncCall
from meta_agents.results import Json, ModelAlias, Purged, StandingBudget, StoredRetention


class AsyncRetention:
    """How long executions are kept, and purging those that are due."""

    def __init__(self, call: AsyncCall) -> None:
        self._call = call

    async def get(self) -> StoredRetention:
        return await self._call(operations.get_retention())

    async def put(
        self, policy: Mapping[str, Json], *, if_match: str | None = None, create_only: bool = False
    ) -> StoredRetention:
        """Keep `completed`, `failed` and `canceled` executions so long after their end: ISO 8601 durations (`P30D`).

        Those that are None or left out are kept for ever. `if_match` and `create_only` as for definitions.
        """
        return await self._call(operations.put_retention(policy, if_match, create_only))

    async def purge(self, *, batch: int = 100) -> Purged:
        """Remove the oldest executions that are due, at most so many."""
        return await self._call(operations.purge(batch))


class AsyncModels:
    """The models that agents may name. They are the deployment's: storing one needs the role `admin`."""

    def __init__(self, call: AsyncCall) -> None:
        self._call = call

    async def list(self) -> tuple[ModelAlias, ...]:
        return (await self._call(operations.list_models())).items

    async def get(self, alias: str) -> ModelAlias:
        return await self._call(operations.get_model(alias))

    async def put(
        self, alias: str, model: Mapping[str, Json], *, if_match: str | None = None, create_only: bool = False
    ) -> ModelAlias:
        """Store it; it goes before what settings and file give. `if_match` and `create_only` as for definitions."""
        return await self._call(operations.put_model(alias, model, if_match, create_only))

    async def delete(self, alias: str, *, if_match: str | None = None) -> None:
        """Take the stored one away: what settings and file give counts again."""
        await self._call(operations.delete_model(alias, if_match))


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
