"""Strands advance as soon as their own task is done, in the order given, never more than the limit at once."""

from __future__ import annotations

import random
from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

import pytest

from orchestrators.weave import weave


@dataclass
class Task:
    """Stands for a durable task: done when somebody sets its result."""

    name: str
    result: Any = None
    is_completed: bool = False

    def finish(self, result: Any) -> None:
        self.result, self.is_completed = result, True


@dataclass
class Any_:
    """Stands for `task_any`: what the orchestrator waits for."""

    tasks: list[Task]


class Context:
    def task_any(self, tasks: list[Task]) -> Any_:
        return Any_(tasks)


def strand(name: str, tasks: list[Task], log: list[str]) -> Generator[Task, Any, str]:
    for task in tasks:
        log.append(f"{name} asks {task.name}")
        try:
            got = yield task
        except RuntimeError as error:
            got = f"caught {error}"
        log.append(f"{name} got {got}")
    return name.upper()


def waiting_for(woven: Generator[Any, Any, Any], send: bool = True) -> list[str]:
    waited = woven.send(None) if send else next(woven)
    return [task.name for task in waited.tasks]


def test_each_strand_goes_on_when_its_own_task_is_done() -> None:
    log: list[str] = []
    a1, a2, b1 = Task("a1"), Task("a2"), Task("b1")
    woven = weave(Context(), [strand("a", [a1, a2], log), strand("b", [b1], log)])
    assert waiting_for(woven) == ["a1", "b1"]
    a1.finish(1)
    assert waiting_for(woven) == ["b1", "a2"]
    a2.finish(2)
    assert waiting_for(woven) == ["b1"]
    b1.finish(3)
    with pytest.raises(StopIteration) as end:
        woven.send(None)
    assert end.value.value == ["A", "B"]


def test_a_failed_task_is_thrown_into_the_strand_that_asked_and_no_other() -> None:
    log: list[str] = []
    a1, b1 = Task("a1"), Task("b1")
    woven = weave(Context(), [strand("a", [a1], log), strand("b", [b1], log)])
    waiting_for(woven)
    a1.finish(RuntimeError("broken"))
    waiting_for(woven)
    assert log == ["a asks a1", "b asks b1", "a got caught broken"]


def test_no_more_than_the_limit_run_at_once() -> None:
    log: list[str] = []
    tasks = [Task(f"t{n}") for n in range(4)]
    woven = weave(Context(), [strand(str(n), [task], log) for n, task in enumerate(tasks)], limit=2)
    assert waiting_for(woven) == ["t0", "t1"]
    tasks[1].finish(None)
    assert waiting_for(woven) == ["t0", "t2"]
    tasks[0].finish(None)
    tasks[2].finish(None)
    assert waiting_for(woven) == ["t3"]


def test_strands_that_need_nothing_end_at_once() -> None:
    def instant(value: int) -> Generator[Any, Any, int]:
        yield from ()
        return value

    with pytest.raises(StopIteration) as end:
        next(weave(Context(), [instant(1), instant(2)], limit=1))
    assert end.value.value == [1, 2]


def test_an_answer_that_is_already_there_is_used_at_once() -> None:
    done = Task("done")
    done.finish(5)
    log: list[str] = []
    with pytest.raises(StopIteration):
        next(weave(Context(), [strand("a", [done], log)]))
    assert log == ["a asks done", "a got 5"]


@pytest.mark.parametrize("seed", range(20))
def test_results_keep_the_order_of_the_strands_whatever_finishes_first(seed: int) -> None:
    chance = random.Random(seed)
    log: list[str] = []
    open_tasks: list[Task] = []

    def worker(number: int) -> Generator[Any, Any, int]:
        for step in range(chance.randint(0, 4)):
            task = Task(f"{number}.{step}")
            open_tasks.append(task)
            yield task
        return number

    woven = weave(Context(), [worker(number) for number in range(8)], limit=chance.choice([None, 1, 3]))
    results: list[int] = []
    try:
        waited = next(woven)
        while True:
            for task in chance.sample(waited.tasks, chance.randint(1, len(waited.tasks))):
                task.finish(None)
                open_tasks.remove(task)
            waited = woven.send(None)
    except StopIteration as end:
        results = end.value
    assert results == list(range(8))
    assert open_tasks == []
    assert log == []
