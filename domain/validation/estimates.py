"""The most that a workflow can use, as far as that can be told without running it.

Not in it: tries after failures (an answer that failed costs, too), and what is sent to the models, which depends on the
input and on what was said before. So it is a bound on calls and on what is written, and not on the bill.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import NamedTuple, TypeVar

from domain.agents import Agent
from domain.chat_rules import AgentSpeaker, GroupChat, Human, Judged, stops_in
from domain.policies import Budget
from domain.steps import (
    AgentStep,
    GroupChatStep,
    Handoff,
    HandoffStep,
    LoopStep,
    MapStep,
    Step,
    SwitchStep,
    WorkflowStep,
)
from domain.validation.bounds import turn_limit
from domain.validation.constants import Constants
from domain.validation.handoffs import distances
from domain.validation.known import Known
from domain.values import Json
from domain.workflows import Workflow

N = TypeVar("N", int, Decimal)
Price = Callable[[str], Decimal | None]
"""US dollars per million tokens that the model of an alias writes; None when that is not known."""

_MILLION = 1_000_000


class Most(NamedTuple):
    """Upper bounds; None: there is none that is known. Tokens and dollars are those of the answers alone."""

    model_calls: int | None = 0
    tokens_out: int | None = 0
    output_usd: Decimal | None = Decimal(0)

    def times(self, number: int | None) -> Most:
        if number is None:
            return self if self == NOTHING else UNKNOWN
        calls, tokens, dollars = self
        return Most(
            None if calls is None else calls * number,
            None if tokens is None else tokens * number,
            None if dollars is None else dollars * number,
        )

    def within(self, budget: Budget | None) -> Most:
        """Under the budget's caps, which also bound what is not known."""
        if budget is None:
            return self
        return Most(
            _least(self.model_calls, budget.model_calls),
            _least(self.tokens_out, budget.tokens),
            _least(self.output_usd, budget.cost_usd),
        )


NOTHING = Most()
UNKNOWN = Most(None, None, None)


def estimate(workflow: Workflow, known: Known | None = None, price: Price = lambda _: None) -> Most:
    """The most that one execution uses. For a workflow without mistakes: sub-workflows must come to an end."""
    return _Estimates(known or Known(), price).of_workflow(workflow)


class _Estimates:
    def __init__(self, known: Known, price: Price) -> None:
        self._known = known
        self._price = price
        self._of_others: dict[str, Most] = {}

    def of_workflow(self, workflow: Workflow) -> Most:
        return _sum(self._of(step, workflow) for step in workflow.steps).within(workflow.limits)

    def _of(self, step: Step, workflow: Workflow) -> Most:
        return self._inside(step, workflow).within(step.budget)

    def _inside(self, step: Step, workflow: Workflow) -> Most:  # noqa: PLR0911 - one case for each kind
        match step:
            case AgentStep():
                agent = self._known.agents.get(step.agent)
                with_schema = step.output_schema or (agent and agent.output_schema)
                return self._call(step.agent, repairs=1 if with_schema else 0)
            case GroupChatStep(group_chat=chat):
                return self._chat(chat)
            case HandoffStep(handoff=handoff):
                return self._handoff(handoff)
            case WorkflowStep():
                return self._other(step.workflow)
            case LoopStep(loop=loop):
                return _sum(self._of(child, workflow) for child in loop.steps).times(loop.most)
            case MapStep():
                return self._of(step.map.step, workflow).times(_items(step.map.over, workflow.input))
            case SwitchStep():
                return _greatest(self._of(child, workflow) for child in step.children())
            case _:
                return _sum(self._of(child, workflow) for child in step.children())

    def _other(self, reference: str) -> Most:
        if reference not in self._of_others:
            other = self._known.workflows.get(reference)
            self._of_others[reference] = self.of_workflow(other) if other else UNKNOWN
        return self._of_others[reference]

    def _chat(self, chat: GroupChat) -> Most:
        turns = turn_limit(chat)
        speakers = [speaker for speaker in chat.participants if not isinstance(speaker, Human)]
        each = [_greatest(self._call(speaker) for speaker in speakers).times(turns)]
        if isinstance(chat.speaker, AgentSpeaker):
            each.append(self._call(chat.speaker.agent, repairs=1).times(turns))
        for stop in stops_in(chat.until):
            if isinstance(stop, Judged):
                asked = None if turns is None else turns // stop.judged.every
                each.append(self._call(stop.judged.agent, repairs=1).times(asked))
        for agent, last in chat.summarisers().items():
            each.append(self._call(agent).times(_summaries(last, turns)))
        return _sum(each)

    def _handoff(self, handoff: Handoff) -> Most:
        """One turn more than there are handoffs; whoever may pass it on answers by a schema."""
        reached = distances(handoff)
        speakers = _greatest(self._call(speaker, repairs=1) for speaker in reached)
        is_last = _greatest(self._call(speaker) for speaker in reached)
        return _sum([speakers.times(_longest(handoff)), is_last])

    def _call(self, reference: str, repairs: int = 0) -> Most:
        """One call of an agent, and so many more to have an answer mended."""
        agent = self._known.agents.get(reference)
        if agent is None:
            return Most(1, None, None).times(1 + repairs)
        one = Most(1, agent.max_output_tokens, self._dollars(agent))
        if any(self._asks_models(tool) for tool in agent.tools):
            return UNKNOWN
        # Each answer of a turn with tools may have to be mended once.
        return one.times(2 * (1 + agent.max_rounds) if agent.tools else 1 + repairs)

    def _asks_models(self, reference: str) -> bool:
        """Whether a tool is an agent, or a workflow: how much these use depends on how often they are asked."""
        tool = self._known.tools.get(reference)
        return tool is not None and (tool.agent is not None or tool.workflow is not None)

    def _dollars(self, agent: Agent) -> Decimal | None:
        price = self._price(agent.model)
        return None if price is None else price * agent.max_output_tokens / _MILLION


def _sum(parts: Iterable[Most]) -> Most:
    every = list(parts)
    return Most(
        _of_known([most.model_calls for most in every], sum),
        _of_known([most.tokens_out for most in every], sum),
        _of_known([most.output_usd for most in every], lambda values: sum(values, Decimal(0))),
    )


def _greatest(parts: Iterable[Most]) -> Most:
    every = [NOTHING, *parts]
    return Most(
        _of_known([most.model_calls for most in every], max),
        _of_known([most.tokens_out for most in every], max),
        _of_known([most.output_usd for most in every], max),
    )


def _of_known(values: list[N | None], how: Callable[[list[N]], N]) -> N | None:
    known = [value for value in values if value is not None]
    return how(known) if len(known) == len(values) else None


def _least(value: N | None, cap: N | None) -> N | None:
    return cap if value is None else value if cap is None else min(value, cap)


def _summaries(last: int, turns: int | None) -> int | None:
    """Half a view is summed up at a time, as soon as its first turn has left the view."""
    if turns is None:
        return None
    half = max(1, last // 2)
    return max(0, turns - last + half - 1) // half


def _longest(handoff: Handoff) -> int:
    """The most turns in which whoever has the conversation may pass it on: in a circle, as many as are allowed."""
    reached, longest = {handoff.start}, 0
    while longest < handoff.most:
        passing = {owner for owner in reached if handoff.may_pass.get(owner)}
        if not passing:
            break
        longest += 1
        reached = {other for owner in passing for other in handoff.may_pass[owner]}
    return longest


def _items(over: str, schema: dict[str, Json]) -> int | None:
    """The most items that the list of a `map` has, where it is written out or the input's schema says so."""
    found = Constants().of(over)
    if found is not None and isinstance(found.value, list):
        return len(found.value)
    names = over.strip().split(".")
    if names[0] != "input" or not all(name.isidentifier() for name in names):
        return None
    here: Json = schema
    for name in names[1:]:
        properties = here.get("properties") if isinstance(here, dict) else None
        here = properties.get(name) if isinstance(properties, dict) else None
    most = here.get("maxItems") if isinstance(here, dict) and here.get("type") == "array" else None
    return most if isinstance(most, int) else None
