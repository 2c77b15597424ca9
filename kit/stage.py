"""Plays one case: the workflow runs for real (engine, interpreter, activities, stores), everyone around it by script.

Time is virtual. Whenever nothing moves by itself any more, the earliest of what is to come happens: an answer, a
decision, an event, or a timer; and the clock stands there. So a case of several days takes a moment, and the same
things happen in the same order each time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import cast

from api.starting import StartRequest, start_execution
from devhost.engine.clock import from_text
from devhost.engine.kernel import Kernel
from devhost.engine.options import EngineOptions
from domain.errors import Problem, ProblemError
from domain.events import Event, EventType
from domain.executions import Execution
from kit.bench import TENANT, Bench
from kit.cases import Case, Decision, Sent
from kit.clock import Clock
from kit.library import Library
from kit.outcome import Played
from kit.players import Call, Players
from kit.script import CaseFailed, Script, check_question
from services.identity import Principal
from services.models.client import ModelClient
from services.settings import Settings
from services.tools.client import ToolClient

Afterwards = Callable[[Bench, Execution], Awaitable[None]]
SOMEONE = Principal(tenant=TENANT, name="test", roles=("admin",))
PATIENCE_SECONDS = 30
"""How long it may take in real time until nothing moves by itself."""


@dataclass(frozen=True, order=True)
class Happening:
    """Something that is to come. Of those at the same time calls go first, then decisions, then events."""

    due: datetime
    kind: int
    name: str
    happen: Callable[[], Awaitable[None]] = field(compare=False)


async def play(
    case: Case,
    workflow: str,
    library: Library,
    folder: Path,
    tool_modules: Sequence[str] = (),
    afterwards: Afterwards | None = None,
) -> Played:
    """The workflow of that name. `folder` is empty, and filled; `afterwards` is given the bench and the execution.

    Raises `CaseFailed` as soon as something happens that the case does not provide for, or nothing more does.
    """
    functions = ToolClient(Settings.from_environment({"TOOL_MODULES": ",".join(tool_modules)}))
    players, clock = Players(functions), Clock()
    # Whoever still waits for an answer at the end gets none.
    options = EngineOptions(stop_grace_seconds=0)
    bench = Bench(folder, cast(ModelClient, players), clock, tools=cast(ToolClient, players), options=options)
    async with bench:
        await library.stock(bench.services)
        played = await _Stage(case, bench, clock, players).play(workflow)
        if afterwards is not None:
            await afterwards(bench, played.execution)
        return played


class _Stage:
    def __init__(self, case: Case, bench: Bench, clock: Clock, players: Players) -> None:
        self.case = case
        self.bench = bench
        self.clock = clock
        self.players = players
        self.script = Script(case)
        self.execution = ""
        self.coming: dict[object, Happening] = {}
        """Answers by call, decisions by the question's id, events by step."""
        self.timer: datetime | None = None

    async def play(self, workflow: str) -> Played:
        began = self.clock.now
        self.execution = await self._begin(workflow)
        try:
            while not await self._at_rest() and not await self._is_paused():
                await self._next()
            record = (
                await self._record() if self.case.expect.status == "paused" else await self.bench.ended(self.execution)
            )
            self._check_all_was_wanted()
        except CaseFailed as failed:
            answered = ", ".join(f"`{call}`" for call in self.script.calls) or "none"
            raise CaseFailed(f"{failed}\nCalls until then: {answered}.") from failed
        return Played(record, await self._log(), self.script.calls, self.clock.now - began)

    async def _begin(self, workflow: str) -> str:
        request = StartRequest(workflow=workflow, input=self.case.input)
        try:
            return (await start_execution(self.bench.services, self.bench.client, SOMEONE, request, None)).id
        except ProblemError as error:
            raise CaseFailed(_refused(error.problem)) from error

    async def _at_rest(self) -> bool:
        """Waits until nothing moves by itself; whether the execution has ended."""
        with suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE_SECONDS):
                calm = 0
                while calm < 2:  # once more, for what the loop had still to do when it was first asked
                    await asyncio.sleep(0.001)
                    calm = calm + 1 if await self._is_calm() else 0
                status = await self.bench.engine.get_status(self.execution)
                return status is not None and status.runtime_status not in ("Pending", "Running")
        raise CaseFailed("The execution does not come to rest.")

    async def _is_calm(self) -> bool:
        """Whether all that is under way are calls that wait to be told, and timers that are not due."""

        def look(kernel: Kernel) -> tuple[bool, int, str | None]:
            moving = bool(kernel.ready) or bool(kernel.waiting_entities) or bool(kernel.busy_entities)
            return moving, len(kernel.store.unanswered_tasks("activity")), kernel.timers.next_due()

        moving, under_way, timer = await self.bench.engine._do(look)
        self.timer = from_text(timer) if timer else None
        is_due = self.timer is not None and self.timer <= self.clock.now
        return not moving and not is_due and under_way == len(self.players.waiting)

    async def _next(self) -> None:
        """Let the earliest of what is to come happen."""
        self._provide_for_calls()
        await self._provide_for_questions()
        await self._provide_for_waits()
        first = min(self.coming, key=self.coming.__getitem__, default=None)
        if first is None and self.timer is None:
            raise CaseFailed(await self._stuck())
        if first is not None and (self.timer is None or self.coming[first].due <= self.timer):
            happening = self.coming.pop(first)
            self.clock.now = max(self.clock.now, happening.due)
            await happening.happen()
        elif self.timer is not None:
            self.clock.now = self.timer
        await self.bench.engine.get_status(self.execution)  # has the engine look at the clock

    def _provide_for_calls(self) -> None:
        """Have each call that was made answered: those of the same moment get their lines by name."""
        for call in [call for call in self.coming if isinstance(call, Call) and call not in self.players.waiting]:
            del self.coming[call]
        for call in sorted(self.players.waiting, key=lambda call: call.key):
            if call.answer is None:
                call.answer = answer = self.script.answer(call)
                if answer.broken_off is None:
                    self.coming[call] = Happening(self.clock.now + answer.takes, 0, call.key, call.tell)

    async def _provide_for_questions(self) -> None:
        """Have each question that is open decided, unless the case leaves it to its deadline."""
        open = {one.id: one for one in await self.bench.services.approvals.pending_of(TENANT, self.execution)}
        for question in open.values():
            decision = None if question.id in self.coming else self.script.decision(question.step)
            if decision is not None:
                due, decide = question.created + decision.after, partial(self._decide, question.id, decision)
                self.coming[question.id] = Happening(due, 1, question.step, decide)

    async def _decide(self, id: str, decision: Decision) -> None:
        question = await self.bench.services.approvals.get(TENANT, id)
        assert question is not None
        check_question(question, decision)
        try:
            is_first = await self.bench.decide(question, decision.decision, decision.by, decision.comment)
        except ProblemError as error:
            raise CaseFailed(f"`{question.step}`: {_refused(error.problem)}") from error
        if not is_first:
            raise CaseFailed(f"`{question.step}` was settled before {decision.by} decided.")

    async def _provide_for_waits(self) -> None:
        """Have each event that is waited for sent, if the case has it."""
        for event in await self._waits():
            sent = self.script.event(event.step or "")
            if sent is not None:
                send = partial(self._send, event.data["event"], sent)
                self.coming[event.step] = Happening(event.time + sent.after, 2, event.step or "", send)

    async def _send(self, name: str, sent: Sent) -> None:
        await self.bench.send(self.execution, name, sent.value)

    async def _waits(self) -> list[Event]:
        return [e for e in await self._log() if e.type is EventType.STEP_WAITING and e.data["for"] == "event"]

    async def _log(self) -> list[Event]:
        return await self.bench.log(self.execution)

    async def _is_paused(self) -> bool:
        """Whether a budget has paused it, as the case expects: what was under way has come to its end."""
        is_expected = self.case.expect.status == "paused" and not self.players.waiting
        return is_expected and (await self._record()).paused_for is not None

    async def _record(self) -> Execution:
        record = await self.bench.services.executions.get(TENANT, self.execution)
        assert record is not None
        return record

    async def _stuck(self) -> str:
        """Why nothing more happens."""
        waits = [f"an answer to `{call.key}`, which nobody breaks off" for call in self.players.waiting]
        asked = await self.bench.services.approvals.pending_of(TENANT, self.execution)
        waits += [f"a decision of people in `{one.step}`" for one in asked]
        waits += [f"the event `{event.data['event']}` in `{event.step}`" for event in await self._waits()]
        if reached := (await self._record()).paused_for:
            waits.append(f"somebody who raises its budget, of which it has used {reached.what}: write `status: paused`")
        return f"Nothing more happens: the execution waits for {' and '.join(waits)}."

    def _check_all_was_wanted(self) -> None:
        for call in self.players.broken_off:
            if call.answer is not None and call.answer.broken_off is None:
                raise CaseFailed(f"`{call.key}` was broken off before it had answered: write `broken_off: true`.")
        left = [*self.script.left(), *(f"what was to come in `{late.name}`" for late in self.coming.values())]
        if left:
            raise CaseFailed(f"The execution ended, and nobody wanted {', '.join(left)}.")


def _refused(problem: Problem) -> str:
    return "\n".join(
        [f"{problem.message} {problem.action}", *(f"{one.pointer}: {one.message}" for one in problem.details)]
    )
