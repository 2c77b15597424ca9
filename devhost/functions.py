"""What the host knows of one function: its callable, its trigger and its bindings."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from devhost.retry import RetryPolicy

HTTP_TRIGGER = "httpTrigger"
ORCHESTRATION_TRIGGER = "orchestrationTrigger"
ACTIVITY_TRIGGER = "activityTrigger"
ENTITY_TRIGGER = "entityTrigger"
TIMER_TRIGGER = "timerTrigger"
SIGNALR_TRIGGER = "signalRTrigger"
QUEUE_TRIGGER = "queueTrigger"
QUEUE = "queue"
BLOB = "blob"

SERVED_TRIGGERS = frozenset(
    {
        HTTP_TRIGGER,
        ORCHESTRATION_TRIGGER,
        ACTIVITY_TRIGGER,
        ENTITY_TRIGGER,
        TIMER_TRIGGER,
        SIGNALR_TRIGGER,
        QUEUE_TRIGGER,
    }
)
RETRIED_TRIGGERS = frozenset({TIMER_TRIGGER})
SERVED_INPUTS = frozenset({"durableClient", "signalRConnectionInfo", BLOB})
SERVED_OUTPUTS = frozenset({"http", "signalR", QUEUE, BLOB})

# The property of a durable trigger that renames what orchestrators call; without it the function's name counts.
DURABLE_NAME_PROPERTY = {
    ORCHESTRATION_TRIGGER: "orchestration",
    ACTIVITY_TRIGGER: "activity",
    ENTITY_TRIGGER: "entityName",
}

JsonValue = str | int | float | bool | list["JsonValue"] | dict[str, "JsonValue"] | None


@dataclass(frozen=True)
class Binding:
    """One binding as its function.json line says it, `%SETTING%` references already looked up.

    `annotation` is that of its parameter, None without one.
    """

    name: str
    type: str
    direction: Literal["in", "out"]
    properties: Mapping[str, JsonValue]
    annotation: object = None

    def text(self, key: str, default: str = "") -> str:
        """A property as text, or `default` when it is absent."""
        value = self.properties.get(key)
        return default if value is None else str(value)


@dataclass(frozen=True)
class Function:
    """A loaded function. `inputs` and `outputs` leave out the trigger and `$return`.

    `retry` is None also where the host never retries. `unserved` is the reason why this host does not run it, or None;
    `disabled` is what has switched it off, which is the app's own wish.
    """

    name: str
    call: Callable[..., object]
    trigger: Binding
    inputs: tuple[Binding, ...] = ()
    outputs: tuple[Binding, ...] = ()
    returns: Binding | None = None
    is_async: bool = False
    wants_context: bool = False
    retry: RetryPolicy | None = None
    unserved: str | None = None
    disabled: str | None = None

    @property
    def auth_level(self) -> str:
        """The level of key that an HTTP function asks for, in lower case: anonymous, function or admin."""
        return self.trigger.text("authLevel", "function").lower()

    @property
    def durable_name(self) -> str:
        """The name orchestrators and clients know it by."""
        return self.trigger.text(DURABLE_NAME_PROPERTY.get(self.trigger.type, ""), self.name)

    @property
    def methods(self) -> tuple[str, ...]:
        """HTTP methods in upper case; empty means all."""
        methods = self.trigger.properties.get("methods")
        return tuple(str(method).upper() for method in methods) if isinstance(methods, list) else ()


def why_unserved(trigger: Binding, others: list[Binding]) -> str | None:
    """Why this version cannot serve a function of these bindings, or None when it can."""
    if trigger.type not in SERVED_TRIGGERS:
        return f"{trigger.type} is not served by this version"
    for binding in others:
        served = SERVED_INPUTS if binding.direction == "in" else SERVED_OUTPUTS
        if binding.type not in served:
            return f"{binding.type} binding '{binding.name}' is not served by this version"
    return None
