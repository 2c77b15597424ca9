"""What is said of control: pauses and cancels, what is waited for, questions to people and what they decided."""

from __future__ import annotations

from rich.text import Text

from meta_agents.live.state import State, text_of
from meta_agents.live.style import DIM, agent_style, clock, one_line, safe, shown
from meta_agents.live.waits import Question, answers, question_of, wait_of
from meta_agents.results import Event

NEEDS_SOMEBODY = frozenset({"execution.paused", "step.waiting", "approval.requested"})
"""Types of the events after which it may be for whoever watches to do something."""


def paused(state: State, event: Event) -> Text:
    line = Text.assemble(("‖ ", "yellow"), f"paused by {_by(event)}: what is under way ends, nothing new begins")
    if text_of(event.data, "by") == "budget":
        return line  # what to do about that has been said
    return line.append(f"\n    {resume_command(state)}")


def budget_reached(state: State, event: Event) -> Text:
    """Which budget is used up, and the command that raises it."""
    name, path = text_of(event.data, "budget"), text_of(event.data, "path")
    whose = f"the budget {name}" if name else f"the budget of {path}" if path else "the execution's budget"
    line = Text.assemble(("$ ", "yellow"), safe(f"{whose} is used up: {text_of(event.data, 'what') or ''}"))
    cap = event.data.get("cap")
    option = next((key for key in cap if cap[key] is not None), "cost_usd") if isinstance(cap, dict) else "cost_usd"
    if name is not None:
        return line.append(f"\n    meta-agents budget set {safe(name)} --{option.replace('_', '-')} AMOUNT")
    where = f" {safe(path)}" if path else ""
    id = safe(state.execution or "ID")
    return line.append(f"\n    meta-agents budget raise {id}{where} --{option.replace('_', '-')} AMOUNT")


def budget_raised(_: State, event: Event) -> Text:
    to, path = event.data.get("to"), text_of(event.data, "path")
    amounts = ", ".join(f"{key} {amount}" for key, amount in to.items()) if isinstance(to, dict) else ""
    whose = f"the budget of {path}" if path else "the execution's budget"
    return Text.assemble(("$ ", "cyan"), safe(f"{_by(event)} raised {whose} to {amounts}"))


def resumed(_: State, event: Event) -> Text:
    return Text.assemble(("▶ ", "cyan"), f"resumed by {_by(event)}")


def cancel_requested(_: State, event: Event) -> Text:
    return Text.assemble(("■ ", "yellow"), f"canceling, as {_by(event)} asked: what is under way is broken off")


def waiting(state: State, event: Event) -> Text | None:
    if event.data.get("for") == "semaphore":
        name, place = text_of(event.data, "semaphore") or "", text_of(event.data, "position") or "?"
        line = Text.assemble(("◷ ", "cyan"), safe(event.step or ""))
        return line.append(f" waits for its turn at {safe(name)}, as number {safe(place)}")
    wait = wait_of(event)
    if wait is None:
        # That it is paused has been said.
        return None
    line = Text.assemble(("◷ ", "cyan"), safe(wait.step))
    until = f" until {clock(wait.until)}" if wait.until else ""
    if wait.event is None:
        return line.append(f" waits{until}")
    return line.append(f" waits{until} for the event {safe(wait.event)}\n    {send_command(state, wait.event)}")


def received(_: State, event: Event) -> Text:
    return Text.assemble(("◆ ", "cyan"), f"{_by(event)} sent the event {safe(text_of(event.data, 'name') or '')}")


def requested(_: State, event: Event) -> Text:
    """The question, what to look at, until when, and the commands that answer it."""
    asked = question_of(event)
    line = asks(asked)
    show = event.value.get("show") if isinstance(event.value, dict) else None
    if event.artifact is not None and event.value is None:
        show = f"(too long for here: meta-agents get approval {asked.id})"
    if show is not None:
        for paragraph in shown(show).splitlines():
            line.append(f"\n    {paragraph}", DIM)
    if asked.deadline is not None:
        line.append(f"\n    by {clock(asked.deadline)}; after that: {safe(asked.otherwise or '')}", DIM)
    for command in answers(asked.id, asked.options):
        line.append(f"\n    {safe(command)}")
    return line


def asks(asked: Question) -> Text:
    line = Text.assemble(("? ", "bold yellow"), safe(asked.step), (f" asks {', '.join(map(safe, asked.roles))}", DIM))
    return line.append(f": {one_line(asked.ask)}")


def escalated(_: State, event: Event) -> Text:
    roles = event.data.get("roles")
    named = ", ".join(safe(str(role)) for role in roles) if isinstance(roles, list) else ""
    return Text.assemble(("? ", "bold yellow"), f"{safe(event.step or '')} now asks {named}")


def decided(state: State, event: Event) -> Text:
    speaker = text_of(event.data, "speaker")
    if speaker is not None:
        return _spoken(state, event, speaker)
    decision = safe(text_of(event.data, "decision") or "")
    in_time = event.data.get("how") != "deadline"
    who = f"{_by(event)} decided" if in_time else "nobody decided in time, what counts is"
    comment = one_line(_comment(event))
    line = Text.assemble(("◆ ", "cyan"), f"{safe(event.step or '')}: {who} {decision}")
    return line.append(f": {comment}" if comment else "")


def _spoken(state: State, event: Event, speaker: str) -> Text:
    """The words of a person in a chat stand where those of an agent would."""
    words = _comment(event)
    body = shown(words) if event.data.get("decision") == "say" and words else "(passes)"
    line = Text.assemble((safe(speaker), agent_style(speaker, state.agents)), (f" {safe(event.step or '')}", DIM))
    for paragraph in body.splitlines():
        line.append(f"\n    {paragraph}")
    return line


def _comment(event: Event) -> str:
    """Whole where it is a turn's value, else its beginning."""
    whole = event.value.get("comment") if isinstance(event.value, dict) else None
    return whole if isinstance(whole, str) else text_of(event.data, "comment") or ""


def resume_command(state: State) -> str:
    return f"meta-agents resume {safe(state.execution or 'ID')}"


def send_command(state: State, event: str) -> str:
    return f"meta-agents send {safe(state.execution or 'ID')} {safe(event)}"


def _by(event: Event) -> str:
    return safe(text_of(event.data, "by") or "nobody who is known")
