"""What an event says to somebody reading along: some lines of text, or nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta

from rich.text import Text

from meta_agents.live.state import Progress, State, problem_of, text_of, usage_of
from meta_agents.live.style import SYMBOLS, agent_style, duration, safe, shown, usage_line
from meta_agents.results import Event, Problem

_DIM = "bright_black"


def narrate(state: State, event: Event) -> Text | None:
    """The lines for an event, given the state after it; None when there is nothing to say. What belongs to the line
    above is indented."""
    tell = _TELLERS.get(event.type)
    return tell(state, event) if tell else None


def _started(state: State, event: Event) -> Text:
    version = "" if state.version is None else f", version {state.version}"
    return Text.assemble(("▶ ", "cyan"), (safe(state.workflow), "bold"), safe(version))


def _step(state: State, event: Event) -> Text:
    step = state.steps[event.step or ""]
    line = _marked(step.progress, step.path)
    if step.progress is Progress.RUNNING:
        return line.append(f" {safe(step.kind)}", _DIM)
    if step.progress is Progress.SKIPPED:
        return line.append(f" skipped: {safe(text_of(event.data, 'reason') or 'no reason given')}", _DIM)
    if step.progress is Progress.FAILED:
        return _with_problem(line, problem_of(event))
    return line


def _call_completed(state: State, event: Event) -> Text | None:
    if event.data.get("role") is not None:
        # What came of a chair's choice, a judge's verdict or a summary is told by an event of its own.
        return None
    line = _speaker(state, event)
    reused_from = text_of(event.data, "reused_from")
    if reused_from is not None:
        line.append(f"  reused from {safe(reused_from)}", _DIM)
    else:
        line.append(f"  {_facts(event)}", _DIM)
    not_loaded = event.artifact is not None and event.value is None
    body = f"(a large answer: artifact {safe(event.artifact or '')})" if not_loaded else shown(event.value)
    for paragraph in body.splitlines() or [""]:
        line.append(f"\n    {paragraph}")
    return line


def _call_failed(state: State, event: Event) -> Text:
    retry_in = event.data.get("retry_in")
    mark = ("✗ ", "red") if retry_in is None else ("↻ ", "yellow")
    line = Text.assemble(mark, _speaker(state, event), f" try {text_of(event.data, 'attempt') or 1} failed")
    line = _with_problem(line, problem_of(event))
    return line if retry_in is None else line.append(f"\n    trying again in {retry_in} s", _DIM)


def _speaker_chosen(state: State, event: Event) -> Text:
    by = safe((text_of(event.data, "by") or "").replace("_", " "))
    reason = safe(text_of(event.data, "reason") or "")
    line = Text.assemble(("→ ", _DIM), (safe(event.agent or ""), agent_style(event.agent or "", state.agents)))
    return line.append(f" speaks next ({': '.join(part for part in (by, reason) if part)})", _DIM)


def _judged(state: State, event: Event) -> Text:
    found = "yes" if event.data.get("settled") is True else "no"
    return _remark(state, event, f"says {found}: {text_of(event.data, 'reason') or 'no reason given'}")


def _summarised(state: State, event: Event) -> Text:
    covers = event.data.get("covers")
    first, last = covers if isinstance(covers, list) and len(covers) == 2 else ("?", "?")
    return _remark(state, event, f"has summed up turns {first}-{last}")


def _remark(state: State, event: Event, text: str) -> Text:
    name = (safe(event.agent or ""), agent_style(event.agent or "", state.agents))
    return Text.assemble(("· ", _DIM), name, (f" {safe(text)}", _DIM))


def _decided(state: State, event: Event) -> Text | None:
    """The words of a person in a chat; other decisions are told by what comes of them."""
    speaker = text_of(event.data, "speaker")
    if speaker is None:
        return None
    words = event.value.get("comment") if isinstance(event.value, dict) else None
    body = shown(words) if event.data.get("decision") == "say" and words else "(passes)"
    line = Text.assemble((safe(speaker), agent_style(speaker, state.agents)), (f" {safe(event.step or '')}", _DIM))
    for paragraph in body.splitlines():
        line.append(f"\n    {paragraph}")
    return line


def _chat_ended(state: State, event: Event) -> Text:
    reason = safe(text_of(event.data, "stop_reason") or "")
    line = Text(f"◆ {safe(event.step or '')} ended after {text_of(event.data, 'turns') or '?'} turns: {reason}")
    evidence = event.data.get("evidence")
    return line.append(f"\n    {shown(evidence)}", _DIM) if evidence else line


def _ended(state: State, event: Event) -> Text:
    progress = Progress(state.status)
    took = f" in {duration(state.ended - state.started)}" if state.started and state.ended else ""
    line = _marked(progress, f"{state.status}{took}").append(f"  {usage_line(state.usage)}", _DIM)
    return _with_problem(line, state.error) if progress is Progress.FAILED else line


def _marked(progress: Progress, text: str) -> Text:
    symbol, style = SYMBOLS[progress]
    return Text.assemble((f"{symbol} ", style), safe(text))


def _speaker(state: State, event: Event) -> Text:
    agent = event.agent or ""
    return Text.assemble((safe(agent), agent_style(agent, state.agents)), (f" {safe(event.step or '')}", _DIM))


def _facts(event: Event) -> str:
    usage = usage_of(event)
    seconds = event.data.get("seconds")
    parts = [duration(timedelta(seconds=seconds))] if isinstance(seconds, int | float) else []
    parts.append(f"{usage.tokens_in:,} in, {usage.tokens_out:,} out")
    if event.data.get("finish_reason") == "length":
        parts.append("cut off at its limit")
    return ", ".join(parts)


def _with_problem(line: Text, problem: Problem | None) -> Text:
    if problem is None:
        return line
    line.append(f": {safe(problem.message)}", "red")
    return line.append(f"\n    {safe(problem.action)}", _DIM) if problem.action else line


_TELLERS: Mapping[str, Callable[[State, Event], Text | None]] = {
    "execution.started": _started,
    "execution.completed": _ended,
    "execution.failed": _ended,
    "execution.canceled": _ended,
    "step.started": _step,
    "step.completed": _step,
    "step.failed": _step,
    "step.skipped": _step,
    "call.completed": _call_completed,
    "call.failed": _call_failed,
    "chat.speaker_chosen": _speaker_chosen,
    "chat.judged": _judged,
    "chat.summarised": _summarised,
    "chat.ended": _chat_ended,
    "approval.decided": _decided,
}
