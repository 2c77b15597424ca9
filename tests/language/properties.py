"""The properties of random workflows, tried a few times in `test_semantics` and thousands of times in `tests/long`."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from hypothesis import assume, given
from hypothesis import strategies as st

from domain.validation import check_workflow
from domain.workflows import Workflow
from tests.language.account import Account, Case
from tests.language.generator import cases
from tests.language.processes import Tie
from tests.language.reference import expected
from tests.language.rules import require_all, require_canceled
from tests.language.script import BEGIN, odd
from tests.language.simulated import simulated

moments = st.integers(0, 25).map(lambda seconds: BEGIN + timedelta(seconds=seconds) + odd("moment", seconds))


def wanted(case: Case) -> Account:
    """What the reference says; a case that has more than one right end is not looked at."""
    try:
        return expected(case)
    except Tie:
        assume(False)
        raise


@given(cases())
def accepted_by_validation(case: Case) -> None:
    """What is tried here is what authors may write."""
    others = [Workflow.model_validate({"name": name, **other}) for name, other in case.others.items()]
    for definition in (case.definition(), *others):
        assert check_workflow(definition).errors == ()


@given(cases())
def as_the_reference_says(case: Case) -> None:
    account = simulated(case)
    require_all(case, account)
    assert account.comparable() == wanted(case).comparable()


@given(cases(), st.sampled_from((1, 2, 4)))
def the_same_from_one_generation_to_the_next_and_on_replay(case: Case, generation: int) -> None:
    assert simulated(case, replaying=True, generation=generation).comparable() == wanted(case).comparable()


@given(cases(), moments, st.integers(1, 9))
def a_pause_holds_calls_and_nothing_else(case: Case, begin: object, seconds: int) -> None:
    assert isinstance(begin, type(BEGIN))
    paused = replace(case, paused=(begin, begin + timedelta(seconds=seconds) + odd("pause", seconds)))
    assert simulated(paused).comparable() == wanted(paused).comparable()


@given(cases(), moments, st.sampled_from((None, 1, 4)))
def a_cancel_ends_it_at_once(case: Case, moment: object, paused: int | None) -> None:
    """Also in a pause that began some seconds before, and that nobody ends."""
    assert isinstance(moment, type(BEGIN))
    if paused is not None:
        case = replace(case, paused=(moment - timedelta(seconds=paused), BEGIN + timedelta(days=1)))
    undisturbed = wanted(case)
    canceled = replace(case, canceled=moment)
    require_canceled(canceled, simulated(canceled), undisturbed)


@given(cases(steady=True))
def the_same_when_maps_run_in_slices(case: Case) -> None:
    """Each of two items, in an orchestrator of its own."""
    assert simulated(case, items=2).timeless() == wanted(case).timeless()


PROPERTIES = (
    accepted_by_validation,
    as_the_reference_says,
    the_same_from_one_generation_to_the_next_and_on_replay,
    a_pause_holds_calls_and_nothing_else,
    a_cancel_ends_it_at_once,
    the_same_when_maps_run_in_slices,
)
