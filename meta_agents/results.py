"""What the API answers, as typed frozen records. Keys a newer server adds are kept, never refused."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field

Json = Any
"""A JSON value: None, bool, int, float, str, list or dict with str keys."""

TERMINAL_EVENTS = {
    "execution.completed": "completed",
    "execution.failed": "failed",
    "execution.canceled": "canceled",
}
"""Event types that are the last of an execution, and the status it ends with."""


class Result(BaseModel):
    """A record of the API."""

    model_config = ConfigDict(frozen=True, extra="allow", populate_by_name=True)

    def as_sent(self) -> dict[str, Json]:
        """The record as the JSON the server sent, keys unknown to this client included."""
        return self.model_dump(mode="json", exclude_unset=True, by_alias=True)


T = TypeVar("T")


class Page(Result, Generic[T]):
    """Some items of a list. `continuation` asks for the next ones; None: these are the last."""

    items: tuple[T, ...]
    continuation: str | None = None


class Detail(Result):
    """One bad field: an RFC 6901 pointer into what was sent, and what is wrong there."""

    pointer: str
    message: str


class Problem(Result):
    """Why an execution, step or call failed, and what to do about it."""

    code: str
    message: str
    action: str = ""
    fault: str = ""
    retryable: bool = False
    retry_after: float | None = None
    details: tuple[Detail, ...] = ()


class Usage(Result):
    """What model calls cost. Tokens are counts; `cost_usd` is US dollars, None when a price is not known."""

    model_calls: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    cost_usd: Decimal | None = Decimal(0)

    def __add__(self, other: Usage) -> Usage:
        known = self.cost_usd is not None and other.cost_usd is not None
        return Usage(
            model_calls=self.model_calls + other.model_calls,
            tokens_in=self.tokens_in + other.tokens_in,
            tokens_out=self.tokens_out + other.tokens_out,
            cost_usd=(self.cost_usd or Decimal(0)) + (other.cost_usd or Decimal(0)) if known else None,
        )


class DefinitionSummary(Result):
    """One line of a list of agents, tools or workflows."""

    name: str
    version: int
    description: str = ""
    updated: datetime | None = None
    etag: str | None = None


class StoredDefinition(Result):
    """One version of an agent, tool or workflow. `etag` guards a later `put` or `delete` (`if_match`)."""

    version: int
    definition: dict[str, Json]
    updated: datetime | None = None
    etag: str | None = None


class VersionSummary(Result):
    version: int
    updated: datetime | None = None


class Label(Result):
    """Where a label of a prompt is. `etag` guards a later move (`if_match`). `protected`: only an admin moves it."""

    label: str
    version: int
    by: str = ""
    at: datetime | None = None
    protected: bool = False
    etag: str | None = None


class LabelMove(Result):
    """One move of a label; None for nowhere."""

    label: str
    before: int | None = Field(default=None, alias="from")
    after: int | None = Field(default=None, alias="to")
    by: str = ""
    at: datetime | None = None


class Labels(Result):
    """The labels of a prompt, by name, and their latest moves."""

    items: tuple[Label, ...]
    moves: tuple[LabelMove, ...] = ()


class Use(Result):
    """A definition that uses another: itself (`references` say how), or by way of those in `through`."""

    kind: str
    name: str
    version: int | None = None
    direct: bool = True
    references: tuple[str, ...] = ()
    through: tuple[str, ...] = ()


class PromptVersion(Result):
    version: int
    description: str = ""
    updated: datetime | None = None


class DiffPiece(Result):
    """Part of a line: `same`, `removed` or `added`."""

    kind: str
    text: str


class DiffLine(Result):
    """`same`, `removed`, `added` or `changed`, with its numbers in either text."""

    kind: str
    text: str
    before: int | None = None
    after: int | None = None
    pieces: tuple[DiffPiece, ...] = ()


class VariableChange(Result):
    name: str
    kind: str
    before: dict[str, Json] | None = None
    after: dict[str, Json] | None = None


class PromptDiff(Result):
    """Two versions of a prompt side by side."""

    name: str
    before: PromptVersion = Field(alias="from")
    after: PromptVersion = Field(alias="to")
    same: bool
    lines: tuple[DiffLine, ...] = ()
    variables: tuple[VariableChange, ...] = ()


class Estimate(Result):
    """The most one execution can use; None: it cannot be known before it runs. Prompts and retries come on top."""

    model_calls: int | None = None
    tokens_out: int | None = None
    output_usd: Decimal | None = None


class Validation(Result):
    """What the server thinks of a definition that it was not asked to keep. Warnings would not keep it from that."""

    valid: bool
    errors: tuple[Detail, ...] = ()
    warnings: tuple[Detail, ...] = ()
    estimate: Estimate = Estimate()


class Validations(Result):
    results: tuple[Validation, ...]


class Hold(Result):
    """Why an execution is not purged, who said so, and since when."""

    reason: str
    by: str = ""
    since: datetime | None = None


class Fork(Result):
    """What a fork takes over of the execution that it was made from (the record's `retry_of`), and what it changes."""

    before: str | None = None
    """Path of the step from which on nothing is taken over."""
    until: int | None = None
    """Offset in the other's log from which on nothing is."""
    outputs: tuple[str, ...] = ()
    """Paths of the steps whose outputs were given."""
    edited: tuple[str, ...] = ()
    """What was changed: `input`, `workflow`, `agents/NAME`."""
    offline: bool = False
    """A replay: nothing was called, all was taken from the other's log."""


class BudgetReached(Result):
    """The budget that has paused an execution: a step's, or the execution's own (the path is empty), or a tenant's."""

    path: str | None = None
    budget: str | None = None
    """Name of the tenant's budget."""
    period: str | None = None
    what: str = ""
    """What is used up, in words."""
    cap: dict[str, Json] = {}
    spent: Usage = Usage()
    reserved: Usage = Usage()


class UsageItem(Result):
    """What was used by one day, workflow, agent…: which of these it is of was asked for, the others are None.

    `failures` are attempts at calls; `reused` are answers that were taken over and cost nothing; `unpriced` are calls
    whose price is not known. `seconds` is how long the calls took.
    """

    day: date | None = None
    tenant: str | None = None
    workflow: str | None = None
    step: str | None = None
    agent: str | None = None
    model: str | None = None
    tool: str | None = None
    executions: int = 0
    executions_failed: int = 0
    model_calls: int = 0
    tool_calls: int = 0
    reused: int = 0
    failures: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    cost_usd: Decimal = Decimal(0)
    unpriced: int = 0
    seconds: Decimal = Decimal(0)


class UsageReport(Result):
    """What was used, by what was asked for, and in all."""

    by: tuple[str, ...]
    items: tuple[UsageItem, ...]
    total: UsageItem


class StandingBudget(Result):
    """A budget of the tenant, and how it stands in the period that is now. `etag` guards a later `put` or `delete`."""

    definition: dict[str, Json]
    period: str = ""
    ends: datetime | None = None
    spent: Usage = Usage()
    reserved: Usage = Usage()
    """By calls that are under way."""
    updated: datetime | None = None
    by: str = ""
    etag: str | None = None


class Execution(Result):
    """The record of one execution. In lists, `input` and `output` are left out (None)."""

    id: str
    workflow: str
    status: str
    """`running`, `paused`, `canceling`, or how it has ended: `completed`, `failed` or `canceled`."""
    workflow_version: int | None = None
    input: Json = None
    output: Json = None
    error: Problem | None = None
    stop_reason: str | None = None
    paused_for: BudgetReached | None = None
    """The budget that has paused it."""
    usage: Usage = Usage()
    turns: int = 0
    retry_of: str | None = None
    """The execution that it goes on from, as a retry or a fork of it."""
    fork: Fork | None = None
    variants: dict[str, str] = Field(default_factory=dict)
    """By agent, the prompt that was chosen for it by weight: `name@version`."""
    imported_from: str | None = None
    """The id it had where it was exported."""
    hold: Hold | None = None
    started_by: str = ""
    created: datetime | None = None
    ended: datetime | None = None

    @property
    def is_ended(self) -> bool:
        return self.status in TERMINAL_EVENTS.values()


class WebhookAttempt(Result):
    """One call of a webhook. `status` is the answer's; `error` says why it does not count, None when it does."""

    number: int
    time: datetime
    seconds: float = 0
    status: int | None = None
    error: str | None = None


class WebhookDelivery(Result):
    """What came of telling a webhook of an execution's end; `next` is about when it is tried again."""

    url: str
    events: tuple[str, ...] = ()
    state: str
    """`waiting` (for the end), `skipped` (not asked for), `delivering`, `delivered` or `given_up`."""
    webhook_id: str | None = None
    attempts: tuple[WebhookAttempt, ...] = ()
    next: datetime | None = None


class ScheduleProgress(Result):
    """How far a schedule has come. `last_error`: why nothing was started at `last_due`."""

    paused: bool = False
    next: datetime | None = None
    last_due: datetime | None = None
    last_execution: str | None = None
    last_error: Problem | None = None
    updated: datetime | None = None
    etag: str | None = None


class ScheduleSummary(ScheduleProgress):
    """One line of a list of schedules."""

    name: str
    workflow: str
    cron: str
    time_zone: str = "UTC"
    description: str = ""


class StoredSchedule(ScheduleProgress):
    """A schedule as it was written. `etag` guards a later `put` or `delete` (`if_match`)."""

    definition: dict[str, Json]


class NextTimes(Result):
    """In UTC; `time_zone` is the schedule's own."""

    time_zone: str
    times: tuple[datetime, ...]


class Approval(Result):
    """A question to a human. `decision` is one of `options`; after the deadline it is `otherwise`."""

    id: str
    execution: str
    workflow: str
    step: str
    kind: str
    """`approval`; `failure`: what to do about a failed step; `turn`: to speak in a chat, in the comment's words."""
    ask: str
    show: Json = None
    """What to look at before deciding."""
    options: tuple[str, ...]
    roles: tuple[str, ...] = ()
    """Who may decide; an admin always may."""
    escalated: bool = False
    created: datetime | None = None
    deadline: datetime | None = None
    otherwise: str | None = None
    state: str = "pending"
    """`pending`, `decided`, `expired` or `withdrawn`."""
    decision: str | None = None
    comment: str = ""
    by: str | None = None
    decided: datetime | None = None


class Event(Result):
    """One line of an execution's log; `offset` starts at 1 and has no gaps.

    A payload too large for the log has `value` None and `artifact` set: `executions.value` loads it.
    """

    offset: int
    type: str
    time: datetime
    id: str = ""
    step: str | None = None
    agent: str | None = None
    data: dict[str, Json] = Field(default_factory=dict)
    value: Json = None
    artifact: str | None = None

    @property
    def is_terminal(self) -> bool:
        return self.type in TERMINAL_EVENTS


class Delta(Result):
    """A piece of an answer being written; live only. `position` counts the characters before it."""

    step: str
    agent: str | None = None
    call: str
    attempt: int
    position: int
    text: str


class EventPage(Result):
    """Log events after an offset; `next` is the offset to ask after, `ended` that no more will come."""

    events: tuple[Event, ...]
    next: int
    ended: bool


class ChatTurn(Result):
    turn: int
    speaker: str
    text: str
    event: str | None = None


class Chat(Result):
    """A group chat as it stands: turns so far, and its latest ones."""

    turns: int
    window: tuple[ChatTurn, ...] = ()


class Price(Result):
    """US dollars for a million tokens, and who says so."""

    input: Decimal
    output: Decimal
    source: str


class ModelAlias(Result):
    """What a model alias stands for: `model` as it was written, `source` where (settings, file, stored).

    `mistakes`: what no longer fits. `etag`, of a stored one, guards a later `put` (`if_match`).
    """

    alias: str
    source: str
    model: dict[str, Json]
    context_window: int | None = None
    price: Price | None = None
    updated: datetime | None = None
    by: str | None = None
    mistakes: tuple[Detail, ...] = ()
    etag: str | None = None


class RetentionPolicy(Result):
    """How long executions are kept after their end, by how they ended; None: for ever."""

    completed: timedelta | None = None
    failed: timedelta | None = None
    canceled: timedelta | None = None


class StoredRetention(Result):
    """The policy as it stands; the rest is None as long as none was set. `etag` guards a later `put` (`if_match`)."""

    policy: RetentionPolicy
    updated: datetime | None = None
    by: str | None = None
    etag: str | None = None


class Purged(Result):
    """What one purge did: how many it removed; kept although due, because on hold or still needed; could not remove
    whole (the next purge goes on with them). `more`: others are due.
    """

    purged: int
    held: int = 0
    in_use: int = 0
    failed: int = 0
    more: bool = False


class Me(Result):
    """Who the token belongs to."""

    tenant: str
    principal: str
    roles: tuple[str, ...] = ()


class Model(Result):
    name: str
    provider: str


class Check(Result):
    """How long it took to write to a store and read it back."""

    seconds: float


class Health(Result):
    """`build` names what was deployed; `checks` is empty unless asked for."""

    status: str
    version: str
    build: str | None = None
    model: Model | None = None
    checks: dict[str, Check] = {}
