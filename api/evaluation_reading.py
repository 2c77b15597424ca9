"""Reads what came of an evaluation out of the log of its execution; what is under way is told as far as it has come."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from datetime import datetime
from typing import Any

from activities.loading import Loader
from domain import values
from domain.evaluation_results import CaseResult, Recorded, Status, Summary, all_graded, summary
from domain.evaluations import place_of
from domain.events import Event, EventType
from domain.executions import Execution
from domain.usage import Usage, used
from domain.values import Json, Value
from services.documents.base import beginning_with
from services.eventlog import partition_of
from services.wiring import Services

PAGE = 500
KEPT = 16
"""Evaluations that have ended and whose results are held in memory."""
Key = tuple[int, int]
_read: OrderedDict[tuple[str, str], tuple[list[CaseResult], Summary]] = OrderedDict()


async def results_of(services: Services, execution: Execution) -> tuple[list[CaseResult], Summary]:
    """Every case in its order, with its grades, and the sums."""
    key = (str(services.settings.state_dir), execution.tenant + execution.id)
    if key in _read:
        _read.move_to_end(key)
        return _read[key]
    found = await _Reader(services, execution).read()
    graders = execution.evaluation.graders if execution.evaluation else ()
    results = await asyncio.to_thread(all_graded, found, graders)
    made = results, await asyncio.to_thread(summary, results, graders)
    if execution.status.is_ended:
        _read[key] = made
        if len(_read) > KEPT:
            _read.popitem(last=False)
    return made


class _Reader:
    def __init__(self, services: Services, execution: Execution) -> None:
        self._services = services
        self._execution = execution
        graders = execution.evaluation.graders if execution.evaluation else ()
        self._judges = {grader.name for grader in graders if grader.judge is not None}
        self._cases: dict[Key, dict[str, Any]] = {
            (group, index): {"case": case, "usage": Usage(), "judging": Usage(), "verdicts": {}}
            for group, cases in enumerate(execution.input["groups"])
            for index, case in enumerate(cases)
        }

    async def read(self) -> list[CaseResult]:
        after = 0
        while page := await self._services.events.read(self._execution.tenant, self._execution.id, after, PAGE):
            for event in page:
                await self._take(event)
            after = page[-1].offset
        outputs = await self._outputs()
        return [self._result(key, said, outputs) for key, said in self._cases.items()]

    async def _take(self, event: Event) -> None:
        place = place_of(event.step) if event.step else None
        said = self._cases.get((place.group, place.case)) if place else None
        if place is None or said is None or event.step is None:
            return
        if event.type.startswith("call."):
            part = "judging" if place.part == "grades" else "usage"
            then = event.data.get("used_then")
            said[part] += (Usage.model_validate(then) if then else used(event.data)) or Usage()
        if place.judge is not None:
            await self._judged(said, place.judge, event)
        elif place.part == "target" and place.whole:
            _target(said, event)

    async def _judged(self, said: dict[str, Any], judge: str, event: Event) -> None:
        if event.type is EventType.CALL_COMPLETED:
            where = self._execution.tenant, self._execution.id
            said["verdicts"][judge] = await self._services.events.value(*where, event)
        elif event.type is EventType.STEP_FAILED:
            said["verdicts"][judge] = event.data["error"]["message"]

    async def _outputs(self) -> dict[Key, Json]:
        """What each case's judges were given."""
        found: dict[Key, Value] = {}
        continuation: str | None = None
        while True:
            page, continuation = await self._services.documents.query(
                partition_of(self._execution.tenant, self._execution.id),
                between=beginning_with("given:cases"),
                continuation=continuation,
                limit=200,
            )
            for document in page:
                place = place_of(document.id.removeprefix("given:"))
                if place is not None and place.part == "grades" and place.whole:
                    found[place.group, place.case] = values.at(document.body["value"], "output")
            if continuation is None:
                break
        loader = Loader(self._services, self._execution.tenant, self._execution.id)
        plain = await loader.plain({f"{group}/{case}": value for (group, case), value in found.items()})
        return {key: plain[f"{key[0]}/{key[1]}"] for key in found}

    def _result(self, key: Key, said: dict[str, Any], outputs: dict[Key, Json]) -> CaseResult:
        case, error = said["case"], said.get("error")
        status: Status = "waiting" if "begun" not in said else "running"
        if key in outputs and (self._judges <= said["verdicts"].keys() or self._execution.status.is_ended):
            status = "answered"
        elif error is not None:
            status = "failed"
        elif self._execution.status.is_ended:
            status, error = "failed", error or "the evaluation ended before it"
        return CaseResult(
            id=case["id"],
            input=case["input"],
            expected=case.get("expected"),
            status=status,
            output=outputs.get(key),
            error=error if status == "failed" else None,
            usage=said["usage"],
            judging=said["judging"],
            seconds=_seconds(said.get("begun"), said.get("answered")),
            step=f"{'cases' if key[0] == 0 else f'cases-{key[0]}'}[{key[1]}]",
            verdicts=said["verdicts"],
            recorded=Recorded.model_validate(case["recorded"]) if "recorded" in case else None,
        )


def _target(said: dict[str, Any], event: Event) -> None:
    if event.type is EventType.STEP_STARTED:
        said["begun"] = event.time
    elif event.type is EventType.STEP_COMPLETED:
        said["answered"] = event.time
    elif event.type is EventType.STEP_FAILED:
        said["answered"], said["error"] = event.time, event.data["error"]["message"]


def _seconds(begun: datetime | None, ended: datetime | None) -> float | None:
    return None if begun is None or ended is None else round((ended - begun).total_seconds(), 3)
