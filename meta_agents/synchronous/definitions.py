"""Definitions: agents, data sets, prompts, tools and workflows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from meta_agents import operations
from meta_agents.evaluations import EvaluationRecord
from meta_agents.operations import Kind
from meta_agents.results import (
    DefinitionSummary,
    Json,
    Label,
    LabelMove,
    Labels,
    PromptDiff,
    StoredDefinition,
    Use,
    Validation,
    VersionSummary,
)
from meta_agents.synchronous.calling import Call, pages
from meta_agents.tool_results import ImportedTools, McpServer, McpTool, ToolCall, ToolFunction


class Definitions:
    """The versioned definitions of one kind."""

    def __init__(self, kind: Kind, call: Call) -> None:
        self._kind = kind
        self._call = call

    def list(self, *, page_size: int = 50) -> Iterator[DefinitionSummary]:
        """Each definition's latest version, fetched page by page as the iterator is read."""
        return pages(lambda continuation: self._call(operations.list_definitions(self._kind, page_size, continuation)))

    def get(self, name: str, version: int | None = None) -> StoredDefinition:
        """One version; the latest unless one is named."""
        return self._call(operations.get_definition(self._kind, name, version))

    def put(
        self, definition: Mapping[str, Json], *, if_match: str | None = None, create_only: bool = False
    ) -> StoredDefinition:
        """Keep the definition under its `name` as the next version; an unchanged one keeps its version.

        `if_match`: only while the ETag is still this one. `create_only`: only a new name. Else `ApiError` (412).
        """
        return self._call(operations.put_definition(self._kind, definition, if_match, create_only))

    def delete(self, name: str, *, if_match: str | None = None) -> None:
        """Hide the name. Executions that use one of its versions go on."""
        self._call(operations.delete_definition(self._kind, name, if_match))

    def versions(self, name: str, *, page_size: int = 50) -> Iterator[VersionSummary]:
        return pages(
            lambda continuation: self._call(operations.list_versions(self._kind, name, page_size, continuation))
        )

    def uses(self, name: str, *, page_size: int = 50) -> Iterator[Use]:
        """What uses it, in the latest versions: first what does so itself, then what does so through others."""
        return pages(lambda continuation: self._call(operations.list_uses(self._kind, name, page_size, continuation)))

    def schema(self) -> dict[str, Json]:
        """The JSON Schema that definitions of this kind satisfy."""
        return self._call(operations.schema(self._kind))


class Prompts(Definitions):
    """Prompts, and the labels on their versions."""

    def labels(self, name: str) -> Labels:
        """Where the labels are, and their latest moves."""
        return self._call(operations.list_labels(name))

    def put_label(self, name: str, label: str, version: int, *, if_match: str | None = None) -> Label:
        """Put the label on a version. `ApiError` (403) for a protected one unless you are an admin."""
        return self._call(operations.put_label(name, label, version, if_match))

    def delete_label(self, name: str, label: str, *, if_match: str | None = None) -> None:
        self._call(operations.delete_label(name, label, if_match))

    def moves(self, name: str, *, page_size: int = 50) -> Iterator[LabelMove]:
        """Every move of its labels, the latest first."""
        return pages(lambda continuation: self._call(operations.list_moves(name, page_size, continuation)))

    def diff(self, name: str, before: int | str | None = None, after: int | str | None = None) -> PromptDiff:
        """Two versions, by number or label, side by side; unless told otherwise the latest and the one before it."""
        return self._call(operations.diff_prompt(name, before, after))

    def try_on(  # noqa: PLR0913 - each is one thing that a request may say
        self,
        name: str,
        agent: str,
        executions: Sequence[str] | Mapping[str, Json],
        *,
        version: int | None = None,
        draft: Mapping[str, Json] | None = None,
        variables: Mapping[str, Json] | None = None,
        graders: Sequence[Mapping[str, Json]] = (),
        limits: Mapping[str, Json] | None = None,
        idempotency_key: str | None = None,
    ) -> EvaluationRecord:
        """Ask what the agent was asked in past executions again, under this prompt.

        `executions`: ids, or `{"workflow": …, "last": …}`. `draft`: `template` and `variables` that are not stored.
        """
        request = {
            "agent": agent,
            "executions": executions,
            "version": version,
            "draft": draft,
            "variables": variables,
            "graders": list(graders),
            "limits": limits,
        }
        return self._call(operations.try_prompt(name, request, idempotency_key))


class Tools(Definitions):
    """Tools, what they can be made of, and calls by hand."""

    def call(
        self,
        name: str,
        arguments: Mapping[str, Json] | None = None,
        *,
        version: int | None = None,
        idempotency_key: str | None = None,
    ) -> ToolCall:
        """Call it once, for real, outside any execution. What the tool fails with is in the result."""
        return self._call(operations.call_tool(name, arguments or {}, version, idempotency_key))

    def import_openapi(
        self,
        document: Mapping[str, Json],
        *,
        only: Iterable[str] | None = None,
        server: str | None = None,
        secrets: Mapping[str, str] | None = None,
        keep: bool = True,
    ) -> ImportedTools:
        """Make tools of a document's operations, all or `only` those with these ids.

        `server`: where the API is, if the document does not say it. `secrets`: by security scheme, the deployment's
        secret. `keep=False` shows what would be kept.
        """
        return self._call(operations.import_tools(document, only, server, secrets, keep))

    def functions(self) -> tuple[ToolFunction, ...]:
        """The Python functions that tools can be made of."""
        return self._call(operations.list_functions()).items

    def mcp_servers(self) -> tuple[McpServer, ...]:
        """The MCP servers that tools may name."""
        return self._call(operations.list_mcp_servers()).items

    def discover(self, server: str) -> tuple[McpTool, ...]:
        """What an MCP server offers now, as definitions to look at and `put`."""
        return self._call(operations.discover_tools(server)).items


class Workflows(Definitions):
    def validate(self, definition: Mapping[str, Json]) -> Validation:
        """What is wrong with a workflow, and the most it can use; nothing is kept."""
        return self._call(operations.validate_workflow(definition))
