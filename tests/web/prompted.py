"""Prompts with their versions and labels, and what came of evaluating them."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from tests.web.stories import Json

TRIAL = "0198f1aa0031" + "2" * 12 + "51c0de01"
FIRST = "0198f1aa0032" + "2" * 12 + "51c0de02"
SECOND = "0198f1aa0033" + "2" * 12 + "51c0de03"
TEMPLATES = {
    1: "You greet guests.\nBe warm.\nSay no more than two sentences.\n",
    2: "You greet guests in ${language}.\nBe warm.\nSay no more than two sentences.\n",
    3: (
        "You greet guests in ${language}.\nBe ${tone}, and never loud.\nSay no more than two sentences.\n"
        "End with the weather.\n"
    ),
}
VARIABLES = {
    "language": {"type": "string", "description": "What the guest speaks"},
    "tone": {"type": "string", "enum": ["warm", "brief"], "default": "warm"},
}
NOTHING: dict[str, Json] = {"model_calls": 0, "tokens_in": 0, "tokens_out": 0, "cost_usd": "0"}


class Prompts:
    """The labels of `greet`, as they are moved."""

    def __init__(self) -> None:
        self.labels = {"production": 2, "staging": 3}
        self.moves: list[Json] = [move("production", 1, 2), move("staging", None, 3)]

    def answers(self) -> dict[str, Json]:
        at = "/api/prompts/greet"
        listed = {"name": "greet", "version": 3, "description": "How the front desk greets.", "updated": when(3)}
        versions = [{"version": number, "updated": when(number)} for number in (3, 2, 1)]
        return {
            "GET /api/prompts": {"items": [listed], "continuation": None},
            f"GET {at}": self.prompt,
            f"GET {at}/versions": {"items": versions, "continuation": None},
            f"GET {at}/labels": self.listed,
            f"GET {at}/diff": diff,
            f"GET {at}/uses": {"items": uses(), "continuation": None},
            f"PUT {at}/labels/staging": self.moved,
            f"POST {at}/try": {"id": TRIAL, "skipped": []},
            "GET /api/evaluations": listed_evaluations,
            f"GET /api/evaluations/{TRIAL}": trial(),
            f"GET /api/evaluations/{FIRST}": evaluation(FIRST, 7),
            f"GET /api/evaluations/{SECOND}": evaluation(SECOND, 9),
            f"GET /api/evaluations/{FIRST}/compare/{SECOND}": compared(),
        }

    def prompt(self, request: Request) -> Json:
        number = int(request.query_params.get("version", 3))
        variables = {key: VARIABLES[key] for key in VARIABLES if f"${{{key}}}" in TEMPLATES[number]}
        definition = {"name": "greet", "description": "How the front desk greets.", "template": TEMPLATES[number]}
        return {"version": number, "updated": when(number), "definition": definition | {"variables": variables}}

    def listed(self, _request: Request) -> Json:
        items = [
            {"label": label, "version": version, "by": "ada", "at": when(version), "etag": f'"{version}"',
             "protected": label == "production"}
            for label, version in self.labels.items()
        ]  # fmt: skip
        return {"items": items, "moves": self.moves}

    def moved(self, request: Request) -> Response:
        if request.headers.get("If-Match") != f'"{self.labels["staging"]}"':
            return JSONResponse({"code": "changed", "detail": "Somebody has moved it.", "action": "Look again."}, 412)
        before, self.labels["staging"] = self.labels["staging"], 1
        self.moves.insert(0, move("staging", before, 1))
        return JSONResponse({})


def when(number: int) -> str:
    return f"2026-11-{number * 7:02d}T09:30:00Z"


def move(label: str, before: int | None, after: int) -> Json:
    return {"label": label, "from": before, "to": after, "by": "ada", "at": when(after)}


def uses() -> list[Json]:
    about: dict[str, Json] = {"references": [], "through": []}
    return [
        {**about, "kind": "agent", "name": "host", "version": 4, "direct": True, "references": ["greet:production"]},
        {
            **about,
            "kind": "workflow",
            "name": "incident-panel",
            "version": 3,
            "direct": False,
            "through": ["agent/host"],
        },
        {
            **about,
            "kind": "schedule",
            "name": "mornings",
            "version": None,
            "direct": False,
            "through": ["workflow/hello"],
        },
    ]


def diff(request: Request) -> Json:
    to = int(request.query_params["to"])
    before = request.query_params.get("from", str(max(1, to - 1)))
    lines: list[Json] = [
        {"kind": "same", "before": 1, "after": 1, "text": "You greet guests in ${language}."},
        {"kind": "changed", "before": 2, "after": 2, "text": "Be ${tone}, and never loud.", "pieces": [
            {"kind": "same", "text": "Be "}, {"kind": "removed", "text": "warm"},
            {"kind": "added", "text": "${tone}, and never loud"}, {"kind": "same", "text": "."},
        ]},
        {"kind": "same", "before": 3, "after": 3, "text": "Say no more than two sentences."},
        {"kind": "added", "after": 4, "text": "End with the weather."},
    ]  # fmt: skip
    tone = {"name": "tone", "kind": "added", "before": None, "after": VARIABLES["tone"]}
    side: dict[str, Json] = {"updated": when(2), "description": ""}
    return {
        "from": {"version": int(before) if before.isdecimal() else 2, **side}, "to": {"version": to, **side},
        "same": before == str(to), "lines": lines, "variables": [tone],
    }  # fmt: skip


def used(calls: int) -> Json:
    cost = f"{calls * 0.0011:.4f}"
    return {"model_calls": calls, "tokens_in": calls * 210, "tokens_out": calls * 46, "cost_usd": cost}


def record(id: str, kind: str, cases: int, **about: Json) -> dict[str, Json]:
    graders = [{"name": "exact", "rule": "equals"}, {"name": "kind", "judge": {"agent": "critic"}}]
    return {
        "id": id, "workflow": "evaluate-host", "workflow_version": None, "status": "completed", "error": None,
        "stop_reason": "finished", "usage": used(cases * 2), "turns": cases, "retry_of": None, "started_by": "local",
        "created": when(3), "ended": when(3),
        "evaluation": {"kind": kind, "agent": "host@4", "cases": cases, "graders": graders, **about},
    }  # fmt: skip


def grader(name: str, kind: str, passed: int, of: int, low: float, high: float, unknown: int = 0) -> dict[str, Json]:
    interval = {"low": low, "high": high}
    return {
        "name": name, "kind": kind, "graded": of, "unknown": unknown, "passed": passed, "rate": passed / of,
        "rate_interval": interval, "mean": passed / of, "mean_interval": interval,
    }  # fmt: skip


def summary(cases: int, passed: int, **more: Json) -> dict[str, Json]:
    exact = grader("exact", "rule", passed, cases, max(0.0, passed / cases - 0.25), min(1.0, passed / cases + 0.15))
    return {
        "cases": cases, "answered": cases, "failed": 0, "waiting": 0, "usage": used(cases), "judging": used(cases),
        "seconds": 1.84, "graders": [exact, grader("kind", "judge", cases - 1, cases - 1, 0.66, 1.0, 1)],
        "recorded": None, "recorded_graders": [], "same": None, **more,
    }  # fmt: skip


def case(number: int, *, passed: bool, **more: Json) -> dict[str, Json]:
    reason = "" if passed else "expected “Paris”"
    return {
        "id": f"case-{number}", "input": "What is the capital of France?", "expected": "Paris", "status": "answered",
        "output": "Paris" if passed else "It is Lyon, <b>of course</b>.", "usage": used(1), "judging": used(1),
        "seconds": 1.2 + number / 10, "step": f"cases[{number}]",
        "grades": {
            "exact": {"score": float(passed), "passed": passed, "reason": reason},
            "kind": {"score": 0.8, "passed": True, "reason": "It is polite."},
        },
        "recorded_grades": {}, **more,
    }  # fmt: skip


def evaluation(id: str, passed: int) -> Json:
    cases = [case(number, passed=number < passed) for number in range(10)]
    about = record(id, "evaluation", 10, dataset="capitals@2")
    return about | {"summary": summary(10, passed), "cases": {"items": cases, "continuation": None}}


def trial() -> Json:
    past = {
        "execution": "0198f1aa0004" + "d" * 12 + "9b1c20e4", "step": "draft", "call": "draft#0",
        "output": "Hello, and welcome to our house!", "usage": used(2),
    }  # fmt: skip
    grades = {"exact": {"score": 0.0, "passed": False, "reason": ""}}
    cases = [case(number, passed=number != 1, recorded=past, recorded_grades=grades) for number in range(3)]
    before = [grader("exact", "rule", 1, 3, 0.06, 0.79)]
    sums = summary(3, 2, recorded=used(6), recorded_graders=before, same=1)
    about = record(TRIAL, "trial", 3, prompt="greet@3")
    return about | {"summary": sums, "cases": {"items": cases, "continuation": None}}


def listed_evaluations(request: Request) -> Json:
    if request.query_params["kind"] == "trial":
        return {"items": [record(TRIAL, "trial", 3, prompt="greet@3")], "continuation": None}
    items = [record(id, "evaluation", 10, dataset="capitals@2") for id in (SECOND, FIRST)]
    return {"items": items, "continuation": None}


def compared() -> Json:
    flip = {"id": "case-8", "left": {"score": 0.0, "passed": False, "reason": "expected “Paris”"}}
    gained: list[dict[str, Any]] = [flip | {"right": {"score": 1.0, "passed": True}}]
    sides = {
        "left": record(FIRST, "evaluation", 10, dataset="capitals@2") | {"summary": summary(10, 7)},
        "right": record(SECOND, "evaluation", 10, dataset="capitals@2") | {"summary": summary(10, 9)},
    }
    exact = {
        "name": "exact", "paired": 10, "left": 0.7, "right": 0.9, "difference": 0.2,
        "interval": {"low": 0.02, "high": 0.5}, "gained": [*gained, {**gained[0], "id": "case-7"}], "lost": [],
        "chance": 0.5,
    }  # fmt: skip
    kind = exact | {
        "name": "kind", "left": 1.0, "right": 1.0, "difference": 0.0, "interval": {"low": -0.1, "high": 0.1},
        "gained": [], "chance": 1.0,
    }  # fmt: skip
    return sides | {
        "paired": 10, "only_left": 0, "only_right": 1, "graders": [exact, kind], "left_usage": used(10),
        "right_usage": used(12), "cost_difference": "0.00022",
    }  # fmt: skip
