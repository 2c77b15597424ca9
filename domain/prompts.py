"""How definitions and values become the messages a model reads. Pure text: whoever calls loads the values first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from domain.agents import Agent
from domain.chat_prompts import Turn, chat_text, not_shown, said_text
from domain.cutting import WHOLE, Cut
from domain.expressions import told_text
from domain.prompt_shapes import HandoffPrompt, Prompt, TemplatePrompt
from domain.values import Json

Message = dict[str, Any]


def messages(
    agent: Agent,
    prompt: Prompt,
    scope: Mapping[str, Json],
    turns: Sequence[Turn],
    summary: str | None = None,
    cut: Cut = WHOLE,
) -> list[Message]:
    """System and user message of one call. `scope` holds plain JSON, `turns` the view's words, oldest first."""
    return [
        {"role": "system", "content": agent.instructions},
        {"role": "user", "content": _user_text(prompt, scope, turns, summary, cut)},
    ]


def _user_text(prompt: Prompt, scope: Mapping[str, Json], turns: Sequence[Turn], summary: str | None, cut: Cut) -> str:
    if isinstance(prompt, TemplatePrompt):
        return told_text(prompt.template, scope, cut.text)
    if cut.turns:
        prompt, turns = prompt.model_copy(update={"view": prompt.view[cut.turns :]}), turns[cut.turns :]
    turns = [(speaker, cut.text(words)) for speaker, words in turns]
    if isinstance(prompt, HandoffPrompt):
        return _handoff_text(prompt, scope, turns, cut)
    return chat_text(prompt, scope, turns, None if summary is None else cut.text(summary), cut)


def _handoff_text(prompt: HandoffPrompt, scope: Mapping[str, Json], turns: Sequence[Turn], cut: Cut) -> str:
    shown = [said.turn for said in prompt.view]
    missing = not_shown(shown, shown[-1]) if shown else None
    said = ["So far:", *([missing] if missing else []), said_text(turns)] if turns else []
    asked = "Answer."
    if prompt.choices:
        asked = (
            f"Answer yourself and pass it to `nobody`; or, if another should answer, pass it to one of: "
            f"{', '.join(prompt.choices)}, with a short reason, and say in `answer` what you found so far."
        )
    return "\n\n".join([told_text(prompt.task.template, scope, cut.text), *said, asked])


def repaired(asked: list[Message], rejected: str, complaint: str) -> list[Message]:
    """The same request again, after an answer that did not fit."""
    again = f"This does not fit: {complaint} Answer again, with nothing but JSON that satisfies the schema."
    return [*asked, {"role": "assistant", "content": rejected}, {"role": "user", "content": again}]
