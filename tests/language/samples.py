"""Some generated workflows, the same ones each time, of those that have enough to do."""

from __future__ import annotations

from hypothesis import HealthCheck, Phase, given, settings

from tests.language.account import Account, Case
from tests.language.generator import cases
from tests.language.processes import Tie
from tests.language.reference import expected

TRIED = 250
CALLS = range(5, 26)
"""Calls of a workflow that is worth while, and not too long."""
Sample = tuple[Case, Account]


def steady_samples(number: int) -> list[Sample]:
    """So many steady workflows, and what is to come of them: those with the most kinds of steps."""
    found: list[Sample] = []

    @settings(
        max_examples=TRIED,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(cases(steady=True))
    def collect(case: Case) -> None:
        try:
            account = expected(case)
        except Tie:
            return
        if len(account.calls) in CALLS and case.workflow not in [other.workflow for other, _ in found]:
            found.append((case, account))

    collect()
    found.sort(key=lambda sample: _variety(sample[0]), reverse=True)
    assert len(found) >= number
    return found[:number]


def _variety(case: Case) -> int:
    written = repr((case.workflow, case.others))
    kinds = (
        "sequential",
        "concurrent",
        "map",
        "loop",
        "switch",
        "workflow",
        "handoff",
        "group_chat",
        "approval",
        "wait",
    )
    return sum(f"'{kind}':" in written for kind in (*kinds, "needs", "when", "on_error"))
