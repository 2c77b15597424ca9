"""Orchestrators kept alive between their turns, so that a turn costs what is new and not all that was.

A replay runs the orchestrator from its beginning. Here the SDK's executor, with the orchestrator's generator in it, is
kept after a turn and fed only the events that came since: the same SDK code takes the same step that it would have
taken at the end of a replay. Whenever anything is unusual (an error, an unknown SDK) there is no session, and the turn
is a replay. So are, on purpose, the 2nd, 8th, 32nd, 128th… turn of a session: a replay is what notices an orchestrator
that is not deterministic, and at these turns it costs a third more than none at all, however long the history. The
first two of them are for the first instances of each orchestrator only, where they tell something new.

An orchestrator that looks into its history (`context.histories`) counts on being run anew: the SDK's own wrapper of the
OpenAI Agents SDK asks it which results are there, and leaves off at the first that is not. Its turns are all replays.
"""

from __future__ import annotations

import importlib
import json
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from devhost.engine.actions import ActionKind, Reply, parse_reply

CHARACTERS = 100_000
"""What a session weighs against the replay cache's limit, beside its texts: a generous guess of its memory."""
_REPLAYED = frozenset(2 * 4**n for n in range(16))
_AT_FIRST = frozenset({2, 8})
_SCRUTINISED = 5
"""Of each orchestrator: what these instances do not show of its code, the next will hardly."""
_EXECUTOR = "azure.durable_functions.models.TaskOrchestrationExecutor"
_CONTEXT = "azure.durable_functions.models.DurableOrchestrationContext"
_STATE = "azure.durable_functions.models.OrchestratorState"
_EVENT = "azure.durable_functions.models.history.HistoryEvent"

_captured = threading.local()


class Session:
    """One orchestrator between two turns. `seen`: how many of its generation's events it has been given."""

    def __init__(self, executor: Any, seen: int, turns: int, *, scrutinised: bool) -> None:
        self._executor = executor
        self._replayed = _REPLAYED if scrutinised else _REPLAYED - _AT_FIRST
        self.scrutinised = scrutinised
        self._timers: dict[int, Any] = {}
        self._actions = self._top_level = 0
        self.seen = seen
        self.turns = turns
        self._take_new()

    def resume(self, events: Sequence[str]) -> Reply | None:
        """Take the next turn. None: let a replay do it, and forget this session."""
        self.turns += 1
        if self.turns in self._replayed or self._executor.context.history_was_read:
            return None
        self.seen += len(events)
        try:
            return self._resume(events)
        except (Exception, SystemExit):  # user code and the SDK raise anything; the replay raises it again, and says so
            return None

    def _resume(self, events: Sequence[str]) -> Reply | None:
        executor = self._executor
        make = vars(importlib.import_module(_EVENT))["HistoryEvent"]
        for event in [make(**json.loads(text)) for text in events]:
            executor.context._histories.append(event)
            executor.process_event(event)
            if executor.has_execution_completed:
                break
        if executor.exception is not None:
            return None
        json.dumps(executor.output)  # raises where the SDK would complain of it
        first = self._actions
        new = self._take_new()
        state = vars(importlib.import_module(_STATE))["OrchestratorState"](
            is_done=executor.orchestration_invocation_succeeded,
            actions=[new],
            output=executor.output,
            replay_schema=executor.context._replay_schema,
            custom_status=executor.context.custom_status,
        )
        return parse_reply(state.to_json_string(), first=first, canceled=self._newly_canceled())

    def _take_new(self) -> list[Any]:
        """The SDK's actions since the last turn; of the timers among all, those that may yet be canceled."""
        new: list[Any] = self._executor.context._action_payload_v2[self._top_level :]
        self._top_level += len(new)
        for action in _leaves(new):
            if action.action_type == ActionKind.CREATE_TIMER and not action.is_cancelled:
                self._timers[self._actions] = action
            self._actions += 1
        return new

    def _newly_canceled(self) -> frozenset[int]:
        canceled = frozenset(position for position, timer in self._timers.items() if timer.is_cancelled)
        for position in canceled:
            del self._timers[position]
        return canceled


def install() -> None:
    """Have the SDK's executors noted, so that `captured` finds the one of a replay, and who looks into its history.

    For a known SDK only.
    """
    executor = vars(importlib.import_module(_EXECUTOR))["TaskOrchestrationExecutor"]
    execute: Callable[..., str] = executor.execute
    if getattr(execute, "is_noted", False):
        return

    def noted(self: Any, context: Any, *arguments: Any) -> str:
        _captured.executor = self
        context.history_was_read = False  # the SDK itself has read it by now
        return execute(self, context, *arguments)

    noted.is_noted = True  # type: ignore[attr-defined]
    executor.execute = noted
    context = vars(importlib.import_module(_CONTEXT))["DurableOrchestrationContext"]
    histories = context.histories.fget

    def read(self: Any) -> object:
        self.history_was_read = True
        return histories(self)

    context.histories = property(read, doc=histories.__doc__)


class Sessions:
    """Makes sessions, and knows of which orchestrators there have been many."""

    def __init__(self) -> None:
        self._begun: Counter[str] = Counter()

    def captured(self, name: str, seen: int, before: Session | None) -> Session | None:
        """A session that goes on from the replay which this thread has just made; None if there is none to be had.

        `before`: the instance's session that gave way to the replay.
        """
        executor, _captured.executor = getattr(_captured, "executor", None), None
        if executor is None or executor.has_execution_completed or not hasattr(executor, "generator"):
            return None
        if before is not None:
            return Session(executor, seen, before.turns, scrutinised=before.scrutinised)
        self._begun[name] += 1
        return Session(executor, seen, 1, scrutinised=self._begun[name] <= _SCRUTINISED)


def _leaves(actions: Iterable[Any]) -> Iterator[Any]:
    for action in actions:
        if action.action_type in (ActionKind.WHEN_ANY, ActionKind.WHEN_ALL):
            yield from _leaves(action.compound_tasks)
        else:
            yield action
