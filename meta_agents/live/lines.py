"""What an event says to somebody reading along: some lines of text, or nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta

from pydantic import ValidationError
from rich.text import Text

from meta_agents.live import control_lines, tool_lines
from meta_agents.live.state import Progress, State, problem_of, text_of, usage_of
from meta_agents.live.style import DIM, SYMBOLS, agent_style, duration, one_line, safe, shown, usage_line
from meta_agents.results import Event, Fork, Problem


def narrate(state: State, event: Event) -> Text | None:
    """The lines for an event, given the state after it; None when there is nothing to say. What belongs to the line
    above is indented."""
    tell = _TELLERS.get(event.type)
    return tell(state, event) if tell else None


def _started(state: State, event: Event) -> Text:
    version = "" if state.version is None else f", version {state.version}"
    line = Text.assemble(("▶ ", "cyan"), (safe(state.workflow), "bold"), safe(version))
    if (other := text_of(event.data, "retry_of")) is not None:
        line.append(f"\n    {safe(f'goes on from {other}{_forked(event)}')}", DIM)
    return line


def _forked(event: Event) -> str:
    """What a fork changes, as far as its first event says."""
    try:
        fork = Fork.model_validate(event.data.get("fork"))
    except ValidationError:
        return ""
    parts = []
    if fork.before is not None:
        parts.append(f"anew from {fork.before}")
    elif fork.until is not None:
        parts.append(f"anew after offset {fork.until - 1}")
    parts += [f"with another {name.replace('agents/', 'agent ')}" for name in fork.edited]
    parts += [f"with the output of {path} given" for path in fork.outputs]
    return "".join(f", {part}" for part in parts)


def _step(state: State, event: Event) -> Text:
    step = state.steps[event.step or ""]
    line = _marked(step.progress, step.path)
    if step.progress is Progress.RUNNING:
        return line.append(f" {safe(step.kind)}", DIM)
    if step.progress is Progress.SKIPPED:
        return line.append(f" skipped: {safe(text_of(event.data, 'reason') or 'no reason given')}", DIM)
    if step.progress is Progress.FAILED:
        return _with_problem(line, problem_of(event))
    if step.progress is Progress.CANCELED:
        return line.append(f" canceled: {safe(text_of(event.data, 'reason') or 'no reason given')}", DIM)
    if event.data.get("edited") is True:
        return line.append(" given by the fork", DIM)
    # Of a chat, an event of its own has said why.
    return line if step.kind == "group_chat" else line.append(_stopped(event), DIM)


def _stopped(event: Event) -> str:
    """Why a loop, a join or a handoff came to its end."""
    reason, evidence = text_of(event.data, "stop_reason"), text_of(event.data, "evidence")
    return f" ({safe(reason.replace('_', ' '))}: {one_line(evidence)})" if reason and evidence else ""


def _loop_round(_: State, event: Event) -> Text:
    loop = (event.step or "").rpartition("/")[0]
    return Text.assemble(("↻ ", "cyan"), safe(loop), (f" round {text_of(event.data, 'round') or '?'}", DIM))


def _call_completed(state: State, event: Event) -> Text | None:
    if "tool" in event.data:
        reused_from = text_of(event.data, "reused_from")
        return tool_lines.gave(event, f"reused from {safe(reused_from)}" if reused_from else _facts(event))
    if event.data.get("role") not in (None, "tool"):
        # What came of a chair's choice, a judge's verdict or a summary is told by an event of its own.
        return None
    line = _speaker(state, event)
    reused_from = text_of(event.data, "reused_from")
    if reused_from is not None:
        line.append(f"  reused from {safe(reused_from)}", DIM)
    else:
        line.append(f"  {_facts(event)}", DIM)
    not_loaded = event.artifact is not None and event.value is None
    body = f"(a large answer: artifact {safe(event.artifact or '')})" if not_loaded else shown(event.value)
    return _with_body(line, body)


def _call_rejected(state: State, event: Event) -> Text:
    problem = problem_of(event)
    why = "is not accepted" if problem is not None and problem.code == "model_not_accepted" else "does not fit"
    line = Text.assemble(("↻ ", "yellow"), _speaker(state, event), f" gave an answer that {why}")
    return _with_problem(line, problem)


def _call_failed(state: State, event: Event) -> Text:
    problem = problem_of(event)
    if problem is not None and problem.code == "canceled":
        line = Text.assemble(("■ ", "yellow"), _speaker(state, event), " was broken off")
        return _with_body(line.append(", having said:"), shown(event.value), DIM) if event.value else line
    retry_in = event.data.get("retry_in")
    mark = ("✗ ", "red") if retry_in is None else ("↻ ", "yellow")
    line = Text.assemble(mark, _speaker(state, event), f" try {text_of(event.data, 'attempt') or 1} failed")
    line = _with_problem(line, problem)
    return line if retry_in is None else line.append(f"\n    trying again in {retry_in} s", DIM)


def _speaker_chosen(state: State, event: Event) -> Text:
    by = safe((text_of(event.data, "by") or "").replace("_", " "))
    reason = safe(text_of(event.data, "reason") or "")
    line = Text.assemble(("→ ", DIM), (safe(event.agent or ""), agent_style(event.agent or "", state.agents)))
    return line.append(f" speaks next ({': '.join(part for part in (by, reason) if part)})", DIM)


def _handed_off(state: State, event: Event) -> Text:
    to, reason = text_of(event.data, "to") or "", text_of(event.data, "reason")
    line = Text.assemble(("→ ", DIM), (safe(event.agent or ""), agent_style(event.agent or "", state.agents)))
    line.append(" hands over to ", DIM).append(safe(to), agent_style(to, state.agents))
    return line.append(f": {one_line(reason)}" if reason else "", DIM)


def _judged(state: State, event: Event) -> Text:
    found = "yes" if event.data.get("settled") is True else "no"
    return _remark(state, event, f"says {found}: {text_of(event.data, 'reason') or 'no reason given'}")


def _summarised(state: State, event: Event) -> Text:
    covers = event.data.get("covers")
    first, last = covers if isinstance(covers, list) and len(covers) == 2 else ("?", "?")
    return _remark(state, event, f"has summed up turns {first}-{last}")


def _remark(state: State, event: Event, text: str) -> Text:
    name = (safe(event.agent or ""), agent_style(event.agent or "", state.agents))
    return Text.assemble(("· ", DIM), name, (f" {safe(text)}", DIM))


def _chat_ended(state: State, event: Event) -> Text:
    reason = safe(text_of(event.data, "stop_reason") or "")
    line = Text(f"◆ {safe(event.step or '')} ended after {text_of(event.data, 'turns') or '?'} turns: {reason}")
    evidence = event.data.get("evidence")
    return line.append(f"\n    {shown(evidence)}", DIM) if evidence else line


def _ended(state: State, event: Event) -> Text:
    progress = Progress(state.status)
    took = f" in {duration(state.ended - state.started)}" if state.started and state.ended else ""
    line = _marked(progress, f"{state.status}{took}").append(f"  {usage_line(state.usage)}", DIM)
    return _with_problem(line, state.error) if progress is Progress.FAILED else line


def _marked(progress: Progress, text: str) -> Text:
    symbol, style = SYMBOLS[progress]
    return Text.assemble((f"{symbol} ", style), safe(text))


def _speaker(state: State, event: Event) -> Text:
    tool = text_of(event.data, "tool")
    name = event.agent or "" if tool is None else tool
    style = "bold" if tool is not None else agent_style(name, state.agents)
    return Text.assemble((safe(name), style), (f" {safe(event.step or '')}", DIM))


def _facts(event: Event) -> str:
    seconds = event.data.get("seconds")
    parts = [duration(timedelta(seconds=seconds))] if isinstance(seconds, int | float) else []
    if "usage" in event.data:
        usage = usage_of(event)
        parts.append(f"{usage.tokens_in:,} in, {usage.tokens_out:,} out")
    if event.data.get("cached") is True:
        parts.append("a kept answer, free")
    passed = event.data.get("passed_over")
    parts += [f"instead of {safe(text_of(one, 'alias') or '?')}" for one in passed or () if isinstance(one, dict)]
    if event.data.get("finish_reason") == "length":
        parts.append("cut off at its limit")
    return ", ".join(parts)


def _with_body(line: Text, body: str, style: str = "") -> Text:
    for paragraph in body.splitlines() or [""]:
        line.append(f"\n    {paragraph}", style)
    return line


def _with_problem(line: Text, problem: Problem | None) -> Text:
    if problem is None:
        return line
    line.append(f": {safe(problem.message)}", "red")
    return line.append(f"\n    {safe(problem.action)}", DIM) if problem.action else line


_TELLERS: Mapping[str, Callable[[State, Event], Text | None]] = {
    "execution.started": _started,
    "execution.completed": _ended,
    "execution.failed": _ended,
    "execution.canceled": _ended,
    "execution.paused": control_lines.paused,
    "execution.resumed": control_lines.resumed,
    "execution.cancel_requested": control_lines.cancel_requested,
    "budget.reached": control_lines.budget_reached,
    "budget.raised": control_lines.budget_raised,
    "step.started": _step,
    "step.completed": _step,
    "step.failed": _step,
    "step.skipped": _step,
    "step.canceled": _step,
    "step.waiting": control_lines.waiting,
    "signal.received": control_lines.received,
    "call.completed": _call_completed,
    "call.rejected": _call_rejected,
    "call.asked": tool_lines.asked,
    "call.failed": _call_failed,
    "chat.speaker_chosen": _speaker_chosen,
    "chat.judged": _judged,
    "chat.summarised": _summarised,
    "chat.ended": _chat_ended,
    "handoff.passed": _handed_off,
    "loop.round": _loop_round,
    "approval.requested": control_lines.requested,
    "approval.escalated": control_lines.escalated,
    "approval.decided": control_lines.decided,
}
