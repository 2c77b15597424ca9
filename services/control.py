"""What operators have asked of an execution: one document in its partition, read by every activity before it begins."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from domain.calls import Action
from domain.errors import ProblemError, platform_failed
from domain.events import Draft, Event, EventType
from domain.paths import ancestors, is_within
from domain.tracing import Trace
from services.documents.base import Conflict, Delete, Document, DocumentStore, Put, beginning_with
from services.eventlog import CONTROL, EventLog, partition_of
from services.problems import conflict
from services.waits import waiting, waiting_id, waiting_to_finish

Asked = Literal["running", "paused", "canceling", "ended"]
ATTEMPTS = 50
UNMARKED_AT_ONCE = 60
"""Marks that one write removes: beside what else it does, as many as it may hold."""
STOPS = frozenset({EventType.CANCEL_REQUESTED, EventType.STEP_CANCELED, EventType.EXECUTION_CANCELED})
"""After one of these, what is under way may be in vain."""


def canceled_id(path: str) -> str:
    """Id of the mark that a step, and all in it, should come to an end."""
    return f"canceled:{path}"


@dataclass(frozen=True)
class Standing:
    """How things stand for one action. `ended`: the log is closed. `waited`: it has left a note that it waits."""

    ended: bool
    canceled: bool
    control: Document | None
    waited: bool

    @property
    def is_paused(self) -> bool:
        return self.control is not None and self.control.body["state"] == "paused"


def standing_ids(key: str, step: str) -> list[str]:
    """What has to be read to know how things stand for the call or question `key` of a step."""
    marks = [canceled_id(path) for path in ancestors(step)]
    return [CONTROL, str(EventType.EXECUTION_CANCELED), waiting_id(key), *marks]


def standing(found: dict[str, Document], key: str, step: str, *, about_failure: bool = False) -> Standing:
    """`about_failure`: of a question what to do about the step's failure; that the step ended itself is no answer."""
    control = found.get(CONTROL)
    canceling = control is not None and control.body["state"] == "canceling"
    ended = str(EventType.EXECUTION_CANCELED) in found
    marks = {path: found[canceled_id(path)] for path in ancestors(step) if canceled_id(path) in found}
    if about_failure and step in marks and marks[step].body.get("own"):
        del marks[step]
    return Standing(ended, ended or canceling or bool(marks), control, waiting_id(key) in found)


@dataclass(frozen=True)
class Since:
    """The moment at which this was the last thing asked; None: nothing had been."""

    etag: str | None


class Controls:
    def __init__(self, documents: DocumentStore, events: EventLog) -> None:
        self._documents = documents
        self._events = events

    async def standing(self, action: Action, *, about_failure: bool = False) -> Standing:
        partition = partition_of(action.tenant, action.execution)
        found = await self._documents.get_many(partition, standing_ids(action.key, action.step))
        return standing(found, action.key, action.step, about_failure=about_failure)

    async def unmarking(self, tenant: str, execution: str, step: str) -> list[Delete]:
        """What removes the marks that the step, or a step in it, should come to an end.

        Those that one write has no room for are removed here: it takes a step up again, and nothing in it runs before.
        """
        first, partition = canceled_id(step), partition_of(tenant, execution)
        continuation: str | None = None
        while True:
            page, continuation = await self._documents.query(
                partition, between=beginning_with(first), continuation=continuation, limit=UNMARKED_AT_ONCE
            )
            found = [Delete(mark.id) for mark in page if is_within(mark.id, first)]
            if continuation is None:
                return found
            await self._documents.write(partition, found)

    async def asked(self, tenant: str, execution: str) -> Document | None:
        """What was asked of it last; None: nothing yet."""
        return await self._documents.get(partition_of(tenant, execution), CONTROL)

    async def ask(
        self,
        tenant: str,
        execution: str,
        state: Asked,
        *said: Draft,
        since: Since | None = None,
        still: Put | None = None,
    ) -> list[Event]:
        """Ask for it, and log that; nothing is logged when it is asked for already.

        Raises `ProblemError` conflict when the execution has ended; `Conflict` when anything was asked `since`, or
        `still` does.
        """
        conditions = [still] if still else []
        for _ in range(ATTEMPTS):
            control = await self.asked(tenant, execution)
            if state_of(control) == "ended":
                raise ended()
            if state_of(control) == state:
                return []
            if since is not None and etag_of(control) != since.etag:
                raise Conflict(CONTROL)
            try:
                drafts = _resuming(said, control)
                put = _put(control, state, drafts[-1].id if drafts else None)
                return await self._events.append(tenant, execution, drafts, put, *conditions)
            except Conflict as conflict:
                if still is not None and conflict.id == still.id:
                    if state_of(await self.asked(tenant, execution)) == state:
                        return []
                    raise
                continue
        raise ProblemError(platform_failed("Too many others ask something of the execution at the same time."))

    async def touch(self, tenant: str, execution: str) -> None:
        """Ask for what is asked for already: whoever is about to ask for something else finds that out."""
        for _ in range(ATTEMPTS):
            control = await self.asked(tenant, execution)
            try:
                await self._documents.write(partition_of(tenant, execution), [unchanged(control)])
            except Conflict:
                continue
            return
        raise ProblemError(platform_failed("Too many others ask something of the execution at the same time."))

    async def hold(self, action: Action, control: Document | None, drafts: Sequence[Draft] = ()) -> bool:
        """Leave the note that the action waits for the end of the pause; False when it is no longer that pause."""
        still = unchanged(control)
        try:
            await self._events.append(action.tenant, action.execution, drafts, waiting(action), still)
        except Conflict:
            return False
        return True

    async def hold_finish(self, tenant: str, execution: str, wake: str, control: Document) -> bool:
        """As `hold`, for the end of the execution itself."""
        operations = [waiting_to_finish(execution, wake), unchanged(control)]
        try:
            await self._documents.write(partition_of(tenant, execution), operations)
        except Conflict:
            return False
        return True


def unchanged(control: Document | None) -> Put:
    """A write that conflicts when something else was asked in the meantime, or the execution has ended."""
    return _put(control, state_of(control), control.body.get("event") if control else None)


def etag_of(control: Document | None) -> str | None:
    return control.etag if control else None


def state_of(control: Document | None) -> Asked:
    state: Asked = control.body["state"] if control else "running"
    return state


def ended() -> ProblemError:
    return conflict("The execution has ended.", "Read it for its result; to go on from it, fork it.")


def _resuming(said: Sequence[Draft], control: Document | None) -> list[Draft]:
    """What goes on says what it goes on from."""
    since = control.body.get("event") if control else None
    if since is None or state_of(control) != "paused":
        return list(said)
    return [_resumed(draft, since) if "trace" in draft.data else draft for draft in said]


def _resumed(draft: Draft, since: str) -> Draft:
    here = Trace(parent=draft.data["trace"]["parent"])
    span = {**draft.data["trace"], "resumed": {"span": here.child(since), "reason": "pause"}}
    return draft.model_copy(update={"data": {**draft.data, "trace": span}})


def _put(control: Document | None, state: Asked, event: str | None) -> Put:
    """`event`: the one that says so."""
    body = {"state": state, **({"event": event} if event else {})}
    return Put(CONTROL, body, if_match=control.etag if control else None, if_absent=control is None)
