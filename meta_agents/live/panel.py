"""The panel of an execution: a line for the whole, one for its steps, the answers being written, what is waited for."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from meta_agents.live.control_lines import asks, resume_command
from meta_agents.live.state import Call, State
from meta_agents.live.style import DIM, SYMBOLS, agent_style, duration, left, one_line, safe, usage_line
from meta_agents.live.waits import Question, Wait, answers

_MOST_ROWS = 6
"""Rows of text shown of one answer being written."""
_DOING = {"chair": "choosing who speaks next", "judge": "judging the discussion", "summary": "summing up"}
"""What an agent does whose call is no turn of its own."""


def panel(state: State, now: datetime, note: str | None, console: Console, width: int, height: int) -> Iterator[Text]:
    """Lines no wider than `width`, and no more than `height` (at least 6) of them; `note` is shown last."""
    yield _one_line(_head(state, now), width)
    if steps := _top_steps(state):
        yield _one_line(steps, width)
    # The head, the steps, the note, the count of the rest and the cursor need rows of their own.
    room = max(height - 5, 1)
    waiting = _waiting(state, now, room // 2 if state.calls else room)
    yield from _calls(state, console, width, room - len(waiting))
    for line in waiting:
        yield _one_line(line, width)
    if note is not None:
        yield _one_line(Text(note, "yellow"), width)


def _head(state: State, now: datetime) -> Text:
    elapsed = duration((state.ended or now) - state.started) if state.started else "waiting to start"
    name = safe(state.workflow) or "…"
    status = (state.status, "" if state.status == "running" else "yellow")
    return Text.assemble((name, "bold"), "  ", status, f"  {elapsed}  ", (usage_line(state.usage), DIM))


def _top_steps(state: State) -> Text:
    line = Text()
    for step in state.steps.values():
        if "/" not in step.path:
            symbol, style = SYMBOLS[step.progress]
            line.append(f"{symbol} ", style).append(f"{safe(step.path)}  ")
    return line


def _calls(state: State, console: Console, width: int, room: int) -> Iterator[Text]:
    """Every call in a line, with rows of text below each while there is room for that."""
    calls = list(state.calls.values())
    rows = min(_MOST_ROWS, room // len(calls) - 1) if calls else 0
    for call in calls[:room]:
        head = _call_head(state, call)
        if call.waiting is not None:
            yield _one_line(head.append(f" {one_line(call.waiting)}", "yellow"), width)
        elif rows <= 0:
            yield _one_line(_with_tail(head, call, width), width)
        else:
            yield _one_line(head, width)
            yield from _written(call, console, width, rows)
    if len(calls) > room:
        yield _one_line(Text(f"  and {len(calls) - room} more", DIM), width)


def _waiting(state: State, now: datetime, room: int) -> list[Text]:
    """What somebody or something must do before it goes on, in no more lines than there is room for."""
    lines = [Text.assemble(("‖ ", "yellow"), f"paused: {resume_command(state)}")] if state.status == "paused" else []
    for asked in state.questions.values():
        lines += _question(asked, now)
    lines += [_wait(wait, now) for wait in state.waits.values()]
    if len(lines) <= room:
        return lines
    shown = lines[: max(room - 1, 0)]
    return [*shown, Text("  and more that waits", DIM)][:room]


def _question(asked: Question, now: datetime) -> Iterator[Text]:
    """The question, and the first of the commands that answer it: what `narrate` says names them all."""
    yield asks(asked)
    line = Text(f"  {safe(next(iter(answers(asked.id, asked.options)), ''))}")
    if asked.deadline is not None:
        line.append(f"  else {safe(asked.otherwise or '')} {left(asked.deadline, now)}", DIM)
    yield line


def _wait(wait: Wait, now: datetime) -> Text:
    line = Text.assemble(("◷ ", "cyan"), safe(wait.step))
    if wait.event is None:
        return line.append(f" goes on {left(wait.until, now)}" if wait.until else " waits")
    line.append(f" waits for the event {safe(wait.event)}")
    return line.append(f", gives up {left(wait.until, now)}" if wait.until else "", DIM)


def _call_head(state: State, call: Call) -> Text:
    head = Text.assemble(
        ("↻ ", "yellow") if call.waiting else ("● ", "cyan"),
        (safe(call.agent), agent_style(call.agent, state.agents)),
        (f" {safe(call.step)}", DIM),
    )
    if call.role in _DOING:
        head.append(f" {_DOING[call.role]}", DIM)
    if call.attempt > 1:
        head.append(f" try {call.attempt}", "yellow")
    return head


def _written(call: Call, console: Console, width: int, rows: int) -> Iterator[Text]:
    """The last rows of the answer so far."""
    # Twice the room, because wrapping leaves rows short.
    known = call.text[-width * rows * 2 :]
    if known:
        missing = "…" if call.start > 0 or len(known) < len(call.text) else ""
        for line in Text(missing + safe(known)).wrap(console, max(width - 4, 1))[-rows:]:
            yield Text("    ").append_text(line)


def _with_tail(head: Text, call: Call, width: int) -> Text:
    """The line with as much of the end of the answer as fits."""
    room = max(width - head.cell_len - 2, 0)
    tail = one_line(call.text[-room * 2 :] if room else "")
    while cell_len(tail) > room:
        tail = tail[1:]
    return head.append(f"  {tail}")


def _one_line(text: Text, width: int) -> Text:
    text.truncate(width, overflow="ellipsis")
    return text
