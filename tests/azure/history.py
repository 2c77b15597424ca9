"""What the durable extension hands to orchestrators and entities, written by hand from its wire format."""

from __future__ import annotations

import json
from typing import Any

TIME = "2026-01-01T00:00:0{}.0000000Z"


class History:
    """An orchestration's history, turn by turn. `input` is JSON text, as it was sent to start the instance."""

    def __init__(self, name: str, instance: str, input: str, parent: str | None = None) -> None:
        self._instance, self._input, self._parent = instance, json.loads(input), parent
        self._turns = 0
        self._events: list[dict[str, Any]] = []
        self._new_turn()
        self._add(0, Name=name, Version=None, Input=input, Tags=None)

    def completed(self, task: int, name: str, input: str, result: Any) -> None:
        """The turn before scheduled this activity, which has ended: the next turn begins."""
        self._add(4, task, Name=name, Version=None, Input=input)
        self._add(13)
        self._new_turn()
        self._add(5, TaskScheduledId=task, Result=json.dumps(result))

    def context(self) -> str:
        """The trigger's text for the turn that is due."""
        return json.dumps(
            {
                "instanceId": self._instance,
                "isReplaying": self._turns > 1,
                "parentInstanceId": self._parent,
                "input": self._input,
                "upperSchemaVersion": 1,
                "upperSchemaVersionNew": 2,
                "history": self._events,
            }
        )

    def _new_turn(self) -> None:
        self._turns += 1
        self._add(12)

    def _add(self, kind: int, id: int = -1, **fields: Any) -> None:
        head = {"EventType": kind, "EventId": id, "IsPlayed": False, "Timestamp": TIME.format(self._turns)}
        self._events.append(head | fields)


def entity_batch(name: str, key: str, state: str | None, *operations: tuple[str, Any]) -> str:
    """The trigger's text for operations on an entity whose state is this JSON text, None if it does not exist."""
    # Inputs travel as JSON text inside a JSON string.
    batch = [{"name": name, "input": json.dumps(json.dumps(value)), "isSignal": True} for name, value in operations]
    return json.dumps({"self": {"name": name, "key": key}, "exists": state is not None, "state": state, "batch": batch})
