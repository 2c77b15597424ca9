"""Some of the generated workflows over the real engine, activities and stores: the same outcome as the reference's."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from domain.approvals import OPTIONS
from domain.errors import Code, ProblemError
from domain.events import Event, EventType
from domain.executions import Execution
from domain.values import Json
from domain.workflows import Workflow
from services.approvals import decided
from services.models.base import AnswerRejected, ModelAnswer, ModelRequest, OnText
from tests.language.account import MOMENT, TOLD, Case
from tests.language.samples import Sample, steady_samples
from tests.language.script import Script, misfit, problem, signal, tokens
from tests.orchestrators.bench import TENANT, Bench, EngineClient
from tests.support.scripted_model import ScriptedModel

SAMPLES = 8
EVENTS = 12
"""Sent of each name: as many as are waited for, and more."""


class WorldModel(ScriptedModel):
    """A model that does what the script says, when it says so or at once."""

    def __init__(self, script: Script) -> None:
        super().__init__(lambda request: "")
        self.script = script

    async def complete(self, request: ModelRequest, on_text: OnText | None = None) -> ModelAnswer:
        key = request.idempotency_key.partition(":")[2]
        self.keys[key] += 1
        does = self.script.call(key, self.keys[key], tool=False)
        if does.error is not None:
            raise ProblemError(does.problem())
        answer = {"model": "world", "tokens_in": tokens(does), "finish_reason": "stop"}
        if does.misfits and request.response_schema is not None:
            raise AnswerRejected(problem(Code.MODEL_BAD_ANSWER), ModelAnswer(text=misfit(key), **answer))
        value = self.script.answer(does, key, "", request.response_schema)
        return ModelAnswer(text=str(value), value=value, **answer)


async def decide_all(bench: Bench, script: Script) -> None:
    """What people do: decide whatever is asked."""
    while True:
        page, _ = await bench.services.approvals.list(TENANT, limit=200)
        for asked in page:
            if asked.state == "pending":
                chosen = script.decision(f"{asked.step}?0", OPTIONS[asked.kind], must=True)
                assert chosen is not None
                async with bench.services.waits.change(EngineClient(bench.engine), TENANT, asked.execution, asked.step):
                    await bench.services.approvals.settle(TENANT, asked.id, decided("ann", chosen[0], ""))
        await asyncio.sleep(0.01)


def timeless(value: Json) -> Any:
    """Without the moments that it tells."""
    return MOMENT.sub("some time", repr(value))


@pytest.fixture(scope="module")
def samples() -> list[Sample]:
    return steady_samples(SAMPLES)


@pytest.mark.parametrize("number", range(SAMPLES))
async def test_the_outcome_is_that_of_the_reference(tmp_path: Path, samples: list[Sample], number: int) -> None:
    case, wanted = samples[number]
    record, log = await run(tmp_path, case)
    assert (record.status, record.error and record.error.code) == (wanted.status, wanted.code)
    assert (timeless(record.output), record.stop_reason) == (timeless(wanted.output), wanted.stop_reason)
    answered = sorted(event.data["call"] for event in log if event.type is EventType.CALL_COMPLETED)
    assert answered == sorted(made.key for made in wanted.calls if made.how == "answered")
    told = {event.step: TOLD[event.type] for event in log if event.type in TOLD}
    assert told == {path: of[-1].what for path, of in wanted.steps.items()}


async def run(folder: Path, case: Case) -> tuple[Execution, list[Event]]:
    """The record and the log of the case, once it has ended."""
    others = {name: Workflow.model_validate({"name": name, **other}) for name, other in case.others.items()}
    async with Bench(folder, WorldModel(case.script)) as bench:
        people = asyncio.create_task(decide_all(bench, case.script))
        try:
            id = await bench.begin(case.workflow, case.input, workflows=others)
            with suppress(ProblemError):  # it may have ended by then
                for name in EVENTS * ("go", "stop"):
                    await bench.send(id, name, signal(name))
            return await bench.ended(id, within=60), await bench.log(id)
        finally:
            people.cancel()
