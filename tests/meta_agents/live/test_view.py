from __future__ import annotations

import io
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import pytest
from rich.cells import cell_len
from rich.console import Console

from meta_agents.live import LiveView
from tests.meta_agents.samples import (
    ERROR,
    asked,
    call_completed,
    call_started,
    completed,
    delta,
    event,
    parsed,
    short_log,
    started,
)

NOW = datetime(2026, 11, 22, 12, 0, 11, tzinfo=UTC)


def view_after(items: Iterable[dict[str, Any]], execution: str = "") -> LiveView:
    view = LiveView(Console(file=io.StringIO()), execution=execution, now=lambda: NOW)
    for item in items:
        view.feed(parsed(item))
    return view


def panel(view: LiveView, width: int = 60, height: int = 20) -> list[str]:
    """The panel as lines of plain text."""
    console = Console(file=io.StringIO(), width=width, height=height, color_system=None)
    with console.capture() as captured:
        console.print(view)
    return [line.rstrip() for line in captured.get().splitlines()]


def printed(items: Iterable[dict[str, Any]], **options: Any) -> str:
    out = io.StringIO()
    with LiveView(Console(file=out, **options), now=lambda: NOW) as view:
        for item in items:
            view.feed(parsed(item))
    return out.getvalue()


def test_before_anything_is_known() -> None:
    assert panel(view_after([]))[0].startswith("…  running  waiting to start")


def test_the_whole_and_its_steps() -> None:
    log = [
        started(),
        event(2, "step.started", step="research", kind="concurrent"),
        event(3, "step.started", step="research/market", kind="agent"),
        event(4, "step.completed", step="research"),
        event(5, "step.skipped", step="law"),
        event(6, "step.started", step="write", kind="agent"),
        call_completed("research/market", "market", "Tea."),
    ]

    assert panel(view_after(log), width=80) == [
        "brief  running  10.0 s  1 call, 10 tokens in, 5 out, $0.0010",
        "✓ research  ⊘ law  ● write",
    ]


def test_one_who_writes_has_room() -> None:
    text = "".join(f"word{number} " for number in range(60))
    lines = panel(view_after([started(), call_started("write", "writer"), delta("write", 0, text)]))

    assert lines[1] == "● writer write"
    assert len(lines) == 2 + 6
    assert lines[-1].strip().endswith("word59")


def test_several_who_write_each_have_a_line() -> None:
    names = [f"agent{number}" for number in range(12)]
    calls = [call_started(f"all/{name}", name) for name in names]
    deltas = [delta(f"all/{name}", 0, f"I am {name}, and this is a\nlong story of mine: END") for name in names]
    lines = panel(view_after([started(), *calls, *deltas]))

    assert len(lines) == 1 + 12
    for name, line in zip(names, lines[1:], strict=True):
        assert line.startswith(f"● {name} all/{name}  ")
        assert line.endswith("story of mine: END")


def test_more_than_fit_are_counted() -> None:
    calls = [call_started(f"all/{number}", f"agent{number}") for number in range(30)]
    lines = panel(view_after([started(), *calls]), height=12)

    assert lines[-1] == "  and 23 more"
    assert len(lines) <= 12


@pytest.mark.parametrize("width", [1, 10, 40, 200])
@pytest.mark.parametrize("height", [6, 24])
@pytest.mark.parametrize("count", [0, 1, 3, 40])
def test_nothing_is_wider_or_higher_than_the_terminal(width: int, height: int, count: int) -> None:
    steps = [event(1, "step.started", step=f"a-step-{number}", kind="agent") for number in range(30)]
    calls = [call_started(f"all/{number}", f"agent{number}") for number in range(count)]
    deltas = [delta(f"all/{number}", 0, "日本語のテキスト 🙂\n" * 30) for number in range(count)]
    waits = [event(1, "step.waiting", step=f"w-{number}", **{"for": "event", "event": "go"}) for number in range(9)]
    paused = event(1, "execution.paused", by="ann")
    view = view_after([started(), *steps, *calls, *deltas, *waits[:count], *[asked(), paused][:count]])
    view.note("The connection was lost; trying again …")

    lines = panel(view, width, height)

    assert len(lines) <= height
    assert all(cell_len(line) <= width for line in lines)


def test_a_chair_a_second_try_and_a_wait_are_told_apart() -> None:
    failure = {"call": "call:c", "attempt": 1, "error": ERROR, "retry_in": 2}
    log = [
        started(),
        call_started("a", "chair", role="chair"),
        call_started("b", "bob", attempt=2),
        call_started("c", "cid"),
        event(5, "call.failed", step="c", agent="cid", **failure),
    ]

    assert panel(view_after(log))[1:] == [
        "● chair a choosing who speaks next",
        "● bob b try 2",
        "↻ cid c The model did not answer.",
    ]


def test_what_somebody_has_to_do_for_it() -> None:
    log = [
        started(),
        event(2, "execution.paused", by="ann"),
        asked(deadline="2026-11-22T14:00:11Z"),
        event(4, "step.waiting", step="rest", **{"for": "time", "until": "2026-11-22T12:04:16Z"}),
        event(5, "step.waiting", step="hold", **{"for": "event", "event": "go", "until": "2026-11-22T12:00:00Z"}),
    ]

    assert panel(view_after(log, execution="0123"), width=80) == [
        "brief  paused  10.0 s  0 calls, 0 tokens in, 0 out, $0.0000",
        "‖ paused: meta-agents resume 0123",
        "? sign-off asks operator: Publish this?",
        "  meta-agents approve q-sign-off  else reject in 2 h 00 m",
        "◷ rest goes on in 4 m 05 s",
        "◷ hold waits for the event go, gives up now",
    ]


def test_who_waits_leaves_room_for_who_writes() -> None:
    questions = [asked(f"sign-off-{number}") for number in range(20)]
    writing = [call_started("write", "writer"), delta("write", 0, "word " * 200)]
    lines = panel(view_after([started(), *questions, *writing]), height=15)

    assert lines[1] == "● writer write"
    assert lines[-1] == "  and more that waits"
    assert len(lines) == 1 + 5 + 5


def test_a_note_lasts_until_the_next_item() -> None:
    view = view_after([started()])
    view.note("The connection was lost")
    assert panel(view)[-1] == "The connection was lost"

    view.feed(parsed(delta("write", 0, "x")))
    assert "The connection was lost" not in panel(view)


def test_answers_cannot_command_the_terminal() -> None:
    view = view_after([started(), call_started("write", "writer"), delta("write", 0, "\x1b[2Jgone [bold]kept[/bold]")])

    assert panel(view)[-1].strip() == "\ufffd[2Jgone [bold]kept[/bold]"


def test_elsewhere_than_in_a_terminal_only_lines_are_printed() -> None:
    long_line = "word " * 60
    out = printed([*short_log(long_line)[:3], delta("write", 0, "wo"), *short_log(long_line)[3:]], width=80)

    assert out.splitlines() == [
        "▶ brief, version 1",
        "● write agent",
        "writer write  1.5 s, 10 in, 5 out",
        f"    {long_line}",
        "✓ completed in 8.0 s  1 call, 10 tokens in, 5 out, $0.0010",
    ]


def test_elsewhere_a_note_is_printed_once() -> None:
    out = io.StringIO()
    view = LiveView(Console(file=out))
    for _ in range(3):
        view.note("The connection was lost")

    assert out.getvalue() == "The connection was lost\n"


def test_in_a_terminal_the_panel_comes_and_goes() -> None:
    writing = [started(), call_started("write", "writer"), delta("write", 0, "Hel")]
    # What is printed above draws the panel again.
    log = [*writing, event(4, "step.started", step="other", kind="agent"), completed()]
    out = printed(log, force_terminal=True, width=60, height=20, color_system=None)

    assert "\x1b[?25l" in out
    assert out.index("\x1b[?25l") < out.index("● writer write") < out.rindex("\x1b[?25h")
    assert "▶ brief, version 1" in out


def test_in_a_terminal_a_paragraph_goes_on_under_its_beginning() -> None:
    log = [started(), call_completed("write", "writer", "word " * 30)]
    out = printed(log, force_terminal=True, width=40, height=20, color_system=None)

    wrapped = [line for line in out.splitlines() if "word word" in line]
    assert len(wrapped) > 3
    assert all("    word" in line for line in wrapped)
