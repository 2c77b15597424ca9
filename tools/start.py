"""Serves the app on this machine until Ctrl-C: `make start`, or `python -m tools.start`.

The environment decides: `PORT` (7071), `STATE_DIR` (.local), and which model answers. `OPENAI_BASE_URL` with
`OPENAI_API_KEY`, or `AZURE_OPENAI_ENDPOINT`, name one elsewhere; else the local model is started (`MODEL_GGUF`: another
weights file).
"""

from __future__ import annotations

import io
import os
import secrets
import signal
import socket
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from services import check
from tools.processes import ROOT, Child, Host, ModelServer, ProcessFailed
from tools.weights import WeightsError, model_path, present


class StartError(Exception):
    """The installation cannot start; the message is one sentence that says why and what to do."""


@dataclass(frozen=True)
class Installation:
    """A running local installation."""

    host: Host
    model: ModelServer | None
    token_file: Path

    def ended(self) -> Child | None:
        """The part that ended by itself, if one did."""
        return next((child for child in (self.host, self.model) if child is not None and not child.running), None)


def remote_model(environment: Mapping[str, str]) -> str | None:
    """The address of the model the environment names, or None when it names none.

    Raises `StartError` for a base URL without a key, which no client would accept.
    """
    base_url = environment.get("OPENAI_BASE_URL")
    if base_url and not environment.get("OPENAI_API_KEY"):
        raise StartError(
            "OPENAI_BASE_URL is set but OPENAI_API_KEY is not: set both (any text, where none is asked for)."
        )
    return base_url or environment.get("AZURE_OPENAI_ENDPOINT") or None


def ensure_token(state_dir: Path) -> Path:
    """The file holding the local token: 32 random bytes, URL-safe, readable by its owner alone; made if missing."""
    path = state_dir / "token"
    if not path.is_file():
        # mkstemp makes it 0600; the move makes it whole or absent, whenever we are killed.
        handle, draft = tempfile.mkstemp(dir=state_dir, prefix="token-")
        try:
            with os.fdopen(handle, "w") as file:
                file.write(secrets.token_urlsafe(32))
            Path(draft).replace(path)
        except OSError:
            Path(draft).unlink()
            raise
    return path


def prepare(state_dir: Path) -> Path:
    """Make the state directory and the token in it; returns the token file. Raises `StartError` where it cannot."""
    try:
        state_dir.mkdir(parents=True, exist_ok=True)
        return ensure_token(state_dir)
    except OSError as error:
        raise StartError(
            f"The state directory {state_dir} cannot be used ({error.strerror}): choose another, STATE_DIR=folder."
        ) from error


def require_usable(environment: Mapping[str, str], local_settings: Path = ROOT / "local.settings.json") -> None:
    """Raises `StartError` when the app could not use these variables, and those of the file that the host adds."""
    try:
        values = check.values_of(local_settings) if local_settings.is_file() else {}
    except (ValueError, KeyError, TypeError, AttributeError):
        return  # the host says what is wrong with it
    if wrong := check.faults({**values, **environment}):
        raise StartError(wrong)


def require_free(port: int) -> None:
    """Raises `StartError` when something listens on this port of the loopback address."""
    with socket.socket() as probe:
        # As servers do: a port whose last connections are still closing is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise StartError(
                f"Port {port} cannot be used ({error.strerror}): choose another, PORT={port + 1}."
            ) from error


@contextmanager
def installation(
    state_dir: Path,
    *,
    port: int = 0,
    environment: Mapping[str, str] = os.environ,
    say: Callable[[str], None] = print,
) -> Iterator[Installation]:
    """A model (unless the environment names one) and the host with the app, up while the context lasts.

    The host is stopped before the model it may be waiting for. Raises `StartError`, `WeightsError` or `ProcessFailed`.
    """
    require_free(port)
    token_file = prepare(state_dir)
    remote = remote_model(environment)
    model: ModelServer | None = None
    with ExitStack() as stack:
        if remote is not None:
            say(f"model    {remote}, as the environment says")
        else:
            model = stack.enter_context(local_model(environment))
            say(f"model    {model.model.name}, local, at {model.address}")
        settings = {**example_tools(environment), **(model.environment() if model else {})}
        host = stack.enter_context(Host(state_dir, port=port, environment=settings, on_line=say))
        yield Installation(host, model, token_file)


def example_tools(environment: Mapping[str, str]) -> dict[str, str]:
    """What the tools of examples/ need, unless the environment names tools of its own."""
    settings = {"TOOL_MODULES": "examples.tools.orders", "MCP_SERVERS_FILE": str(ROOT / "tools" / "mcp.yaml")}
    return {name: value for name, value in settings.items() if not environment.get(name)}


def local_model(environment: Mapping[str, str]) -> ModelServer:
    path = model_path(environment)
    if not present(path):
        raise StartError(f"There are no model weights at {path}: run `make setup`.")
    return ModelServer(path)


def main() -> int:
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: ended.set())
    if isinstance(sys.stdout, io.TextIOWrapper):
        # Piped into a file or `tee`, the host's lines must still come as they happen.
        sys.stdout.reconfigure(line_buffering=True)
    state_dir = Path(os.environ.get("STATE_DIR") or ".local")
    try:
        require_usable(os.environ)
        with installation(state_dir, port=port_setting(os.environ)) as running:
            print(welcome(running), flush=True)
            while not ended.wait(0.5):
                if child := running.ended():
                    raise child.failure("ended by itself")
            print("stopping ...", flush=True)
    except (StartError, WeightsError, ProcessFailed) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def port_setting(environment: Mapping[str, str]) -> int:
    """Raises `StartError` when `PORT` is not a port number."""
    text = environment.get("PORT") or "7071"
    if not text.isdecimal() or int(text) > 65535:
        raise StartError(f"PORT={text} is not a port: give a number up to 65535.")
    return int(text)


def welcome(running: Installation) -> str:
    address = running.host.address
    return "\n".join(
        [
            "",
            f"page     {address}/   (it asks for the token)",
            f"API      {address}/api, described at {address}/api/openapi.json",
            f"token    in {running.token_file}",
            "Ctrl-C stops everything; executions go on at the next start.",
            "",
        ]
    )


if __name__ == "__main__":
    sys.exit(main())
