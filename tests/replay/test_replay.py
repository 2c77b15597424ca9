"""Executions that began under any release go on under this code: recorded histories replay to the same actions."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.replay.history import HISTORIES, Generation, Recording, differences, prefixes, registered
from tests.replay.record import record_all, recorded, release
from tests.replay.scenarios import SCENARIOS

RECORDED = sorted(HISTORIES.glob("[0-9]*/*.json"))
RENAMED = HISTORIES / "must-fail" / "another-activity.json"

pytestmark = pytest.mark.filterwarnings("ignore:azure.functions df_loads was called:DeprecationWarning")


def all_differences(recording: Recording) -> list[str]:
    return [text for one in recording.generations for text in differences(one, registered()[one.orchestrator])]


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_a_recorded_history_replays_turn_by_turn(path: Path) -> None:
    assert all_differences(Recording.load(path)) == []


def test_this_release_is_recorded_whole() -> None:
    assert {path.stem for path in RECORDED if path.parent.name == release()} == set(SCENARIOS)


def test_histories_show_what_they_are_for() -> None:
    generations = {name: Recording.load(HISTORIES / release() / f"{name}.json").generations for name in SCENARIOS}
    every = [one for ones in generations.values() for one in ones]
    kinds = {action.split()[0] for one in every for turn in one.turns for action in turn}
    own = {"call_activity", "call_entity", "call_sub_orchestrator"}
    assert kinds == {*own, "create_timer", "signal_entity", "continue_as_new"}
    assert {one.orchestrator for one in every} == set(registered())
    assert [one.instance for one in generations["map-in-slices"]][1:] == [
        "map-in-slices.each[0]",
        "map-in-slices.each[50]",
    ]
    assert [one.ended for one in generations["continue-as-new"]] == ["continued as new", "returned"]


def test_an_action_of_another_name_is_detected() -> None:
    """The file is a history of this release whose second action was made another activity."""
    found = all_differences(Recording.load(RENAMED))
    assert found[0] == (
        "turn 2: action 2 is 'call_activity call_model rounds/critique#0', "
        "and was 'call_activity ask_critic rounds/critique#0'"
    )


Change = Callable[[Generation], Generation]


def _first_turn_forgotten(one: Generation) -> Generation:
    return one.model_copy(update={"turns": one.turns[1:]})


def _no_action_in_the_first_turn(one: Generation) -> Generation:
    return one.model_copy(update={"turns": [[], *one.turns[1:]]})


def _one_action_more(one: Generation) -> Generation:
    return one.model_copy(update={"turns": [[*one.turns[0], "call_activity finish"], *one.turns[1:]]})


def _still_waiting(one: Generation) -> Generation:
    return one.model_copy(update={"ended": "waiting"})


def _another_input(one: Generation) -> Generation:
    return one.model_copy(update={"input": None})


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (_first_turn_forgotten, "7 turns in the history, and 6 recorded"),
        (_no_action_in_the_first_turn, "turn 1: 1 actions, and there were 0"),
        (_one_action_more, "turn 1: 1 actions, and there were 2"),
        (_still_waiting, "turn 7: the orchestrator is 'returned', and was 'waiting'"),
        (_another_input, "turn 1 raises "),
    ],
)
def test_every_other_departure_is_detected(change: Change, found: str) -> None:
    [generation] = Recording.load(HISTORIES / release() / "sequential.json").generations
    texts = differences(change(generation), registered()["workflow"])
    assert any(text.startswith(found) for text in texts), texts


def test_each_turn_replays_a_longer_beginning() -> None:
    [generation] = Recording.load(HISTORIES / release() / "sequential.json").generations
    lengths = prefixes(generation.history)
    assert lengths == sorted(set(lengths))
    assert lengths[0] == 2  # the clock, and the start
    assert lengths[-1] == len(generation.history)


async def test_what_is_recorded_now_replays_now(tmp_path: Path) -> None:
    recording = await recorded("failing-call", tmp_path / "state.db")
    assert all_differences(recording) == []


def test_a_release_is_recorded_once(tmp_path: Path) -> None:
    with pytest.raises(FileExistsError):
        record_all(tmp_path)
