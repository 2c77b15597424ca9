"""Whatever happens between the calls of an execution whose store is far away, in any order: no answer is paid for
twice, and what was asked for is heeded.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from domain.calls import CallOutcome, ModelCall
from domain.errors import Code
from domain.events import ANSWERS, Event, EventType
from services.settings import Settings
from services.wiring import build
from tests.activities.conftest import TENANT, started
from tests.activities.far import STARTED, Far, cancel_step, draft, far_away, pause

STEPS = 4
DEEDS = (
    "call",
    "call",
    "call",
    "again",
    "twice",
    "cut off",
    "paused in it",
    "pause",
    "resume",
    "cancel",
    "another",
    "anew",
    "restart",
)


@dataclass
class Played:
    """An orchestrator's part, as `orchestrators.run` plays it, and what may befall it."""

    far: Far
    number: int = 0
    head: int = STARTED
    quiet: bool = True
    sent: ModelCall | None = None
    done: Counter[str] = field(default_factory=Counter)
    canceled: set[str] = field(default_factory=set)
    paused: bool = False

    async def do(self, deed: str) -> None:
        self.done[deed] += 1
        match deed:
            case "call" | "twice":
                self.sent = self._next()
                outcomes = await asyncio.gather(*(self.far.made(self.sent) for _ in range(1 + (deed == "twice"))))
                self._hear(outcomes[self.done[deed] % len(outcomes)])
            case "again" if self.sent is not None:  # an activity that was done is done anew; nobody waits for it
                await self.far.made(self.sent)
            case "cut off":
                await self._under_way(_end)
            case "paused in it":
                await self._under_way(lambda _: self._pause())
            case "anew":  # a step around is tried again
                self.number = 0
            case "restart":
                self.number, self.head, self.quiet = 0, 0, False
            case _:
                await self._befall(deed, self.done[deed])

    async def _befall(self, deed: str, count: int) -> None:
        """What others do to the execution."""
        match deed:
            case "pause":
                await self._pause()
            case "resume":
                said = draft(f"r{count}", EventType.EXECUTION_RESUMED)
                await self.far.services.controls.ask(TENANT, self.far.execution, "running", said)
                self.paused = False
            case "cancel":
                await cancel_step(self.far, count, f"s{self.number}")
                self.canceled.add(f"s{self.number}")
            case "another":
                await self.far.services.events.append(TENANT, self.far.execution, [draft(f"x{count}")])

    def _next(self) -> ModelCall:
        return self.far.call(self.number, self.head, quiet=self.quiet)

    def _hear(self, outcome: CallOutcome) -> None:
        self.quiet = outcome.quiet and outcome.head >= self.head
        self.head = max(self.head, outcome.head)
        if not outcome.held:
            self.number = (self.number + 1) % STEPS

    async def _under_way(self, meanwhile: Callable[[asyncio.Task[CallOutcome]], Awaitable[object]]) -> None:
        """Have this done while the model is asked, if it is."""
        self.sent = call = self._next()
        model, asked = self.far.model, len(self.far.model.asked)
        gate = model.gate(f"{self.far.execution}:{call.key}")
        gate.clear()
        making = asyncio.create_task(self.far.made(call))
        reached = asyncio.create_task(model.until(lambda: len(model.asked) > asked))
        await asyncio.wait({making, reached}, return_when=asyncio.FIRST_COMPLETED)
        reached.cancel()
        await meanwhile(making)
        gate.set()
        await asyncio.gather(making, reached, return_exceptions=True)
        if not making.cancelled():
            self._hear(making.result())

    async def _pause(self) -> None:
        await pause(self.far, self.done.total())
        self.paused = True

    def finished(self, log: Sequence[Event]) -> set[str]:
        return {event.data["call"] for event in log if event.type in ANSWERS}


async def _end(making: asyncio.Task[CallOutcome]) -> None:
    """The process ends."""
    making.cancel()


def _asked(far: Far, since: int) -> set[str]:
    return {(request.idempotency_key or "").partition(":")[2] for request in far.model.asked[since:]}


async def _play(folder: Path, deeds: Sequence[str]) -> None:
    services = build(Settings(state_dir=folder))
    try:
        far = await far_away(services, await started(services))
        played = Played(far)
        for deed in deeds:
            log = await services.events.read(TENANT, far.execution, 0)
            before, was_paused = len(far.model.asked), played.paused
            await played.do(deed)
            asked = _asked(far, before)
            assert not asked & played.finished(log), "what was finished is made again"
            assert not (asked and was_paused), "a call is made in an execution that is paused"
            assert not {key for key in asked if key.partition("#")[0] in played.canceled}, "one in a canceled step is"
        log = await services.events.read(TENANT, far.execution, 0, 10_000)
        assert [event.offset for event in log] == list(range(1, len(log) + 1))
        assert max(Counter(event.id for event in log).values()) == 1
        answers = Counter(event.data["call"] for event in log if event.type in ANSWERS)
        assert set(answers.values()) <= {1}
        for event in log:
            error = event.data.get("error", {})
            assert error.get("code") in (None, Code.CANCELED), error
    finally:
        await services.close()


@given(st.lists(st.sampled_from(DEEDS), min_size=3, max_size=14))
@settings(max_examples=100, deadline=None, derandomize=True)
def test_no_order_of_events_has_a_call_made_that_should_not_be(deeds: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(_play(Path(folder), deeds))
