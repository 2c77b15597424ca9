"""`diff`."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from meta_agents.cli.context import AsJson, client_of, console, print_json
from meta_agents.diffs import Change, Changes, Diff, DiffRow, DiffSide, StepSummary
from meta_agents.live.style import duration, shown, usage_line

_MARKS = {
    "same": ("=", "bright_black"),
    "changed": ("≠", "yellow"),
    "only_left": ("-", "red"),
    "only_right": ("+", "green"),
}
"""Shape and colour of each alignment: the shape and a word tell, for who sees no colours."""
_WORDS = {"same": "same", "only_left": "only left", "only_right": "only right"}
_FIRST = "►"
_DIM = "bright_black"

LeftId = Annotated[str, typer.Argument(metavar="LEFT", help="An execution's id.", show_default=False)]
RightId = Annotated[str, typer.Argument(metavar="RIGHT", help="Another's, such as its retry.", show_default=False)]


def diff(
    context: typer.Context,
    left: LeftId,
    right: RightId,
    changed: Annotated[bool, typer.Option("--changed", help="Leave out the steps that are the same.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="Print no more steps than these.")] = 1_000,
    as_json: AsJson = False,
) -> None:
    """Compare two executions step by step: where they part first, what each cost and how long it took."""
    with client_of(context) as client:
        made = client.executions.diff(left, right, changed=changed, limit=limit)
    if as_json:
        print_json(made.as_sent())
        return
    out = console()
    for line in _heading(made):
        out.print(line, soft_wrap=True)
    out.print(_table(made))
    for line in _conclusion(made):
        out.print(line, soft_wrap=True)


def _heading(made: Diff) -> Iterator[Text]:
    yield _side("left ", made.left)
    yield _side("right", made.right)
    yield Text()
    for name, found in (("input", made.input), ("definitions", made.definitions), ("output", made.output)):
        yield from _changes(name, found)
    yield Text()


def _side(name: str, side: DiffSide) -> Text:
    version = "" if side.workflow_version is None else f"@{side.workflow_version}"
    line = Text.assemble((f"{name}  ", "bold"), f"{side.id}  {side.workflow}{version}  {side.status}")
    if side.error:
        line.append(f": {side.error}")
    return line.append(f"  {usage_line(side.usage)}, {_time(side.seconds)}", _DIM)


def _changes(name: str, found: Changes) -> Iterator[Text]:
    number = len(found.items) + found.left_out
    if not number:
        yield Text.assemble((f"= {name}: ", _DIM), "same")
        return
    yield Text.assemble(("≠ ", "yellow"), f"{name}: {number} {'difference' if number == 1 else 'differences'}")
    for change in found.items:
        yield Text(f"    {change.pointer or '(all of it)'} {change.kind}")
        yield from _both(change)
    if found.left_out:
        yield Text(f"    and {found.left_out} more", _DIM)


def _both(change: Change) -> Iterator[Text]:
    if change.kind != "added":
        yield _indented("-", "red", shown(change.left))
    if change.kind != "removed":
        yield _indented("+", "green", shown(change.right))


def _indented(mark: str, style: str, text: str) -> Text:
    lines = text.splitlines() or [""]
    return Text("\n").join([Text.assemble((f"      {mark} ", style), line) for line in lines])


def _table(made: Diff) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("", "STEP", "WHAT DIFFERS"):
        table.add_column(column, overflow="fold")
    for column in ("COST LEFT", "RIGHT", "TIME LEFT", "RIGHT"):
        table.add_column(column, justify="right", no_wrap=True)
    for row in made.rows:
        mark, style = _MARKS.get(row.alignment, ("?", ""))
        symbol = Text(f"{_FIRST}{mark}" if row.first else f" {mark}", style)
        table.add_row(symbol, row.path, _what(row), *_costs(row), *_times(row))
    if made.left_out:
        table.add_row("", f"… and {made.left_out} more steps")
    costs = [_money(side.usage.cost_usd) for side in (made.left, made.right)]
    table.add_row("", "in all", "", *costs, _time(made.left.seconds), _time(made.right.seconds), style="bold")
    return table


def _what(row: DiffRow) -> Text:
    words = [_WORDS[row.alignment]] if row.alignment in _WORDS else []
    words.extend(aspect.replace("_", " ") for aspect in row.differs)
    text = Text(", ".join(words), "" if row.differs else _DIM)
    if row.right and (row.right.reused or row.right.edited):
        text.append(" (given)" if row.right.edited else " (reused)", _DIM)
    if row.first:
        text.append(f"  {_FIRST} first other {' and '.join(row.first)}", "bold")
    return text


def _costs(row: DiffRow) -> list[str]:
    """Nothing for a step that made no call itself."""
    return [_money(step.usage.cost_usd) if step and step.requests else "" for step in (row.left, row.right)]


def _times(row: DiffRow) -> list[str]:
    return ["" if step is None or step.seconds is None else _time(step.seconds) for step in (row.left, row.right)]


def _conclusion(made: Diff) -> Iterator[Text]:
    yield Text()
    if made.first.request is None and made.first.output is None:
        yield Text("= No step was asked anything else, and none gave another output.")
        return
    cause, effect = made.first.request, made.first.output
    if cause is None:
        yield Text("= No step was asked anything else.")
    else:
        yield Text.assemble((f"{_FIRST} ", "bold"), f"First other request or definition: {cause}")
    if effect is None:
        yield Text("= No step gave another output.")
    else:
        yield Text.assemble((f"{_FIRST} ", "bold"), f"First other output: {effect}")
        row = next((row for row in made.rows if row.path == effect), None)
        if row is not None:
            yield _indented("-", "red", _ending(row.left))
            yield _indented("+", "green", _ending(row.right))


def _ending(step: StepSummary | None) -> str:
    if step is None:
        return "(not there)"
    if step.artifact:
        return f"(a large output: artifact {step.artifact})"
    return f"{step.status}: {step.preview}" if step.status != "completed" else step.preview


def _money(cost: Decimal | None) -> str:
    return "not known" if cost is None else f"${cost:.4f}"


def _time(seconds: float) -> str:
    return duration(timedelta(seconds=seconds))
