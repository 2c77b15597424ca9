"""Which calls take turns, at what."""

from __future__ import annotations

import json
from typing import Any

from domain.plans import Plan
from services.settings import Settings
from services.turns import turns_of

TOOLS: dict[str, dict[str, Any]] = {
    "pay": {"http": {"url": "https://pay.example.com"}},
    "add": {"function": "add"},
    "docs": {"mcp": {"server": "docs", "tool": "read"}},
    "guide": {"library": {"collection": "guide"}},
    "ask": {"agent": "helper"},
    "report": {"workflow": "report"},
}


def plan() -> Plan:
    tools = {name: {"name": name, **made} for name, made in TOOLS.items()}
    workflow = {"name": "w", "steps": [{"id": "a", "agent": "helper"}]}
    agents = {"helper": {"name": "helper", "instructions": "Help."}}
    return Plan.model_validate(
        {"workflow": workflow, "workflow_version": 1, "agents": agents, "agent_versions": {}, "tools": tools}
    )


def limited(**limits: int) -> Settings:
    return Settings.from_environment({"CALL_LIMITS": json.dumps(limits)})


def test_every_tool_whose_calls_are_made_here_takes_turns_and_what_runs_others_does_not() -> None:
    turn = ["tenant:acme", 3]
    assert turns_of(limited(tenant=3), "acme", plan()) == {
        "agents": {"helper": [turn]},
        "tools": {name: [turn] for name in ("pay", "add", "docs", "guide")},
    }


def test_a_tool_takes_a_turn_at_its_own_limit_too() -> None:
    turns = turns_of(limited(**{"tool:guide": 2, "tenant:acme": 5, "tenant": 1}), "acme", plan())
    assert turns["tools"]["guide"] == [["tenant:acme", 5], ["tool:guide", 2]]


def test_without_limits_nothing_is_said() -> None:
    assert turns_of(limited(), "acme", plan()) == {}
