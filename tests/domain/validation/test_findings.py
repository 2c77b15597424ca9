"""Definitions with more mistakes than anybody reads are refused like others."""

from __future__ import annotations

from domain.agents import Agent
from domain.prompt_definitions import PromptDefinition
from domain.validation import Findings, check_given, check_prompt
from domain.validation.pointers import MOST_FINDINGS


def only_the_first(findings: Findings) -> bool:
    return len(findings.errors) == MOST_FINDINGS


def test_of_what_an_agent_gives_its_prompt_the_first_mistakes_are_told() -> None:
    variables = {f"v{number}": "${1 +}" for number in range(2 * MOST_FINDINGS)}
    assert only_the_first(check_given(Agent(name="a", prompt="p", variables=variables), {}))


def test_of_a_prompt_the_first_mistakes_are_told() -> None:
    variables = {f"v{number}": {"properties": {"a": {"type": "no"}, "b": {"type": "no"}}} for number in range(100)}
    assert only_the_first(check_prompt(PromptDefinition(name="p", template="x", variables=variables)))
