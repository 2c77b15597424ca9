"""The order of the steps of one list: what each needs, what is certain to have ended before it, and circles."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from domain.steps import ConcurrentStep, LoopStep, MapStep, Step
from domain.validation.findings import Notes, Parts
from domain.wording import did_you_mean

_MOST_SHOWN = 10


def visible_after(step: Step) -> frozenset[str]:
    """Ids of the steps that have ended, each once, when this one has: those that later expressions may use."""
    own = frozenset({step.id})
    if isinstance(step, MapStep | LoopStep) or leaves(step):
        return own
    return own.union(*(visible_after(child) for child in step.children()))


def leaves(step: Step) -> bool:
    """Whether branches of the step may still be running when it has ended."""
    if not isinstance(step, ConcurrentStep) or isinstance(step.concurrent.join, str):
        return False
    join = step.concurrent.join
    return join.losers == "leave" and (join.is_early or join.within is not None)


class Order:
    """Which steps of a list each of them needs, in the end; `circle`: some that need each other, the first one twice.

    Sets of steps are numbers with one bit for each: a list of 500 that all need each other must take no time either.
    """

    def __init__(self, steps: Sequence[Step]) -> None:
        self._steps = steps
        self._place = {step.id: index for index, step in enumerate(steps)}
        self._direct = [self._needs(index) for index in range(len(steps))]
        self._needed: dict[int, int] = {}
        self._visible = [visible_after(step) for step in steps]
        self._settle()
        left = set(range(len(steps))) - self._needed.keys()
        self.circle = self._found(left) if left else ()

    def ended_before(self, step: Step) -> frozenset[str]:
        """Ids of what is certain to have ended before it; of a step in a circle, or after one, all that can have."""
        index = self._place[step.id]
        every = (1 << len(self._steps)) - 1
        needed = self._needed.get(index, every & ~(1 << index))
        return frozenset().union(*(ids for number, ids in enumerate(self._visible) if needed >> number & 1))

    def is_after(self, id: str, other: str) -> bool:
        """Whether the step `id` needs the other one, so that it runs later."""
        return bool(self._needed.get(self._place[id], 0) >> self._place[other] & 1)

    def _needs(self, index: int) -> set[int]:
        named = self._steps[index].needs
        if named is None:
            return {index - 1} if index else set()
        return {self._place[id] for id in named if id in self._place} - {index}

    def _settle(self) -> None:
        waiting = [set(needs) for needs in self._direct]
        wanted: list[list[int]] = [[] for _ in self._steps]
        for index, needs in enumerate(self._direct):
            for need in needs:
                wanted[need].append(index)
        ready = [index for index, needs in enumerate(waiting) if not needs]
        while ready:
            index = ready.pop()
            found = 0
            for need in self._direct[index]:
                found |= 1 << need | self._needed[need]
            self._needed[index] = found
            for other in wanted[index]:
                waiting[other].discard(index)
                if not waiting[other]:
                    ready.append(other)

    def _found(self, left: set[int]) -> tuple[Step, ...]:
        path = [min(left)]
        while True:
            following = min(self._direct[path[-1]] & left)
            if following in path:
                return tuple(self._steps[index] for index in [*path[path.index(following) :], following])
            path.append(following)


def check_needs(
    steps: Sequence[Step], at: Parts, order: Order, everywhere: Mapping[str, tuple[Step, ...]], notes: Notes
) -> None:
    """Names of no step beside, and circles. `everywhere`: of each step's id, the steps around it."""
    ids = {step.id for step in steps}
    for index, step in enumerate(steps):
        seen: set[str] = set()
        for number, need in enumerate(step.needs or ()):
            here = (*at, index, "needs", number)
            if need == step.id:
                notes.error(here, "it is this step itself")
            elif need not in ids:
                notes.error(here, _not_beside(need, ids, everywhere))
            elif need in seen:
                notes.warning(here, f"`{need}` stands here twice")
            seen.add(need)
    if order.circle:
        _tell_circle(steps, at, order.circle, notes)


def _tell_circle(steps: Sequence[Step], at: Parts, circle: Sequence[Step], notes: Notes) -> None:
    ids = [f"`{step.id}`" for step in circle]
    way = " → ".join(ids if len(ids) <= _MOST_SHOWN else [*ids[:_MOST_SHOWN], f"… ({len(ids) - 1} steps)"])
    silent = next((step.id for step in circle if step.needs is None), None)
    hint = f"; `{silent}` needs the one written before it, as it says no `needs`" if silent else ""
    place = (*at, steps.index(circle[0]))
    said = (*place, "needs") if circle[0].needs is not None else place
    notes.error(said, f"these steps need each other, so that none of them can begin: {way}{hint}")


def check_no_needs(step: Step, at: Parts, why: str, notes: Notes) -> None:
    if step.needs is not None:
        notes.error((*at, "needs"), f"{why}; leave out `needs`")


def _not_beside(need: str, ids: set[str], everywhere: Mapping[str, tuple[Step, ...]]) -> str:
    outer = next((step.id for step in everywhere.get(need, ()) if step.id in ids), None)
    if outer is not None:
        return f"`needs` names steps of the same list, and `{need}` is inside `{outer}`; write `{outer}`"
    if need in everywhere:
        return f"`needs` names steps of the same list, and `{need}` is not in it"
    return f"there is no step `{need}` beside this one{did_you_mean(need, ids)}"
