"""How definitions and values become the messages a model reads. Pure text: whoever calls loads the values first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from domain.agents import Agent
from domain.calls import ChairPrompt, ChatPrompt, HandoffPrompt, Prompt, TemplatePrompt
from domain.expressions import as_text, render
from domain.values import Json

Message = dict[str, str]
Turn = tuple[str, str]
"""Who spoke, and what."""


def messages(agent: Agent, prompt: Prompt, scope: Mapping[str, Json], turns: Sequence[Turn]) -> list[Message]:
    """System and user message of one call. `scope` holds plain JSON, `turns` the view's words, oldest first."""
    return [
        {"role": "system", "content": agent.instructions},
        {"role": "user", "content": _user_text(prompt, scope, turns)},
    ]


def _user_text(prompt: Prompt, scope: Mapping[str, Json], turns: Sequence[Turn]) -> str:
    match prompt:
        case TemplatePrompt():
            return as_text(render(prompt.template, scope))
        case ChatPrompt():
            asked = f"You are {prompt.speaker}. Say your next turn, to the others, in your own words."
            return _chat_text(prompt.task, prompt.participants, scope, turns, asked)
        case HandoffPrompt():
            return _handoff_text(prompt, scope, turns)
        case ChairPrompt():
            asked = f"Choose who speaks next, one of: {', '.join(prompt.choices)}. Give a short reason."
            if prompt.may_agree:
                asked += " Say `agreed: true` only if all of them now agree; then the discussion ends."
            return _chat_text(prompt.task, prompt.participants, scope, turns, asked)


def _handoff_text(prompt: HandoffPrompt, scope: Mapping[str, Json], turns: Sequence[Turn]) -> str:
    said = [f"So far:\n\n{_said(turns)}"] if turns else []
    asked = "Answer."
    if prompt.choices:
        asked = (
            f"Answer yourself and pass it to `nobody`; or, if another should answer, pass it to one of: "
            f"{', '.join(prompt.choices)}, with a short reason, and say in `answer` what you found so far."
        )
    return "\n\n".join([as_text(render(prompt.task.template, scope)), *said, asked])


def _said(turns: Sequence[Turn]) -> str:
    return "\n\n".join(f"{speaker}: {text}" for speaker, text in turns)


def repaired(asked: list[Message], rejected: str, complaint: str) -> list[Message]:
    """The same request again, after an answer that did not fit."""
    again = f"This does not fit: {complaint} Answer again, with nothing but JSON that satisfies the schema."
    return [*asked, {"role": "assistant", "content": rejected}, {"role": "user", "content": again}]


def _chat_text(
    task: TemplatePrompt, participants: Sequence[str], scope: Mapping[str, Json], turns: Sequence[Turn], asked: str
) -> str:
    said = _said(turns) or "(nobody has spoken yet)"
    return "\n\n".join(
        [
            as_text(render(task.template, scope)),
            f"Participants: {', '.join(participants)}.",
            f"The discussion so far:\n\n{said}",
            asked,
        ]
    )
