"""What those in a chat are told: the task, what was said, what of it they are not shown, and what is asked of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from domain.cutting import WHOLE, Cut
from domain.expressions import as_text, told_text
from domain.prompt_shapes import AboutChat, ChairPrompt, ChatPrompt, JudgePrompt, OverChat, SummaryPrompt
from domain.values import Json

Turn = tuple[str, str]
"""Who spoke, and what."""
PASSES = "(passes)"
"""In place of the words of a human who had none."""


def words_of(said: Json) -> str:
    """What was said, without what goes with it: in a handoff the answer, of a human's decision the words."""
    if isinstance(said, dict) and "answer" in said:
        return as_text(said["answer"])
    if isinstance(said, dict) and "decision" in said:
        return PASSES if said["decision"] == "pass" else said["comment"].strip() or PASSES
    return as_text(said)


def chat_text(
    prompt: AboutChat, scope: Mapping[str, Json], turns: Sequence[Turn], summary: str | None, cut: Cut = WHOLE
) -> str:
    """The user message. `scope` holds plain JSON, `turns` the words of the view and `summary` those of the summary.

    Of the cut only what is to be told of the values in the task counts: the turns are those that are left.
    """
    return "\n\n".join([*_told(prompt, scope, turns, summary, cut), _asked(prompt)])


def shown_text(
    prompt: ChatPrompt, scope: Mapping[str, Json], turns: Sequence[Turn], summary: str | None, most: int
) -> str:
    """The same for a human, who is asked beside it; of a long one as many of the latest turns as `most` characters."""
    while True:
        text = "\n\n".join(_told(prompt, scope, turns, summary))
        if len(text) <= most or not turns:
            return text if len(text) <= most else f"{text[: most - 1]}…"
        prompt, turns = prompt.model_copy(update={"view": prompt.view[1:]}), turns[1:]


def said_text(turns: Sequence[Turn]) -> str:
    return "\n\n".join(f"{speaker}: {text}" for speaker, text in turns)


def not_shown(shown: Sequence[int], latest: int, covered: int = 0) -> str | None:
    """Which of the turns up to the latest are neither shown nor covered by a summary; None when there are none."""
    seen = frozenset(shown)
    missing = [turn for turn in range(covered + 1, latest + 1) if turn not in seen]
    if not missing:
        return None
    return f"({_numbered(missing)} {'is' if len(missing) == 1 else 'are'} not shown.)"


def chair_schema(choices: tuple[str, ...], may_agree: bool) -> dict[str, Any]:
    """JSON Schema of a chair's answer: the only way to name a speaker is to name one that may speak."""
    reason = {"type": "string", "maxLength": 100}
    properties: dict[str, Any] = {"next": {"type": "string", "enum": list(choices)}, "reason": reason}
    if may_agree:
        properties["agreed"] = {"type": "boolean"}
    return _closed(properties)


def judge_schema() -> dict[str, Any]:
    """JSON Schema of a judge's answer."""
    return _closed({"settled": {"type": "boolean"}, "reason": {"type": "string", "maxLength": 300}})


def _closed(properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _told(
    prompt: OverChat, scope: Mapping[str, Json], turns: Sequence[Turn], summary: str | None, cut: Cut = WHOLE
) -> list[str]:
    """The paragraphs before what is asked."""
    return [
        told_text(prompt.task.template, scope, cut.text),
        f"Participants: {', '.join(prompt.participants)}.",
        "The discussion so far:",
        *_discussion(prompt, turns, summary),
    ]


def _discussion(prompt: OverChat, turns: Sequence[Turn], summary: str | None) -> list[str]:
    shown = [said.turn for said in prompt.view]
    latest = max(prompt.turn - 1, *shown, 0)
    if latest == 0:
        return ["(nobody has spoken yet)"]
    told: list[str] = []
    if prompt.summary is not None:
        told.append(f"{_summary_heading(prompt)}\n\n{summary or ''}")
    missing = not_shown(shown, latest, prompt.summary.to if prompt.summary else 0)
    if missing:
        told.append(missing)
    if prompt.summary is not None and shown:
        told.append(f"{_numbered(shown)} in full:")
    return [*told, said_text(turns)] if turns else told


def _summary_heading(prompt: OverChat) -> str:
    summary = prompt.summary
    if summary is None:
        return ""
    lost = f" (of {_numbered(range(summary.lost[0], summary.lost[1] + 1)).lower()} not all)" if summary.lost else ""
    return f"{_numbered(range(1, summary.to + 1))}{lost}, summed up by {summary.by}:"


def _asked(prompt: AboutChat) -> str:
    match prompt:
        case ChatPrompt():
            return f"You are {prompt.speaker}. Say your next turn, to the others, in your own words."
        case ChairPrompt():
            asked = f"Choose who speaks next, one of: {', '.join(prompt.choices)}. Give a short reason."
            if prompt.may_agree:
                asked += " Say `agreed: true` only if all of them now agree; then the discussion ends."
            return asked
        case JudgePrompt():
            return f"{prompt.question}\n\nSay `settled: true` if so, else `settled: false`. Give a short reason."
        case SummaryPrompt():
            return (
                f"Sum up {_numbered(range(1, prompt.turn)).lower()} for those who will not read them: who proposed "
                "what, what is agreed, what is open. Write the summary and nothing else."
            )


def _numbered(turns: Sequence[int]) -> str:
    """`[1, 2, 3, 7]` gives `Turns 1-3 and 7`."""
    spans: list[list[int]] = []
    for turn in turns:
        if spans and turn == spans[-1][1] + 1:
            spans[-1][1] = turn
        else:
            spans.append([turn, turn])
    told = [str(first) if first == last else f"{first}-{last}" for first, last in spans]
    listed = told[0] if len(told) == 1 else f"{', '.join(told[:-1])} and {told[-1]}"
    return f"Turn {listed}" if len(turns) == 1 else f"Turns {listed}"
