"""A call's turns at what only so many calls may use at once. Deterministic.

Only where the execution was started with limits for it: others cause no durable action here.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import Any, TypeVar

from azure.durable_functions import EntityId

from domain.calls import ModelCall, NextTurns, ToolCall
from domain.errors import Problem, ProblemError
from domain.events import EventType
from domain.semaphores import LOOK_AGAIN, Answer, Ask, Release, Waiter, Wake
from domain.values import Json
from orchestrators.asking import arrived
from orchestrators.loom import Canceled
from orchestrators.run import Run, attempted, dumped

C = TypeVar("C", ModelCall, ToolCall)
Limit = tuple[str, int]
"""A semaphore, and how many calls it lets through at once."""
ENTITY = "semaphore"


def in_turn(run: Run, activity: str, call: C) -> Generator[Any, Any, tuple[C, Json | Problem]]:
    """As `run.act`, once the call has its turn at everything that it uses; then others have theirs.

    Raises `ProblemError` or `Canceled` when it is canceled while it waits.
    """
    limits = run.limits_of(call)
    if not limits:
        return (yield from run.act(activity, call))
    asked: list[Limit] = []
    try:
        # In one order for all: so no two ever wait for each other.
        for limit in limits:
            asked.append(limit)
            yield from _taken(run, call, asked)
    except (Canceled, ProblemError):
        for name, _ in asked:
            run.context.signal_entity(EntityId(ENTITY, name), "release", dumped(_release(run, call)))
        raise
    done = yield from run.act(activity, call)
    yield from _given_back(run, call, [name for name, _ in asked])
    return done


def _taken(run: Run, call: C, limits: Sequence[Limit]) -> Generator[Any, Any, None]:
    """Wait for the turn at the last of these, and keep those at the others. The place in the queue is told once."""
    name, limit = limits[-1]
    key, told, is_late = f"{call.key}:{name}", False, False
    while True:
        about, wakes = run.about(key, call.step, call.trace), list[Wake]()
        waiter = Waiter(tenant=run.tenant, instance=run.context.instance_id, event=run.next_wake(key))
        # Whoever waits long is lent the others anew: else somebody would have them before it comes to its call.
        for one, most in limits if is_late else limits[-1:]:
            asking = Ask(id=f"{run.execution}:{call.key}", limit=most, now=run.now, waiter=waiter)
            answer = yield from _called(run, one, "ask", dumped(asking))
            wakes += answer.wakes if answer else ()
        # Where the platform fails it, one call too many is better than none.
        position = answer.position if answer else 0
        if position == 0:
            if wakes or told:
                yield from run.act("next_turns", NextTurns(**about, wakes=tuple(wakes)))
            return
        if not told:
            run.emit(EventType.STEP_WAITING, call.step, about=key, **_why(name, position, limit))
        told = True
        sent, found = yield from run.insist("next_turns", NextTurns(**about, wakes=tuple(wakes), waits=True))
        arrived(found)
        is_late = yield from run.idle(sent.wake, run.now + LOOK_AGAIN)


def _why(name: str, position: int, limit: int) -> dict[str, Json]:
    return {"for": "semaphore", "semaphore": name, "position": position, "limit": limit}


def _given_back(run: Run, call: C, names: Sequence[str]) -> Generator[Any, Any, None]:
    wakes: list[Wake] = []
    for name in names:
        answer = yield from _called(run, name, "release", dumped(_release(run, call)))
        wakes += answer.wakes if answer else ()
    if wakes:
        about = run.about(f"{call.key}:next", call.step, call.trace)
        yield from run.act("next_turns", NextTurns(**about, wakes=tuple(wakes)))


def _release(run: Run, call: C) -> Release:
    return Release(id=f"{run.execution}:{call.key}", now=run.now)


def _called(run: Run, name: str, operation: str, given: dict[str, Json]) -> Generator[Any, Any, Answer | None]:
    run.actions += 1
    answer = yield from attempted(run.context.call_entity(EntityId(ENTITY, name), operation, given))
    return None if isinstance(answer, Problem) else Answer.model_validate(answer)
