"""Turns at a model, a tool, or for a tenant: deterministic, idempotent by call, bounded by those that use or wait."""

from __future__ import annotations

from azure.durable_functions import DurableEntityContext

from domain.semaphores import operated


def semaphore(context: DurableEntityContext) -> None:
    """Operations: `ask` and `release`, as `domain.semaphores` has them; times come with them."""
    state, answer = operated(context.get_state(), context.operation_name, context.get_input())
    context.set_state(state)
    context.set_result(answer)
