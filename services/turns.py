"""Which limits on calls at the same time an execution meets, as the deployment sets them when it is started."""

from __future__ import annotations

from domain.plans import Plan
from domain.values import Json
from services.settings import Settings

TENANT = "tenant"


def turns_of(settings: Settings, tenant: str, plan: Plan) -> dict[str, Json]:
    """For each agent and tool, by reference, the names of the semaphores that its calls take turns at, with their
    limits; empty where there are none, and then nothing is to be said of it.
    """
    limits = settings.call_limits
    own = limits.get(f"{TENANT}:{tenant}", limits.get(TENANT))
    around: list[Json] = [] if own is None else [[f"{TENANT}:{tenant}", own]]

    def named(name: str) -> list[Json]:
        return [*around, *([[name, limits[name]]] if name in limits else [])]

    agents = {reference: named(f"model:{agent.model}") for reference, agent in plan.agents.items()}
    # What runs agents or workflows takes no turn: their calls take their own.
    called = {reference: tool for reference, tool in plan.tools.items() if tool.agent is None and tool.workflow is None}
    tools = {reference: named(f"tool:{tool.name}") for reference, tool in called.items()}
    found = {"agents": _met(agents), "tools": _met(tools)}
    return {kind: met for kind, met in found.items() if met}


def _met(limits: dict[str, list[Json]]) -> dict[str, Json]:
    return {reference: met for reference, met in limits.items() if met}
