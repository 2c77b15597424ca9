"""`--watch`: a process that starts the host again, on the same socket and state, whenever the app's files change."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path

from devhost.errors import StartupError
from devhost.listening import listen
from devhost.process import end_of_parent, say_stopping

try:
    from pathspec import GitIgnoreSpec
    from watchfiles import Change, awatch
except ImportError as missing:
    raise StartupError(f"--watch needs the package '{missing.name}': install watchfiles and pathspec.") from missing

_NAMES = ("host.json", "local.settings.json")
_NEVER = ("__pycache__", "node_modules")
_END_SECONDS = 30.0


class Supervisor:
    """Holds the socket, so that callers wait through a restart instead of being refused, and minds the host."""

    def __init__(self, root: Path, arguments: Sequence[str], host: str, port: int) -> None:
        """`arguments` are the host's, without its address. Raises `StartupError` when the address cannot be had."""
        self._root = root.resolve()
        self._listener = listen(host, port)
        self._command = [sys.executable, "-m", "devhost", *arguments]
        self._child: Process | None = None
        self._minding: asyncio.Task[None] | None = None

    def run(self, parent: int | None) -> int:
        """Watch and serve until told to stop, or until `parent` has ended; returns the exit code."""
        with self._listener:
            return asyncio.run(self._run(parent))

    async def _run(self, parent: int | None) -> int:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, stop.set)
        loop.add_signal_handler(signal.SIGINT, self._interrupted, stop)
        orphaned = asyncio.create_task(_set_after_parent(stop, parent)) if parent else None
        try:
            await self._start()
            async for changed in changes(self._root, stop):
                names = ", ".join(sorted(str(path.relative_to(self._root)) for path in changed)[:3])
                _say(f"{names} changed: starting again")
                await self._end()
                await self._start()
        finally:
            await self._end()
            if orphaned is not None:
                orphaned.cancel()
        return 0

    async def _start(self) -> None:
        number = self._listener.fileno()
        self._child = await asyncio.create_subprocess_exec(
            *self._command, "--listen-fd", str(number), "--with-parent", str(os.getpid()),
            pass_fds=[number], process_group=0,  # Ctrl-C is ours to pass on
        )  # fmt: skip
        self._minding = asyncio.create_task(_mind(self._child))

    async def _end(self) -> None:
        """Have the host stop gracefully, or kill it when it does not."""
        if self._child is None or self._minding is None:
            return
        self._minding.cancel()
        with contextlib.suppress(ProcessLookupError):
            self._child.terminate()
        try:
            async with asyncio.timeout(_END_SECONDS):
                await self._child.wait()
        except TimeoutError:
            self._child.kill()
            await self._child.wait()

    def _interrupted(self, stop: asyncio.Event) -> None:
        if not stop.is_set():
            say_stopping()
            stop.set()
        elif self._child is not None and self._child.returncode is None:
            self._child.kill()


async def changes(root: Path, stop: asyncio.Event) -> AsyncIterator[set[Path]]:
    """The app's files that changed, each time some did, until `stop` is set."""
    ignored = _ignored(root)
    while not stop.is_set():
        # Each folder by itself: a watch of the whole tree would take in environments and packages by the thousand.
        folders = list(_folders(root, ignored))
        watching = awatch(*folders, watch_filter=_is_of_interest, recursive=False, stop_event=stop)
        with contextlib.suppress(FileNotFoundError):  # a folder that was there a moment ago: look again
            async with contextlib.aclosing(watching) as batches:
                async for batch in batches:
                    paths = {Path(path) for _, path in batch}
                    new = [folder for path in paths if path.is_dir() for folder in _folders(path, ignored, root)]
                    inside = (file for folder in new for file in folder.glob("*"))
                    changed = {path for path in (*paths, *inside) if _is_watched(path, ignored, root)}
                    if changed:
                        yield changed
                    if new:
                        break


def _is_of_interest(_: Change, path: str) -> bool:
    return _has_watched_name(Path(path)) or Path(path).is_dir()


def _has_watched_name(path: Path) -> bool:
    name = path.name
    return path.suffix == ".py" or name in _NAMES or (name.startswith("requirements") and path.suffix == ".txt")


def _is_watched(path: Path, ignored: GitIgnoreSpec, root: Path) -> bool:
    if path.name in _NAMES:  # local.settings.json is what every .gitignore names
        return path.parent == root
    return _has_watched_name(path) and not ignored.match_file(path.relative_to(root))


def _folders(start: Path, ignored: GitIgnoreSpec, root: Path | None = None) -> Iterator[Path]:
    """`start` and the folders below it that may hold code of the app."""
    root = root or start
    if start != root and _is_foreign(start, ignored, root):
        return
    for folder, names, _ in os.walk(start):
        names[:] = [name for name in names if not _is_foreign(Path(folder, name), ignored, root)]
        yield Path(folder)


def _is_foreign(folder: Path, ignored: GitIgnoreSpec, root: Path) -> bool:
    if folder.name in _NEVER or folder.name.startswith(".") or (folder / "pyvenv.cfg").exists():
        return True
    return ignored.match_file(f"{folder.relative_to(root)}/")


def _ignored(root: Path) -> GitIgnoreSpec:
    file = root / ".gitignore"
    return GitIgnoreSpec.from_lines(file.read_text("utf-8").splitlines() if file.is_file() else [])


async def _mind(child: Process) -> None:
    code = await child.wait()
    _say(f"the host has ended (exit code {code}); it starts again when a file changes")


async def _set_after_parent(stop: asyncio.Event, parent: int) -> None:
    await end_of_parent(parent)
    stop.set()


def _say(sentence: str) -> None:
    print(f"devhost: {sentence}", file=sys.stderr, flush=True)
