"""What must hold of every account whatever the workflow: looked at directly, without the reference."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from domain.errors import Code
from domain.executions import Status
from domain.paths import is_within
from domain.policies import Budget
from domain.steps import ConcurrentStep, MapStep, SequentialStep, Step, SwitchStep
from domain.workflows import Workflow
from orchestrators.steps import needs_of
from tests.language.account import Account, Case, Made
from tests.language.script import tokens

PAID = ("answered", "misfit")


def require_all(case: Case, account: Account) -> None:
    definition = case.definition()
    require_typed_end(account)
    require_each_call_finished_once(account)
    for prefix, steps in lists_in(definition.steps, ""):
        require_order(account, prefix, steps)
    for path, step in placed(definition.steps, ""):
        if isinstance(step, MapStep):
            require_concurrency(account, path, step.map.concurrency)
    for path, budget in budgets_in(definition):
        require_budget(case, account, path, budget)


def require_typed_end(account: Account) -> None:
    assert account.status is not None
    assert account.status.is_ended
    assert (account.status is Status.FAILED) == (account.code is not None)
    assert account.code is not Code.PLATFORM_FAILED, "the interpreter broke"


def require_each_call_finished_once(account: Account) -> None:
    finished = [made.key for made in account.calls if made.how in PAID]
    assert len(finished) == len(set(finished))


def require_order(account: Account, prefix: str, steps: Sequence[Step]) -> None:
    """A step begins after all that it needs, and at the very moment when the last of that has ended."""
    needs = needs_of(steps)
    for step in steps:
        begun = _begun_once(account, f"{prefix}{step.id}")
        needed = [_ended_once(account, f"{prefix}{need}") for need in needs[step.id]]
        if begun is not None and needed and None not in needed:
            assert begun == max(moment for moment in needed if moment), f"{prefix}{step.id} did not begin in time"


def require_concurrency(account: Account, path: str, most: int) -> None:
    """Never more items at once than the map allows."""
    moments: list[tuple[datetime, int]] = []
    for at in account.steps:
        item = at.removeprefix(f"{path}[").removesuffix("]")
        if at == f"{path}[{item}]" and item.isdigit():
            begun, ended = _begun_once(account, at), _ended_once(account, at)
            moments += [(begun, 1), (ended, -1)] if begun and ended else []
    running = 0
    for _, change in sorted(moments):
        running += change
        assert running <= most, f"{running} items of {path} at once"


def require_budget(case: Case, account: Account, path: str, budget: Budget) -> None:
    """No call is begun when what was paid before is all there is: a budget is exceeded by what was under way alone."""
    made = [one for one in account.calls if is_within(_step_of(one), path) and not one.tool]
    for one in made:
        before = [other for other in made if other.end <= one.start and other.how in PAID]
        under_way = [other for other in made if other.start < one.start < other.end]
        if budget.model_calls is not None:
            assert len(before) + len(under_way) < budget.model_calls, f"{one.key} was one too many for {path!r}"
        if budget.tokens is not None:
            used = sum(tokens(case.script.call(other.key, other.attempt, tool=False)) for other in before)
            assert used < budget.tokens, f"{one.key} was begun though the budget of {path!r} was used up"


def require_canceled(case: Case, account: Account, undisturbed: Account) -> None:
    """A cancel has a defined end: at once, but for calls that must not be broken off; nothing begins after it."""
    assert case.canceled is not None
    assert undisturbed.ended is not None
    if case.canceled > undisturbed.ended:
        assert account.comparable() == undisturbed.comparable()
        return
    assert account.status is Status.CANCELED
    assert [made.key for made in account.calls if made.start > case.canceled] == []
    assert account.ended == max([case.canceled, *(made.end for made in account.calls)])


def lists_in(steps: Sequence[Step], prefix: str) -> Iterator[tuple[str, Sequence[Step]]]:
    """Every list of steps that has one place, with the beginning of its steps' paths."""
    yield prefix, steps
    for path, step in placed(steps, prefix):
        if isinstance(step, SequentialStep):
            yield f"{path}/", step.sequential


def placed(steps: Sequence[Step], prefix: str) -> Iterator[tuple[str, Step]]:
    """Every step that has one place, with its path."""
    for step in steps:
        path = f"{prefix}{step.id}"
        yield path, step
        if isinstance(step, SequentialStep | ConcurrentStep | SwitchStep):
            yield from placed(step.children(), f"{path}/")


def budgets_in(definition: Workflow) -> Iterator[tuple[str, Budget]]:
    yield "", definition.limits
    for path, step in placed(definition.steps, ""):
        if step.budget is not None:
            yield path, step.budget


def _step_of(made: Made) -> str:
    return made.key.rpartition("#")[0]


def _begun_once(account: Account, path: str) -> datetime | None:
    """When the step began; None when it never did, or more than once, as after a failure."""
    begun = [told.time for told in account.steps.get(path, []) if told.what == "started"]
    return begun[0] if len(begun) == 1 and not _given_up(account, path) else None


def _ended_once(account: Account, path: str) -> datetime | None:
    ended = [told.time for told in account.steps.get(path, []) if told.what != "started"]
    return max(ended) if ended and not _given_up(account, path) else None


def _given_up(account: Account, path: str) -> bool:
    return any(is_within(path, gone) for gone in account.given_up)
