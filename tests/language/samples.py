"""Some generated workflows, the same ones each time, of those that have enough to do."""

from __future__ import annotations

from hypothesis import HealthCheck, Phase, given, settings

from domain.steps import KINDS
from tests.language.account import Account, Case
from tests.language.generator import cases
from tests.language.processes import Tie
from tests.language.reference import expected

TRIED = 250
CALLS = range(5, 26)
"""Calls of a workflow that is worth while, and not too long."""
Sample = tuple[Case, Account]


def steady_samples(number: int) -> list[Sample]:
    """So many steady workflows, with what is to come of them: those with the most kinds of steps, no two alike."""
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
        if len(account.calls) in CALLS:
            found.append((case, account))

    collect()
    found.sort(key=lambda sample: len(_kinds(sample[0])), reverse=True)
    various = list({_kinds(case): (case, account) for case, account in found}.values())
    assert len(various) >= number
    return various[:number]


def _kinds(case: Case) -> frozenset[str]:
    written = repr((case.workflow, case.others))
    return frozenset(word for word in (*KINDS, "needs", "when", "on_error") if f"'{word}':" in written)
