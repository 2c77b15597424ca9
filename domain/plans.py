"""A plan: a workflow with every definition it uses resolved, named by the hash of its content.

An execution pins its plan, so publishing a new version of anything never touches an execution that has started.
"""

from __future__ import annotations

import hashlib
import json

from pydantic import Field

from domain.agents import Agent
from domain.base import Shape
from domain.tools import Tool
from domain.values import Json
from domain.workflows import Workflow


class Plan(Shape):
    """`agents` maps each reference as written in the workflow to the definition it meant when the execution started."""

    workflow: Workflow
    workflow_version: int | None
    agents: dict[str, Agent]
    agent_versions: dict[str, int]
    tools: dict[str, Tool] = Field(default_factory=dict)
    tool_versions: dict[str, int] = Field(default_factory=dict)
    workflows: dict[str, Workflow] = Field(default_factory=dict)
    workflow_versions: dict[str, int] = Field(default_factory=dict)


def content_hash(value: Json) -> str:
    """sha256 (hex) of the canonical JSON: keys sorted, no spaces."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()
