"""What the API answers about tools: calls by hand, what they can be made of, what was made."""

from __future__ import annotations

from typing import Literal

from meta_agents.results import Json, Problem, Result


class ToolCall(Result):
    """One call by hand. `error` is set when the tool failed; then `result` is None."""

    version: int
    seconds: float
    result: Json = None
    error: Problem | None = None


class ToolFunction(Result):
    """A Python function that the deployment registers. `input` is the schema of what it takes."""

    name: str
    description: str = ""
    input: dict[str, Json]
    takes_key: bool = False


class ToolFunctions(Result):
    items: tuple[ToolFunction, ...]


class ImportedTool(Result):
    """`version` is None when it was only shown."""

    name: str
    change: Literal["created", "changed", "unchanged", "shown"]
    version: int | None = None
    definition: dict[str, Json]


class LeftOut(Result):
    operation: str
    reason: str


class ImportedTools(Result):
    """`left` are operations that no tool could be made of; `notes` say what was left out of others."""

    items: tuple[ImportedTool, ...]
    left: tuple[LeftOut, ...] = ()
    notes: tuple[LeftOut, ...] = ()


class McpServer(Result):
    name: str
    transport: str


class McpServers(Result):
    items: tuple[McpServer, ...]


class McpTool(Result):
    """`definition` is the tool as it would be kept; None where none can be made, and `notes` say why."""

    tool: str
    definition: dict[str, Json] | None = None
    notes: tuple[str, ...] = ()


class McpTools(Result):
    items: tuple[McpTool, ...]
