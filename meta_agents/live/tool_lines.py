"""What is said of tools: which an agent asks for and with what, and what they gave."""

from __future__ import annotations

import json

from rich.text import Text

from meta_agents.live.state import State, text_of
from meta_agents.live.style import DIM, agent_style, one_line, safe, shown
from meta_agents.results import Event, Json

_MOST_CHARACTERS = 200
"""Of arguments, and of each line of a result."""
_MOST_LINES = 6


def asked(state: State, event: Event) -> Text:
    """What the agent said, and each call it asks for; one that is not made, with the reason."""
    line = Text.assemble(
        ("⚒ ", "cyan"),
        (safe(event.agent or ""), agent_style(event.agent or "", state.agents)),
        (f" {safe(event.step or '')}", DIM),
        " asks for tools",
    )
    value = event.value if isinstance(event.value, dict) else {}
    if words := str(value.get("text") or "").strip():
        line.append(f"\n    {shown(words)}")
    asks = event.data.get("asks")
    for call, ask in zip(_list(value.get("tool_calls")), _list(asks), strict=False):
        line.append(f"\n    {called(str(call.get('name')), call.get('arguments'))}")
        if ask.get("refused"):
            line.append(f"  not called: {one_line(str(ask['refused']))}", "yellow")
    return line


def gave(event: Event, facts: str) -> Text:
    """The result of a tool call, as much of it as one glances at."""
    line = Text.assemble(("⚒ ", "green"), (safe(text_of(event.data, "tool") or ""), "bold"))
    line.append(f" {safe(event.step or '')}", DIM).append(f"  {facts}", DIM)
    if event.artifact is not None and event.value is None:
        return line.append(f"\n    (a large result: artifact {safe(event.artifact)})")
    rows = shown(event.value).splitlines()
    for row in rows[:_MOST_LINES]:
        line.append(f"\n    {_cut(row)}")
    return line.append(f"\n    … and {len(rows) - _MOST_LINES} lines more", DIM) if len(rows) > _MOST_LINES else line


def called(name: str, arguments: Json) -> str:
    """`find-order(number="A-1001")`."""
    if not isinstance(arguments, dict):
        return f"{safe(name)}(…)"
    parts = (f"{key}={json.dumps(value, ensure_ascii=False)}" for key, value in arguments.items())
    return f"{safe(name)}({_cut(one_line(', '.join(parts)))})"


def _cut(text: str) -> str:
    return text if len(text) <= _MOST_CHARACTERS else f"{text[: _MOST_CHARACTERS - 1]}…"


def _list(value: Json) -> list[dict[str, Json]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
