"""The chat entity: append once per turn, keep a bounded window, through the SDK's own entity protocol."""

from __future__ import annotations

import json
from typing import Any

import azure.durable_functions as df
import pytest

from domain.chats import WINDOW
from entities.chat import appended, chat


def entry(turn: int) -> dict[str, Any]:
    return {"turn": turn, "speaker": "ann", "text": f"words {turn}", "event": f"e{turn}"}


def operate(state: str | None, name: str, value: Any) -> dict[str, Any]:
    """One operation through the SDK, encoded as the durable extension does it."""
    batch = [{"name": name, "input": json.dumps(json.dumps(value)), "isSignal": False}]
    body = {"self": {"name": "chat", "key": "k"}, "exists": state is not None, "state": state, "batch": batch}
    answer: dict[str, Any] = json.loads(df.Entity.create(chat)(json.dumps(body)))
    return answer


def test_turns_are_appended_in_order_and_once() -> None:
    state: dict[str, Any] = {"turns": 0, "window": []}
    for turn in (1, 2, 2, 1, 3):
        state = appended(state, entry(turn))
    assert state["turns"] == 3
    assert [said["turn"] for said in state["window"]] == [1, 2, 3]


@pytest.mark.filterwarnings("ignore:azure.functions df_loads was called:DeprecationWarning")
def test_deleted_nothing_is_left_and_deleting_again_changes_nothing() -> None:
    state = operate(None, "append", entry(1))["entityState"]
    for before in (state, None):
        answer = operate(before, "delete", None)
        assert (answer["entityExists"], answer["results"][0]["isError"]) == (False, False)


def test_the_window_is_bounded_and_the_count_is_not() -> None:
    state: dict[str, Any] = {"turns": 0, "window": []}
    for turn in range(1, 4 * WINDOW):
        state = appended(state, entry(turn))
    assert state["turns"] == 4 * WINDOW - 1
    assert len(state["window"]) == WINDOW
    assert state["window"][-1]["turn"] == 4 * WINDOW - 1


@pytest.mark.filterwarnings("ignore:azure.functions df_loads was called:DeprecationWarning")
def test_through_the_sdk_state_persists_and_a_view_shows_the_latest() -> None:
    state = None
    for turn in (1, 2, 3):
        answer = operate(state, "append", entry(turn))
        assert not answer["results"][0]["isError"]
        state = answer["entityState"]
    view = operate(state, "view", {"last": 2})
    assert [said["turn"] for said in json.loads(view["results"][0]["result"])] == [2, 3]
    assert json.loads(view["entityState"])["turns"] == 3


@pytest.mark.filterwarnings("ignore:azure.functions df_loads was called:DeprecationWarning")
def test_an_unknown_operation_is_an_error_and_changes_nothing() -> None:
    state = operate(None, "append", entry(1))["entityState"]
    answer = operate(state, "erase", None)
    assert answer["results"][0]["isError"]
    assert "not 'erase'" in answer["results"][0]["result"]
    assert answer["entityState"] == state
