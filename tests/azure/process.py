"""A child process for each app: the worker library, and the local host's loader, allow one app per process."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
from collections.abc import Mapping
from multiprocessing.connection import Connection
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from tests.azure.worker import Answer, Data, Indexed, Invocation

SECONDS = 60


class WorkerProcess:
    """A `Worker` in a process of its own, with these environment variables alone. Errors are raised here as there."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        spawn = multiprocessing.get_context("spawn")
        self._pipe, other_end = spawn.Pipe()
        self._process = spawn.Process(target=_serve, args=(other_end, dict(environ)), daemon=True)
        self._process.start()
        other_end.close()

    def start(self, folder: Path) -> list[Indexed]:
        functions: list[Indexed] = self._call("start", folder)
        return functions

    def invoke(self, name: str, *, trigger_metadata: Mapping[str, Data] | None = None, **inputs: Data) -> Invocation:
        invocation: Invocation = self._call("invoke", name, inputs, None, trigger_metadata)
        return invocation

    def request(self, name: str, method: str, path: str, inputs: Mapping[str, Data], **sent: Any) -> Answer:
        answer: Answer = self._call("request", name, method, path, inputs, sent)
        return answer

    def follow(
        self, name: str, path: str, inputs: Mapping[str, Data], then: tuple[str, Mapping[str, Data]], **sent: Any
    ) -> tuple[bytes, Answer]:
        answer: tuple[bytes, Answer] = self._call("follow", name, path, inputs, sent, then)
        return answer

    def _call(self, method: str, *arguments: Any) -> Any:
        self._pipe.send((method, arguments))
        if not self._pipe.poll(SECONDS):
            raise TimeoutError(f"the worker took more than {SECONDS} s for {method}{arguments}")
        outcome = self._pipe.recv()
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._pipe.close()
        self._process.kill()
        self._process.join()


def _serve(pipe: Connection, environ: dict[str, str]) -> None:
    # Nothing that is set for this machine may reach the app: a real model is paid for.
    os.environ.clear()
    os.environ.update(environ)
    from tests.azure.worker import Worker

    worker = Worker()
    with asyncio.Runner() as runner:
        while True:
            try:
                method, arguments = pipe.recv()
            except EOFError:
                return
            try:
                outcome = runner.run(getattr(worker, method)(*arguments))
            except Exception as error:  # raised again at the other end
                outcome = error
            pipe.send(outcome)
