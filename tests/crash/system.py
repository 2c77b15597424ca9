"""The whole app as its users have it: the host in a process of its own, a model stub that outlives it, a client."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from meta_agents import Client
from meta_agents.results import Execution
from meta_agents.testing import ModelStub
from meta_agents.testing.server import Script
from services.settings import Settings
from tests.support import stores
from tools.processes import ROOT, Host

TOKEN = "the-token-of-the-tests"
SECONDS = 60
"""Until something that must happen is taken for something that never will, on a busy machine."""


class System:
    """Up for as long as the context lasts; `host` may be killed and started again meanwhile, on the same state."""

    def __init__(
        self,
        folder: Path,
        *,
        latency: float = 0.05,
        environment: Mapping[str, str] | None = None,
        app: Path = ROOT,
        script: Script | None = None,
    ) -> None:
        state = folder / "state"
        state.mkdir()
        self.stub = ModelStub(folder / "model.jsonl", latency=latency, script=script)
        settings = {
            **settings_unset(),
            **self.stub.environment(),
            **stores.environment(state),
            "META_AGENTS_TOKEN": TOKEN,
            "META_AGENTS_STATE_DIR": str(state),
        }
        self.host = Host(state, app=app, environment={**settings, **(environment or {})})
        self.client: Client

    def __enter__(self) -> Self:
        self.stub.__enter__()
        try:
            self.host.start()
        except BaseException:
            self.stub.__exit__(None, None, None)
            raise
        self.client = Client(self.host.address, TOKEN)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if error is not None:
            print("\n".join(["The host's last lines:", *self.host.output]))
        self.client.close()
        self.host.kill()
        self.stub.__exit__(kind, error, traceback)

    def agents(self, *names: str, **common: Any) -> None:
        for name in names:
            self.client.agents.put({"name": name, "instructions": f"You are the {name}.", **common})

    def ended(self, execution: str) -> Execution:
        """The execution's record, once it has ended and its log says so too."""
        executions = self.client.executions
        what, seconds, every = f"the end of execution {execution}", 5 * SECONDS, 0.02
        wait_until(lambda: executions.get(execution).is_ended, what, seconds, every)
        list(executions.follow(execution))
        return executions.get(execution)


def settings_unset() -> dict[str, str]:
    """Nothing that is set for this machine may reach the app: a real model is paid for."""
    return {str(field.alias): "" for name, field in Settings.model_fields.items() if "signalr" not in name}


def wait_until(holds: Callable[[], bool], what: str, seconds: float = SECONDS, every: float = 0.005) -> None:
    """Look `every` so many seconds until it holds. Raises `TimeoutError` naming `what` was waited for."""
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what}: not within {seconds:g} s")
        time.sleep(every)
