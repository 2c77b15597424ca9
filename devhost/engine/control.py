"""What clients do to instances from outside, each as one step in the engine thread's transaction."""

from __future__ import annotations

import json
import uuid

from devhost.engine import history
from devhost.engine.ending import close_instance
from devhost.engine.history import Event
from devhost.engine.ids import id_problem
from devhost.engine.kernel import Kernel
from devhost.engine.records import Instance
from devhost.ports import BadRequest, InstanceEnded, InstanceNotFound


def start(kernel: Kernel, name: str, instance_id: str | None, input_json: str | None, version: str | None) -> str:
    """Create an instance; the default id is 32 hex digits. Raises `BadRequest`, `InstanceExists`."""
    wanted = uuid.uuid4().hex if instance_id is None else instance_id
    problem = id_problem(wanted)
    if problem is not None:
        raise BadRequest(problem)
    if not kernel.app.has("orchestrator", name):
        raise BadRequest(
            f"The function '{name}' doesn't exist, is disabled, or is not an orchestrator function. "
            "Please check its name where it is started and where it is registered."
        )
    if input_json is not None:
        _check_json(input_json)
    kernel.create_instance(name, wanted, input_json, version)
    return wanted


def raise_event(kernel: Kernel, instance_id: str, name: str, data_json: str | None) -> None:
    """Put an external event in the inbox; it stays there until the orchestrator waits for one of its name."""
    _live(kernel, instance_id)
    if data_json is not None:
        _check_json(data_json)
    kernel.store.post(instance_id, "event", task_id=None, name=name, payload=data_json)
    kernel.ready.add(instance_id)


def terminate(kernel: Kernel, instance_id: str, reason: str) -> None:
    """End an instance now. Its sub-orchestrations go on; what they and running activities answer is dropped."""
    instance = _live(kernel, instance_id)
    now = max(kernel.now(), instance.last_turn)
    close_instance(kernel, instance, "Terminated", json.dumps(reason), now)
    _note(kernel, instance, history.execution_terminated(now, reason))
    kernel.memory.forget(instance_id)


def suspend(kernel: Kernel, instance_id: str, reason: str) -> None:
    """Take no more turns; messages wait in the inbox. No effect on a suspended instance."""
    instance = _live(kernel, instance_id)
    if instance.status != "Suspended":
        instance.status = "Suspended"
        _note(kernel, instance, history.execution_suspended(_touch(kernel, instance), reason))


def resume(kernel: Kernel, instance_id: str, reason: str) -> None:
    """Take turns again. No effect on an instance that is not suspended."""
    instance = _live(kernel, instance_id)
    if instance.status == "Suspended":
        instance.status = "Running" if instance.events else "Pending"
        _note(kernel, instance, history.execution_resumed(_touch(kernel, instance), reason))
        kernel.ready.add(instance_id)


def restart(kernel: Kernel, instance_id: str, *, new_id: bool) -> str:
    """Start a new instance of the same orchestrator with the same input; under the same id only when it has ended."""
    instance = _known(kernel, instance_id)
    return start(kernel, instance.name, None if new_id else instance_id, instance.input, instance.version)


def purge(kernel: Kernel, instance_id: str) -> int:
    """Delete an ended instance with its history; the number deleted."""
    instance = kernel.store.instance(instance_id)
    if instance is None or not instance.ended:
        return 0
    kernel.store.delete_instance(instance_id)
    kernel.memory.forget(instance_id)
    return 1


def _known(kernel: Kernel, instance_id: str) -> Instance:
    instance = kernel.store.instance(instance_id)
    if instance is None:
        raise InstanceNotFound(f"no orchestration instance has the id '{instance_id}'")
    return instance


def _live(kernel: Kernel, instance_id: str) -> Instance:
    instance = _known(kernel, instance_id)
    if instance.ended:
        raise InstanceEnded(f"the orchestration instance '{instance_id}' has ended ({instance.status})")
    return instance


def _touch(kernel: Kernel, instance: Instance) -> str:
    instance.updated = max(kernel.now(), instance.last_turn)
    return instance.updated


def _note(kernel: Kernel, instance: Instance, event: Event) -> None:
    """Add an event that is no part of a turn. Before the first turn there is no history to add to."""
    if instance.events:
        kernel.store.append_history(instance.id, instance.events, [event])
        instance.events += 1
    kernel.store.save_instance(instance)


def _check_json(text: str) -> None:
    try:
        json.loads(text)
    except ValueError as error:
        raise BadRequest(f"not JSON: {error}") from error
