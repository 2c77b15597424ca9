"""A plan: a workflow with every definition it uses resolved, named by the hash of its content.

An execution pins its plan, so publishing a new version of anything never touches an execution that has started.
"""

from __future__ import annotations

from pydantic import Field

from domain.agents import Agent
from domain.base import Shape
from domain.prompt_definitions import PinnedPrompt
from domain.tools import Tool
from domain.workflows import Workflow


class Plan(Shape):
    """`agents` maps each reference as written in the workflow to the definition it meant when the execution started.

    `prompts`: by the same references, those of the agents that have one.
    """

    workflow: Workflow
    workflow_version: int | None
    agents: dict[str, Agent]
    agent_versions: dict[str, int]
    tools: dict[str, Tool] = Field(default_factory=dict)
    tool_versions: dict[str, int] = Field(default_factory=dict)
    workflows: dict[str, Workflow] = Field(default_factory=dict)
    workflow_versions: dict[str, int] = Field(default_factory=dict)
    # Left out where nobody has one, so that the hashes of plans stay what they were.
    prompts: dict[str, PinnedPrompt] = Field(default_factory=dict, exclude_if=lambda prompts: not prompts)

    @property
    def variants(self) -> dict[str, str]:
        """By agent, the prompt that was chosen for it by weight."""
        return {agent: prompt.variant for agent, prompt in self.prompts.items() if prompt.variant}
