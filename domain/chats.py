"""The rules of a group chat that need neither a model nor a clock: who may speak, what is seen, what is carried on."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from domain.base import Shape, split_reference
from domain.chance import chance
from domain.chat_rules import GroupChat, NoProgress, stops_in
from domain.fingerprints import Fingerprint, are_alike
from domain.hearing import Heard
from domain.prompt_shapes import Said, Summary
from domain.usage import Usage
from domain.values import Json

ENTITY = "chat"
"""Name of the durable entity that keeps the shared state of a chat."""
WINDOW = 50
"""Most turns the entity keeps; the log keeps them all."""
LONGEST_STANDSTILL = 50
"""Most turns in a row that are remembered as saying nothing new: the most that `no_progress` may ask for."""


LONGEST_BACKLOG = 3
"""How many times the length of a view is kept for those who sum up, when their calls fail."""


def entity_key(execution: str, path: str) -> str:
    return f"{execution}:{path}"


class ChatState(Shape):
    """What the chat carries from turn to turn, bounded however long it gets.

    `window`: the turns that somebody will be shown again, the latest one always among them.
    """

    turns: int = 0
    window: tuple[Said, ...] = ()
    answer: Said | None = Field(default=None, description="The latest turn with words: the chat's output.")
    said: tuple[str, ...] = Field(default=(), description="The watched texts in the latest turn.")
    held: tuple[int, ...] = Field(default=(), description="Places of the conditions that held after it.")
    summaries: dict[str, Summary] = Field(default_factory=dict, description="The latest of each who sums up.")
    spent: Usage = Usage()
    fingerprints: tuple[tuple[int, Fingerprint], ...] = Field(default=(), description="Of the latest turns.")
    stale: tuple[tuple[int, int], ...] = Field(
        default=(), description="The latest turns if they said nothing new, each with the one it repeats (0: no words)."
    )

    @property
    def last_speaker(self) -> str | None:
        return self.window[-1].speaker if self.window else None

    def after(self, chat: GroupChat, speaker: str, event: str, heard: Heard) -> ChatState:
        """The state once that has been said."""
        said = Said(turn=self.turns + 1, speaker=speaker, event=event, addressed=heard.named)
        has_words = bool(heard.preview.strip())
        window = kept(chat, (*self.window, said), self.summaries)
        changed = {"turns": said.turn, "window": window, "said": heard.said}
        if has_words:
            changed["answer"] = said
        if compares(chat):
            changed |= self._compared(chat, said.turn, heard.fingerprint)
        return self.model_copy(update=changed)

    def _compared(self, chat: GroupChat, turn: int, fingerprint: Fingerprint) -> dict[str, Any]:
        alike = [before for before, other in self.fingerprints if are_alike(fingerprint, other)]
        repeats = alike[-1] if alike else 0
        is_stale = bool(alike) or not fingerprint
        stale = (*self.stale, (turn, repeats))[-LONGEST_STANDSTILL:] if is_stale else ()
        fingerprints = (*self.fingerprints, (turn, fingerprint))[-_remembered(chat) :]
        return {"stale": stale, "fingerprints": fingerprints}


def compares(chat: GroupChat) -> bool:
    """Whether it matters if a turn says anything new."""
    return any(isinstance(stop, NoProgress) for stop in stops_in(chat.until))


def _remembered(chat: GroupChat) -> int:
    """With how many of the latest turns a new one is compared: each participant's last two."""
    return 2 * len(chat.participants)


def next_in_turn(chat: GroupChat, state: ChatState) -> str:
    """Round robin in the order written; also the fallback when nobody usable is chosen."""
    if state.last_speaker not in chat.names:
        return chat.names[0]
    return chat.names[(chat.names.index(state.last_speaker) + 1) % len(chat.names)]


def choices(chat: GroupChat, state: ChatState) -> tuple[str, ...]:
    """Whom a chair, or chance, may choose: nobody speaks twice in a row."""
    return tuple(name for name in chat.names if name != state.last_speaker)


def by_chance(chat: GroupChat, state: ChatState, path: str, seed: int) -> str:
    """Any of the choices, the same one each time for the same seed, path and turn."""
    among = choices(chat, state)
    return among[int(chance(seed, path, state.turns + 1) * len(among))]


def participant_named(chat: GroupChat, value: Json) -> str | None:
    """Who is meant by a value: a participant's name, with or without its version; None when nobody is."""
    if value in chat.names:
        return str(value)
    meant = [name for name in chat.names if split_reference(name)[0] == value]
    return meant[0] if len(meant) == 1 else None


def seen_by(chat: GroupChat, window: tuple[Said, ...], name: str | None = None) -> tuple[Said, ...]:
    """The turns that a participant is shown; without a name, those that a chair or a judge is."""
    view = chat.view if name is None else chat.view_of(name)
    if name is not None and view.only == "addressed":
        window = tuple(said for said in window if said.speaker == name or name in said.addressed)
    return window[-view.last :]


def summary_for(chat: GroupChat, state: ChatState, name: str | None = None) -> Summary | None:
    """The summary that a participant is shown beside those turns."""
    view = chat.view if name is None else chat.view_of(name)
    return state.summaries.get(view.summary) if view.summary else None


def kept(chat: GroupChat, window: tuple[Said, ...], summaries: dict[str, Summary]) -> tuple[Said, ...]:
    """The turns of the window that somebody may still be shown, or has still to sum up."""
    needed = {said.turn for name in (None, *chat.names) for said in seen_by(chat, window, name)}
    for agent, last in chat.summarisers().items():
        needed |= {said.turn for said in _backlog(window, last, covered(summaries.get(agent)))}
    return tuple(said for said in window if said.turn in needed)


def covered(summary: Summary | None) -> int:
    """The last turn that it covers."""
    return summary.to if summary else 0


def to_sum_up(chat: GroupChat, state: ChatState, agent: str) -> tuple[Said, ...]:
    """The turns that the agent should now fold into its summary, the oldest first; mostly none.

    Half a view is folded at a time, as soon as its first turn has left the view: so no turn is ever missing from both,
    and a chat that fits into the view is never summed up. After a failure it is tried again half a view later.
    """
    last = chat.summarisers()[agent]
    half = max(1, last // 2)
    done = covered(state.summaries.get(agent))
    left = state.turns - last - done
    if left < 1 or (left - 1) % half:
        return ()
    return tuple(said for said in _backlog(state.window, last, done) if said.turn < state.turns - last + half)


def _backlog(window: tuple[Said, ...], last: int, done: int) -> tuple[Said, ...]:
    """The turns that are not summed up yet, without a gap: as many as are kept for a summary that fails for a while."""
    oldest = max(done, window[-1].turn - LONGEST_BACKLOG * last)
    return tuple(said for said in window if said.turn > oldest)


def summed_up(before: Summary | None, turns: tuple[Said, ...], agent: str, event: str) -> Summary:
    """The summary once those turns are in it. What left the window unsummed is owned up to."""
    lost = before.lost if before else None
    first = covered(before) + 1
    if turns[0].turn > first:
        lost = (lost[0] if lost else first, turns[0].turn - 1)
    return Summary(event=event, by=agent, to=turns[-1].turn, lost=lost)
