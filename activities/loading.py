"""Loads what references point to: the values that events of an execution recorded."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence

from domain import values
from domain.agents import Agent
from domain.chat_prompts import Turn, words_of
from domain.errors import ProblemError, platform_failed
from domain.events import EventType
from domain.expressions import as_text
from domain.paths import ancestors
from domain.plans import Plan
from domain.prompt_definitions import PinnedPrompt, instructions, needs_input
from domain.prompt_shapes import OverChat, Prompt, TemplatePrompt
from domain.tool_use import Shown, result_text, shown_of
from domain.toolcalls import Round, ToolResult
from domain.values import Json, Value
from services.eventlog import partition_of
from services.wiring import Services


class Loader:
    def __init__(self, services: Services, tenant: str, execution: str) -> None:
        self._services = services
        self._events = services.events
        self._tenant = tenant
        self._execution = execution

    async def recorded(self, event_ids: Iterable[str]) -> dict[str, Json]:
        """The value of each event, by its id, in one read and one more for each artifact."""
        wanted = list(dict.fromkeys(event_ids))
        if not wanted:
            return {}
        events = await self._events.get(self._tenant, self._execution, wanted)
        missing = [event_id for event_id in wanted if event_id not in events]
        if missing:
            raise ProblemError(platform_failed(f"The log has lost the event {missing[0]!r}."))
        loaded = await asyncio.gather(
            *(self._events.value(self._tenant, self._execution, events[event_id]) for event_id in wanted)
        )
        return dict(zip(wanted, loaded, strict=True))

    async def agent(self, plan: Plan, reference: str, step: str) -> Agent:
        """The agent with its instructions, made of its prompt if it has one.

        `step`: the path of the step that asks it, for which the input is that of the workflow it is in. Raises
        `ProblemError`.
        """
        agent, prompt = plan.agents[reference], plan.prompts.get(reference)
        if prompt is None:
            return agent
        value = None
        if needs_input(agent.variables):
            value = await self.input_at(step)
            _refuse(agent, prompt, value)
        return agent.model_copy(update={"instructions": instructions(prompt, agent.variables, value)})

    async def input_at(self, step: str) -> Json:
        """The input of the workflow that the step is in."""
        around = [given_to(path) for path in reversed(ancestors(step))]
        found = await self._services.documents.get_many(partition_of(self._tenant, self._execution), around)
        nearest = next((found[id].body["value"] for id in around if id in found), None)
        value: Value = nearest or values.reference(EventType.EXECUTION_STARTED)
        return (await self.plain({"input": value}))["input"]

    async def seen(self, prompt: Prompt) -> tuple[list[Turn], str | None]:
        """The words of the turns that a prompt shows, oldest first, and those of its summary."""
        if isinstance(prompt, TemplatePrompt):
            return [], None
        summary = prompt.summary if isinstance(prompt, OverChat) else None
        wanted = [said.event for said in prompt.view]
        found = await self.recorded([*wanted, summary.event] if summary else wanted)
        turns = [(said.speaker, words_of(found[said.event])) for said in prompt.view]
        return turns, as_text(found[summary.event]) if summary else None

    async def plain(self, scope: Mapping[str, Value]) -> dict[str, Json]:
        """A scope of `Value`s as plain JSON, ready for expressions."""
        needed = set[str]().union(*(values.references_in(value) for value in scope.values()))
        found = await self.recorded(sorted(needed))
        return {name: values.resolve(value, found.__getitem__) for name, value in scope.items()}

    async def played(self, rounds: Sequence[Round]) -> list[tuple[Json, list[Shown]]]:
        """Of each round its answer as recorded, and what is shown of its results."""
        answers = await self.recorded(one.event for one in rounds)
        return [(answers[one.event], [await self._shown(result) for result in one.results]) for one in rounds]

    async def _shown(self, result: ToolResult) -> Shown:
        """One after the other, and no more of it kept than that: all results of a turn may be too much to hold."""
        found = {} if result.value is None else await self.plain({"result": result.value})
        return shown_of(result, result_text(result, found.get("result")))


def given_to(path: str) -> str:
    """Id of the document that holds what the workflow at this path was given: a `Value`."""
    return f"given:{path}"


def _refuse(agent: Agent, prompt: PinnedPrompt, value: Json) -> None:
    from domain.validation import refuse_filled  # noqa: PLC0415 - slow to import

    refuse_filled({agent.name: agent}, {agent.name: prompt}, value)
