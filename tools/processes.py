"""The programs of a local installation as child processes: started, awaited, stopped, killed and started again.

`make start`, the demo and the end-to-end tests share these.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import IO, Self
from urllib.parse import urlsplit

from tools import weights

ROOT = Path(__file__).resolve().parent.parent
KEPT_LINES = 200
MODEL_THREADS = 4
"""Most threads the local model computes with; the small one gains little from more."""


class ProcessFailed(Exception):
    """A child process did not get ready, or ended by itself. The message ends with its last lines, if unseen yet."""


class Child(ABC):
    """A child process that tells when it is ready, and where, by one line: `READY` followed by its address.

    `port` 0 takes a free one at the first start; later starts take the same again. `output` keeps the last lines of
    stdout and stderr over all starts, and `on_line` gets each as it comes, on a thread of ours.
    """

    READY: str
    name: str

    def __init__(
        self,
        *,
        port: int = 0,
        environment: Mapping[str, str] | None = None,
        on_line: Callable[[str], None] | None = None,
        start_timeout: float = 60,
    ) -> None:
        self.port = port
        self.address = ""
        self.output: deque[str] = deque(maxlen=KEPT_LINES)
        self._environment = {**os.environ, **(environment or {}), "PYTHONUNBUFFERED": "1"}
        self._on_line = on_line
        self._start_timeout = start_timeout
        self._process: subprocess.Popen[str] | None = None
        self._reader: threading.Thread | None = None

    @abstractmethod
    def arguments(self) -> list[str]:
        """What follows `python` on the command line; asked for at each start."""

    @property
    def process(self) -> subprocess.Popen[str]:
        """The child of the last start, running or ended. Raises `RuntimeError` before the first."""
        if self._process is None:
            raise RuntimeError(f"{self.name} was not started.")
        return self._process

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self) -> Self:
        """Start, and return once it is ready. Raises `ProcessFailed`, with nothing left running, when it isn't."""
        if self.running:
            raise RuntimeError(f"{self.name} runs already.")
        self._process = subprocess.Popen(
            [sys.executable, *self.arguments()],
            cwd=ROOT,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            # Ctrl-C shall reach us alone: we stop the children, in the order that loses nothing.
            start_new_session=True,
        )
        ready = threading.Event()
        self.address = ""
        self._reader = threading.Thread(target=self._read, args=(self._process.stdout, ready), daemon=True)
        self._reader.start()
        try:
            in_time = ready.wait(self._start_timeout)
            if in_time and not self.address:
                # Its output has ended, so it is about to: let it, for its own exit code.
                with contextlib.suppress(subprocess.TimeoutExpired):
                    self._process.wait(5)
        finally:
            if not self.address:
                self.kill()
        if not self.address:
            late = f"was not ready after {self._start_timeout:g} s"
            raise self.failure("ended before it was ready" if in_time else late)
        self.port = urlsplit(self.address).port or self.port
        return self

    def _read(self, stream: IO[str], ready: threading.Event) -> None:
        for line in stream:
            text = line.rstrip("\n")
            self.output.append(text)
            if self._on_line is not None:
                self._on_line(text)
            if text.startswith(self.READY):
                self.address = text.removeprefix(self.READY).strip()
                ready.set()
        # The end of its output: nothing more to wait for.
        ready.set()

    def failure(self, what: str) -> ProcessFailed:
        """An error saying `what` happened to it, and how the process ended."""
        shown = [] if self._on_line else self.output
        return ProcessFailed("\n".join([f"{self.name} {what} (exit code {self.process.returncode}).", *shown]))

    def stop(self, timeout: float = 15) -> None:
        """Ask it to end (SIGTERM) and wait; kill it when it takes longer than `timeout` seconds."""
        if self.running:
            self.process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(timeout)
        self.kill()

    def kill(self) -> None:
        """End it, and whatever it started, at once (SIGKILL), and wait until it is gone. `start` may follow."""
        if self._process is None or self._reader is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._reader.join()
        self._reader = None
        if self._process.stdout is not None:
            self._process.stdout.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()


class ModelServer(Child):
    """The local model; `address` is the OpenAI base URL (`http://127.0.0.1:PORT/v1`). It ends when we do."""

    READY = "model ready: "
    name = "The model server"

    def __init__(
        self,
        model: Path | None = None,
        *,
        port: int = 0,
        threads: int | None = None,
        on_line: Callable[[str], None] | None = None,
        start_timeout: float = 60,
    ) -> None:
        # Threads that sleep at barriers share the cores with the host, which has little to do meanwhile.
        environment = {"OMP_WAIT_POLICY": "passive"}
        super().__init__(port=port, environment=environment, on_line=on_line, start_timeout=start_timeout)
        self.model = model or weights.model_path()
        self.threads = threads or min(os.cpu_count() or 1, MODEL_THREADS)

    def arguments(self) -> list[str]:
        options = ["--port", str(self.port), "--model", str(self.model), "--threads", str(self.threads)]
        return ["-m", "tools.model_server", *options, "--with-parent", str(os.getpid())]

    def environment(self) -> dict[str, str]:
        """What the app must be started with to use this model."""
        name = weights.served_name(self.model)
        return {
            "OPENAI_BASE_URL": self.address,
            "OPENAI_API_KEY": "local",
            "MODEL_NAME": name,
            "MODEL_PRICES": json.dumps({name: ["0", "0"]}),
            "MODEL_CONTEXT_WINDOW": str(weights.WINDOW),
            "MODEL_TOOL_CALLS": "schema",  # its template knows no tools
        }


class Host(Child):
    """The local Functions host serving the app in `app`; `address` is its URL. All state lives in `state_dir`.

    It ends when we do.
    """

    READY = "devhost ready: "
    name = "The host"

    def __init__(
        self,
        state_dir: Path,
        *,
        app: Path = ROOT,
        port: int = 0,
        environment: Mapping[str, str] | None = None,
        on_line: Callable[[str], None] | None = None,
        start_timeout: float = 60,
    ) -> None:
        self.state_dir = state_dir.resolve()
        self.app = app.resolve()
        super().__init__(
            port=port,
            environment={"META_AGENTS_STATE_DIR": str(self.state_dir), **(environment or {})},
            on_line=on_line,
            start_timeout=start_timeout,
        )

    def arguments(self) -> list[str]:
        state = self.state_dir / "devhost.db"
        options = ["--app", str(self.app), "--port", str(self.port), "--state", str(state)]
        return ["-m", "devhost", *options, "--with-parent", str(os.getpid())]
