"""Agents with tools, and tools with agents and workflows behind them: what can be known not to work."""

from __future__ import annotations

from typing import Any

import pytest

from domain.agents import Agent
from domain.tools import Tool
from domain.validation import Known, check_agent, check_tool, check_workflow
from domain.validation.estimates import estimate
from domain.workflows import Workflow


def agent(name: str, *tools: str, **more: Any) -> Agent:
    return Agent.model_validate({"name": name, "instructions": "Do it.", "tools": tools, **more})


def tool(name: str, **maker: str) -> Tool:
    return Tool.model_validate({"name": name, **(maker or {"function": name})})


def workflow(name: str = "w", **step: Any) -> Workflow:
    return Workflow.model_validate({"name": name, "steps": [{"id": "s", **(step or {"agent": "a"})}]})


def known(*definitions: Agent | Tool | Workflow) -> Known:
    return Known(
        agents={one.name: one for one in definitions if isinstance(one, Agent)},
        tools={one.name: one for one in definitions if isinstance(one, Tool)},
        workflows={one.name: one for one in definitions if isinstance(one, Workflow)},
    )


def complaints(*definitions: Agent | Tool | Workflow) -> list[str]:
    return [detail.message for detail in check_workflow(workflow(), known(*definitions)).errors]


@pytest.mark.parametrize(
    "definitions",
    [
        (agent("a", "t"), tool("t")),
        (agent("a", "t"), tool("t", agent="b"), agent("b", "u"), tool("u")),
        (agent("a", "t", "u"), tool("t", agent="b"), tool("u", agent="b"), agent("b")),
        (agent("a", "t"), tool("t", workflow="v"), workflow("v", agent="b"), agent("b")),
    ],
)
def test_what_comes_to_an_end_is_taken(definitions: tuple[Agent | Tool | Workflow, ...]) -> None:
    assert complaints(*definitions) == []


@pytest.mark.parametrize(
    ("definitions", "complaint"),
    [
        ((agent("a", "t"),), "the agent `a` cannot be used: there is no tool `t`"),
        ((agent("a", "t"), tool("t", agent="b")), "the tool `t` cannot be used: there is no agent `b`"),
        ((agent("a", "t"), tool("t", workflow="v")), "the tool `t` cannot be used: there is no workflow `v`"),
        ((agent("a", "t"), tool("t", agent="a")), "its tools lead back to where they are called (w → a → t → a)"),
        ((agent("a", "t"), tool("t", workflow="w")), "its tools lead back to where they are called (w → a → t → w)"),
        (
            (agent("a", "t"), tool("t", workflow="v"), workflow("v", agent="b"), agent("b", "t")),
            "its tools lead back to where they are called (w → a → t → v → b → t)",
        ),
    ],
)
def test_what_does_not_is_refused(definitions: tuple[Agent | Tool | Workflow, ...], complaint: str) -> None:
    assert any(said.startswith(complaint) for said in complaints(*definitions)), complaints(*definitions)


def test_they_are_not_nested_too_deep() -> None:
    def chain(length: int) -> list[Agent | Tool]:
        agents = [agent(f"a{n}" if n else "a", f"t{n + 1}") for n in range(length - 1)]
        tools = [tool(f"t{n}", agent=f"a{n}") for n in range(1, length)]
        return [*agents, *tools, agent(f"a{length - 1}")]

    assert complaints(*chain(10)) == []
    assert complaints(*chain(11)) == ["agents and workflows call each other more than 10 deep in it"]


def test_an_agent_knows_each_of_its_tools_by_another_name() -> None:
    [detail] = check_agent(agent("a", "t@1", "u", "t@2")).errors
    assert (detail.pointer, "`t` is there already" in detail.message) == ("/tools/2", True)


@pytest.mark.parametrize(
    ("definition", "pointer"),
    [
        ({"name": "read-more", "function": "f"}, "/name"),
        ({"name": "t", "function": "f", "approval": {"when": "argument.a > 1"}}, "/approval/when"),
        ({"name": "t", "function": "f", "approval": {"when": "arguments.a >"}}, "/approval/when"),
    ],
)
def test_a_tool_that_cannot_be_offered_is_refused(definition: dict[str, Any], pointer: str) -> None:
    assert [detail.pointer for detail in check_tool(Tool.model_validate(definition)).errors] == [pointer]


def test_every_round_is_a_call_of_the_estimate() -> None:
    found = estimate(workflow(), known(agent("a", "t", max_rounds=4), tool("t")))
    assert found.model_calls == 10  # five, each of which may have to be mended
    assert estimate(workflow(), known(agent("a", "t"), tool("t", agent="b"), agent("b"))).model_calls is None
