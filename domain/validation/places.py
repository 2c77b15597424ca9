"""Where a step stands: what its expressions may name there, and why they may not name the rest."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from domain.policies import Budget
from domain.steps import ConcurrentStep, LoopStep, MapStep, Step, SwitchStep
from domain.validation.order import Order, leaves, visible_after

EVERYWHERE = frozenset({"input", "steps", "execution"})
IN_MAP = frozenset({"item", "index"})
IN_LOOP = frozenset({"round"})
IN_CHAT = frozenset({"chat"})

Around = tuple[Step, ...]


@dataclass(frozen=True)
class Here:
    """`around`: the steps around, the innermost last. `done`: those that have ended before."""

    around: Around = ()
    names: frozenset[str] = EVERYWHERE
    done: frozenset[str] = frozenset()
    time: timedelta | None = None
    budgets: tuple[Budget, ...] = ()

    def inside(self, step: Step, time: timedelta | None) -> Here:
        """The same place for what belongs to the step; `time` is what it is given by itself."""
        limits = [limit for limit in (self.time, time) if limit is not None]
        budgets = (*self.budgets, step.budget) if step.budget else self.budgets
        return replace(self, around=(*self.around, step), time=min(limits, default=None), budgets=budgets)

    def naming(self, names: frozenset[str]) -> Here:
        return replace(self, names=self.names | names)

    def knowing(self, ended: frozenset[str]) -> Here:
        return replace(self, done=self.done | ended)

    def after(self, steps: Sequence[Step]) -> Here:
        return self.knowing(frozenset().union(*(visible_after(step) for step in steps)))


def ancestors(steps: Sequence[Step], around: Around = ()) -> Iterator[tuple[str, Around]]:
    """Each step's id, with the steps around it from the outermost on."""
    for step in steps:
        yield step.id, around
        yield from ancestors(step.children(), (*around, step))


def why_not(name: str, there: Around, here: Here, orders: Mapping[str, Order]) -> str:
    """Why the step `name`, with `there` around it, has no output yet where a step stands that is `here`'s innermost.

    `orders`: of each list of steps, by the id of the step around it, its order.
    """
    around = here.around
    if around and name == around[-1].id:
        return "it is this step itself"
    if name in [step.id for step in around]:
        return "it contains this step, and ends after it"
    hidden = next((step for step in there if step not in around and _hides(step)), None)
    if hidden is not None:
        return _hidden(hidden)
    shared = [step for step in there if step in around]
    inner = shared[-1] if shared else None
    if isinstance(inner, ConcurrentStep):
        return f"it runs at the same time, in another branch of `{inner.id}`"
    if isinstance(inner, SwitchStep):
        return f"it is another case of `{inner.id}`, and only one is run"
    return _in_list(name, there[len(shared) :], around[len(shared) :], inner, orders)


def _hides(step: Step) -> bool:
    return isinstance(step, MapStep | LoopStep) or leaves(step)


def _hidden(step: Step) -> str:
    if isinstance(step, MapStep):
        return f"it runs once for each item; use `steps.{step.id}.output`, the list of results"
    if isinstance(step, LoopStep):
        return f"it runs once for each round; use `steps.{step.id}.output`, that of the last one"
    return f"it may be left running, as `losers: leave` says; use `steps.{step.id}.output`"


def _in_list(name: str, there: Around, around: Around, inner: Step | None, orders: Mapping[str, Order]) -> str:
    if not around:
        return "it has not run when `while` is looked at; use `round.last`, the output of the round before"
    order, theirs = orders.get(inner.id if inner else ""), there[0].id if there else name
    if order is None:
        return "it runs later"
    if order.is_after(theirs, around[0].id):
        again = "; `round.last` is the output of the round before" if isinstance(inner, LoopStep) else ""
        return f"it runs later{again}"
    whose = "`needs`" if len(around) == 1 else f"the `needs` of `{around[0].id}`"
    return f"it may still be running; add `{theirs}` to {whose}"
