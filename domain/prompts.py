"""How definitions and values become the messages a model reads. Pure text: whoever calls loads the values first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from domain.agents import Agent
from domain.chat_prompts import Turn, chat_text, not_shown, said_text
from domain.expressions import as_text, render
from domain.prompt_shapes import HandoffPrompt, Prompt, TemplatePrompt
from domain.values import Json

Message = dict[str, str]


def messages(
    agent: Agent, prompt: Prompt, scope: Mapping[str, Json], turns: Sequence[Turn], summary: str | None = None
) -> list[Message]:
    """System and user message of one call. `scope` holds plain JSON, `turns` the view's words, oldest first."""
    return [
        {"role": "system", "content": agent.instructions},
        {"role": "user", "content": _user_text(prompt, scope, turns, summary)},
    ]


def _user_text(prompt: Prompt, scope: Mapping[str, Json], turns: Sequence[Turn], summary: str | None) -> str:
    match prompt:
        case TemplatePrompt():
            return as_text(render(prompt.template, scope))
        case HandoffPrompt():
            return _handoff_text(prompt, scope, turns)
        case _:
            return chat_text(prompt, scope, turns, summary)


def _handoff_text(prompt: HandoffPrompt, scope: Mapping[str, Json], turns: Sequence[Turn]) -> str:
    shown = [said.turn for said in prompt.view]
    missing = not_shown(shown, shown[-1]) if shown else None
    said = ["So far:", *([missing] if missing else []), said_text(turns)] if turns else []
    asked = "Answer."
    if prompt.choices:
        asked = (
            f"Answer yourself and pass it to `nobody`; or, if another should answer, pass it to one of: "
            f"{', '.join(prompt.choices)}, with a short reason, and say in `answer` what you found so far."
        )
    return "\n\n".join([as_text(render(prompt.task.template, scope)), *said, asked])


def repaired(asked: list[Message], rejected: str, complaint: str) -> list[Message]:
    """The same request again, after an answer that did not fit."""
    again = f"This does not fit: {complaint} Answer again, with nothing but JSON that satisfies the schema."
    return [*asked, {"role": "assistant", "content": rejected}, {"role": "user", "content": again}]
