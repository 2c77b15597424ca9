"""Strands advance as soon as what they wait for is there, in the order they were made, and end when canceled."""

from __future__ import annotations

import random
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from orchestrators.loom import Canceled, FirstOf, Idle, Loom, Strand, Weaving


@dataclass
class Task:
    """Stands for a durable task: done when somebody sets its result."""

    name: str
    result: Any = None
    is_completed: bool = False

    def finish(self, result: Any = None) -> None:
        self.result, self.is_completed = result, True


@dataclass
class Any_:
    """Stands for `task_any`: what the orchestrator waits for."""

    tasks: list[Task]


class Context:
    def task_any(self, tasks: list[Task]) -> Any_:
        return Any_(tasks)


Main = Callable[[Loom], Generator[Any, Any, Any]]


class Runner:
    """Plays the platform: says what the orchestrator waits for, and goes on when told to."""

    def __init__(self, main: Main) -> None:
        self.loom = Loom(Context())
        self._generator = self.loom.run(main(self.loom))
        self.result: Any = None
        self.ended = False

    def waits(self) -> list[str]:
        """Go on with what is done by now: the names of the tasks that are waited for next."""
        try:
            waited = next(self._generator)
        except StopIteration as end:
            self.result, self.ended = end.value, True
            return []
        return [task.name for task in (waited.tasks if isinstance(waited, Any_) else [waited])]


def asks(log: list[str], name: str, *tasks: Task) -> Generator[Any, Any, str]:
    for task in tasks:
        log.append(f"{name} asks {task.name}")
        try:
            got = yield task
        except RuntimeError as error:
            got = f"caught {error}"
        log.append(f"{name} got {got}")
    return name.upper()


def weave(loom: Loom, strands: Sequence[Weaving], limit: int | None = None) -> Generator[Any, Any, list[Any]]:
    """Results of all, in their order, at most `limit` of them running at once. Raises what the first one raised."""
    made: list[Strand] = []
    upcoming = iter(strands)
    while True:
        running = [strand for strand in made if not strand.is_completed]
        while limit is None or len(running) < limit:
            generator = next(upcoming, None)
            if generator is None:
                break
            made.append(loom.spawn(generator))
            running = [strand for strand in made if not strand.is_completed]
        if not running:
            return [strand.result() for strand in made]
        yield FirstOf(*running)


def test_one_task_is_waited_for_as_it_is_and_its_result_sent() -> None:
    task = Task("a")

    def main(loom: Loom) -> Generator[Any, Any, str]:
        return (yield from asks([], "m", task))

    runner = Runner(main)
    assert runner.waits() == ["a"]
    task.finish(1)
    assert runner.waits() == []
    assert runner.result == "M"


def test_each_strand_goes_on_when_its_own_task_is_done() -> None:
    log: list[str] = []
    a1, a2, b1 = Task("a1"), Task("a2"), Task("b1")
    runner = Runner(lambda loom: weave(loom, [asks(log, "a", a1, a2), asks(log, "b", b1)]))
    assert runner.waits() == ["a1", "b1"]
    a1.finish(1)
    assert runner.waits() == ["a2", "b1"]
    a2.finish(2)
    assert runner.waits() == ["b1"]
    b1.finish(3)
    assert runner.waits() == []
    assert runner.result == ["A", "B"]


def test_a_failed_task_is_thrown_into_the_strand_that_asked_and_no_other() -> None:
    log: list[str] = []
    a1, b1 = Task("a1"), Task("b1")
    runner = Runner(lambda loom: weave(loom, [asks(log, "a", a1), asks(log, "b", b1)]))
    runner.waits()
    a1.finish(RuntimeError("broken"))
    runner.waits()
    assert log == ["a asks a1", "b asks b1", "a got caught broken"]


def test_no_more_than_the_limit_run_at_once() -> None:
    tasks = [Task(f"t{n}") for n in range(4)]
    runner = Runner(lambda loom: weave(loom, [asks([], str(n), task) for n, task in enumerate(tasks)], limit=2))
    assert runner.waits() == ["t0", "t1"]
    tasks[1].finish()
    assert runner.waits() == ["t0", "t2"]
    tasks[0].finish()
    tasks[2].finish()
    assert runner.waits() == ["t3"]


def test_what_a_strand_raises_is_raised_to_who_asks_for_its_result() -> None:
    def broken() -> Generator[Any, Any, None]:
        yield from ()
        raise ZeroDivisionError("oh")

    def main(loom: Loom) -> Generator[Any, Any, str]:
        strand = loom.spawn(broken())
        yield from ()
        with pytest.raises(ZeroDivisionError):
            strand.result()
        return "went on"

    runner = Runner(main)
    assert runner.waits() == []
    assert runner.result == "went on"


def test_the_first_of_several_is_told_by_its_position() -> None:
    slow, quick = Task("slow"), Task("quick")

    def main(loom: Loom) -> Generator[Any, Any, int]:
        strand = loom.spawn(asks([], "s", slow))
        position = yield FirstOf(strand, quick)
        slow.finish()
        return int(position)

    runner = Runner(main)
    assert runner.waits() == ["slow", "quick"]
    quick.finish()
    assert runner.waits() == []
    assert runner.result == 1


def test_the_end_of_the_first_waits_for_every_strand_that_was_made() -> None:
    left = Task("left")

    def main(loom: Loom) -> Generator[Any, Any, str]:
        loom.spawn(asks([], "s", left))
        yield from ()
        return "done"

    runner = Runner(main)
    assert runner.waits() == ["left"]
    left.finish()
    assert runner.waits() == []
    assert runner.result == "done"


class TestCancel:
    def test_one_that_only_waits_is_told_at_once_and_one_that_works_when_its_work_is_done(self) -> None:
        log: list[str] = []
        timer, work = Task("timer"), Task("work")

        def idle() -> Generator[Any, Any, str]:
            try:
                yield Idle(timer)
            except Canceled:
                log.append("told")
            return "idle"

        def busy(loom: Loom) -> Generator[Any, Any, bool]:
            yield work
            return loom.is_canceled

        def main(loom: Loom) -> Generator[Any, Any, list[Any]]:
            strands = [loom.spawn(idle()), loom.spawn(busy(loom))]
            for strand in strands:
                loom.cancel(strand)
            assert not loom.is_canceled
            assert log == ["told"]
            yield FirstOf(strands[1])
            return [strand.result() for strand in strands]

        runner = Runner(main)
        assert runner.waits() == ["work"]
        work.finish()
        assert runner.waits() == []
        assert runner.result == ["idle", True]

    def test_what_it_has_made_is_canceled_with_it_and_what_it_makes_later_too(self) -> None:
        seen: list[bool] = []
        gate = Task("gate")

        def leaf(loom: Loom) -> Generator[Any, Any, None]:
            seen.append(loom.is_canceled)
            yield gate
            seen.append(loom.is_canceled)

        def branch(loom: Loom) -> Generator[Any, Any, None]:
            first = loom.spawn(leaf(loom))
            yield FirstOf(first)
            loom.spawn(leaf(loom))

        def main(loom: Loom) -> Generator[Any, Any, None]:
            strand = loom.spawn(branch(loom))
            loom.cancel(strand)
            yield FirstOf(strand)

        runner = Runner(main)
        runner.waits()
        gate.finish()
        runner.waits()
        assert seen == [False, True, True, True]

    def test_the_others_are_those_that_do_not_wait_for_the_one_that_asks(self) -> None:
        gates = [Task("a"), Task("b")]
        found: list[int] = []

        def inner(loom: Loom) -> Generator[Any, Any, None]:
            yield gates[0]
            found.append(len(loom.others()))

        def main(loom: Loom) -> Generator[Any, Any, None]:
            strand: Strand = loom.spawn(inner(loom))
            loom.spawn(asks([], "beside", gates[1]))
            yield FirstOf(strand)

        runner = Runner(main)
        runner.waits()
        gates[0].finish()
        runner.waits()
        assert found == [1]  # neither itself nor `main`, which waits for it


@pytest.mark.parametrize("seed", range(20))
def test_results_keep_the_order_of_the_strands_whatever_finishes_first(seed: int) -> None:
    chance = random.Random(seed)
    made: dict[str, Task] = {}

    def worker(number: int) -> Generator[Any, Any, int]:
        for step in range(chance.randint(0, 4)):
            yield made.setdefault(f"{number}.{step}", Task(f"{number}.{step}"))
        return number

    limit = chance.choice([None, 1, 3])
    runner = Runner(lambda loom: weave(loom, [worker(number) for number in range(8)], limit))
    while names := runner.waits():
        for name in chance.sample(names, chance.randint(1, len(names))):
            made[name].finish()
    assert runner.result == list(range(8))
