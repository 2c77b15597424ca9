"""The synchronous client: `Client`. Its asynchronous twin has the same methods; what they do is in `operations`."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from types import TracebackType
from typing import Protocol, Self, TypeVar

import httpx

from meta_agents import operations
from meta_agents.diffs import Diff
from meta_agents.errors import MetaAgentsError, require_stream, unreachable
from meta_agents.evaluations import Comparison, Evaluation, EvaluationRecord
from meta_agents.following import Follower, Item, OnLost, Reconnect
from meta_agents.library import Library
from meta_agents.money import Budgets
from meta_agents.operations import Kind, Operation
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
    StoredDefinition,
    StoredRetention,
    StoredSchedule,
    UsageReport,
    Use,
    Validation,
    VersionSummary,
    WebhookDelivery,
)
from meta_agents.settings import connection
from meta_agents.tool_results import ImportedTools, McpServer, McpTool, ToolCall, ToolFunction
from meta_agents.wire import has_certificate, headers, no_proxy_here, request

T = TypeVar("T")


class Call(Protocol):
    def __call__(self, operation: Operation[T], /) -> T: ...


class Client:
    """A connection to the API. Close it, or use it in a `with` statement.

    `url` and `token` default to META_AGENTS_URL and META_AGENTS_TOKEN, else to what `make start` sets up on this
    machine. Every method raises `ApiError` when the server refuses and `Unreachable` when it does not answer.
    """

    def __init__(
        self, url: str | None = None, token: str | None = None, *, transport: httpx.BaseTransport | None = None
    ) -> None:
        target = connection(url, token)
        self.url = target.url
        self._http = httpx.Client(
            base_url=target.url,
            headers=headers(target),
            transport=transport,
            mounts=no_proxy_here(),
            verify=has_certificate(target),
        )
        self.agents = Definitions("agents", self._call)
        self.datasets = Definitions("datasets", self._call)
        self.prompts = Prompts("prompts", self._call)
        self.tools = Tools("tools", self._call)
        self.workflows = Workflows("workflows", self._call)
        self.executions = Executions(self._http, self._call)
        self.evaluations = Evaluations(self._call)
        self.schedules = Schedules(self._call)
        self.approvals = Approvals(self._call)
        self.retention = Retention(self._call)
        self.budgets = Budgets(self._call)
        self.library = Library(self._call)
        self.models = Models(self._call)

    def validate(self, definitions: Iterable[tuple[Kind, Json]]) -> tuple[Validation, ...]:
        """What is wrong with definitions that know each other, in their order; nothing is kept.

        Each with its kind: `("agents", {…})`.
        """
        return self._call(operations.validate(definitions)).results

    def usage(
        self, *, by: Iterable[str] = ("day",), first: date | None = None, last: date | None = None
    ) -> UsageReport:
        """What the tenant's executions used from the first day to the last (UTC, both included; 30 days unless given).

        `by`: any of `day`, `tenant`, `workflow`, `agent`, `model` and `tool`.
        """
        return self._call(operations.usage(first, last, by))

    def me(self) -> Me:
        return self._call(operations.me())

    def health(self) -> Health:
        return self._call(operations.health())

    def close(self) -> None:
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _call(self, operation: Operation[T], /) -> T:
        prepared = request(self._http, operation)
        try:
            response = self._http.send(prepared)
        except httpx.RequestError as error:
            raise unreachable(prepared, error) from error
        return operation.read(response)


class Definitions:
    """The versioned definitions of one kind."""

    def __init__(self, kind: Kind, call: Call) -> None:
        self._kind = kind
        self._call = call

    def list(self, *, page_size: int = 50) -> Iterator[DefinitionSummary]:
        """Each definition's latest version, fetched page by page as the iterator is read."""
        return _pages(lambda continuation: self._call(operations.list_definitions(self._kind, page_size, continuation)))

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
        return _pages(
            lambda continuation: self._call(operations.list_versions(self._kind, name, page_size, continuation))
        )

    def uses(self, name: str, *, page_size: int = 50) -> Iterator[Use]:
        """What uses it, in the latest versions: first what does so itself, then what does so through others."""
        return _pages(lambda continuation: self._call(operations.list_uses(self._kind, name, page_size, continuation)))

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
        return _pages(lambda continuation: self._call(operations.list_moves(name, page_size, continuation)))

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


class Executions:
    """Starting, watching and ending executions."""

    def __init__(self, http: httpx.Client, call: Call) -> None:
        self._http = http
        self._call = call

    def start(
        self,
        workflow: str | Mapping[str, Json],
        input: Json = None,
        *,
        wait: int | None = None,
        idempotency_key: str | None = None,
        webhook: str | Mapping[str, Json] | None = None,
    ) -> Execution:
        """Start a workflow (`name`, `name@version`, or a whole definition); `input` defaults to `{}`.

        `wait`: seconds (at most 60) to wait for its end; the record may still be running after them.
        `idempotency_key`: starting again with the same key and request gives the same execution.
        `webhook`: a URL to call when it has ended, or `{"url", "events"}`.
        """
        return self._call(operations.start(workflow, input, wait, idempotency_key, webhook))

    def get(self, execution: str) -> Execution:
        return self._call(operations.get_execution(execution))

    def list(
        self,
        *,
        status: str | None = None,
        workflow: str | None = None,
        variant: str | None = None,
        page_size: int = 50,
    ) -> Iterator[Execution]:
        """Newest first, without `input` and `output`, fetched page by page as the iterator is read.

        `variant`: only those that had this prompt (`name@version`) chosen for them by weight.
        """
        return _pages(
            lambda continuation: self._call(
                operations.list_executions(status, workflow, variant, page_size, continuation)
            )
        )

    def pause(self, execution: str) -> Execution:
        """Begin nothing more until it is resumed; what is under way ends and is kept."""
        return self._call(operations.pause(execution))

    def resume(self, execution: str) -> Execution:
        return self._call(operations.resume(execution))

    def usage(self, execution: str, *, by: Iterable[str] = ("step", "agent", "model")) -> UsageReport:
        """What one execution has used so far, by any of `step`, `agent`, `model` and `tool`."""
        return self._call(operations.usage_of(execution, by))

    def raise_budget(
        self,
        execution: str,
        path: str = "",
        *,
        cost_usd: Decimal | str | None = None,
        tokens: int | None = None,
        model_calls: int | None = None,
        resume: bool = True,
    ) -> Execution:
        """Raise the budget of the step at `path` (empty: of the whole execution) to these caps.

        An execution that a budget has paused goes on then, unless `resume` is False.
        """
        dollars = None if cost_usd is None else str(cost_usd)
        caps = {"cost_usd": dollars, "tokens": tokens, "model_calls": model_calls}
        return self._call(operations.raise_budget(execution, path, caps, resume))

    def cancel(self, execution: str, *, wait: int | None = None) -> Execution:
        """End it: calls under way are broken off, finished work is kept.

        `wait`: seconds (at most 60) to wait for its end; the record may still be canceling after them.
        """
        return self._call(operations.cancel(execution, wait))

    def retry(self, execution: str, *, idempotency_key: str | None = None) -> Execution:
        """A new execution of a failed or canceled one, which goes on from the calls that were finished."""
        return self._call(operations.retry(execution, idempotency_key))

    def fork(
        self,
        execution: str,
        *,
        before: str | None = None,
        after: int | None = None,
        input: Json = None,
        outputs: Mapping[str, Json] | None = None,
        workflow: Mapping[str, Json] | None = None,
        agents: Mapping[str, Mapping[str, Json]] | None = None,
        idempotency_key: str | None = None,
    ) -> Execution:
        """A new execution that takes over what this one did, but for what is changed.

        `before`, a step's path, or `after`, an offset of the log: what came later is done anew. `outputs`, by path of
        a step: it is not run. `agents`, by name, and `workflow`: other definitions than were pinned.
        """
        changes = {
            "before": before,
            "after": after,
            "input": input,
            "outputs": outputs,
            "workflow": workflow,
            "agents": agents,
        }
        return self._call(operations.fork(execution, changes, idempotency_key))

    def replay(
        self,
        execution: str,
        *,
        live: bool = False,
        input: Json = None,
        outputs: Mapping[str, Json] | None = None,
        workflow: Mapping[str, Json] | None = None,
        agents: Mapping[str, Mapping[str, Json]] | None = None,
        idempotency_key: str | None = None,
    ) -> Execution:
        """A new execution that runs this ended one once more from its log: nothing is called, asked or waited for.

        What is not recorded, because something is changed, fails with `not_recorded`; or, `live`, is called. Compare
        the two with `diff`. The changes are those of `fork`.
        """
        changes = {"input": input, "outputs": outputs, "workflow": workflow, "agents": agents}
        return self._call(operations.replay(execution, live, changes, idempotency_key))

    def send(self, execution: str, event: str, value: Json = None, *, idempotency_key: str | None = None) -> Event:
        """Send an event, with any JSON, to the step that waits for it or will; the event as it was logged.

        `idempotency_key`: with the same key it is sent once.
        """
        return self._call(operations.send(execution, event, value, idempotency_key))

    def hold(self, execution: str, reason: str) -> Execution:
        """Keep the execution from being purged, until it is released."""
        return self._call(operations.hold(execution, reason))

    def release(self, execution: str) -> Execution:
        return self._call(operations.release(execution))

    def delete(self, execution: str) -> None:
        """Remove an ended execution and all it left, for good. `ApiError` (409) if it is on hold or still needed."""
        self._call(operations.delete_execution(execution))

    def webhook(self, execution: str) -> WebhookDelivery:
        """What came of telling its webhook of its end; `ApiError` (404) when it has none."""
        return self._call(operations.webhook(execution))

    def diff(self, left: str, right: str, *, changed: bool = False, limit: int = 1_000) -> Diff:
        """Two executions side by side, aligned by step; they may still go on.

        `changed`: without the steps that are the same. `limit`: most steps in the answer, at most 10,000.
        """
        return self._call(operations.diff(left, right, changed, limit))

    def export(self, execution: str, *, zipped: bool = False) -> bytes:
        """The execution as a bundle for `import_bundle`: JSON, or a zip that holds it."""
        return self._call(operations.export(execution, zipped))

    def import_bundle(self, bundle: bytes, *, idempotency_key: str | None = None) -> Execution:
        """Take in what `export` gave, here or elsewhere; the record of the execution that it has become.

        `idempotency_key`: importing again with the same key and bundle gives the same execution.
        """
        return self._call(operations.import_bundle(bundle, idempotency_key))

    def events(self, execution: str, after: int = 0, *, limit: int = 500) -> EventPage:
        """One page of the log: the events after an offset."""
        return self._call(operations.list_events(execution, after, limit))

    def follow(
        self, execution: str, after: int = 0, *, reconnect: Reconnect | None = None, on_lost: OnLost | None = None
    ) -> Iterator[Item]:
        """Every event after an offset, once and in order, with deltas between; ends after the terminal event.

        A lost connection is made again (`on_lost` is told), until `reconnect.patience` is out: then `Unreachable`.
        """
        follower = Follower(execution, after, reconnect or Reconnect())
        while not follower.ended:
            cause: MetaAgentsError | None = None
            try:
                yield from self._stream(follower)
            except MetaAgentsError as error:
                cause = error
            if not follower.ended:
                delay = follower.lost(cause)
                if on_lost is not None:
                    on_lost(cause)
                time.sleep(delay)

    def _stream(self, follower: Follower) -> Iterator[Item]:
        prepared = request(self._http, follower.connect())
        try:
            response = self._http.send(prepared, stream=True)
            try:
                if not response.is_success:
                    response.read()
                require_stream(response)
                for chunk in response.iter_bytes():
                    yield from follower.receive(chunk)
                    if follower.ended:
                        return
            finally:
                response.close()
        except httpx.RequestError as error:
            raise unreachable(prepared, error) from error

    def value(self, execution: str, event: Event) -> Json:
        """The event's payload, loaded when it is too large to be in the log."""
        return event.value if event.artifact is None else self.artifact(execution, event.artifact)

    def artifact(self, execution: str, reference: str) -> Json:
        return self._call(operations.artifact(execution, reference))

    def chat(self, execution: str, step: str) -> Chat:
        """The group chat of a step as it stands."""
        return self._call(operations.chat(execution, step))


class Approvals:
    """Questions to humans: listed across executions, decided once."""

    def __init__(self, call: Call) -> None:
        self._call = call

    def list(
        self, *, state: str | None = None, execution: str | None = None, page_size: int = 50
    ) -> Iterator[Approval]:
        """Those of the latest executions first, fetched page by page as the iterator is read.

        `state`: only `pending`, `decided`, `expired` or `withdrawn` ones.
        """
        return _pages(
            lambda continuation: self._call(operations.list_approvals(state, execution, page_size, continuation))
        )

    def get(self, approval: str) -> Approval:
        return self._call(operations.get_approval(approval))

    def decide(self, approval: str, decision: str, *, comment: str = "") -> Approval:
        """Decide for one of its `options`, or speak: `say`, with the words as the comment.

        The first decision stands: `ApiError` (409) if there is one, 403 for whoever has none of its roles.
        """
        return self._call(operations.decide(approval, decision, comment))


class Retention:
    """How long executions are kept, and purging those that are due."""

    def __init__(self, call: Call) -> None:
        self._call = call

    def get(self) -> StoredRetention:
        return self._call(operations.get_retention())

    def put(
        self, policy: Mapping[str, Json], *, if_match: str | None = None, create_only: bool = False
    ) -> StoredRetention:
        """Keep `completed`, `failed` and `canceled` executions so long after their end: ISO 8601 durations (`P30D`).

        Those that are None or left out are kept for ever. `if_match` and `create_only` as for definitions.
        """
        return self._call(operations.put_retention(policy, if_match, create_only))

    def purge(self, *, batch: int = 100) -> Purged:
        """Remove the oldest executions that are due, at most so many."""
        return self._call(operations.purge(batch))


class Models:
    """The models that agents may name. They are the deployment's: storing one needs the role `admin`."""

    def __init__(self, call: Call) -> None:
        self._call = call

    def list(self) -> tuple[ModelAlias, ...]:
        return self._call(operations.list_models()).items

    def get(self, alias: str) -> ModelAlias:
        return self._call(operations.get_model(alias))

    def put(
        self, alias: str, model: Mapping[str, Json], *, if_match: str | None = None, create_only: bool = False
    ) -> ModelAlias:
        """Store it; it goes before what settings and file give. `if_match` and `create_only` as for definitions."""
        return self._call(operations.put_model(alias, model, if_match, create_only))

    def delete(self, alias: str, *, if_match: str | None = None) -> None:
        """Take the stored one away: what settings and file give counts again."""
        self._call(operations.delete_model(alias, if_match))


class Evaluations:
    """Agents and workflows on data sets, and how two of them compare. Each is an execution too, under the same id."""

    def __init__(self, call: Call) -> None:
        self._call = call

    def start(  # noqa: PLR0913 - each is one thing that a request may say
        self,
        *,
        agent: str | None = None,
        workflow: str | None = None,
        data: str | None = None,
        cases: Sequence[Mapping[str, Json]] | None = None,
        graders: Sequence[Mapping[str, Json]] = (),
        prompt: str | None = None,
        prompts: Mapping[str, str] | None = None,
        draft: Mapping[str, Json] | None = None,
        variables: Mapping[str, Json] | None = None,
        concurrency: int | None = None,
        limits: Mapping[str, Json] | None = None,
        idempotency_key: str | None = None,
    ) -> EvaluationRecord:
        """Evaluate an agent or a workflow on a data set (`name` or `name@version`), or on `cases`.

        `prompt`, or a `draft` (`template`, `variables`) that is not stored: what the agent has in place of its own.
        `prompts`: the same for the agents of a workflow, by name.
        """
        request = {
            "agent": agent,
            "workflow": workflow,
            "data": data,
            "cases": cases,
            "graders": list(graders),
            "prompt": prompt,
            "prompts": prompts,
            "draft": draft,
            "variables": variables,
            "concurrency": concurrency,
            "limits": limits,
        }
        return self._call(operations.start_evaluation(request, idempotency_key))

    def list(self, *, kind: str | None = None, page_size: int = 50) -> Iterator[EvaluationRecord]:
        """Newest first; `kind="trial"`: of prompts tried on past calls."""
        return _pages(lambda continuation: self._call(operations.list_evaluations(kind, page_size, continuation)))

    def get(
        self, evaluation: str, *, cases: str | None = None, page_size: int = 200, continuation: str | None = None
    ) -> Evaluation:
        """What came of it, as far as it has come: the sums and a page of its cases.

        `cases`: `failed` for those that a grader did not pass, `changed` for those whose answer is another.
        """
        return self._call(operations.get_evaluation(evaluation, cases, page_size, continuation))

    def compare(self, left: str, right: str) -> Comparison:
        """Two over the same cases."""
        return self._call(operations.compare_evaluations(left, right))


class Schedules:
    """Workflows that are started by the clock."""

    def __init__(self, call: Call) -> None:
        self._call = call

    def list(self, *, page_size: int = 50) -> Iterator[ScheduleSummary]:
        """By name, without `input`, fetched page by page as the iterator is read."""
        return _pages(lambda continuation: self._call(operations.list_schedules(page_size, continuation)))

    def get(self, name: str) -> StoredSchedule:
        return self._call(operations.get_schedule(name))

    def put(
        self, schedule: Mapping[str, Json], *, if_match: str | None = None, create_only: bool = False
    ) -> StoredSchedule:
        """Create the schedule under its `name`, or change it; `paused` stays as it is unless the schedule says it.

        `if_match`: only while the ETag is still this one. `create_only`: only a new name. Else `ApiError` (412).
        """
        return self._call(operations.put_schedule(schedule, if_match, create_only))

    def delete(self, name: str, *, if_match: str | None = None) -> None:
        """Executions that it started go on."""
        self._call(operations.delete_schedule(name, if_match))

    def pause(self, name: str) -> StoredSchedule:
        """Start nothing until it is resumed."""
        return self._call(operations.set_paused(name, True))

    def resume(self, name: str) -> StoredSchedule:
        """Go on with the next time from now."""
        return self._call(operations.set_paused(name, False))

    def run(self, name: str, *, idempotency_key: str | None = None) -> Execution:
        """Start an execution now, paused or not; the same one again for the same key."""
        return self._call(operations.run_schedule(name, idempotency_key))

    def next(self, name: str, count: int = 5) -> NextTimes:
        """Its next times, as if it were not paused."""
        return self._call(operations.next_times(name, count))


def _pages(fetch: Callable[[str | None], Page[T]]) -> Iterator[T]:
    continuation: str | None = None
    while True:
        page = fetch(continuation)
        yield from page.items
        continuation = page.continuation
        if continuation is None:
            return
