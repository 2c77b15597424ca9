"""Runs a case through the real orchestrators, in virtual time: no host, no store, no SDK."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from importlib import import_module
from typing import Any

import pytest

from domain import values
from domain.calls import Ask, CancelSteps, Ending, Evaluation, ModelCall, Park, ToolCall
from domain.executions import Status
from domain.values import Json
from orchestrators import body, looping, mapping
from orchestrators.group_chat import group_chat as run_chat
from orchestrators.interpreter import run_step
from orchestrators.looping import loop_rounds
from orchestrators.mapping import map_slice
from orchestrators.workflow import workflow
from orchestrators.workflow_step import sub_workflow
from tests.language.account import Account, Case
from tests.language.activities import Done, World
from tests.language.calls import Flight
from tests.language.durable import Orchestrator, Platform
from tests.language.script import BEGIN

EXECUTION = "e"


def simulated(
    case: Case, *, replaying: bool = False, generation: int | None = None, items: int | None = None
) -> Account:
    """The account of the case.

    `generation`: after so many actions or turns an orchestrator continues as new. `items`: most in one of a map.
    """
    world = World(case)
    perform = _activities(world)
    world.platform = Platform(_orchestrators(), perform, BEGIN, replaying=replaying)
    if case.paused is not None:
        begin, end = case.paused
        world.platform.at(begin, lambda: world.control("paused"))
        world.platform.at(end, lambda: world.control("running"))
    if case.canceled is not None:
        world.platform.at(case.canceled, lambda: world.control("canceling"))
    with pytest.MonkeyPatch.context() as patch:
        if generation is not None:
            patch.setattr(body, "ACTIONS_PER_GENERATION", generation)
            patch.setattr(looping, "ACTIONS_PER_GENERATION", generation)
            patch.setattr(import_module("orchestrators.group_chat"), "TURNS_PER_GENERATION", generation)
        if items is not None:
            patch.setattr(mapping, "SLICE", items)
        return _run(world)


def _run(world: World) -> Account:
    case, account = world.case, world.account
    definition = case.definition()
    payload = {
        "tenant": "t",
        "execution": EXECUTION,
        "plan": "p",
        "workflow": definition.model_dump(mode="json", exclude_defaults=True, by_alias=True),
        "input": values.inline(case.input),
        "workflows": {name: {"name": name, **other} for name, other in case.others.items()},
    }
    ends: list[Json] = []
    world.platform.start("workflow", _json(payload), EXECUTION, ends.append)
    world.platform.run(lambda: bool(ends))
    assert account.status is not None
    assert ends == [account.status.value]
    account.spent = {path: usage.tokens_in + usage.tokens_out for path, usage in world.spending.spent.items()}
    if account.status is Status.FAILED:
        assert account.code is not None
    return account


def _json(payload: Json) -> str:
    return json.dumps(payload)


def _orchestrators() -> dict[str, Orchestrator]:
    whole: dict[str, Callable[..., Any]] = {
        "workflow": workflow, "map_slice": map_slice, "loop_rounds": loop_rounds, "sub_workflow": sub_workflow,
    }  # fmt: skip
    return {
        "group_chat": run_chat,
        **{name: partial(run, run_step=run_step) for name, run in whole.items()},
    }


def _activities(world: World) -> Callable[[str, Json, Done], None]:
    def perform(name: str, payload: Json, done: Done) -> None:
        match name:
            case "call_model":
                Flight(world, ModelCall.model_validate(payload), done).perform()
            case "call_tool":
                Flight(world, ToolCall.model_validate(payload), done).perform()
            case "ask_human":
                world.ask_human(Ask.model_validate(payload), done)
            case "park":
                world.park(Park.model_validate(payload), done)
            case "cancel_steps":
                world.cancel_steps(CancelSteps.model_validate(payload), done)
            case "evaluate":
                world.evaluate(Evaluation.model_validate(payload), done)
            case "finish":
                world.finish(Ending.model_validate(payload), done)
            case _:
                raise AssertionError(f"there is no activity {name}")

    return perform
