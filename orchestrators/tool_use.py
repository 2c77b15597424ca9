"""The tools that an answer asks for, all at the same time: called, run, asked, or refused. Deterministic."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from typing import Any

from domain import values
from domain.approvals import Kind
from domain.calls import Ask, AskedAt, CallOutcome, ModelCall, ToolCall, completed_id
from domain.errors import Problem, ProblemError, nobody_answered
from domain.prompt_shapes import TemplatePrompt
from domain.tool_use import is_told
from domain.toolcalls import Asking, ToolResult
from domain.tools import ToolApproval
from domain.usage import Usage
from domain.values import Value
from orchestrators.asking import decision_in, settled
from orchestrators.loom import FirstOf
from orchestrators.run import Run
from orchestrators.scope import Rules, Scope
from orchestrators.tool_calling import call_tool
from orchestrators.tracing import as_turn
from orchestrators.workflow_step import run_named

AskModel = Callable[[Run, ModelCall], Generator[Any, Any, CallOutcome]]
Result = Generator[Any, Any, tuple[ToolResult, Usage]]


def use_tools(
    run: Run, call: ModelCall, event: str, asks: Sequence[Asking], done: int, ask_model: AskModel
) -> Generator[Any, Any, tuple[tuple[ToolResult, ...], Usage]]:
    """The results, in the order asked for, and what models used for them. `done`: tool calls of the turn before these.

    Raises `ProblemError` for what no agent is told of, once all have come to their end.
    """
    uses = [_Use(run, call, AskedAt(event=event, index=place), done + place, ask_model) for place in range(len(asks))]
    if len(asks) > 1:
        run.part()
    strands = [run.loom.spawn(use.result(asking)) for use, asking in zip(uses, asks, strict=True)]
    for strand in strands:
        while not strand.is_completed:
            yield FirstOf(strand)
    results = [strand.result() for strand in strands]
    return tuple(result for result, _ in results), sum((used for _, used in results), Usage())


class _Use:
    """One tool call that an agent asks for; it stands below the agent's turn as `tool[number]`."""

    def __init__(self, run: Run, call: ModelCall, asked: AskedAt, number: int, ask_model: AskModel) -> None:
        self.run = run
        self.call = call
        self.asked = asked
        self.path = f"{call.step}/tool[{number}]"
        self.ask_model = ask_model
        self.arguments = values.reference(asked.event, ["tool_calls", asked.index, "arguments"])

    def result(self, asking: Asking) -> Result:
        if asking.refused is not None:
            return ToolResult(error=asking.refused), Usage()
        if asking.page is not None:
            number, place, start = asking.page
            return self.call.rounds[number].results[place].model_copy(update={"start": start}), Usage()
        if asking.approval is not None:
            refusal = yield from self._refusal(asking.tool, asking.approval)
            if refusal is not None:
                return ToolResult(error=refusal), Usage()
        match asking.via:
            case "agent":
                return (yield from self._agent(asking.target or "", asking.template or ""))
            case "workflow":
                return (yield from self._workflow(asking.target or ""))
            case _:
                return (yield from self._tool(asking.tool))

    def _tool(self, tool: str) -> Result:
        call = ToolCall(
            **self.run.about(f"{self.path}#0", self.path, self.call.trace),
            plan=self.call.plan,
            tool=tool,
            asked=self.asked,
            agent=self.call.agent,
            retry=self.call.retry,
        )
        outcome = yield from call_tool(self.run, call)
        return _told(outcome.error, values.reference(outcome.event or completed_id(call.key))), Usage()

    def _agent(self, agent: str, template: str) -> Result:
        call = ModelCall(
            **self.run.about(f"{self.path}#0", self.path, self.call.trace),
            plan=self.call.plan,
            agent=agent,
            prompt=TemplatePrompt(kind="template", template=template, scope={"arguments": self.arguments}),
            tell_usage=self.call.tell_usage,
            data={"role": "tool"},
            retry=self.call.retry,
            caps=self.call.caps,
        )
        outcome = yield from self.ask_model(self.run, as_turn(self.run, call))
        return _told(outcome.error, values.reference(outcome.event or completed_id(call.key))), outcome.usage

    def _workflow(self, name: str) -> Result:
        rules = Rules(retry=self.call.retry, caps=self.call.caps, trace=self.call.trace)
        scope = Scope({"arguments": self.arguments}, {}, rules)
        try:
            outcome = yield from run_named(self.run, name, "${arguments}", self.path, scope)
        except ProblemError as error:
            return _told(error.problem, values.inline(None)), Usage()
        return _told(outcome.error, outcome.value), Usage()

    def _refusal(self, tool: str, asked: ToolApproval) -> Generator[Any, Any, str | None]:
        """Why a human will not have the call made; None when they will."""
        question = Ask(
            **self.run.about(f"{self.path}?0", self.path, self.call.trace),
            kind=Kind.TOOL,
            workflow=self.run.workflow_name,
            ask=f"May {self.call.agent} call the tool {tool}?",
            show="${arguments}",
            scope={"arguments": self.arguments},
            roles=asked.roles,
            otherwise=asked.otherwise,
            data={"tool": tool, "agent": self.call.agent},
            time=self.run.now,
        )
        _, arrival = yield from settled(self.run, question, asked)
        decision = decision_in(arrival.value or {})
        if decision == "fail":
            raise ProblemError(nobody_answered(f"Nobody answered `{self.path}` within {asked.deadline}."))
        words = f": {arrival.preview}" if arrival.preview else "."
        return None if decision == "approve" else f"A human does not want this call to be made{words}"


def _told(error: Problem | None, value: Value) -> ToolResult:
    """What the agent is told. Raises `ProblemError` for what it is not."""
    if error is None:
        return ToolResult(value=value)
    if not is_told(error):
        raise ProblemError(error)
    return ToolResult(error=f"{error.message} {error.action}"[:1_000])
