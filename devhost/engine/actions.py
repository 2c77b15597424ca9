"""What an orchestrator's turn asked for: the SDK's reply, parsed and flattened."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

ERROR_LABEL = "\n\n$OutOfProcData$:"
"""Between an exception's text and the reply attached to it. JSON escapes line breaks, so the last label counts."""


class ActionKind(IntEnum):
    CALL_ACTIVITY = 0
    CALL_ACTIVITY_WITH_RETRY = 1
    CALL_SUB_ORCHESTRATOR = 2
    CALL_SUB_ORCHESTRATOR_WITH_RETRY = 3
    CONTINUE_AS_NEW = 4
    CREATE_TIMER = 5
    WAIT_FOR_EXTERNAL_EVENT = 6
    CALL_ENTITY = 7
    CALL_HTTP = 8
    SIGNAL_ENTITY = 9
    WHEN_ANY = 11
    WHEN_ALL = 12


class BadReply(ValueError):
    """The SDK's reply does not follow the protocol."""


@dataclass(frozen=True, slots=True)
class Action:
    """One action. `name` tells it from others of its kind; `fields` is what the SDK sent."""

    kind: ActionKind
    name: str
    fields: Mapping[str, Any]

    @property
    def canceled(self) -> bool:
        return bool(self.fields.get("isCanceled"))


@dataclass(frozen=True, slots=True)
class Reply:
    """One turn's reply: actions of this generation in order, and how the orchestrator stands.

    A replay gives all of them (`first` is 0), a session those from position `first` on. `canceled` are the positions of
    timers found to be canceled.
    """

    actions: list[Action]
    first: int
    canceled: frozenset[int]
    returned: bool
    output: str | None
    error: str | None
    custom_status: str | None

    @property
    def ended(self) -> bool:
        """The orchestrator returned, raised or continued as new."""
        return self.returned or self.error is not None

    @property
    def continues_as_new(self) -> bool:
        last = self.actions[-1] if self.actions else None
        return self.returned and last is not None and last.kind is ActionKind.CONTINUE_AS_NEW


def parse_reply(text: str, *, first: int = 0, canceled: frozenset[int] = frozenset()) -> Reply:
    """Parse the SDK's JSON string. Raises `BadReply`.

    Output and custom status are printed again: the SDK printed them with the same printer, so that is the identity.
    """
    try:
        reply = json.loads(text)
        batches = reply["actions"]
        actions = list(_flatten(batches[0] if batches else []))
        return Reply(
            actions=actions,
            first=first,
            canceled=canceled | {first + position for position, action in enumerate(actions) if action.canceled},
            returned=bool(reply["isDone"]),
            output=json.dumps(reply["output"]) if "output" in reply else None,
            error=reply.get("error"),
            custom_status=json.dumps(reply["customStatus"]) if "customStatus" in reply else None,
        )
    except (KeyError, TypeError, ValueError) as error:
        raise BadReply(f"the SDK's reply is not understood ({type(error).__name__}: {error})") from error


def _flatten(actions: Iterable[dict[str, Any]]) -> Iterator[Action]:
    for fields in actions:
        kind = ActionKind(fields["actionType"])
        if kind in (ActionKind.WHEN_ANY, ActionKind.WHEN_ALL):
            yield from _flatten(fields["compoundActions"])
        else:
            yield Action(kind, _name(kind, fields), fields)


def _name(kind: ActionKind, fields: Mapping[str, Any]) -> str:
    match kind:
        case ActionKind.WAIT_FOR_EXTERNAL_EVENT:
            name = fields["externalEventName"]
        case ActionKind.CALL_ENTITY | ActionKind.SIGNAL_ENTITY:
            name = f"{fields['operation']} of {fields['instanceId']}"
        case ActionKind.CALL_HTTP:
            name = f"{fields['httpRequest']['method']} {fields['httpRequest']['uri']}"
        case ActionKind.CREATE_TIMER | ActionKind.CONTINUE_AS_NEW:
            name = ""
        case _:
            name = fields["functionName"]
    return str(name)
