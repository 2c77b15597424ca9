"""What was spent, by whom, and what bounds it."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from math import sin

from tests.web.stories import Json, Story

NAMES = {
    "workflow": ["help-desk", "release-notes", "incident-panel", "nightly-digest"],
    "agent": ["clerk", "writer", "engineer", "critic", ""],
    "model": ["gpt-5-mini", "gpt-5", ""],
    "tool": ["", "find-orders", "refund"],
}


def capped() -> Story:
    """A panel whose budget is used up."""
    story = Story("incident-panel", {"report": "Charged twice."}, datetime.now(UTC) - timedelta(minutes=4))
    story.add("step.started", "panel", data={"kind": "group_chat"})
    for number, agent in enumerate(("engineer", "operator", "engineer", "operator"), 1):
        story.call(f"panel/turn[{number}]", agent, f"Point {number}.", turn=number)
    spent = {**story.spent, "model_calls": 4}
    reached = {
        "path": "panel",
        "what": "4 of 4 model calls",
        "cap": {"model_calls": 4, "cost_usd": "0.50"},
        "spent": spent,
        "reserved": {"model_calls": 0, "tokens_in": 0, "tokens_out": 0, "cost_usd": "0.02"},
    }
    story.add("budget.reached", "panel/turn[5]", "engineer", data=reached)
    story.add("execution.paused", data={"by": "budget"})
    story.add("step.waiting", "panel/turn[5]", "engineer", data={"for": "resume"})
    return story


def usage_by_day(asked: dict[str, str]) -> Json:
    by = asked["by"].removeprefix("day,")
    first, last = date.fromisoformat(asked["from"]), date.fromisoformat(asked["to"])
    items = []
    for number in range((last - first).days + 1):
        day = first + timedelta(days=number)
        if day.weekday() > 4:
            continue
        for place, name in enumerate(NAMES[by]):
            calls = int((2 + sin(day.toordinal() / 3 + place)) * 40 / (1 + place))
            items.append({"day": day.isoformat(), by: name, **figures(calls)})
    return {"from": asked["from"], "to": asked["to"], "by": ["day", by], "items": items, "total": figures(1)}


def figures(calls: int) -> dict[str, Json]:
    return {
        "executions": calls // 6,
        "executions_failed": calls // 60,
        "model_calls": calls,
        "tool_calls": calls // 3,
        "reused": calls // 20,
        "failures": calls // 25,
        "tokens_in": calls * 1_830,
        "tokens_out": calls * 240,
        "cost_usd": f"{calls * 0.00094:.5f}",
        "unpriced": 0,
        "seconds": f"{calls * 2.31:.2f}",
    }


def execution_usage(by: str) -> Json:
    names = {"step": ["panel/turn[1]", "panel/turn[2]", "panel/turn[3]", "panel/turn[4]"], **NAMES}[by][:4]
    items = [{by: name, **figures(4 - place)} for place, name in enumerate(names)]
    return {"by": [by], "items": items, "total": figures(10)}


def budgets() -> Json:
    spent = {"model_calls": 4_310, "tokens_in": 7_900_000, "tokens_out": 1_030_000, "cost_usd": "301.20"}
    reserved = {"model_calls": 3, "tokens_in": 9_000, "tokens_out": 3_000, "cost_usd": "1.20"}
    about = {"reserved": reserved, "updated": "2026-11-01T08:00:00Z", "by": "ada", "etag": '"1"'}
    whole = {"name": "all", "scope": "tenant", "period": "month", "cost_usd": "500", "at_cap": "pause"}
    nightly = {"name": "nightly", "scope": "workflow", "of": "nightly-digest", "period": "day", "tokens": 2_000_000}
    few = {"model_calls": 12, "tokens_in": 700_000, "tokens_out": 90_000, "cost_usd": "1.20"}
    return {
        "items": [
            {"definition": whole, "period": "2026-11", "ends": "2026-12-01T00:00:00Z", "spent": spent, **about},
            {"definition": nightly, "period": "2026-11-27", "ends": "2026-11-28T00:00:00Z", "spent": few, **about},
        ]
    }
