"""The durable client as the API uses it, and how it comes with a request."""

from __future__ import annotations

from typing import Annotated, Any, Protocol

from fastapi import Depends, Request

from domain.errors import ProblemError, platform_failed

CLIENT = "meta_agents.durable_client"
"""Key of the ASGI scope under which the HTTP trigger puts its durable client."""


class DurableClient(Protocol):
    """What is used of `azure.durable_functions.DurableOrchestrationClient`; its failures are bare `Exception`s."""

    async def start_new(
        self, orchestration_function_name: str, instance_id: str | None = None, client_input: Any = None
    ) -> str: ...

    async def get_status(self, instance_id: str) -> Any:
        """Something true if there is such an instance."""

    async def raise_event(self, instance_id: str, event_name: str, event_data: Any = None) -> None: ...

    async def purge_instance_history(self, instance_id: str) -> Any:
        """Something with `instances_deleted`. Only what has ended is deleted."""

    async def signal_entity(self, entityId: Any, operation_name: str) -> None: ...

    async def read_entity_state(self, entityId: Any) -> Any:
        """Something with `entity_exists` and `entity_state`."""


async def durable_client(request: Request) -> DurableClient:
    """Raises `ProblemError` platform_failed when no trigger with a durable client carries this request."""
    client: DurableClient | None = request.scope.get(CLIENT)
    if client is None:
        raise ProblemError(platform_failed("This request came without a durable client."))
    return client


Durable = Annotated[DurableClient, Depends(durable_client)]
