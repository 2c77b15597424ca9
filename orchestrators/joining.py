"""Works that run at the same time, and the policy that says when to go on without the rest. Deterministic."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from domain.errors import Code, Problem, join_unmet
from domain.executions import StopReason
from domain.policies import Join, JoinPolicy, join_of
from orchestrators.loom import Strand, Weaving
from orchestrators.run import Run
from orchestrators.scope import Outcome


@dataclass
class Joined:
    """What came of it: the outcomes of those that ended in time, by path; and `error` when the policy was not met."""

    outcomes: dict[str, Outcome] = field(default_factory=dict)
    error: Problem | None = None
    stop_reason: StopReason | None = None
    evidence: str = ""

    def outcome(self, value: dict[str, Any], preview: str = "") -> Outcome:
        """That of the step, whose output is `value` when it succeeded."""
        if self.error is not None:
            return Outcome.failed(self.error)
        return Outcome(value=value, preview=preview, stop_reason=self.stop_reason, evidence=self.evidence)


def join(
    run: Run, path: str, policy: JoinPolicy, works: Mapping[str, Weaving], limit: int | None = None
) -> Generator[Any, Any, Joined]:
    """Run the works (by the path of each), at most `limit` at once, until the policy is met or cannot be.

    Every work gives an `Outcome`. Those that have not ended by then are canceled, or left to end by themselves.
    """
    rule = join_of(policy)
    until = run.now + rule.within if rule.within else None
    made: dict[str, Strand] = {}
    upcoming = iter(works.items())
    in_time = True
    while in_time:
        while not (decided := _is_decided(rule, len(works), made)) and _begin_next(run, made, upcoming, limit):
            pass
        running = [strand for strand in made.values() if not strand.is_completed]
        if decided or not running:
            break
        in_time = yield from run.before(until, *running)
    return (yield from _close(run, path, rule, len(works), made, in_time))


def _begin_next(run: Run, made: dict[str, Strand], upcoming: Iterator[tuple[str, Weaving]], limit: int | None) -> bool:
    """Begin one more; False when there is no place for it, or none is left."""
    if limit is not None and sum(not strand.is_completed for strand in made.values()) >= limit:
        return False
    following = next(upcoming, None)
    if following is not None:
        run.part()
        made[following[0]] = run.loom.spawn(following[1])
    return following is not None


def _ended(made: Mapping[str, Strand]) -> dict[str, Outcome]:
    return {path: strand.result() for path, strand in made.items() if strand.is_completed}


def _is_decided(rule: Join, number: int, made: Mapping[str, Strand]) -> bool:
    """Whether nothing that is still to come counts any more."""
    ended = _ended(made).values()
    if any(outcome.status == "canceled" for outcome in ended):
        return True  # from outside: the whole execution, or a step around this one
    succeeded = sum(outcome.status == "succeeded" for outcome in ended)
    needed = rule.needed(number)
    return rule.is_early and (succeeded >= needed or number - len(ended) + succeeded < needed)


def _close(
    run: Run, path: str, rule: Join, number: int, made: dict[str, Strand], in_time: bool
) -> Generator[Any, Any, Joined]:
    joined = judged(path, rule, number, _ended(made), in_time)
    rest = {at: strand for at, strand in made.items() if not strand.is_completed}
    if rule.losers == "leave":
        run.left |= rest
    elif not _is_canceled(joined):
        reason = "what `join` asks for is there" if in_time else f"`within` ({rule.within}) is over"
        yield from run.cancel(rest, reason)
    return joined


def _is_canceled(joined: Joined) -> bool:
    return joined.error is not None and joined.error.code is Code.CANCELED


def judged(path: str, rule: Join, number: int, outcomes: dict[str, Outcome], in_time: bool) -> Joined:
    """Whether the policy is met by the outcomes of those, of `number`, that have ended."""
    canceled = next((outcome for outcome in outcomes.values() if outcome.status == "canceled"), None)
    if canceled is not None:
        return Joined(outcomes, canceled.error)
    succeeded = sum(outcome.status == "succeeded" for outcome in outcomes.values())
    failed = [outcome.error for outcome in outcomes.values() if outcome.error is not None]
    late = number - len(outcomes)
    met = succeeded >= rule.needed(number) if rule.is_early else len(failed) + late <= (rule.tolerate or 0)
    if not met:
        plain = rule == Join() and failed
        return Joined(outcomes, failed[0] if plain else _unmet(path, rule, number, succeeded, in_time, failed))
    if not failed and not late:
        return Joined(outcomes)
    fate = "canceled" if rule.losers == "cancel" else "left to end by themselves"
    evidence = f"{succeeded} of {number} succeeded, {len(failed)} failed, {late} {fate}"
    return Joined(outcomes, None, StopReason.ENOUGH, evidence)


def _unmet(path: str, rule: Join, number: int, succeeded: int, in_time: bool, failed: list[Problem]) -> Problem:
    when = "" if in_time else f" within {rule.within}"
    because = f" The first failure: {failed[0].message}" if failed else ""
    return join_unmet(
        f"`{path}` needs {rule.needed(number)} of {number} to succeed{when}, and {succeeded} did.{because}"
    )
