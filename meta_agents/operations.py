"""Every operation of the API as data: what to send, how to read the answer. Both clients carry these; no I/O here."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Generic, Literal, TypeVar
from urllib.parse import quote

import httpx
from pydantic import BaseModel, ValidationError

from meta_agents.diffs import Diff
from meta_agents.errors import InvalidArgument, json_of, refusal, unexpected
from meta_agents.evaluations import Comparison, Evaluation, EvaluationRecord
from meta_agents.library_results import Citations, Collections, LibraryDocument, RemovedCollection, SearchResult
from meta_agents.results import (
    Approval,
    Chat,
    DefinitionSummary,
    Event,
    EventPage,
    Execution,
    Health,
    Json,
    Label,
    LabelMove,
    Labels,
    Me,
    ModelAlias,
    NextTimes,
    Page,
    PromptDiff,
    Purged,
    ScheduleSummary,
    StandingBudget,
    StoredDefinition,
    StoredRetention,
    StoredSchedule,
    UsageReport,
    Use,
    Validation,
    Validations,
    VersionSummary,
    WebhookDelivery,
)
from meta_agents.tool_results import ImportedTools, McpServers, McpTools, ToolCall, ToolFunctions

Kind = Literal["agents", "datasets", "prompts", "tools", "workflows"]
SearchMode = Literal["hybrid", "text", "vector"]
T_co = TypeVar("T_co", covariant=True)
R = TypeVar("R", bound=BaseModel)

ANSWER_SECONDS = 30.0
"""How long an answer may take, beyond what the request itself asks to wait."""
PURGE_SECONDS = 200.0
"""The same where much may have to be removed first."""
CALL_SECONDS = 120.0
"""The same where another service is asked, which may have to be started first."""
BUNDLE_SECONDS = 200.0
"""A long execution is written down event by event."""
_ZIP = b"PK"


@dataclass(frozen=True)
class Operation(Generic[T_co]):
    """One request. `read` turns the read response into a result, or raises `ApiError`."""

    method: str
    path: str
    read: Callable[[httpx.Response], T_co]
    params: Mapping[str, str | list[str]] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Json = None
    """Sent as JSON; None: nothing is sent."""
    content: bytes | None = None
    """A body that is sent as it is, in place of `body`."""
    seconds: float = ANSWER_SECONDS


def list_definitions(kind: Kind, limit: int, continuation: str | None) -> Operation[Page[DefinitionSummary]]:
    params = _given(limit=limit, continuation=continuation)
    return Operation("GET", f"/api/{kind}", _as(Page[DefinitionSummary]), params)


def get_definition(kind: Kind, name: str, version: int | None) -> Operation[StoredDefinition]:
    return Operation("GET", f"/api/{kind}/{_segment(name)}", _tagged(StoredDefinition), _given(version=version))


def put_definition(
    kind: Kind, definition: Mapping[str, Json], if_match: str | None, create_only: bool
) -> Operation[StoredDefinition]:
    """Raises `InvalidArgument` when the definition has no name to put it under."""
    path = f"/api/{kind}/{_segment(_name_of(definition))}"
    headers, read = _conditions(if_match, create_only), _tagged(StoredDefinition)
    return Operation("PUT", path, read, headers=headers, body=definition)


def delete_definition(kind: Kind, name: str, if_match: str | None) -> Operation[None]:
    return Operation("DELETE", f"/api/{kind}/{_segment(name)}", _nothing, headers=_given(**{"If-Match": if_match}))


def list_versions(kind: Kind, name: str, limit: int, continuation: str | None) -> Operation[Page[VersionSummary]]:
    params = _given(limit=limit, continuation=continuation)
    return Operation("GET", f"/api/{kind}/{_segment(name)}/versions", _as(Page[VersionSummary]), params)


def list_uses(kind: Kind, name: str, limit: int, continuation: str | None) -> Operation[Page[Use]]:
    params = _given(limit=limit, continuation=continuation)
    return Operation("GET", f"/api/{kind}/{_segment(name)}/uses", _as(Page[Use]), params)


def list_labels(name: str) -> Operation[Labels]:
    return Operation("GET", f"{_prompt(name)}/labels", _as(Labels))


def put_label(name: str, label: str, version: int, if_match: str | None) -> Operation[Label]:
    headers = _given(**{"If-Match": if_match})
    return Operation("PUT", _label(name, label), _as(Label), headers=headers, body={"version": version})


def delete_label(name: str, label: str, if_match: str | None) -> Operation[None]:
    return Operation("DELETE", _label(name, label), _nothing, headers=_given(**{"If-Match": if_match}))


def list_moves(name: str, limit: int, continuation: str | None) -> Operation[Page[LabelMove]]:
    params = _given(limit=limit, continuation=continuation)
    return Operation("GET", f"{_prompt(name)}/moves", _as(Page[LabelMove]), params)


def diff_prompt(name: str, before: int | str | None, after: int | str | None) -> Operation[PromptDiff]:
    params = _given(**{"from": before, "to": after})
    return Operation("GET", f"{_prompt(name)}/diff", _as(PromptDiff), params)


def call_tool(
    name: str, arguments: Mapping[str, Json], version: int | None, idempotency_key: str | None
) -> Operation[ToolCall]:
    body: dict[str, Json] = {"arguments": dict(arguments)}
    if version is not None:
        body["version"] = version
    path, headers = f"/api/tools/{_segment(name)}/call", _keyed(idempotency_key)
    return Operation("POST", path, _as(ToolCall), headers=headers, body=body, seconds=CALL_SECONDS)


def import_tools(
    document: Mapping[str, Json],
    operations: Iterable[str] | None,
    server: str | None,
    secrets: Mapping[str, str] | None,
    keep: bool,
) -> Operation[ImportedTools]:
    params: dict[str, str | list[str]] = dict(_given(server=server, keep=None if keep else "false"))
    if operations is not None:
        params["operation"] = list(operations)
    if secrets:
        params["secret"] = [f"{scheme}:{name}" for scheme, name in secrets.items()]
    return Operation("POST", "/api/tools/import", _as(ImportedTools), params, body=document, seconds=PURGE_SECONDS)


def list_functions() -> Operation[ToolFunctions]:
    return Operation("GET", "/api/tools/functions", _as(ToolFunctions))


def list_mcp_servers() -> Operation[McpServers]:
    return Operation("GET", "/api/mcp", _as(McpServers))


def discover_tools(server: str) -> Operation[McpTools]:
    return Operation("GET", f"/api/mcp/{_segment(server)}/tools", _as(McpTools), seconds=CALL_SECONDS)


def try_prompt(name: str, request: Mapping[str, Json], idempotency_key: str | None) -> Operation[EvaluationRecord]:
    headers, body = _keyed(idempotency_key), _without_nothing(request)
    return Operation("POST", f"{_prompt(name)}/try", _as(EvaluationRecord), headers=headers, body=body)


def start_evaluation(request: Mapping[str, Json], idempotency_key: str | None) -> Operation[EvaluationRecord]:
    headers, body = _keyed(idempotency_key), _without_nothing(request)
    return Operation("POST", "/api/evaluations", _as(EvaluationRecord), headers=headers, body=body)


def list_evaluations(kind: str | None, limit: int, continuation: str | None) -> Operation[Page[EvaluationRecord]]:
    params = _given(kind=kind, limit=limit, continuation=continuation)
    return Operation("GET", "/api/evaluations", _as(Page[EvaluationRecord]), params)


def get_evaluation(evaluation: str, cases: str | None, limit: int, continuation: str | None) -> Operation[Evaluation]:
    params = _given(cases=cases, limit=limit, continuation=continuation)
    return Operation("GET", f"/api/evaluations/{_segment(evaluation)}", _as(Evaluation), params)


def compare_evaluations(left: str, right: str) -> Operation[Comparison]:
    path = f"/api/evaluations/{_segment(left)}/compare/{_segment(right)}"
    return Operation("GET", path, _as(Comparison))


def validate_workflow(definition: Mapping[str, Json]) -> Operation[Validation]:
    return Operation("POST", "/api/workflows/validate", _as(Validation), body=definition)


def validate(definitions: Iterable[tuple[Kind, Json]]) -> Operation[Validations]:
    sent = [{"kind": kind.removesuffix("s"), "definition": definition} for kind, definition in definitions]
    return Operation("POST", "/api/validate", _as(Validations), body={"definitions": sent})


def schema(kind: Kind) -> Operation[dict[str, Json]]:
    return Operation("GET", f"/api/schemas/{kind.removesuffix('s')}", _object)


def start(
    workflow: str | Mapping[str, Json],
    given: Json,
    wait: int | None,
    idempotency_key: str | None,
    webhook: str | Mapping[str, Json] | None,
) -> Operation[Execution]:
    """`workflow` is a reference (`name` or `name@version`), or a whole definition to execute without keeping it."""
    key = "workflow" if isinstance(workflow, str) else "definition"
    body: dict[str, Json] = {key: workflow, "input": {} if given is None else given}
    if webhook is not None:
        body["webhook"] = {"url": webhook} if isinstance(webhook, str) else webhook
    return Operation(
        "POST",
        "/api/executions",
        _as(Execution),
        _given(wait=wait),
        _keyed(idempotency_key),
        body,
        seconds=ANSWER_SECONDS + (wait or 0),
    )


def get_execution(execution: str) -> Operation[Execution]:
    return Operation("GET", _execution(execution), _as(Execution))


def list_executions(
    status: str | None, workflow: str | None, variant: str | None, limit: int, continuation: str | None
) -> Operation[Page[Execution]]:
    params = _given(status=status, workflow=workflow, variant=variant, limit=limit, continuation=continuation)
    return Operation("GET", "/api/executions", _as(Page[Execution]), params)


def pause(execution: str) -> Operation[Execution]:
    return Operation("POST", f"{_execution(execution)}/pause", _as(Execution))


def resume(execution: str) -> Operation[Execution]:
    return Operation("POST", f"{_execution(execution)}/resume", _as(Execution))


def raise_budget(execution: str, path: str, caps: Mapping[str, Json], resume: bool) -> Operation[Execution]:
    """`caps`: what is None in them stays as it was."""
    body = {"path": path, **{name: cap for name, cap in caps.items() if cap is not None}}
    if not resume:
        body["resume"] = False
    return Operation("POST", f"{_execution(execution)}/budget", _as(Execution), body=body)


def cancel(execution: str, wait: int | None) -> Operation[Execution]:
    seconds = ANSWER_SECONDS + (wait or 0)
    return Operation("POST", f"{_execution(execution)}/cancel", _as(Execution), _given(wait=wait), seconds=seconds)


def retry(execution: str, idempotency_key: str | None) -> Operation[Execution]:
    return Operation("POST", f"{_execution(execution)}/retry", _as(Execution), headers=_keyed(idempotency_key))


def fork(execution: str, changes: Mapping[str, Json], idempotency_key: str | None) -> Operation[Execution]:
    """`changes`: what is None in them stays as it was."""
    body = {name: value for name, value in changes.items() if value is not None}
    headers = _keyed(idempotency_key)
    return Operation("POST", f"{_execution(execution)}/fork", _as(Execution), headers=headers, body=body)


def replay(
    execution: str, live: bool, changes: Mapping[str, Json], idempotency_key: str | None
) -> Operation[Execution]:
    """`changes`: what is None in them stays as it was."""
    body = {"live": live, **{name: value for name, value in changes.items() if value is not None}}
    headers = _keyed(idempotency_key)
    return Operation("POST", f"{_execution(execution)}/replay", _as(Execution), headers=headers, body=body)


def send(execution: str, event: str, value: Json, idempotency_key: str | None) -> Operation[Event]:
    path = f"{_execution(execution)}/events/{_segment(event)}"
    return Operation("POST", path, _as(Event), headers=_keyed(idempotency_key), body=value)


def hold(execution: str, reason: str) -> Operation[Execution]:
    return Operation("POST", f"{_execution(execution)}/hold", _as(Execution), body={"reason": reason})


def release(execution: str) -> Operation[Execution]:
    return Operation("POST", f"{_execution(execution)}/release", _as(Execution))


def delete_execution(execution: str) -> Operation[None]:
    return Operation("DELETE", _execution(execution), _nothing, seconds=PURGE_SECONDS)


def webhook(execution: str) -> Operation[WebhookDelivery]:
    return Operation("GET", f"{_execution(execution)}/webhook", _as(WebhookDelivery))


def diff(left: str, right: str, changed: bool, limit: int) -> Operation[Diff]:
    params = _given(changed="true" if changed else None, limit=limit)
    return Operation("GET", f"{_execution(left)}/diff/{_segment(right)}", _as(Diff), params)


def export(execution: str, zipped: bool) -> Operation[bytes]:
    params = _given(format="zip" if zipped else None)
    return Operation("GET", f"{_execution(execution)}/bundle", _bytes, params, seconds=BUNDLE_SECONDS)


def import_bundle(bundle: bytes, idempotency_key: str | None) -> Operation[Execution]:
    headers = _given(**{"Idempotency-Key": idempotency_key})
    headers["Content-Type"] = "application/zip" if bundle.startswith(_ZIP) else "application/json"
    path = "/api/executions/import"
    return Operation("POST", path, _as(Execution), headers=headers, content=bundle, seconds=BUNDLE_SECONDS)


def list_events(execution: str, after: int, limit: int) -> Operation[EventPage]:
    return Operation("GET", f"{_execution(execution)}/events", _as(EventPage), _given(after=after, limit=limit))


def event_stream(execution: str, after: int, silence: float) -> Operation[None]:
    """The live stream of what follows `after`; `silence` is how many seconds it may say nothing."""
    headers = {"Accept": "text/event-stream", "Last-Event-ID": str(after)}
    return Operation("GET", f"{_execution(execution)}/events", _nothing, headers=headers, seconds=silence)


def artifact(execution: str, reference: str) -> Operation[Json]:
    return Operation("GET", f"{_execution(execution)}/artifacts/{_segment(reference)}", json_of)


def chat(execution: str, step: str) -> Operation[Chat]:
    # A step's path has slashes of its own, and servers see `%2F` as one anyway.
    path = "/".join(_segment(part) for part in step.split("/"))
    return Operation("GET", f"{_execution(execution)}/chats/{path}", _as(Chat))


def list_approvals(
    state: str | None, execution: str | None, limit: int, continuation: str | None
) -> Operation[Page[Approval]]:
    params = _given(state=state, execution=execution, limit=limit, continuation=continuation)
    return Operation("GET", "/api/approvals", _as(Page[Approval]), params)


def get_approval(approval: str) -> Operation[Approval]:
    return Operation("GET", f"/api/approvals/{_segment(approval)}", _as(Approval))


def decide(approval: str, decision: str, comment: str) -> Operation[Approval]:
    body = {"decision": decision, "comment": comment}
    return Operation("POST", f"/api/approvals/{_segment(approval)}", _as(Approval), body=body)


def get_retention() -> Operation[StoredRetention]:
    return Operation("GET", "/api/retention", _tagged(StoredRetention))


def put_retention(policy: Mapping[str, Json], if_match: str | None, create_only: bool) -> Operation[StoredRetention]:
    headers = _conditions(if_match, create_only)
    return Operation("PUT", "/api/retention", _tagged(StoredRetention), headers=headers, body=policy)


def purge(batch: int) -> Operation[Purged]:
    return Operation("POST", "/api/retention/purge", _as(Purged), _given(batch=batch), seconds=PURGE_SECONDS)


def usage(first: date | None, last: date | None, by: Iterable[str]) -> Operation[UsageReport]:
    days = {"from": first.isoformat() if first else None, "to": last.isoformat() if last else None}
    return Operation("GET", "/api/usage", _as(UsageReport), _given(**days, by=",".join(by)))


def usage_of(execution: str, by: Iterable[str]) -> Operation[UsageReport]:
    return Operation("GET", f"{_execution(execution)}/usage", _as(UsageReport), _given(by=",".join(by)))


def list_budgets() -> Operation[Page[StandingBudget]]:
    return Operation("GET", "/api/budgets", _as(Page[StandingBudget]))


def get_budget(name: str) -> Operation[StandingBudget]:
    return Operation("GET", _budget(name), _as(StandingBudget))


def put_budget(budget: Mapping[str, Json], if_match: str | None, create_only: bool) -> Operation[StandingBudget]:
    """Raises `InvalidArgument` when the budget has no name to put it under."""
    headers = _conditions(if_match, create_only)
    return Operation("PUT", _budget(_name_of(budget)), _as(StandingBudget), headers=headers, body=budget)


def delete_budget(name: str, if_match: str | None) -> Operation[None]:
    return Operation("DELETE", _budget(name), _nothing, headers=_given(**{"If-Match": if_match}))


def list_models() -> Operation[Page[ModelAlias]]:
    return Operation("GET", "/api/models", _as(Page[ModelAlias]))


def get_model(alias: str) -> Operation[ModelAlias]:
    return Operation("GET", f"/api/models/{_segment(alias)}", _tagged(ModelAlias))


def put_model(alias: str, model: Mapping[str, Json], if_match: str | None, create_only: bool) -> Operation[ModelAlias]:
    headers = _conditions(if_match, create_only)
    return Operation("PUT", f"/api/models/{_segment(alias)}", _tagged(ModelAlias), headers=headers, body=model)


def delete_model(alias: str, if_match: str | None) -> Operation[None]:
    return Operation("DELETE", f"/api/models/{_segment(alias)}", _nothing, headers=_given(**{"If-Match": if_match}))


def list_collections() -> Operation[Collections]:
    return Operation("GET", "/api/library", _as(Collections))


def delete_collection(collection: str, vectors: bool) -> Operation[RemovedCollection]:
    params = {"vectors": "true"} if vectors else {}
    path = f"/api/library/{_segment(collection)}"
    return Operation("DELETE", path, _as(RemovedCollection), params=params, seconds=PURGE_SECONDS)


def list_documents(collection: str, limit: int, continuation: str | None) -> Operation[Page[LibraryDocument]]:
    params = _given(limit=limit, continuation=continuation)
    return Operation("GET", _documents(collection), _as(Page[LibraryDocument]), params=params)


def get_document(collection: str, name: str) -> Operation[LibraryDocument]:
    return Operation("GET", _document(collection, name), _tagged(LibraryDocument))


def put_document(
    collection: str, name: str, content: bytes, title: str | None, if_match: str | None, create_only: bool
) -> Operation[LibraryDocument]:
    return Operation(
        "PUT",
        _document(collection, name),
        _tagged(LibraryDocument),
        params=_given(title=title),
        headers=_conditions(if_match, create_only),
        content=content,
        seconds=CALL_SECONDS,
    )


def document_content(collection: str, name: str) -> Operation[bytes]:
    return Operation("GET", f"{_document(collection, name)}/content", _bytes)


def delete_document(collection: str, name: str, if_match: str | None) -> Operation[None]:
    return Operation("DELETE", _document(collection, name), _nothing, headers=_given(**{"If-Match": if_match}))


def search_library(
    collection: str, query: str, top: int, mode: SearchMode, documents: Iterable[str]
) -> Operation[SearchResult]:
    body: dict[str, Json] = {"query": query, "top": top, "mode": mode, "documents": list(documents)}
    path = f"/api/library/{_segment(collection)}/search"
    return Operation("POST", path, _as(SearchResult), body=body, seconds=CALL_SECONDS)


def citations(execution: str) -> Operation[Citations]:
    return Operation("GET", f"{_execution(execution)}/citations", _as(Citations))


def list_schedules(limit: int, continuation: str | None) -> Operation[Page[ScheduleSummary]]:
    params = _given(limit=limit, continuation=continuation)
    return Operation("GET", "/api/schedules", _as(Page[ScheduleSummary]), params)


def get_schedule(name: str) -> Operation[StoredSchedule]:
    return Operation("GET", _schedule(name), _tagged(StoredSchedule))


def put_schedule(schedule: Mapping[str, Json], if_match: str | None, create_only: bool) -> Operation[StoredSchedule]:
    """Raises `InvalidArgument` when the schedule has no name to put it under."""
    headers, read = _conditions(if_match, create_only), _tagged(StoredSchedule)
    return Operation("PUT", _schedule(_name_of(schedule)), read, headers=headers, body=schedule)


def delete_schedule(name: str, if_match: str | None) -> Operation[None]:
    return Operation("DELETE", _schedule(name), _nothing, headers=_given(**{"If-Match": if_match}))


def set_paused(name: str, paused: bool) -> Operation[StoredSchedule]:
    return Operation("POST", f"{_schedule(name)}/{'pause' if paused else 'resume'}", _tagged(StoredSchedule))


def run_schedule(name: str, idempotency_key: str | None) -> Operation[Execution]:
    headers = _given(**{"Idempotency-Key": idempotency_key})
    return Operation("POST", f"{_schedule(name)}/run", _as(Execution), headers=headers)


def next_times(name: str, count: int) -> Operation[NextTimes]:
    return Operation("GET", f"{_schedule(name)}/next", _as(NextTimes), _given(count=count))


def me() -> Operation[Me]:
    return Operation("GET", "/api/me", _as(Me))


def health(deep: bool) -> Operation[Health]:
    return Operation("GET", "/api/health", _as(Health), _given(deep="true" if deep else None))


def _execution(execution: str) -> str:
    return f"/api/executions/{_segment(execution)}"


def _without_nothing(request: Mapping[str, Json]) -> dict[str, Json]:
    return {key: value for key, value in request.items() if value is not None}


def _prompt(name: str) -> str:
    return f"/api/prompts/{_segment(name)}"


def _label(name: str, label: str) -> str:
    return f"{_prompt(name)}/labels/{_segment(label)}"


def _budget(name: str) -> str:
    return f"/api/budgets/{_segment(name)}"


def _documents(collection: str) -> str:
    return f"/api/library/{_segment(collection)}/documents"


def _document(collection: str, name: str) -> str:
    return f"{_documents(collection)}/{_segment(name)}"


def _schedule(name: str) -> str:
    return f"/api/schedules/{_segment(name)}"


def _name_of(definition: Mapping[str, Json]) -> str:
    name = definition.get("name")
    if not isinstance(name, str):
        raise InvalidArgument("The definition has no `name`.", "Give it one: lower-case letters, digits and hyphens.")
    return name


def _segment(text: str) -> str:
    try:
        if text not in {"", ".", ".."}:
            return quote(text, safe="")
    except UnicodeEncodeError:
        pass
    raise InvalidArgument(f"{text!r} is not a name or an id.", "Give the one that a list shows.")


def _conditions(if_match: str | None, create_only: bool) -> dict[str, str]:
    return _given(**{"If-Match": if_match, "If-None-Match": "*" if create_only else None})


def _keyed(idempotency_key: str | None) -> dict[str, str]:
    return _given(**{"Idempotency-Key": idempotency_key})


def _given(**values: str | int | None) -> dict[str, str]:
    return {key: str(value) for key, value in values.items() if value is not None}


def _as(shape: type[R]) -> Callable[[httpx.Response], R]:
    def read(response: httpx.Response) -> R:
        return _shaped(shape, response, json_of(response))

    return read


def _tagged(shape: type[R]) -> Callable[[httpx.Response], R]:
    """Like `_as`, with the ETag that came beside the body."""

    def read(response: httpx.Response) -> R:
        return _shaped(shape, response, _object(response) | _given(etag=response.headers.get("etag")))

    return read


def _object(response: httpx.Response) -> dict[str, Json]:
    content = json_of(response)
    if not isinstance(content, dict):
        raise unexpected(response, "with JSON that is not an object")
    return content


def _nothing(response: httpx.Response) -> None:
    if not response.is_success:
        raise refusal(response)


def _bytes(response: httpx.Response) -> bytes:
    if not response.is_success:
        raise refusal(response)
    return response.content


def _shaped(shape: type[R], response: httpx.Response, content: Json) -> R:
    try:
        return shape.model_validate(content)
    except ValidationError as error:
        raise unexpected(response, f"with something that is not a {shape.__name__}") from error
