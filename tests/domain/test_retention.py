from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from domain.executions import Execution, Hold, Status
from domain.retention import (
    SLICE,
    Purged,
    RetentionPolicy,
    Verdict,
    first_id_of,
    instance_of,
    judge,
    orchestrators_of,
)
from orchestrators import mapping

NOW = datetime(2026, 6, 15, tzinfo=UTC)
ENDED = [status for status in Status if status.is_ended]
MONTH = RetentionPolicy.model_validate({status.value: "P30D" for status in ENDED})


def execution(days: float, status: Status = Status.COMPLETED, *, made: float | None = None, **fields: Any) -> Execution:
    """Ended so many days ago, and made a day before, unless said otherwise."""
    created = NOW - timedelta(days=days + 1 if made is None else made)
    return Execution(
        id=first_id_of(created) + "0" * 20,
        tenant="t",
        workflow="w",
        workflow_version=1,
        plan="",
        status=status,
        input=None,
        started_by="me",
        created=created,
        ended=NOW - timedelta(days=days) if status.is_ended else None,
        **fields,
    )


class TestPolicy:
    def test_without_a_word_everything_is_kept_for_ever(self) -> None:
        for status in Status:
            assert judge(execution(36_000, status), RetentionPolicy(), NOW) is Verdict.KEPT

    @pytest.mark.parametrize("status", ENDED)
    def test_each_end_has_a_time_of_its_own(self, status: Status) -> None:
        policy = RetentionPolicy.model_validate({status.value: "P30D"})
        for other in ENDED:
            expected = Verdict.DUE if other is status else Verdict.KEPT
            assert judge(execution(31, other), policy, NOW) is expected

    @pytest.mark.parametrize("keep", ["P1D", "P30D", "P1Y", "P100Y", "PT36H"])
    def test_what_may_be_asked_for(self, keep: str) -> None:
        policy = RetentionPolicy.model_validate({"failed": keep})
        assert RetentionPolicy.model_validate_json(policy.model_dump_json()) == policy

    @pytest.mark.parametrize("keep", ["PT23H59M", "PT0S", "-P30D", "P101Y", "P999999999D", 30, "for a month", True, []])
    def test_what_may_not(self, keep: Any) -> None:
        """A bare number would be seconds: nobody who writes 30 means those."""
        with pytest.raises(ValidationError):
            RetentionPolicy.model_validate({"completed": keep})

    def test_an_unknown_status_is_a_mistake(self) -> None:
        with pytest.raises(ValidationError):
            RetentionPolicy.model_validate({"running": "P30D"})


class TestVerdict:
    @pytest.mark.parametrize(("days", "expected"), [(29.9, Verdict.KEPT), (30, Verdict.DUE), (30.1, Verdict.DUE)])
    def test_the_time_counts_from_the_end(self, days: float, expected: Verdict) -> None:
        assert judge(execution(days, made=300), MONTH, NOW) is expected

    @pytest.mark.parametrize("status", [status for status in Status if not status.is_ended])
    def test_what_has_not_ended_is_kept(self, status: Status) -> None:
        assert judge(execution(1_000, status), MONTH, NOW) is Verdict.KEPT

    def test_a_hold_keeps_what_is_due(self) -> None:
        hold = Hold(reason="a law suit", by="ann", since=NOW)
        assert judge(execution(31, hold=hold), MONTH, NOW) is Verdict.HELD
        assert judge(execution(29, hold=hold), MONTH, NOW) is Verdict.KEPT

    def test_one_that_ended_elsewhere_long_ago_counts_from_when_it_was_imported(self) -> None:
        assert judge(execution(1_000, made=1), MONTH, NOW) is Verdict.KEPT
        assert judge(execution(1_000, made=31), MONTH, NOW) is Verdict.DUE

    def test_an_end_without_a_time_is_never_due(self) -> None:
        assert judge(execution(40).model_copy(update={"ended": None}), MONTH, NOW) is Verdict.KEPT


def test_ids_are_told_apart_by_the_moment() -> None:
    at = int(NOW.timestamp() * 1_000)
    assert f"{at - 1:012x}{'f' * 20}" < first_id_of(NOW) < f"{at:012x}{'0' * 20}"


def test_purges_add_up() -> None:
    first, second = Purged(purged=2, held=1, failed=1, more=True), Purged(purged=3, held=1, in_use=2)
    assert first + second == Purged(purged=5, held=1, in_use=2, failed=1)


class TestOrchestrators:
    def test_what_the_log_tells(self) -> None:
        log: list[dict[str, Any]] = [
            {"type": "execution.started", "data": {"workflow": "w"}},
            *({"type": "step.started", "step": kind, "data": {"kind": kind}} for kind in ("agent", "concurrent")),
            {"type": "step.started", "step": "talk", "data": {"kind": "group_chat"}},
            {"type": "call.started", "step": "talk/turn[1]", "data": {"call": "talk/turn[1]#0"}},
            {"type": "step.started", "step": "many", "data": {"kind": "map"}},
            *({"type": "step.started", "step": f"many[{n}]", "data": {"kind": "agent"}} for n in (0, 1, 49)),
            {"type": "step.skipped", "step": "many[50]"},
            {"type": "step.started", "step": "many[51]/talk", "data": {"kind": "group_chat"}},
            *(
                {"type": "step.started", "step": kind, "data": {"kind": kind}}
                for kind in ("loop", "workflow", "handoff")
            ),
            {"type": "chat.ended", "step": "talk", "data": {}},
        ]
        assert orchestrators_of(iter(log)) == {
            "talk": "group_chat",
            "many": "map",
            "many[0]": None,
            "many[50]": None,
            "many[51]/talk": "group_chat",
            "loop": "loop",
            "workflow": "workflow",
            "handoff": "handoff",
        }

    def test_slices_are_those_of_the_map_pattern(self) -> None:
        assert SLICE == mapping.SLICE

    def test_instances_have_the_names_that_orchestrators_give(self) -> None:
        assert instance_of("e", "a[50]/b") == "e.a[50].b"
        assert instance_of("e", "a", 2) == "e.a~2"
