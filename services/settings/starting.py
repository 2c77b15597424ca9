from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated

from pydantic import AfterValidator, Field

from services.settings.group import Group
from services.settings.places import differs


def _ncrontab(text: str) -> str:
    """Only its shape: what it means is the host's to say."""
    if not re.fullmatch(r"%[^%]+%|[\w*/,-]+( +[\w*/,-]+){4,5}", text):
        raise ValueError("write six fields, the second first, such as `0 */5 * * * *`")
    return text


class StartSettings(Group):
    """What starts executions besides callers."""

    sweep_cron: Annotated[str, AfterValidator(_ncrontab)] = Field(
        default="0 * * * * *",
        alias="SWEEP_CRON",
        description=(
            "How often schedules are looked at, as NCRONTAB (second first). "
            "Less often than every 5 minutes, scheduled times count as missed."
        ),
    )
    standby: bool = Field(
        default=False,
        alias="STANDBY",
        description=(
            "`true`: another region is active, and has the orchestrations. What runs and is not known here is not "
            "started again."
        ),
        json_schema_extra=differs(azure="`true` in standbys"),
    )
    start_queue: str | None = Field(
        default=None,
        alias="START_QUEUE",
        description="A storage queue whose messages start executions; unset: none.",
        json_schema_extra=differs(azure="parameter `startQueue`"),
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
        json_schema_extra=differs(azure="parameter `startServiceBusQueue`"),
    )

    def conflicts(self) -> Iterator[str]:
        if "start_queue_connection" in self.model_fields_set and self.start_queue is None:
            yield "START_QUEUE_CONNECTION is set, so START_QUEUE must name the queue there"
