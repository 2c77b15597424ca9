"""What an execution waits for, other than its own work: a time, an event, a human. Pure, as `state` is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from meta_agents.results import Event, Json


@dataclass(frozen=True)
class Wait:
    """A step that waits for a time, or for an event and perhaps no longer than a time."""

    step: str
    event: str | None
    until: datetime | None


@dataclass(frozen=True)
class Question:
    """A question to a human that is open."""

    id: str
    step: str
    ask: str
    options: tuple[str, ...]
    roles: tuple[str, ...]
    deadline: datetime | None
    otherwise: str | None


def wait_of(event: Event) -> Wait | None:
    """What a `step.waiting` event says is waited for; None for the end of a pause, which the whole waits for."""
    if event.data.get("for") not in ("time", "event"):
        return None
    name = event.data.get("event")
    return Wait(event.step or "", None if name is None else str(name), moment_of(event.data.get("until")))


def question_of(event: Event) -> Question:
    """The question that an `approval.requested` event asks."""
    asked = event.value if isinstance(event.value, dict) else {}
    otherwise = event.data.get("otherwise")
    return Question(
        id=str(event.data.get("approval") or ""),
        step=event.step or "",
        ask=str(asked.get("ask") or ""),
        options=_texts(event.data.get("options")),
        roles=_texts(event.data.get("roles")),
        deadline=moment_of(event.data.get("deadline")),
        otherwise=None if otherwise is None else str(otherwise),
    )


def escalated(question: Question, event: Event) -> Question:
    return replace(question, roles=_texts(event.data.get("roles")))


def answers(approval: str, options: Iterable[str]) -> list[str]:
    """The commands that decide a question, one for each option."""
    return [_answer(approval, option) for option in options]


def _answer(approval: str, option: str) -> str:
    if option in ("approve", "reject"):
        return f"meta-agents {option} {approval}"
    words = ' --comment "…"' if option == "say" else ""
    return f"meta-agents decide {approval} {option}{words}"


def outside(path: str, waiting: Mapping[str, Wait]) -> dict[str, Wait]:
    """Without those of the step and of what is in it."""
    return {at: wait for at, wait in waiting.items() if not is_within(at, path)}


def is_within(step: str, path: str) -> bool:
    """Whether a step is the one at the path, or inside it."""
    return step == path or step.startswith((f"{path}/", f"{path}["))


def moment_of(value: Json) -> datetime | None:
    """A time that an event tells; None when it tells of none that can be read."""
    try:
        moment = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return None
    return moment if moment.tzinfo else None


def _texts(value: Json) -> tuple[str, ...]:
    return tuple(str(part) for part in value) if isinstance(value, list) else ()
