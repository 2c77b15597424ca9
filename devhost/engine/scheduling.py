"""From an orchestrator's new actions to history events and open tasks."""

from __future__ import annotations

import json
import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from devhost.engine import entities, history
from devhost.engine.actions import Action, ActionKind
from devhost.engine.clock import from_text, to_text
from devhost.engine.draft import Draft
from devhost.engine.ids import id_problem
from devhost.engine.kernel import failed_payload
from devhost.engine.records import EntityId, Retry, Task, TaskKey
from devhost.ports import InstanceExists

HTTP_ACTIVITY = "BuiltIn::HttpActivity"


def schedule(draft: Draft, actions: Sequence[Action]) -> None:
    """Give each action its sequence number, in order, and open what it asks for.

    The caller passes only the actions of this turn; those before it were scheduled by earlier turns.
    """
    waits: Counter[str] = Counter()
    for action in actions:
        if action.kind is ActionKind.WAIT_FOR_EXTERNAL_EVENT:
            waits[action.name] += 1
            draft.record(action.kind, action.name, None)
        else:
            task_id = draft.take_id()
            draft.record(action.kind, action.name, task_id)
            _open(draft, action, task_id)
    for name, count in waits.items():
        draft.kernel.store.add_waits(draft.instance.id, name, count)


def open_call(draft: Draft, task: Task) -> None:
    """Open an activity, HTTP call or sub-orchestration and write its event; for a first attempt and for a later one."""
    if task.kind == "sub":
        # A default id is made of the task's own id, so that every attempt is an instance of its own.
        child_id = task.child_id or default_child_id(task.key)
        draft.add(history.sub_orchestration_created(draft.now, replace(task, child_id=child_id)))
        draft.kernel.open_task(task)
        _start_child(draft, task, child_id)
    else:
        draft.add(history.task_scheduled(draft.now, task))
        draft.kernel.open_task(task)


def default_child_id(key: TaskKey) -> str:
    """The instance id of a sub-orchestration that was given none."""
    return f"{key.execution_id}:{key.task_id}"


def _open(draft: Draft, action: Action, task_id: int) -> None:
    fields, key = action.fields, draft.key(task_id)
    match action.kind:
        case ActionKind.CALL_ACTIVITY | ActionKind.CALL_ACTIVITY_WITH_RETRY:
            open_call(
                draft,
                Task(key=key, kind="activity", name=action.name, input=fields.get("input"), retry=_retry(fields)),
            )
        case ActionKind.CALL_SUB_ORCHESTRATOR | ActionKind.CALL_SUB_ORCHESTRATOR_WITH_RETRY:
            open_call(
                draft,
                Task(
                    key=key,
                    kind="sub",
                    name=action.name,
                    input=_json_string(fields.get("input")),
                    version=fields.get("version"),
                    child_id=fields.get("instanceId"),
                    retry=_retry(fields),
                ),
            )
        case ActionKind.CALL_HTTP:
            request = json.dumps(fields["httpRequest"])
            open_call(draft, Task(key=key, kind="http", name=HTTP_ACTIVITY, input=request))
        case ActionKind.CREATE_TIMER:
            _open_timer(draft, action, task_id)
        case ActionKind.CALL_ENTITY | ActionKind.SIGNAL_ENTITY:
            _send_operation(draft, action, task_id)
        case _:
            pass  # ContinueAsNew takes an id, and what it means is decided when the turn ends.


def _open_timer(draft: Draft, action: Action, task_id: int) -> None:
    fire_at = to_text(from_text(action.fields["fireAt"]))
    draft.add(history.timer_created(draft.now, task_id, fire_at))
    if not action.canceled:
        draft.kernel.open_task(Task(key=draft.key(task_id), kind="timer", fire_at=fire_at))


def _send_operation(draft: Draft, action: Action, task_id: int) -> None:
    fields = action.fields
    entity = EntityId.parse(fields["instanceId"])
    request: dict[str, object] = {
        "op": fields["operation"],
        "id": str(uuid.uuid4()),
        "parent": draft.instance.id,
        "parentExecution": draft.instance.execution_id,
        "input": fields.get("input"),
    }
    caller = None
    if action.kind is ActionKind.CALL_ENTITY:
        caller = draft.key(task_id)
        draft.kernel.open_task(Task(key=caller, kind="entity", name=str(entity), request_id=str(request["id"])))
    else:
        request["signal"] = True
    draft.add(history.event_sent(draft.now, task_id, str(entity), request))
    entities.send(draft.kernel, entity, fields["operation"], _json_string(fields.get("input")), caller)


def _start_child(draft: Draft, task: Task, child_id: str) -> None:
    """Start the child instance, or answer the task with why that cannot be."""
    kernel, parent = draft.kernel, draft.instance.parent
    problem = id_problem(child_id)
    if child_id in (draft.instance.id, parent and parent.instance_id):
        problem = f"a sub-orchestration cannot have the id '{child_id}' of its own parent or grandparent"
    if problem is None and not kernel.app.has("orchestrator", task.name):
        problem = (
            f"The function '{task.name}' doesn't exist, is disabled, or is not an orchestrator function. "
            "Please check its name where it is called and where it is registered."
        )
    if problem is None:
        try:
            kernel.create_instance(task.name, child_id, task.input, task.version, parent=task.key)
        except InstanceExists as exists:
            problem = str(exists)
    if problem is not None:
        kernel.answer(task.key, "sub_failed", failed_payload(problem))


def _retry(fields: Mapping[str, Any]) -> Retry | None:
    options = fields.get("retryOptions")
    if options is None:
        return None
    return Retry(options["firstRetryIntervalInMilliseconds"], options["maxNumberOfAttempts"], attempt=1)


def _json_string(text: str | None) -> str | None:
    """JSON text inside a JSON string: how the wire carries inputs of instances and entity operations."""
    return None if text is None else json.dumps(text)
