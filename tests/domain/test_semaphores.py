"""Turns: never more than the limit, tenants one after the other, and nobody who is gone keeps others out."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.semaphores import LEASE, Answer, Ask, Release, Semaphore, Waiter, operated

NOW = datetime(2026, 11, 27, tzinfo=UTC)


def ask(id: str, tenant: str = "t", limit: int = 1, now: datetime = NOW) -> Ask:
    return Ask(id=id, limit=limit, now=now, waiter=Waiter(tenant=tenant, instance=f"i-{id}", event=f"e-{id}"))


def asked(state: Semaphore, *asks: Ask) -> tuple[Semaphore, list[int]]:
    """The positions that were answered."""
    positions = []
    for one in asks:
        state, answer = state.asked(one)
        positions.append(answer.position)
    return state, positions


def woken(answer: Answer) -> list[str]:
    return [wake.event for wake in answer.wakes]


def test_so_many_have_a_turn_and_the_others_wait() -> None:
    state, positions = asked(Semaphore(), *(ask(id, limit=2) for id in "abcd"))
    assert positions == [0, 0, 1, 2]
    state, positions = asked(state, ask("a", limit=2), ask("d", limit=2))
    assert positions == [0, 2]  # asking again changes nothing
    state, answer = state.released(Release(id="a", now=NOW))
    assert woken(answer) == ["e-c"]
    assert asked(state, ask("c", limit=2))[1] == [0]


def test_tenants_are_served_one_after_the_other() -> None:
    many = [ask(f"t{number}") for number in range(5)]
    state, positions = asked(Semaphore(), *many, ask("u0", "u"), ask("v0", "v"), ask("u1", "u"))
    assert positions == [0, 1, 2, 3, 4, 2, 3, 5]
    served = []
    for holder in ["t0", "t1", "u0", "v0", "t2", "u1", "t3"]:
        state, answer = state.released(Release(id=holder, now=NOW))
        served += woken(answer)
    assert served == ["e-t1", "e-u0", "e-v0", "e-t2", "e-u1", "e-t3", "e-t4"]


def test_a_turn_that_nobody_gives_back_comes_to_its_end() -> None:
    state, _ = asked(Semaphore(), ask("gone"), ask("a"))
    late = NOW + LEASE
    state, answer = state.asked(ask("b", now=late))
    assert (woken(answer), answer.position) == (["e-a"], 1)
    assert asked(state, ask("a", now=late + timedelta(seconds=1)))[1] == [0]


def test_who_gives_up_waiting_leaves_the_queue() -> None:
    state, _ = asked(Semaphore(), ask("a"), ask("b"), ask("c"))
    state, answer = state.released(Release(id="b", now=NOW))
    assert answer == Answer()
    assert woken(state.released(Release(id="a", now=NOW))[1]) == ["e-c"]


def test_a_raised_limit_lets_others_in() -> None:
    state, _ = asked(Semaphore(), ask("a"), ask("b"), ask("c"))
    state, answer = state.asked(ask("d", limit=3))
    assert (woken(answer), answer.position) == (["e-b", "e-c"], 1)


def test_what_the_entity_does_not_know() -> None:
    state, answer = operated(None, "ask", ask("a").model_dump(mode="json"))
    assert answer["position"] == 0
    assert operated(state, "release", {"id": "a", "now": NOW.isoformat()})[0]["holders"] == {}
    with pytest.raises(ValueError, match="steal"):
        operated(state, "steal", {})


@given(st.integers(1, 3), st.lists(st.tuples(st.sampled_from("abcdef"), st.booleans(), st.sampled_from("tu"))))
def test_there_are_never_more_holders_and_nobody_is_forgotten(limit: int, moves: list[tuple[str, bool, str]]) -> None:
    state, waiting = Semaphore(), set[str]()
    for id, asks, tenant in moves:
        known = id in state.holders or id in state.waiters
        if asks and not known:
            state, answer = state.asked(ask(id, tenant, limit))
            waiting |= {id} if answer.position else set()
        elif not asks:
            state, answer = state.released(Release(id=id, now=NOW))
            waiting -= {id, *(event.removeprefix("e-") for event in woken(answer))}
        assert len(state.holders) <= limit
        assert set(state.waiters) == waiting == {id for queue in state.queues.values() for id in queue}
        assert not waiting or len(state.holders) == limit
