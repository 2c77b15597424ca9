from __future__ import annotations

from pydantic import Field

from services.settings.group import Group


class StartSettings(Group):
    """What starts executions besides callers."""

    sweep_cron: str = Field(
        default="0 * * * * *",
        alias="SWEEP_CRON",
        description=(
            "How often schedules are looked at, as NCRONTAB (second first). "
            "Less often than every 5 minutes, scheduled times count as missed."
        ),
    )
    start_queue: str | None = Field(
        default=None,
        alias="START_QUEUE",
        description="A storage queue whose messages start executions; unset: none.",
    )
    start_queue_connection: str = Field(
        default="AzureWebJobsStorage",
        alias="START_QUEUE_CONNECTION",
        description="Name of the setting, or group of settings, that says where that queue's storage account is.",
    )
    start_service_bus_queue: str | None = Field(
        default=None,
        alias="START_SERVICE_BUS_QUEUE",
        description="A Service Bus queue whose messages start executions; unset: none.",
    )
