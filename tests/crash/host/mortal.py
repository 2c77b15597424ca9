"""The host as a process that is killed again and again, and started again on the same state file and port."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import sys
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from types import TracebackType
from typing import Self

import devhost.serving  # noqa: F401 - imported once, before the forks, instead of by each
from devhost import cli
from devhost.engine.store import Store
from devhost.process import exit_process
from tests.devhost.conftest import APPS
from tests.devhost.engine.forks import processes
from tests.devhost.engine.fuse import Fuse
from tools.processes import Child

READY = "devhost ready: "
SECONDS = 60
"""Until something that must happen is taken for something that never will."""


class Mortal(ABC):
    """A host that serves the app `mixed`. `lives` counts its starts."""

    def __init__(self, folder: Path, stub_url: str) -> None:
        self.state = folder / "state.db"
        self.effects = folder / "effects"
        self.effects.touch()
        self.url = ""
        self.lives = 0
        self.environment = {"EFFECTS": str(self.effects), "STUB": stub_url}

    @property
    def arguments(self) -> list[str]:
        port = self.url.rpartition(":")[2] or "0"
        return ["--app", str(APPS / "mixed"), "--state", str(self.state), "--port", port]

    def revive(self) -> None:
        """Wait until it is dead, and start it until it lives long enough to get ready."""
        if self.lives:
            assert self.exit_code() == -signal.SIGKILL, self.output()
        while True:
            self.lives += 1
            if url := self.begin_life():
                self.url = url
                return
            assert self.exit_code() == -signal.SIGKILL, self.output()

    def __enter__(self) -> Self:
        self.revive()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if error is not None:
            print(f"Life {self.lives} of the host, its last lines:", self.output(), sep="\n")
        self.end()

    @abstractmethod
    def begin_life(self) -> str:
        """Start a process and wait until it is ready, for its URL; or until it is dead, for nothing."""

    @abstractmethod
    def exit_code(self) -> int:
        """Wait for the process's end."""

    @abstractmethod
    def stop(self) -> int:
        """Ask the process to end, and give its exit code."""

    @abstractmethod
    def end(self) -> None:
        """Leave nothing behind."""

    @abstractmethod
    def output(self) -> str:
        """The last lines of what it printed."""


class Fused(Mortal):
    """Kills itself at commit points: in each life when the next of `fuses` has burnt down, then never more.

    An odd length 2n-1 is just before the n-th commit of that life, an even one 2n just after it.
    """

    def __init__(self, folder: Path, stub_url: str, fuses: Iterable[int]) -> None:
        super().__init__(folder, stub_url)
        self._fuses = iter(fuses)
        self._log = folder / "output"
        self._process: ForkServerProcess | None = None

    @property
    def process(self) -> ForkServerProcess:
        assert self._process is not None
        return self._process

    def spawn(self, fuse: int = 0) -> None:
        """Start a process and do not wait."""
        self._log.write_bytes(b"")
        self._process = processes.Process(target=_live, args=(self.arguments, self.environment, self._log, fuse))
        self._process.start()

    def begin_life(self) -> str:
        self.spawn(next(self._fuses, 0))
        for _ in _moments():
            alive = self.process.is_alive()
            for line in self._log.read_text().splitlines(keepends=True):
                if line.startswith(READY) and line.endswith("\n"):
                    return line.removeprefix(READY).strip()
            if not alive:
                break
        return ""

    def exit_code(self) -> int:
        self.process.join(SECONDS)
        assert self.process.exitcode is not None, "it should have died"
        return self.process.exitcode

    def stop(self) -> int:
        self.process.terminate()
        return self.exit_code()

    def end(self) -> None:
        if self._process is not None and self._process.is_alive():
            self._process.kill()
            self._process.join()

    def output(self) -> str:
        return "\n".join(self._log.read_text().splitlines()[-50:])


class Hunted(Mortal):
    """Is killed from outside, so many times, at a random moment of at most `longest` seconds after it was ready."""

    def __init__(self, folder: Path, stub_url: str, chance: random.Random, kills: int, longest: float = 0.15) -> None:
        super().__init__(folder, stub_url)
        self._chance = chance
        self._left = kills
        self._longest = longest
        self._child = _Devhost(self)
        self._hunter: threading.Timer | None = None

    def begin_life(self) -> str:
        self._child.kill()  # the dead one's pipe
        url = self._child.start().address
        self._hunter = None
        if self._left:
            self._left -= 1
            self._hunter = threading.Timer(self._chance.uniform(0, self._longest), self._child.process.kill)
            self._hunter.start()
        return url

    def exit_code(self) -> int:
        return self._child.process.wait(SECONDS)

    def stop(self) -> int:
        self._left = 0
        if self._hunter is not None:
            self._hunter.join()
            self.revive()
        self._child.stop()
        return self._child.process.returncode

    def end(self) -> None:
        if self._hunter is not None:
            self._hunter.cancel()
        self._child.kill()

    def output(self) -> str:
        return "\n".join(self._child.output)


class _Devhost(Child):
    READY = READY
    name = "the local host"

    def __init__(self, mortal: Mortal) -> None:
        super().__init__(environment=mortal.environment)
        self._mortal = mortal

    def arguments(self) -> list[str]:
        return ["-m", "devhost", *self._mortal.arguments]


def _moments() -> Iterator[None]:
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        yield
        time.sleep(0.005)


def _live(arguments: list[str], environment: dict[str, str], log: Path, fuse: int) -> None:
    """One life, in a process of its own."""
    os.environ.update(environment)
    output = os.open(log, os.O_WRONLY | os.O_APPEND)
    os.dup2(output, sys.stdout.fileno())
    os.dup2(output, sys.stderr.fileno())
    Store.commit = Fuse(fuse).fused_commit(Store.commit)  # type: ignore[method-assign, assignment]
    with contextlib.chdir(Path(__file__).parents[3]):
        exit_process(cli.main(arguments))
