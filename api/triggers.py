"""What starts executions besides callers: the clock, and the queues that the settings name.

Cheap to import, like `api.carrier`: what does the work is loaded when there is some.
"""

from __future__ import annotations

import asyncio
import importlib
import os
from datetime import UTC, datetime
from types import ModuleType

import azure.durable_functions as df
import azure.functions as func

from services.settings import Settings
from services.wiring import services

blueprint = df.Blueprint()


_DEFAULTS = {field.alias: field.default for field in Settings.model_fields.values()}


def setting(name: str) -> str:
    """A setting that decides which functions there are: read by itself, so that no other can keep them from being."""
    return os.environ.get(name, "").strip() or str(_DEFAULTS[name] or "")


async def loaded(module: str) -> ModuleType:
    """A module of ours, imported in a thread: that takes a while, in which executions that were resumed go on."""
    return await asyncio.to_thread(importlib.import_module, module)


@blueprint.timer_trigger(arg_name="timer", schedule=setting("SWEEP_CRON"))
@blueprint.durable_client_input(client_name="client")
async def sweep(timer: func.TimerRequest, client: df.DurableOrchestrationClient) -> None:
    sweeping = await loaded("api.sweeping")
    await sweeping.sweep(services(), client, datetime.now(UTC))


# Apart from the sweep, which must not be late while this goes on.
@blueprint.timer_trigger(arg_name="timer", schedule="0 30 3 * * *")
@blueprint.durable_client_input(client_name="client")
async def purge(timer: func.TimerRequest, client: df.DurableOrchestrationClient) -> None:
    sweeping = await loaded("api.sweeping")
    await sweeping.purge(services(), client)


# Without its queue a trigger would keep the host from starting, or complain for ever: so it is only there with one.
if queue := setting("START_QUEUE"):

    @blueprint.queue_trigger(arg_name="message", queue_name=queue, connection=setting("START_QUEUE_CONNECTION"))
    @blueprint.durable_client_input(client_name="client")
    async def start_from_queue(message: func.QueueMessage, client: df.DurableOrchestrationClient) -> None:
        receiving = await loaded("api.receiving")
        await receiving.receive(services(), client, f"queue:{queue}", message.id, message.get_body())


if service_bus_queue := setting("START_SERVICE_BUS_QUEUE"):

    @blueprint.service_bus_queue_trigger(
        arg_name="message", queue_name=service_bus_queue, connection="ServiceBusConnection"
    )
    @blueprint.durable_client_input(client_name="client")
    async def start_from_service_bus(message: func.ServiceBusMessage, client: df.DurableOrchestrationClient) -> None:
        receiving = await loaded("api.receiving")
        source = f"service-bus:{service_bus_queue}"
        await receiving.receive(services(), client, source, message.message_id, message.get_body())
