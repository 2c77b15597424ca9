"""List prices and limits that are published, each with who published it and when.

Prices are of pay as you go, in US dollars, in the region said; they change, and a contract may say otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Sourced:
    """`dated`: of the page itself; `region`: where it holds. `second_hand`: quoted by somebody else than the seller."""

    value: float
    unit: str
    source: str
    dated: str
    region: str = "everywhere"
    second_hand: bool = False


_COSMOS = "https://learn.microsoft.com/azure/cosmos-db/understand-your-bill"
_DTS = "https://learn.microsoft.com/azure/azure-functions/durable/durable-task-scheduler/durable-task-scheduler-billing"
_FLEX = "https://modal.com/blog/azure-function-pricing-guide"
_SIGNALR = "https://plavos.com/blog/azure-signalr-service-pricing-unit-instance-messages/"

PRICES = {
    "cosmos.serverless": Sourced(0.25, "million RU", _COSMOS, "2022-03-31", "US, not government"),
    "cosmos.provisioned": Sourced(0.008, "100 RU/s for an hour", _COSMOS, "2022-03-31", "US, not government"),
    "cosmos.stored": Sourced(0.25, "GB for a month", _COSMOS, "2022-03-31", "US, not government"),
    "flex.memory": Sourced(0.000026, "GB-second, on demand", _FLEX, "2025-05-22", "East US", second_hand=True),
    "signalr.messages": Sourced(1.00, "million messages", _SIGNALR, "undated", "not said", second_hand=True),
    "logs.ingested": Sourced(
        2.30,
        "GB, analytics logs",
        "https://monitoringcost.com/azure-monitor-cost",
        "2026",
        "not said",
        second_hand=True,
    ),
}
"""Not among them, because no list with a number could be read: an action of Durable Task Scheduler's Consumption, a
capacity unit of its Dedicated, requests to Blob storage, executions of Flex Consumption.
"""

LIMITS = {
    "dts.consumption": Sourced(500, "actions a second", _DTS, "2026-02-25"),
    "dts.unit": Sourced(2_000, "actions a second and capacity unit", _DTS, "2026-02-25"),
    "dts.units": Sourced(3, "capacity units", _DTS, "2026-02-25"),
    "storage.queue": Sourced(
        2_000,
        "messages a second and queue; all activities go through one",
        "https://learn.microsoft.com/azure/storage/queues/scalability-targets",
        "as read in 2026",
    ),
    "cosmos.serverless": Sourced(
        5_000,
        "RU/s and container, up to 250 GB",
        "https://learn.microsoft.com/azure/cosmos-db/serverless-performance",
        "2022-12-01",
    ),
    "cosmos.logical": Sourced(
        10_000,
        "RU/s and logical partition",
        "https://learn.microsoft.com/azure/cosmos-db/concepts-limits",
        "as read in 2026",
    ),
    "signalr.messages": Sourced(1_000_000, "messages a day, included in a unit", _SIGNALR, "undated", second_hand=True),
    "flex.cores": Sourced(
        250,
        "cores a region, one for each instance of 2,048 MB",
        "https://learn.microsoft.com/azure/azure-functions/flex-consumption-plan",
        "as read in 2026",
    ),
}
