"""What the stand-in for the API answers about evaluations: one of two cases, the second of which did not pass."""

from __future__ import annotations

from typing import Any

USAGE = {"model_calls": 2, "tokens_in": 20, "tokens_out": 4, "cost_usd": "0.0012"}
PASSED = {"score": 1.0, "passed": True, "reason": ""}
MISSED = {"score": 0.0, "passed": False, "reason": "it is not what is expected"}


def record(id: str, kind: str = "evaluation", **fields: Any) -> dict[str, Any]:
    evaluation = {
        "kind": kind,
        "agent": "host@2",
        "workflow": None,
        "prompt": "greet@3" if kind == "trial" else None,
        "dataset": None if kind == "trial" else "capitals@1",
        "graders": [{"name": "exact", "rule": "equals"}],
        "cases": 2,
    }
    return {
        "id": id,
        "workflow": "evaluate-host",
        "status": "completed",
        "usage": USAGE,
        "created": "2026-11-22T12:00:00Z",
        "evaluation": evaluation,
        **fields,
    }


def results(id: str, kind: str = "evaluation", only_failed: bool = False, page: int = 0) -> dict[str, Any]:
    interval = {"low": 0.095, "high": 0.905}
    exact = {
        "name": "exact", "kind": "rule", "graded": 2, "unknown": 0, "passed": 1, "rate": 0.5,
        "rate_interval": interval, "mean": 0.5, "mean_interval": {"low": 0.0, "high": 1.0},
    }  # fmt: skip
    then = {"execution": "e" * 32, "step": "hi", "call": "hi#0", "output": "Bonjour", "usage": USAGE}
    recorded = {"recorded": then, "recorded_grades": {"exact": MISSED}} if kind == "trial" else {}
    past = {"recorded": USAGE, "recorded_graders": [{**exact, "rate": 0.25}], "same": 1}
    cases = [
        {"id": "fr", "input": "France", "expected": "Paris", "status": "answered", "output": "Paris", "usage": USAGE},
        {"id": "it", "input": "Italy", "expected": "Rome", "status": "answered", "output": "Mi\x1blan", "usage": USAGE},
    ]
    graded = [
        {**case, **recorded, "grades": {"exact": grade}} for case, grade in zip(cases, (PASSED, MISSED), strict=True)
    ]
    wanted = graded[1:] if only_failed else graded
    more = "next" if page + 1 < len(wanted) else None
    return {
        **record(id, kind),
        "summary": {
            "cases": 2, "answered": 2, "failed": 0, "waiting": 0, "usage": USAGE,
            "judging": {**USAGE, "model_calls": 0}, "seconds": 0.5, "graders": [exact],
            **(past if kind == "trial" else {}),
        },
        "cases": {"items": wanted[page : page + 1], "continuation": more},
    }  # fmt: skip


def comparison(left: str, right: str) -> dict[str, Any]:
    exact = {
        "name": "exact", "paired": 2, "left": 1.0, "right": 0.5, "difference": -0.5,
        "interval": {"low": -0.9, "high": -0.1}, "gained": [], "chance": 1.0,
        "lost": [{"id": "it", "left": PASSED, "right": MISSED}],
    }  # fmt: skip
    sides = {name: {**record(id), "summary": results(id)["summary"]} for name, id in (("left", left), ("right", right))}
    counts = {"paired": 2, "only_left": 0, "only_right": 1}
    return {**sides, **counts, "graders": [exact], "cost_difference": "0.0003"}
