"""One side's serving process: started, watched, traced, stopped and killed."""

from __future__ import annotations

import contextlib
import os
import queue
import signal
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

ROOT = Path(__file__).resolve().parent.parent


TRACER = "strace"


class ProcessFailed(Exception):
    """It ended, or stayed silent, where a line was awaited. The message holds the end of its stderr."""


class Process:
    """A child whose stdout is read line by line. `trace`: log its fsyncs there (strace, which slows nothing else)."""

    def __init__(
        self, command: Sequence[str], environment: Mapping[str, str], folder: Path, trace: Path | None = None
    ) -> None:
        traced = (
            # -D: the tracer is the grandchild, so that the child we signal and measure is the program itself.
            [TRACER, "-D", "-f", "--seccomp-bpf", "-ttt", "-e", "trace=fsync,fdatasync", "-o", str(trace)]
            if trace
            else []
        )
        self._errors = folder / "stderr.txt"
        self.started = time.time()
        with self._errors.open("ab") as errors:
            self._child = subprocess.Popen(
                [*traced, *command],
                cwd=ROOT,
                env={**os.environ, "PYTHONUNBUFFERED": "1", "PYTHONPATH": str(ROOT), **environment},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                start_new_session=True,
            )
        self._lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._reader = threading.Thread(target=self._read, args=(self._child.stdout,), daemon=True)
        self._reader.start()

    @property
    def pid(self) -> int:
        return self._child.pid

    def _read(self, stream: IO[str]) -> None:
        for line in stream:
            self._lines.put(line.rstrip("\n"))
        self._lines.put(None)

    def line(self, beginning: str = "", timeout: float = 120) -> str:
        """The rest of the next line that begins so. Raises `ProcessFailed`."""
        deadline = time.monotonic() + timeout
        while True:
            try:
                line = self._lines.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                raise ProcessFailed(f"nothing for {timeout:g} s\n{self.last_words()}") from None
            if line is None:
                raise ProcessFailed(f"it ended (exit code {self._child.wait()})\n{self.last_words()}")
            if line.startswith(beginning):
                return line.removeprefix(beginning)

    def send(self, line: str) -> None:
        assert self._child.stdin is not None
        self._child.stdin.write(line + "\n")
        self._child.stdin.flush()

    def wait(self, timeout: float = 60) -> None:
        """Until it has ended by itself. Raises `ProcessFailed`."""
        try:
            self._child.wait(timeout)
        except subprocess.TimeoutExpired:
            raise ProcessFailed(f"it did not end within {timeout:g} s\n{self.last_words()}") from None

    def stop(self) -> None:
        """Ask it to end (SIGTERM) and wait."""
        self._child.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._child.wait(30)
        self.kill()

    def kill(self) -> None:
        """SIGKILL, to it and what it started; returns when it is gone."""
        if self._child.poll() is None:
            os.killpg(self._child.pid, signal.SIGKILL)
        self._child.wait()
        self._reader.join()
        for stream in (self._child.stdin, self._child.stdout):
            if stream is not None:
                with contextlib.suppress(BrokenPipeError):
                    stream.close()

    def last_words(self) -> str:
        """The end of its stderr."""
        return self._errors.read_text(errors="replace")[-2000:]
