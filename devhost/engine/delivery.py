"""From messages in the inbox to events in the history, and the ids that the SDK takes while it reads them.

A failed attempt of a call with retry options makes the SDK take one id for the timer before the next attempt, and that
timer's firing one id for the attempt, without telling anyone. The host counts along. Those hidden events go first in a
turn: they never resume user code, so their ids surely come before those of the turn's new actions.
"""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

from devhost.engine import history
from devhost.engine.clock import from_text, to_text
from devhost.engine.draft import Draft
from devhost.engine.history import EventType
from devhost.engine.records import Message, Retry, Task
from devhost.engine.scheduling import open_call
from devhost.engine.store import Store

_EVENT_OF = {
    "task_completed": EventType.TASK_COMPLETED,
    "sub_completed": EventType.SUB_ORCHESTRATION_COMPLETED,
    "task_failed": EventType.TASK_FAILED,
    "sub_failed": EventType.SUB_ORCHESTRATION_FAILED,
}


def deliverable(store: Store, instance_id: str) -> list[Message]:
    """The messages that the next turn takes: every answer, and of each external event waited for the oldest.

    An event nobody waits for yet stays in the inbox, and of one name only one goes in a turn: the SDK keeps a single
    early event per name, and the answer to it may well be the next wait for the same name.
    """
    messages = store.messages(instance_id)
    if all(message.kind != "event" for message in messages):
        return messages
    wanted = store.unanswered_waits(instance_id)
    taken: list[Message] = []
    for message in messages:
        if message.kind != "event":
            taken.append(message)
        elif message.name in wanted:
            wanted.discard(message.name)
            taken.append(message)
    return taken


def deliver(draft: Draft, messages: list[Message]) -> None:
    """Append the events of `messages`, hidden ones first, and follow up the hidden ones."""
    store, instance_id = draft.kernel.store, draft.instance.id
    store.delete_messages(message.id for message in messages)
    pairs = [
        (message, None if message.task_id is None else store.close_task(instance_id, message.task_id))
        for message in messages
    ]
    for message, task in pairs:
        if task is not None and _is_hidden(message, task):
            _append(draft, message, task)
            _follow_up(draft, task)
    for message, task in pairs:
        if task is None or not _is_hidden(message, task):
            _append(draft, message, task)


def _is_hidden(message: Message, task: Task) -> bool:
    if task.retry is None:
        return False
    if task.kind == "retry":
        # The timer after the last attempt is no prelude to another: it makes the SDK raise in user code.
        return not task.retry.is_last
    return message.kind in ("task_failed", "sub_failed")


def _append(draft: Draft, message: Message, task: Task | None) -> None:
    now = draft.now
    if task is None:
        name = message.name or ""
        if message.kind == "event":
            draft.kernel.store.add_waits(draft.instance.id, name, -1)
            draft.add(history.event_raised(now, name, message.payload))
        return
    match message.kind:
        case "task_completed" | "sub_completed":
            draft.add(history.completed(now, _EVENT_OF[message.kind], task.key.task_id, message.payload))
        case "task_failed" | "sub_failed":
            failed = json.loads(message.payload or "{}")
            draft.add(
                history.failed(now, _EVENT_OF[message.kind], task.key.task_id, failed["Reason"], failed["Details"])
            )
        case "timer_fired":
            draft.add(history.timer_fired(now, task))
        case "entity_replied":
            draft.add(history.event_raised(now, task.request_id or "", message.payload))


def _follow_up(draft: Draft, task: Task) -> None:
    """Take the hidden id, and open the retry timer or the next attempt under it."""
    assert task.retry is not None  # noqa: S101 - what makes it hidden
    key = draft.key(draft.take_id())
    if task.kind != "retry":
        fire_at = to_text(from_text(draft.now) + timedelta(milliseconds=task.retry.interval_ms))
        draft.add(history.timer_created(draft.now, key.task_id, fire_at, retry_of=task.key.task_id))
        draft.kernel.open_task(replace(task, key=key, kind="retry", target=task.kind, fire_at=fire_at, starts=0))
        return
    retry = Retry(task.retry.interval_ms, task.retry.max_attempts, task.retry.attempt + 1)
    target = task.target or "activity"
    open_call(draft, replace(task, key=key, kind=target, target=None, fire_at=None, retry=retry, starts=0))
