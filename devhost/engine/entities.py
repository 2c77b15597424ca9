"""Entities: one batch at a time each, first come first served.

A batch's state, its replies and the end of its operations are one commit: the effect is exactly once, though the
function may run again after a kill.
"""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass
from typing import Any

from devhost.engine.kernel import Kernel
from devhost.engine.records import EntityId, Operation, TaskKey

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Batch:
    """Operations of one entity to run in one call of its function."""

    entity: EntityId
    operations: list[Operation]
    context: str
    """The call's JSON text."""


@dataclass(frozen=True, slots=True)
class Failure:
    """Work that failed as a whole. Of an entity batch no operation took effect."""

    kind: str
    message: str
    details: str = ""


@dataclass(frozen=True, slots=True)
class _Result:
    """An entity batch's reply, parsed. `state` is None when the entity is no more."""

    state: str | None
    replies: list[dict[str, str]]


def send(kernel: Kernel, entity: EntityId, operation: str, input_text: str | None, caller: TaskKey | None) -> None:
    """Queue an operation. `input_text` is JSON text holding JSON text; `caller` is None for a signal."""
    kernel.entities.add_operation(entity, operation, input_text, caller)
    kernel.waiting_entities[entity] = None


def claim(kernel: Kernel) -> list[Batch]:
    """Take the batches that may start now, each operation counted as started in the current transaction."""
    batches: list[Batch] = []
    for entity in list(kernel.waiting_entities):
        if len(kernel.busy_entities) >= kernel.options.max_concurrent_entities:
            break
        if entity in kernel.busy_entities:
            continue
        operations = _next_operations(kernel, entity)
        if not operations:
            del kernel.waiting_entities[entity]
            continue
        kernel.entities.count_starts(operation.id for operation in operations)
        kernel.busy_entities.add(entity)
        # To the back of the queue, so that a busy entity leaves room for the others.
        del kernel.waiting_entities[entity]
        kernel.waiting_entities[entity] = None
        batches.append(Batch(entity, operations, _context(kernel, entity, operations)))
    return batches


def finish(kernel: Kernel, batch: Batch, outcome: str | Failure) -> None:
    """Commit a batch: `outcome` is the SDK's JSON string."""
    kernel.busy_entities.discard(batch.entity)
    result = outcome if isinstance(outcome, Failure) else _parse(outcome, len(batch.operations))
    if isinstance(result, Failure):
        _reply_failure(kernel, batch.operations, batch.entity, result)
    else:
        _apply(kernel, batch, result)
    kernel.entities.delete_operations(operation.id for operation in batch.operations)


def give_back(kernel: Kernel, batch: Batch) -> None:
    """Undo `claim`: the batch was cut short by us and says nothing about its operations."""
    kernel.busy_entities.discard(batch.entity)
    kernel.entities.count_starts((operation.id for operation in batch.operations), step=-1)


def _next_operations(kernel: Kernel, entity: EntityId) -> list[Operation]:
    operations = kernel.entities.operations(entity, kernel.options.entity_batch_size)
    if not operations or operations[0].starts == 0:
        return operations
    # The process died under a batch: go one by one, so that only the operation that kills it is given up.
    first = operations[:1]
    if first[0].starts < kernel.options.max_starts:
        return first
    failed = Failure(
        "ProcessDied", f"operation '{first[0].operation}' was started {first[0].starts} times and never ended"
    )
    _reply_failure(kernel, first, entity, failed)
    kernel.entities.delete_operations([first[0].id])
    return _next_operations(kernel, entity)


def _context(kernel: Kernel, entity: EntityId, operations: list[Operation]) -> str:
    state = kernel.entities.state(entity)
    return json.dumps(
        {
            "self": {"name": entity.name, "key": entity.key},
            "exists": state is not None,
            "state": state,
            "batch": [
                {"name": operation.operation, "input": operation.input, "isSignal": operation.caller is None}
                for operation in operations
            ],
        }
    )


def _parse(text: str, operations: int) -> _Result | Failure:
    try:
        reply = json.loads(text)
        replies = [_reply_of(result) for result in reply["results"]]
        result = _Result(reply["entityState"] if reply["entityExists"] else None, replies)
    except (KeyError, TypeError, ValueError) as error:
        return Failure("BadReply", f"the SDK's reply is not understood ({type(error).__name__}: {error})")
    if len(replies) != operations:
        return Failure("BadReply", f"the SDK answered {len(replies)} of {operations} operations")
    return result


def _reply_of(result: dict[str, Any]) -> dict[str, str]:
    reply = {"result": result["result"]}
    if result["isError"]:
        # The SDK takes the mere presence of this key for an error.
        reply["exceptionType"] = "Exception"
    return reply


def _apply(kernel: Kernel, batch: Batch, result: _Result) -> None:
    if result.state is None:
        kernel.entities.delete(batch.entity)
    else:
        kernel.entities.save(batch.entity, result.state, kernel.now())
    for operation, reply in zip(batch.operations, result.replies, strict=True):
        _reply(kernel, batch.entity, operation, reply)


def _reply_failure(kernel: Kernel, operations: list[Operation], entity: EntityId, failed: Failure) -> None:
    reply = {"result": json.dumps(failed.message), "exceptionType": failed.kind}
    for operation in operations:
        _reply(kernel, entity, operation, reply)


def _reply(kernel: Kernel, entity: EntityId, operation: Operation, reply: dict[str, str]) -> None:
    if operation.caller is not None:
        kernel.answer(operation.caller, "entity_replied", json.dumps(reply))
    elif "exceptionType" in reply:
        log.error("signal '%s' to entity %s failed: %s", operation.operation, entity, reply["result"])
