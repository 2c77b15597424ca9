from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from rich.console import Console

from meta_agents.results import Event, Execution
from tools.demo_report import Calls, Outcome, count_calls, report, write_json

TIME = datetime(2026, 3, 3, 18, 10, tzinfo=UTC)


def log(*steps: str) -> list[Event]:
    """Events from words such as `started a`: the type of call event, and the call's key."""
    split = [step.split() for step in steps]
    return [
        Event(offset=number, type=f"call.{kind}", time=TIME, data={"call": key})
        for number, (kind, key) in enumerate(split, start=1)
    ]


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        ([], Calls(0, 0)),
        (["started a", "completed a", "started b", "completed b"], Calls(0, 0)),
        (["started a", "started b", "completed b", "completed a"], Calls(0, 0)),
        (["started a", "started a", "completed a"], Calls(0, 1)),
        (["started a", "started a", "started a", "completed a"], Calls(0, 2)),
        (["started a", "started b", "started a", "started b", "completed a", "completed b"], Calls(0, 2)),
        (["started a", "failed a", "started a", "completed a"], Calls(0, 0)),
        (["started a", "failed a", "started a", "started a", "completed a"], Calls(0, 1)),
        (["started a", "completed a", "started a", "completed a"], Calls(1, 0)),
        (["started a", "completed a", "completed a"], Calls(1, 0)),
        (["started a", "completed a", "started a"], Calls(1, 0)),
        (["started a", "completed a", "started a", "started a"], Calls(1, 0)),
        (["completed a", "completed a", "completed b", "completed b"], Calls(2, 0)),
    ],
)
def test_calls_are_counted(steps: list[str], expected: Calls) -> None:
    assert count_calls(log(*steps)) == expected


def test_events_that_are_no_calls_count_for_nothing() -> None:
    steps = [Event(offset=n, type="step.started", time=TIME, step="a") for n in (1, 2)]
    assert count_calls(steps) == Calls(0, 0)


def execution(**changes: object) -> Execution:
    record = {
        "id": "x",
        "workflow": "launch-brief",
        "status": "completed",
        "stop_reason": "finished",
        "output": "\n\nA lamp.\nFor readers.",
        "turns": 3,
        "usage": {"model_calls": 3, "tokens_in": 1234, "tokens_out": 56},
        "created": "2026-03-03T18:10:00Z",
        "ended": "2026-03-03T18:10:12.34Z",
    }
    return Execution.model_validate(record | changes)


def test_an_outcome_is_the_record_and_the_counts() -> None:
    outcome = Outcome.of(execution(), log("started a", "started a", "completed a", "completed a"))
    assert outcome.model_dump() == {
        "workflow": "launch-brief",
        "status": "completed",
        "stop_reason": "finished",
        "turns": 3,
        "model_calls": 3,
        "repeated_calls": 1,
        "tokens_in": 1234,
        "tokens_out": 56,
        "seconds": 12.3,
        "resumed": 1,
        "output": "\n\nA lamp.\nFor readers.",
    }
    assert outcome.completed


@pytest.mark.parametrize(
    ("output", "line"),
    [("\n\n A lamp.\nFor all.", "A lamp."), (None, "(no result)"), ("", "(no result)"), ({"a": 1}, "{"), (7, "7")],
)
def test_the_first_line_of_a_result(output: object, line: str) -> None:
    assert Outcome.of(execution(output=output), []).first_line == line


def test_the_report_fits_a_terminal_and_obeys_no_model() -> None:
    longest = execution(workflow="incident-panel", status="completed", turns=99, output="\x1b[2J" + "word " * 99)
    failed = execution(status="failed", stop_reason=None, output=None, ended=None)
    console = Console(width=80, force_terminal=False)
    with console.capture() as capture:
        console.print(report([Outcome.of(each, []) for each in (longest, failed)]))
    shown = capture.get()
    assert all(len(line) <= 80 for line in shown.splitlines())
    assert "\x1b" not in shown
    numbers = [line.split() for line in shown.splitlines()[2:4]]
    assert numbers[0] == ["incident-panel", "completed", "finished", "99", "3", "0", "0", "1,234", "56", "12.3"]
    assert numbers[1][:4] == ["launch-brief", "failed", "-", "3"]
    assert "launch-brief  (no result)" in shown


def test_the_json_holds_every_outcome(tmp_path: Path) -> None:
    outcomes = [Outcome.of(execution(output="Für Leser"), []), Outcome.of(execution(status="failed"), [])]
    write_json(tmp_path / "demo.json", "stub", outcomes)
    text = (tmp_path / "demo.json").read_text(encoding="utf-8")
    assert "Für Leser" in text
    document = json.loads(text)
    assert document["model"] == "stub"
    assert [Outcome.model_validate(each) for each in document["executions"]] == outcomes
