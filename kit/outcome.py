"""What came of a case, and how that differs from what it expects."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any

from domain.events import Event, EventType
from domain.executions import Execution
from domain.values import Json
from kit.cases import Expected

_ENDS: dict[Any, str] = {
    EventType.STEP_COMPLETED: "completed",
    EventType.STEP_FAILED: "failed",
    EventType.STEP_SKIPPED: "skipped",
    EventType.STEP_CANCELED: "canceled",
}


@dataclass(frozen=True)
class Played:
    execution: Execution
    log: Sequence[Event]
    calls: list[str]
    took: timedelta

    def differences(self, expect: Expected) -> list[str]:
        """What is not as expected, in words; and the error, which may say why."""
        found = {**self._of_execution(expect), **self._of_steps(expect)}
        wrong = [f"{what} is {got!r}, not {wanted!r}" for what, (wanted, got) in found.items() if wanted != got]
        error = self.execution.error
        return [*wrong, f"the error is: {error.message}"] if wrong and error else wrong

    def _of_execution(self, expect: Expected) -> dict[str, tuple[Json, Json]]:
        """Expected and found, by what is looked at."""
        record = self.execution
        error = record.error.code if record.error else None
        both: dict[str, tuple[Json, Json]] = {
            "output": (expect.output, record.output),
            "error": (_plain(expect.error), _plain(error)),
            "stop_reason": (_plain(expect.stop_reason), _plain(record.stop_reason)),
            "calls": (list(expect.calls or ()), self.calls),
            "took": (str(expect.took), str(self.took)),
        }
        said = expect.model_fields_set
        return {"status": (expect.status, record.status.value), **{key: both[key] for key in both if key in said}}

    def _of_steps(self, expect: Expected) -> dict[str, tuple[Json, Json]]:
        ends = {event.step: event for event in self.log if event.type in _ENDS}
        found: dict[str, tuple[Json, Json]] = {}
        for path, status in expect.steps.items():
            found[f"the end of `{path}`"] = status, _ENDS[ends[path].type] if path in ends else None
        for path, reason in expect.stop_reasons.items():
            got = ends[path].data.get("stop_reason") if path in ends else None
            found[f"the stop_reason of `{path}`"] = reason.value, got
        return found


def _plain(member: StrEnum | None) -> str | None:
    return None if member is None else member.value
