"""Many strands of work inside one orchestrator, each resumed the moment what it waits for is there. Deterministic.

No barrier: a strand never waits for another's task. Strands advance in the order they were made. A strand yields
- a durable task, and is sent its result (or thrown its failure);
- `FirstOf`, and is sent the position of the first of several tasks and strands that is done;
- `Idle`, the same for timers and wakes alone: nothing is under way, so a strand that is canceled is thrown `Canceled`.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from typing import Any

from azure.durable_functions import DurableOrchestrationContext

Weaving = Generator[Any, Any, Any]
"""What a strand runs: it yields waits and is sent what came of them."""


class Canceled(Exception):
    """Thrown into a strand that only waits, when what it waits for is not needed any more."""


class FirstOf:
    """A wait for the first of several durable tasks and strands; failed ones count as done."""

    def __init__(self, *waits: Any) -> None:
        self.waits = waits

    def position(self) -> int | None:
        return next((index for index, wait in enumerate(self.waits) if wait.is_completed), None)


class Idle(FirstOf):
    """A wait for timers and wakes alone."""


class Strand:
    """One line of work. `canceled`: it should come to its end, and start nothing more."""

    def __init__(self, generator: Weaving, parent: Strand | None) -> None:
        self.generator = generator
        self.parent = parent
        self.is_completed = False
        self.canceled: bool = parent.canceled if parent else False
        self.children: list[Strand] = []
        self.waiting: Any = None
        self._result: Any = None
        self._error: Exception | None = None
        if parent:
            parent.children.append(self)

    def result(self) -> Any:
        """What it returned. Raises what it raised."""
        if self._error is not None:
            raise self._error
        return self._result

    def tasks(self) -> list[Any]:
        """The durable tasks it waits for."""
        waits = self.waiting.waits if isinstance(self.waiting, FirstOf) else (self.waiting,)
        return [wait for wait in waits if not isinstance(wait, Strand)]

    def is_ready(self) -> bool:
        if isinstance(self.waiting, FirstOf):
            return self.waiting.position() is not None
        return bool(self.waiting.is_completed)

    def step(self) -> None:
        """Go on as far as it can: from its beginning, or with what it waited for."""
        try:
            self.waiting = next(self.generator) if self.waiting is None else self._resume()
            while self.is_ready():
                self.waiting = self._resume()
        except StopIteration as end:
            self._ended(end.value, None)
        except Exception as error:  # for whoever asks for the result
            self._ended(None, error)

    def interrupt(self) -> None:
        """Tell it, where it only waits, that it is canceled."""
        self.canceled = True
        if self.is_completed or not isinstance(self.waiting, Idle):
            return
        try:
            self.waiting = self.generator.throw(Canceled())
        except StopIteration as end:
            self._ended(end.value, None)
        except Exception as error:
            self._ended(None, error)

    def family(self) -> Iterator[Strand]:
        """Itself, and all that it and those have made."""
        yield self
        for child in self.children:
            yield from child.family()

    def _resume(self) -> Any:
        if isinstance(self.waiting, FirstOf):
            return self.generator.send(self.waiting.position())
        result = self.waiting.result
        if isinstance(result, Exception):  # how the SDK holds a failure; a JSON result never is one
            return self.generator.throw(result)
        return self.generator.send(result)

    def _ended(self, result: Any, error: Exception | None) -> None:
        self.is_completed, self._result, self._error = True, result, error


class Loom:
    """The strands of one orchestrator instance."""

    def __init__(self, context: DurableOrchestrationContext) -> None:
        self._context = context
        self._open: list[Strand] = []
        self._current: Strand | None = None

    @property
    def is_canceled(self) -> bool:
        """Whether the strand that asks should come to its end."""
        return self._current is not None and self._current.canceled

    def run(self, main: Weaving) -> Generator[Any, Any, Any]:
        """What `main` returns, once it and every strand it has made have ended."""
        first = self.spawn(main)
        self._advance()
        while self._open:
            tasks = [task for strand in self._open for task in strand.tasks()]
            yield from _awaited(self._context, tasks)
            self._advance()
        return first.result()

    def spawn(self, generator: Weaving) -> Strand:
        """A strand that begins here and now, and goes on beside the one that makes it."""
        strand = Strand(generator, self._current)
        self._step(strand)
        if not strand.is_completed:
            self._open.append(strand)
        return strand

    def cancel(self, strand: Strand) -> None:
        """Have it and all it has made come to their ends: at once where they only wait, else with what is under way."""
        for child in strand.children:
            self.cancel(child)
        if not strand.is_completed:
            before, self._current = self._current, strand
            strand.interrupt()
            self._current = before

    def others(self) -> list[Strand]:
        """Every strand that has not ended, but for the one that asks and those that wait for it."""
        asking, around = self._current, set[int]()
        while asking is not None:
            around.add(id(asking))
            asking = asking.parent
        return [strand for strand in self._open if id(strand) not in around and not strand.is_completed]

    def made(self) -> int:
        """How many strands the one that asks has made so far."""
        return len(self._current.children) if self._current else 0

    def left(self, since: int) -> list[Strand]:
        """Of those that the one that asks has made since then, and those that they have made, the ones not ended."""
        made = self._current.children[since:] if self._current else []
        return [strand for child in made for strand in child.family() if not strand.is_completed]

    def _advance(self) -> None:
        """Resume every strand that can go on, until none can."""
        moved = True
        while moved:
            moved = False
            for strand in list(self._open):
                if not strand.is_completed and strand.is_ready():
                    self._step(strand)
                    moved = True
            self._open = [strand for strand in self._open if not strand.is_completed]

    def _step(self, strand: Strand) -> None:
        before, self._current = self._current, strand
        strand.step()
        self._current = before


def _awaited(context: DurableOrchestrationContext, tasks: Sequence[Any]) -> Generator[Any, Any, None]:
    """Until one of the tasks is done, however it ended: its strand finds out."""
    if len(tasks) > 1:
        yield context.task_any(list(tasks))
    else:
        try:
            yield tasks[0]
        except Exception:
            return  # it is thrown into the strand that waits for it
