"""Shared durable state: one writer at a time, whoever asks.

Belongs here: deterministic operations on small bounded state.
Does not belong here: I/O, the clock, or imports of anything but `domain`.
"""

from __future__ import annotations

import azure.durable_functions as df

from entities.chat import chat as _chat
from entities.semaphore import semaphore as _semaphore

blueprint = df.Blueprint()


@blueprint.entity_trigger(context_name="context")
def chat(context: df.DurableEntityContext) -> None:
    _chat(context)


@blueprint.entity_trigger(context_name="context")
def semaphore(context: df.DurableEntityContext) -> None:
    _semaphore(context)
