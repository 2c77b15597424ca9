"""How a generation ends: returned, failed, terminated, or continued as new; and who is told."""

from __future__ import annotations

import json
import logging
import uuid

from devhost.engine import history
from devhost.engine.actions import Reply
from devhost.engine.draft import Draft
from devhost.engine.kernel import Kernel, failed_payload
from devhost.engine.records import Instance
from devhost.ports import RuntimeStatus

log = logging.getLogger(__name__)


def end_if_due(draft: Draft, reply: Reply) -> bool:
    """End the generation if the orchestrator has ended and no open task stands against it; True when it did."""
    if not reply.ended:
        return False
    if _must_wait(draft):
        return False
    if reply.continues_as_new:
        _continue_as_new(draft, reply.actions[-1].fields.get("input"))
    elif reply.error is not None:
        fail(draft, reply.error)
    else:
        _end(draft, "Completed", reply.output)
    return True


def fail(draft: Draft, reason: str) -> None:
    """End the instance as Failed and say why in its output."""
    _end(draft, "Failed", json.dumps(f"Orchestrator function '{draft.instance.name}' failed: {reason}"))


def close_instance(kernel: Kernel, instance: Instance, status: RuntimeStatus, output: str | None, now: str) -> None:
    """Set an instance's end, drop what it still waited for, and answer its parent. The caller saves the row."""
    instance.status, instance.output, instance.updated = status, output, now
    kernel.store.clear_generation(instance.id, keep_history=True, keep_events=False)
    if instance.parent is None:
        return
    if status == "Completed":
        kernel.answer(instance.parent, "sub_completed", output)
    else:
        kernel.answer(instance.parent, "sub_failed", failed_payload(json.loads(output or '""')))


def _must_wait(draft: Draft) -> bool:
    instance = draft.instance
    blocking = draft.kernel.store.blocking_tasks(instance.id)
    if not blocking:
        return False
    waits = draft.kernel.options.wait_for_open_tasks
    if instance.ended_turn is None:
        log.warning(
            "instance %s (%s) has ended with open tasks: %s; %s",
            instance.id,
            instance.name,
            ", ".join(sorted({task.name or task.kind for task in blocking})),
            "as on Azure it stays Running until they end (cancel timers you no longer need)"
            if waits
            else "their results are dropped, though on Azure the instance would stay Running until they end",
        )
    if waits and instance.ended_turn is None:
        instance.ended_turn = instance.events
    return waits


def _end(draft: Draft, status: RuntimeStatus, output: str | None) -> None:
    instance = draft.instance
    if instance.ended_turn is None:
        instance.ended_turn = instance.events
    close_instance(draft.kernel, instance, status, output, draft.now)
    draft.add(history.execution_completed(draft.now, instance))
    draft.add(history.orchestrator_completed(draft.now))
    draft.save()
    draft.kernel.memory.forget(instance.id)


def _continue_as_new(draft: Draft, input_text: str | None) -> None:
    """Begin a new generation under the same instance id.

    Its new execution id is what keeps answers meant for the old one out: they carry the same small task ids.
    External events that were not delivered yet are kept for the new generation.
    """
    instance, kernel = draft.instance, draft.kernel
    kernel.store.clear_generation(instance.id, keep_history=False, keep_events=True)
    kernel.memory.forget(instance.id)
    instance.execution_id = uuid.uuid4().hex
    instance.input = None if input_text is None else json.dumps(input_text)
    instance.events = instance.next_id = 0
    instance.ended_turn = None
    instance.custom_inherited = True
    instance.last_turn = instance.updated = draft.now
    kernel.store.save_instance(instance)
    kernel.ready.add(instance.id)
