"""The timers of an app: started and stopped with the host, fired by hand through its admin face."""

from __future__ import annotations

import asyncio
import logging
import typing
from collections.abc import Coroutine, Iterable, Mapping
from datetime import datetime, timedelta

from azure.functions.meta import Datum

from devhost.converters import converter_for
from devhost.expressions import BindingData
from devhost.functions import TIMER_TRIGGER, Function
from devhost.invocation import Invoker
from devhost.retry import RetryContext, with_retries
from devhost.timers.clock import Clock, WallClock
from devhost.timers.monitor import Monitor
from devhost.timers.schedule import parse_schedule
from devhost.timers.timer import Timer

log = logging.getLogger("devhost")


class Timers:
    """All timers of an app, by function name. The engine's hold on the state file makes each the only one."""

    def __init__(
        self,
        functions: Iterable[Function],
        invoker: Invoker,
        monitor: Monitor,
        environ: Mapping[str, str],
        clock: Clock | None = None,
    ) -> None:
        self._invoker = invoker
        self._clock = clock or WallClock()
        self._tasks: set[asyncio.Task[None]] = set()
        self._timers = {
            function.name: self._timer(function, monitor, environ)
            for function in functions
            if function.trigger.type == TIMER_TRIGGER and function.unserved is None
        }

    def start(self) -> None:
        """Begin to fire each timer at its occurrences."""
        for name, timer in self._timers.items():
            timer.resume()
            self._spawn(name, timer.serve())

    async def stop(self) -> None:
        """End the timers, and their functions where Python can. A tick cut short counts as missed."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)  # what any of them raised is in the log

    def fire_by_hand(self, name: str) -> None:
        """Fire the timer function `name`, or have it follow the tick under way. Raises `KeyError` for another."""
        self._spawn(name, self._timers[name].fire_by_hand())

    def next_occurrence(self, name: str) -> datetime | None:
        """When the timer function `name` is due next, or None when it is no timer function."""
        timer = self._timers.get(name)
        return None if timer is None else timer.next_occurrence()

    def _timer(self, function: Function, monitor: Monitor, environ: Mapping[str, str]) -> Timer:
        async def fire(request: str) -> None:
            await self._fire(function, request)

        trigger = function.trigger
        return Timer(
            function.name,
            parse_schedule(trigger.text("schedule"), environ),
            monitor if trigger.properties.get("useMonitor", True) else None,
            fire,
            self._clock,
            on_startup=bool(trigger.properties.get("runOnStartup", False)),
        )

    async def _fire(self, function: Function, request: str) -> None:
        async def attempt(retry: RetryContext) -> None:
            await self._invoker.invoke(function, _trigger_value(function, request), BindingData(), _no_answer, retry)

        async def sleep(delay: timedelta) -> None:
            await self._clock.sleep_until(self._clock.now() + delay)

        try:
            await with_retries(function.retry, attempt, sleep)
        except Exception:  # user code raises anything; the log has it already, and the schedule goes on
            return

    def _spawn(self, name: str, work: Coroutine[object, object, None]) -> None:
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("the timer of %s has ended", task.get_name(), exc_info=error)


def _trigger_value(function: Function, request: str) -> object:
    """What the function's parameter gets: a TimerRequest, or the JSON itself where it is annotated `str`."""
    annotation = typing.get_type_hints(function.call).get(function.trigger.name)
    return converter_for(TIMER_TRIGGER, annotation).decode(Datum(request, "json"), trigger_metadata=None)


def _no_answer(_: object) -> None:
    """A timer has nobody to answer to; the invoker refuses a returned value."""
