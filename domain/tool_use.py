"""An agent's tools: what its model is told of them, what is to be done when it asks, and how it is shown results."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from domain.agents import Agent
from domain.approvals import MOST_SHOWN
from domain.base import split_reference
from domain.errors import Code, Problem, ProblemError
from domain.expressions import as_text, evaluate, truth
from domain.plans import Plan
from domain.prompt_shapes import ChatPrompt, HandoffPrompt, Prompt, TemplatePrompt
from domain.toolcalls import READ_MORE, AskedTool, Asking, Round, ToolResult, ToolSpec
from domain.tools import Tool
from domain.values import Json

Message = dict[str, Any]
MOST_AT_ONCE = 16
"""Tool calls of one answer."""
SHOWN_CHARACTERS = 12_000
"""Of one tool result: the agent reads on where it wants to."""
_NOT_TOLD = frozenset(
    {
        Code.CANCELED,
        Code.PLATFORM_FAILED,
        Code.BUDGET_EXCEEDED,
        Code.TOOL_UNCERTAIN,
        Code.NOBODY_ANSWERED,
        Code.NOT_RECORDED,
    }
)
_READ_MORE = ToolSpec(
    name=READ_MORE,
    description="Read on in a tool result that was too long to be shown whole.",
    parameters={
        "type": "object",
        "required": ["result", "start"],
        "additionalProperties": False,
        "properties": {
            "result": {"type": "string", "description": "As the cut result says."},
            "start": {"type": "integer", "minimum": 0, "description": "The first character to read."},
        },
    },
)
_TASK: dict[str, Any] = {
    "type": "object",
    "required": ["task"],
    "additionalProperties": False,
    "properties": {"task": {"type": "string", "description": "What it should do, with all that it has to know."}},
}


class Shown(NamedTuple):
    """As much of a result as the agent is shown, from character `start` of `length` on."""

    text: str
    start: int
    length: int


def is_told(problem: Problem) -> bool:
    """Whether an agent is told of the failure of its tool, to make the best of it; else its step fails as well."""
    return problem.code not in _NOT_TOLD


def tools_of(agent: Agent, prompt: Prompt) -> dict[str, str]:
    """The references of the tools that the agent may call, by the name its model knows; only where it speaks itself."""
    speaks = isinstance(prompt, TemplatePrompt | ChatPrompt | HandoffPrompt)
    return {split_reference(reference)[0]: reference for reference in agent.tools} if speaks else {}


def specs_of(plan: Plan, offered: Mapping[str, str], results: Sequence[Sequence[Shown]]) -> tuple[ToolSpec, ...]:
    """What the model is told; `results` are those so far, by round."""
    specs = [_spec(plan, name, plan.tools[reference]) for name, reference in offered.items()]
    is_cut = any(result.length > SHOWN_CHARACTERS for one in results for result in one)
    return (*specs, _READ_MORE) if is_cut else tuple(specs)


def asking(
    asked: Sequence[AskedTool], plan: Plan, offered: Mapping[str, str], rounds: Sequence[Round]
) -> tuple[Asking, ...]:
    """What is to be done about each of the calls that an answer asks for."""
    return tuple(
        _asking(one, plan, offered, rounds)
        if place < MOST_AT_ONCE
        else _refused(one.name, f"At most {MOST_AT_ONCE} tools are called at once: ask again for this one.")
        for place, one in enumerate(asked)
    )


def said(rounds: Sequence[tuple[Json, Sequence[Shown]]]) -> list[Message]:
    """The messages of the rounds so far: for each its answer as recorded, and its results."""
    messages: list[Message] = []
    for number, (answer, results) in enumerate(rounds):
        calls = [_written(call, f"call_{number}_{place}") for place, call in enumerate(answer["tool_calls"])]
        messages.append({"role": "assistant", "content": answer["text"], "tool_calls": calls})
        messages += [
            {"role": "tool", "tool_call_id": call["id"], "content": _page(result, call["id"])}
            for call, result in zip(calls, results, strict=True)
        ]
    return messages


def parameters_of(tool: Tool, plan: Plan) -> dict[str, Any]:
    """The schema of the tool's arguments, where the tool itself says nothing that of what is behind it."""
    if tool.input != {"type": "object"}:
        return tool.input
    if tool.agent is not None:
        return _TASK
    return plan.workflows[tool.workflow].input if tool.workflow in plan.workflows else tool.input


def _spec(plan: Plan, name: str, tool: Tool) -> ToolSpec:
    return ToolSpec(name=name, description=tool.description, parameters=parameters_of(tool, plan))


def _asking(asked: AskedTool, plan: Plan, offered: Mapping[str, str], rounds: Sequence[Round]) -> Asking:
    from domain.validation import check_value, pointer  # noqa: PLC0415 - slow to import

    if asked.arguments is None:
        return _refused(asked.name, f"These are no arguments: {asked.complaint}")
    if asked.name == READ_MORE and READ_MORE not in offered:
        return _paging(asked.arguments, rounds)
    reference = offered.get(asked.name)
    if reference is None:
        return _refused(asked.name, f"There is no tool {asked.name!r}: there are {', '.join(offered) or 'none'}.")
    tool = plan.tools[reference]
    schema = parameters_of(tool, plan)
    if complaints := check_value(asked.arguments, schema):
        parts, message = complaints[0]
        return _refused(reference, f"The tool does not take this, at {pointer(parts) or '/'}: {message}")
    approval = tool.approval if tool.approval and _wants_approval(tool, asked.arguments) else None
    if approval and len(as_text(asked.arguments)) > MOST_SHOWN:
        # Nobody allows what they cannot see all of.
        return _refused(reference, f"A human is asked about this call, and reads no more than {MOST_SHOWN} characters.")
    return _carrying_out(reference, tool, schema).model_copy(update={"approval": approval})


def _carrying_out(reference: str, tool: Tool, schema: dict[str, Any]) -> Asking:
    if tool.workflow is not None:
        return Asking(tool=reference, via="workflow", target=tool.workflow)
    if tool.agent is not None:
        template = "${arguments.task}" if schema is _TASK else "${arguments}"
        return Asking(tool=reference, via="agent", target=tool.agent, template=template)
    return Asking(tool=reference)


def _wants_approval(tool: Tool, arguments: Json) -> bool:
    """A rule that cannot be evaluated asks: nothing is carried out because of a mistake in it."""
    if tool.approval is None or tool.approval.when is None:
        return True
    try:
        return truth(tool.approval.when, evaluate(tool.approval.when, {"arguments": arguments}))
    except ProblemError:
        return True


def _paging(arguments: dict[str, Any], rounds: Sequence[Round]) -> Asking:
    try:
        _, number, place = str(arguments["result"]).split("_")
        start, at = int(arguments["start"]), (int(number), int(place))
        results = rounds[at[0]].results
        if min(start, *at) < 0 or results[at[1]].value is None:
            raise IndexError
    except (KeyError, ValueError, IndexError, TypeError, OverflowError):
        return _refused(READ_MORE, "There is no such result: say `result` and `start` as the cut result does.")
    return Asking(tool=READ_MORE, via="page", page=(*at, start))


def _refused(name: str, why: str) -> Asking:
    return Asking(tool=name[:100], via="refused", refused=why[:500])


def _written(call: dict[str, Any], id: str) -> Message:
    arguments = json.dumps(call.get("arguments") or {}, ensure_ascii=False)
    return {"id": id, "type": "function", "function": {"name": call["name"], "arguments": arguments}}


def _page(result: Shown, id: str) -> str:
    start, end, length = result.start, result.start + SHOWN_CHARACTERS, result.length
    if not start and length <= end:
        return result.text
    told = f"Characters {start} to {min(end, length)} of {length}."
    if end < length:
        told += f' To read on, call {READ_MORE} with {{"result": "{id}", "start": {end}}}.'
    return f"{result.text}\n\n({told})"


def shown_of(result: ToolResult, text: str) -> Shown:
    """`text`: the words of the whole result."""
    return Shown(text[result.start : result.start + SHOWN_CHARACTERS], result.start, len(text))


def result_text(result: ToolResult, value: Json) -> str:
    """The words of a result, whole."""
    return f"(failed) {result.error}" if result.error is not None else as_text(value)
