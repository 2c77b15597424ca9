"""The engine thread: takes commands, runs turns, commits, and only then lets anyone outside see what happened.

Commands that arrive together share one transaction (group commit), so a flushed commit costs little per command.
"""

from __future__ import annotations

import asyncio
import logging
import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

from devhost.engine import entities, turn
from devhost.engine.database import is_fault_of_file
from devhost.engine.entities import Batch
from devhost.engine.errors import EngineStopped
from devhost.engine.kernel import Kernel
from devhost.engine.records import Task

log = logging.getLogger(__name__)

_LONGEST_SLEEP_SECONDS = 30.0
"""A sleeping thread does not notice when the wall clock is set or the machine suspended, so it looks now and then."""

_TURNS_SECONDS = 0.02
"""Time for turns in one transaction."""


@dataclass(frozen=True, slots=True)
class Reply:
    """Where a command's result goes: a future of the loop that asked."""

    loop: asyncio.AbstractEventLoop
    future: asyncio.Future[Any]

    def send(self, value: object, error: BaseException | None) -> None:
        try:
            self.loop.call_soon_threadsafe(self._resolve, value, error)
        except RuntimeError:
            log.debug("the loop that asked is closed; the effect stands")

    def _resolve(self, value: object, error: BaseException | None) -> None:
        if self.future.done():
            return  # whoever asked was cancelled meanwhile; the effect stands
        if error is None:
            self.future.set_result(value)
        else:
            self.future.set_exception(error)


@dataclass(frozen=True, slots=True)
class Command:
    """Something to do in the engine thread, inside its transaction."""

    action: Callable[[Kernel], object]
    reply: Reply | None = None


class EngineThread:
    """Owns the kernel. `open_kernel` and `close` run in the thread itself; `on_claimed` gets work after its commit.

    `on_failed` is told when the thread, once open, ends by itself.
    """

    def __init__(
        self,
        open_kernel: Callable[[], Kernel],
        on_claimed: Callable[[list[Task], list[Batch]], None],
        on_failed: Callable[[], None],
    ) -> None:
        self._open_kernel = open_kernel
        self._on_claimed = on_claimed
        self._on_failed = on_failed
        self._commands: queue.SimpleQueue[Command | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._closed_because: str | None = None
        self._claiming = True
        self._thread = threading.Thread(target=self._run, name="durable-engine", daemon=True)
        self.opened: Future[None] = Future()
        """Done when the state file is open, or failed with the reason why not."""

    def start(self) -> None:
        self._thread.start()

    def post(self, command: Command) -> None:
        """Queue a command. Raises `EngineStopped`."""
        with self._lock:
            if self._closed_because is not None:
                raise EngineStopped(self._closed_because)
            self._commands.put(command)

    def stop_claiming(self, _: Kernel) -> None:
        """A command: from now on no activity and no entity is started."""
        self._claiming = False

    def stop(self) -> None:
        """Finish the commands queued so far, close the state file and wait for the thread's end."""
        with self._lock:
            self._commands.put(None)
        self._thread.join()

    def _run(self) -> None:
        kernel: Kernel | None = None
        try:
            kernel = self._open_kernel()
            kernel.recover()
        except Exception as error:  # goes to whoever waits for `opened`
            if kernel is not None:
                kernel.store.connection.close()
            self._close("the durable engine could not start")
            self.opened.set_exception(error)
            return
        self.opened.set_result(None)
        reason = "the durable engine has stopped"
        try:
            # The first cycle does not wait: what was recovered has to be started.
            go_on = self._cycle(kernel, wait=0.0)
            while go_on:
                go_on = self._cycle(kernel, kernel.seconds_to_wait())
        except Exception as error:  # no state file to trust any more: refuse everything rather than half-work
            log.critical(
                "the durable engine has failed and stops; a restart resumes from the last commit", exc_info=True
            )
            reason = f"the durable engine has failed: {error}"
            self._on_failed()
        finally:
            self._close(reason)
            kernel.store.connection.close()

    def _cycle(self, kernel: Kernel, wait: float) -> bool:
        """One transaction: commands, timers, turns; then what may be seen outside. False when it was the last."""
        commands, go_on = self._take(kernel.options.commands_per_commit, wait)
        results: list[tuple[Reply, object, BaseException | None]] = []
        try:
            kernel.store.begin()
            for command in commands:
                value, error = _apply(kernel, command)
                if command.reply is not None:
                    results.append((command.reply, value, error))
            _fire_timers(kernel)
            _run_turns(kernel)
            tasks = kernel.claim_tasks() if self._claiming else []
            batches = entities.claim(kernel) if self._claiming else []
            kernel.store.commit()
        except BaseException as error:
            kernel.store.rollback()
            for command in commands:
                if command.reply is not None:
                    command.reply.send(None, EngineStopped(f"the durable engine has failed: {error}"))
            raise
        for reply, value, failure in results:
            reply.send(value, failure)
        if tasks or batches:
            self._on_claimed(tasks, batches)
        return go_on

    def _take(self, most: int, wait: float) -> tuple[list[Command], bool]:
        """Wait for something to do. Returns the commands to do together and whether to go on after them."""
        taken: list[Command] = []
        try:
            command = self._commands.get(timeout=min(wait, _LONGEST_SLEEP_SECONDS))
            while command is not None:
                taken.append(command)
                if len(taken) >= most:
                    return taken, True
                command = self._commands.get_nowait()
        except queue.Empty:
            return taken, True
        return taken, False

    def _close(self, reason: str) -> None:
        with self._lock:
            self._closed_because = reason
        while True:
            try:
                command = self._commands.get_nowait()
            except queue.Empty:
                return
            if command is not None and command.reply is not None:
                command.reply.send(None, EngineStopped(reason))


def _apply(kernel: Kernel, command: Command) -> tuple[object, BaseException | None]:
    try:
        with kernel.store.savepoint():
            return command.action(kernel), None
    except Exception as error:  # belongs to the one who asked; the others in this transaction are not touched
        if is_fault_of_file(error):
            raise
        if command.reply is None:
            log.exception("a result could not be taken")
        return None, error


def _fire_timers(kernel: Kernel) -> None:
    for key in kernel.timers.pop_due(kernel.now()):
        kernel.answer(key, "timer_fired", None)


def _run_turns(kernel: Kernel) -> None:
    """Run turns for a short while: whoever waits for the commit must not wait for every ready instance."""
    enough = time.monotonic() + _TURNS_SECONDS
    while kernel.ready:
        _run_turn(kernel, kernel.ready.pop())
        if time.monotonic() >= enough:
            return


def _run_turn(kernel: Kernel, instance_id: str) -> None:
    try:
        with kernel.store.savepoint():
            turn.run_turn(kernel, instance_id)
    except Exception as error:  # a fault of the engine must cost one instance, not all, and not spin
        if is_fault_of_file(error):
            raise
        log.exception("instance %s: its turn failed inside the engine", instance_id)
        turn.fail_instance(kernel, instance_id, f"the durable engine failed: {type(error).__name__}: {error}")
