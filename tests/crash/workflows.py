"""A workflow with every pattern but the chat, over a model that fails now and then."""

from __future__ import annotations

from typing import Any

AGENTS = ["planner", "reviewer", "writer"]
BRANCHES = 6
ITEMS = [f"item {letter}" for letter in "abcdefgh"]
CALLS = 2 + 2 + BRANCHES + 1 + len(ITEMS) + 1
SKIPPED = "shallow"


def step(id: str, agent: str, input: str, **more: Any) -> dict[str, Any]:
    return {"id": id, "agent": agent, "input": input, **more}


def mixed(topic: str) -> dict[str, Any]:
    """Each topic makes different messages, so that the stub's scripted failures happen in each execution."""
    retry = {"attempts": 6, "first_delay": "PT0.1S"}
    branches = [step(f"branch-{n}", "reviewer", f"Review {topic}, side {n}: ${{steps.plan.output}}") for n in range(6)]
    return {
        "name": "mixed",
        "input": {"type": "object", "required": ["items", "deep"]},
        "steps": [
            step("plan", "planner", f"Plan {topic}."),
            {
                "id": "prepare",
                "sequential": [
                    step("outline", "planner", "Outline ${steps.plan.output}"),
                    step("shaky", "planner", f"[[stub:down 2]] Prepare {topic}.", retry=retry),
                    step("limited", "planner", f"[[stub:rate_limit 1]] Sort {topic}.", retry=retry),
                ],
            },
            {"id": "review", "concurrent": branches},
            step("deep", "writer", "Look again at ${steps.review.output}", when="input.deep"),
            step(SKIPPED, "writer", "Never asked.", when="!input.deep"),
            {"id": "each", "map": {"over": "input.items", "step": step("note", "writer", f"{topic}: ${{item}}")}},
            step("sum", "writer", "Sum up ${steps.review.output}, ${steps.deep.output} and ${steps.each.output}"),
        ],
        "output": "${steps.sum.output} (${steps.prepare.output})",
    }


def mixed_input() -> dict[str, Any]:
    return {"items": ITEMS, "deep": True}
