"""What must hold of the tool calls of an execution whose host was killed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from domain.events import Event
from tests.crash.counting import Effect
from tests.crash.killing import Kill
from tests.crash.truth import Call, tool_calls_in

ONCE = {"at_most_once", "noted", "idempotent"}
"""Tools of which no effect is there twice: two that may not be called again, and one that knows its keys."""


@dataclass(frozen=True)
class ToolOrdeal:
    """One execution's tool calls: its final log, the kills, and what the other side counted."""

    execution: str
    log: Sequence[Event]
    kills: Sequence[Kill]
    effects: Sequence[Effect]

    def calls(self) -> dict[str, Call]:
        return tool_calls_in(self.log)

    def counted(self, effects: Sequence[Effect] | None = None) -> Counter[tuple[str, str]]:
        """How often there is an effect of each call: of its key within the execution, and its tool."""
        keys = [(effect.key.partition(":"), effect.tool) for effect in (self.effects if effects is None else effects)]
        return Counter((key, tool) for (execution, _, key), tool in keys if execution == self.execution)

    def require_all(self) -> None:
        """Every rule below."""
        self.require_each_once()
        self.require_each_call_carried_out()
        self.require_none_made_again_that_was_finished()
        self.require_each_result_true()

    def require_each_once(self) -> None:
        assert {call: n for call, n in self.counted().items() if n > 1 and call[1] in ONCE} == {}

    def require_each_call_carried_out(self) -> None:
        """The log has one answer to each, and the other side has seen all of those calls, and no others."""
        calls = self.calls()
        assert {key: len(call.answers) for key, call in calls.items()} == dict.fromkeys(calls, 1)
        assert {key for key, _ in self.counted()} == calls.keys()

    def require_none_made_again_that_was_finished(self) -> None:
        for kill in self.kills:
            finished = {key for key, call in tool_calls_in(kill.logs[self.execution]).items() if call.answers}
            later = {key for key, _ in self.counted() - self.counted(kill.effects)}
            assert finished.isdisjoint(later), finished & later

    def require_each_result_true(self) -> None:
        """What the log has as a tool's result is what the other side gave."""
        given = {effect.key.partition(":")[2]: effect.result for effect in self.effects if self._is_ours(effect)}
        assert {key: call.answers[0].value for key, call in self.calls().items()} == given

    def interrupted(self) -> int:
        """Tool calls that kills found under way."""
        at_kills = [tool_calls_in(kill.logs[self.execution]).values() for kill in self.kills]
        return sum(call.open_attempt is not None for calls in at_kills for call in calls)

    def _is_ours(self, effect: Effect) -> bool:
        return effect.key.startswith(f"{self.execution}:")
