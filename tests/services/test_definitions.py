from __future__ import annotations

import asyncio
from typing import Any

import pytest

from domain.agents import Agent
from domain.errors import Code, ProblemError
from domain.workflows import Workflow
from services.wiring import Services

T = "acme"


def agent(name: str = "writer", instructions: str = "Write.") -> Agent:
    return Agent(name=name, instructions=instructions)


def workflow(**fields: Any) -> Workflow:
    return Workflow.model_validate({"name": "w", "steps": [{"id": "s", "agent": "writer"}], **fields})


def code_of(caught: pytest.ExceptionInfo[ProblemError]) -> Code:
    return caught.value.problem.code


async def test_versions_count_up(services: Services, others: Services) -> None:
    first = await services.agents.create(T, agent())
    second, change = await services.agents.put(T, "writer", agent(instructions="Write better."))
    assert (first.version, first.definition, second.version, change) == (1, agent(), 2, "changed")
    assert second.updated >= first.updated
    assert first.updated.tzinfo is not None
    assert await others.agents.get(T, "writer") == second
    old = await others.agents.get(T, "writer", 1)
    assert old is not None
    assert (old.version, old.definition, old.updated) == (1, first.definition, first.updated)
    assert await services.agents.get(T, "writer", 3) is None
    assert await services.agents.get(T, "writer", 10**30) is None
    assert await services.agents.get(T, "nobody") is None


async def test_put_creates_and_says_so(services: Services) -> None:
    stored, change = await services.agents.put(T, "writer", agent())
    assert (stored.version, change) == (1, "created")


async def test_the_same_again_makes_no_version(services: Services) -> None:
    first = await services.agents.create(T, agent())
    assert await services.agents.put(T, "writer", agent()) == (first, "unchanged")
    versions, _ = await services.agents.versions(T, "writer")
    assert len(versions) == 1


async def test_a_name_is_created_once(services: Services) -> None:
    first = await services.agents.create(T, agent())
    with pytest.raises(ProblemError) as caught:
        await services.agents.create(T, agent(instructions="Else."))
    assert code_of(caught) is Code.CONFLICT
    with pytest.raises(ProblemError) as caught:
        await services.agents.put(T, "writer", agent(instructions="Else."), create_only=True)
    assert code_of(caught) is Code.PRECONDITION_FAILED
    assert await services.agents.get(T, "writer") == first


async def test_if_match(services: Services) -> None:
    first = await services.agents.create(T, agent())
    second, _ = await services.agents.put(T, "writer", agent(instructions="2"), if_match=first.etag)
    for change in (
        services.agents.put(T, "writer", agent(instructions="3"), if_match=first.etag),
        services.agents.put(T, "writer", second.definition, if_match=first.etag),
        services.agents.put(T, "nobody", agent("nobody"), if_match=first.etag),
        services.agents.delete(T, "writer", if_match=first.etag),
    ):
        with pytest.raises(ProblemError) as caught:
            await change
        assert code_of(caught) is Code.PRECONDITION_FAILED
    assert await services.agents.get(T, "writer") == second
    assert await services.agents.get(T, "nobody") is None
    assert await services.agents.delete(T, "writer", if_match=second.etag)


async def test_of_many_with_one_etag_one_wins(services: Services, others: Services) -> None:
    first = await services.agents.create(T, agent())

    async def change(number: int) -> bool:
        mine = (services, others)[number % 2].agents
        try:
            await mine.put(T, "writer", agent(instructions=f"by {number}"), if_match=first.etag)
        except ProblemError as error:
            return error.problem.code is not Code.PRECONDITION_FAILED
        return True

    assert sum(await asyncio.gather(*(change(number) for number in range(12)))) == 1
    stored = await services.agents.get(T, "writer")
    assert stored is not None
    assert stored.version == 2


async def test_without_an_etag_every_change_is_a_version(services: Services, others: Services) -> None:
    changes = await asyncio.gather(
        *((services, others)[n % 2].agents.put(T, "writer", agent(instructions=f"by {n}")) for n in range(12))
    )
    assert sorted(stored.version for stored, _ in changes) == list(range(1, 13))
    assert [change for _, change in changes].count("created") == 1
    versions, _ = await services.agents.versions(T, "writer")
    assert [stored.version for stored in versions] == list(range(12, 0, -1))
    assert {stored.definition.instructions for stored in versions} == {f"by {n}" for n in range(12)}


async def test_of_many_who_create_one_succeeds(services: Services, others: Services) -> None:
    outcomes = await asyncio.gather(
        *((services, others)[n % 2].agents.create(T, agent(instructions=str(n))) for n in range(12)),
        return_exceptions=True,
    )
    failures = [outcome for outcome in outcomes if isinstance(outcome, ProblemError)]
    assert len(failures) == 11
    assert {failure.problem.code for failure in failures} == {Code.CONFLICT}


async def test_deleting_hides_the_name_and_counting_goes_on(services: Services) -> None:
    await services.agents.create(T, agent())
    assert await services.agents.delete(T, "writer")
    assert not await services.agents.delete(T, "writer")
    assert not await services.agents.delete(T, "nobody")
    assert await services.agents.get(T, "writer") is None
    assert await services.agents.get(T, "writer", 1) is None
    assert await services.agents.versions(T, "writer") == ([], None)
    assert await services.agents.list(T) == ([], None)
    again, change = await services.agents.put(T, "writer", agent())
    assert (again.version, change) == (2, "created")
    await services.agents.delete(T, "writer")
    assert (await services.agents.create(T, agent())).version == 3


async def test_lists_page_by_name(services: Services) -> None:
    names = sorted(f"agent-{n}" for n in range(12))
    for name in names:
        await services.agents.create(T, agent(name))
        await services.agents.put(T, name, agent(name, "Better."))
    first, more = await services.agents.list(T, limit=5)
    second, more = await services.agents.list(T, limit=7, continuation=more)
    assert [stored.definition.name for stored in first + second] == names
    assert more is None
    assert {(stored.version, stored.definition.instructions) for stored in first} == {(2, "Better.")}


async def test_versions_page_newest_first(services: Services) -> None:
    for n in range(12):
        await services.agents.put(T, "writer", agent(instructions=str(n)))
        await services.agents.put(T, "writer-2", agent("writer-2", str(n)))
    first, more = await services.agents.versions(T, "writer", limit=5)
    second, more = await services.agents.versions(T, "writer", limit=7, continuation=more)
    assert [stored.version for stored in first + second] == list(range(12, 0, -1))
    assert more is None


async def test_tenants_and_kinds_are_apart(services: Services) -> None:
    await services.agents.create(T, agent("w"))
    assert await services.agents.get("other", "w") is None
    assert await services.agents.list("other") == ([], None)
    assert not await services.agents.delete("other", "w")
    assert await services.workflows.get(T, "w") is None
    assert (await services.workflows.create(T, workflow())).version == 1
    assert (await services.agents.create("other", agent("w"))).version == 1


async def test_every_kind_of_step_is_kept(services: Services) -> None:
    debate = {
        "participants": ["a", "b"],
        "task": "t",
        "speaker": {"agent": "chair"},
        "until": {"any": [{"turns": 4}, {"says": "DONE"}, {"agreed": True}, {"holds": "chat.turns > 2"}]},
    }
    steps = [
        {"id": "p", "concurrent": [{"id": "x", "agent": "a", "on_error": "skip"}, {"id": "y", "agent": "b@2"}]},
        {"id": "q", "map": {"over": "input.list", "step": {"id": "z", "sequential": [{"id": "i", "agent": "a"}]}}},
        {"id": "d", "group_chat": debate, "when": "true", "retry": {"first_delay": "PT0.5S"}},
        {"id": "e", "agent": "a", "on_error": {"fallback": {"any": [None]}}, "output_schema": {"type": "object"}},
    ]
    definition = workflow(steps=steps, input={"type": "object"}, output="${steps.e.output}")
    await services.workflows.create(T, definition)
    stored = await services.workflows.get(T, "w")
    assert stored is not None
    assert stored.definition == definition
    assert (await services.workflows.put(T, "w", definition))[1] == "unchanged"


async def test_a_definition_goes_under_its_own_name(services: Services) -> None:
    with pytest.raises(ValueError, match="'writer', not 'reader'"):
        await services.agents.put(T, "reader", agent("writer"))
