"""What operators have asked of an execution: one document in its partition, read by every activity before it begins."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from domain.calls import Action
from domain.events import Draft, EventType
from domain.paths import ancestors
from services.documents.base import Conflict, Document, DocumentStore, Put
from services.eventlog import EventLog, partition_of
from services.waits import waiting, waiting_id, waiting_to_finish

CONTROL = "control"
Asked = Literal["running", "paused", "canceling"]
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


def standing(found: dict[str, Document], key: str, step: str) -> Standing:
    control = found.get(CONTROL)
    canceling = control is not None and control.body["state"] == "canceling"
    ended = str(EventType.EXECUTION_CANCELED) in found
    stopped = any(canceled_id(path) in found for path in ancestors(step))
    return Standing(ended, ended or canceling or stopped, control, waiting_id(key) in found)


class Controls:
    def __init__(self, documents: DocumentStore, events: EventLog) -> None:
        self._documents = documents
        self._events = events

    async def standing(self, action: Action) -> Standing:
        partition = partition_of(action.tenant, action.execution)
        found = await self._documents.get_many(partition, standing_ids(action.key, action.step))
        return standing(found, action.key, action.step)

    async def ask(self, tenant: str, execution: str, state: Asked, said: Draft, expected: Document | None) -> bool:
        """Ask for it, and log that; False when something else was asked for in the meantime."""
        put = Put(
            CONTROL,
            {"state": state},
            if_match=expected.etag if expected else None,
            if_absent=expected is None,
        )
        try:
            await self._events.append(tenant, execution, [said], put)
        except Conflict:
            return False
        return True

    async def asked(self, tenant: str, execution: str) -> Document | None:
        return await self._documents.get(partition_of(tenant, execution), CONTROL)

    async def hold_finish(self, tenant: str, execution: str, wake: str, control: Document) -> bool:
        """As `hold`, for the end of the execution itself."""
        operations = [waiting_to_finish(execution, wake), Put(CONTROL, control.body, if_match=control.etag)]
        try:
            await self._documents.write(partition_of(tenant, execution), operations)
        except Conflict:
            return False
        return True

    async def hold(self, action: Action, control: Document, drafts: Sequence[Draft] = ()) -> bool:
        """Leave the note that the action waits for the end of the pause; False when there is no such pause any more."""
        still_paused = Put(CONTROL, control.body, if_match=control.etag)
        try:
            await self._events.append(action.tenant, action.execution, drafts, waiting(action), still_paused)
        except Conflict:
            return False
        return True
