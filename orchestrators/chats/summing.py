"""Summaries of what leaves the view, for those who come later. Deterministic."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from domain import chats
from domain.calls import completed_id
from domain.errors import Code, ProblemError
from domain.events import EventType
from domain.prompt_shapes import Said, SummaryPrompt
from orchestrators.chats.talk import Talk


def sum_up(talk: Talk) -> Generator[Any, Any, None]:
    """Have each agent that sums up fold what it should into its summary. Raises `ProblemError` canceled.

    Whatever else a summary fails with does not end the chat: its views say which turns they leave out.
    """
    agents = list(talk.rules.summarisers())
    for place, agent in enumerate(agents):
        turns = chats.to_sum_up(talk.rules, talk.state, agent)
        if turns:
            name = "summary" if len(agents) == 1 else f"summary[{place}]"
            yield from _folded(talk, f"{talk.at(talk.state.turns)}/{name}", agent, turns)


def _folded(talk: Talk, path: str, agent: str, turns: tuple[Said, ...]) -> Generator[Any, Any, None]:
    before = talk.state.summaries.get(agent)
    shown = {**talk.shown(), "view": turns, "turn": turns[-1].turn + 1, "summary": before, "tokens": None}
    data = {"turn": talk.state.turns, "role": "summary"}
    call = talk.call(path, agent, SummaryPrompt(kind="summary", **shown), data=data)
    outcome = yield from talk.answer(call)
    if outcome.error is not None:
        if outcome.error.code is Code.CANCELED:
            raise ProblemError(outcome.error)
        return
    summary = chats.summed_up(before, turns, agent, outcome.event or completed_id(call.key))
    summaries = {**talk.state.summaries, agent: summary}
    window = chats.kept(talk.rules, talk.state.window, summaries)
    talk.state = talk.state.model_copy(update={"summaries": summaries, "window": window})
    covers, lost = [1, summary.to], list(summary.lost) if summary.lost else None
    talk.run.emit(EventType.CHAT_SUMMARISED, path, agent=agent, turn=talk.state.turns, covers=covers, lost=lost)
