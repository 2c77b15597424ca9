"""The shared state of one group chat: deterministic, idempotent by turn, bounded (the log keeps what leaves it)."""

from __future__ import annotations

from typing import Any

from azure.durable_functions import DurableEntityContext

from domain.chats import WINDOW

State = dict[str, Any]
"""`{"turns": number so far, "window": [{"turn", "speaker", "text", "event"}]}`; `text` is the beginning of the turn."""


def appended(state: State, entry: dict[str, Any]) -> State:
    """The state with one more turn; a turn that is already there changes nothing."""
    if entry["turn"] <= state["turns"]:
        return state
    return {"turns": entry["turn"], "window": [*state["window"], entry][-WINDOW:]}


def chat(context: DurableEntityContext) -> None:
    """Operations: `append` (an entry of the window), `view` (`{"last": n}`; gives the latest n entries), `delete`."""
    state: State = context.get_state(lambda: {"turns": 0, "window": []})
    match context.operation_name:
        case "append":
            context.set_state(appended(state, context.get_input()))
            context.set_result(None)
        case "view":
            context.set_result(state["window"][-context.get_input()["last"] :])
        case "delete":
            context.set_result(None)
            context.destruct_on_exit()  # last: a result brings the entity back
        case unknown:
            raise ValueError(f"The chat entity knows `append`, `view` and `delete`, not {unknown!r}.")
