"""Artifacts as files in a folder, one sub-folder per partition."""

from __future__ import annotations

import asyncio
import os
import uuid
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote

from domain.errors import ProblemError, not_found, platform_failed
from services.artifacts.base import is_ref, ref_of


class FolderArtifacts:
    """An `ArtifactStore` on one machine; several processes may share the folder."""

    def __init__(self, path: Path | str) -> None:
        self._root = Path(path)

    async def put(self, partition: str, content: bytes, media_type: str) -> str:
        try:
            return await asyncio.to_thread(_write, self._folder(partition), content)
        except OSError as error:
            raise ProblemError(platform_failed(f"The artifact could not be written: {error.strerror}.")) from error

    async def get(self, partition: str, ref: str) -> bytes:
        if not is_ref(ref):
            raise ProblemError(not_found("artifact", ref))
        try:
            content = await asyncio.to_thread((self._folder(partition) / ref).read_bytes)
        except FileNotFoundError as error:
            raise ProblemError(not_found("artifact", ref)) from error
        except OSError as error:
            raise ProblemError(platform_failed(f"The artifact could not be read: {error.strerror}.")) from error
        if ref_of(content) != ref:
            raise ProblemError(platform_failed(f"The artifact {ref} is damaged: its content does not match its name."))
        return content

    async def drop(self, partition: str) -> None:
        try:
            await asyncio.to_thread(_remove, self._folder(partition))
        except OSError as error:
            raise ProblemError(platform_failed(f"The artifacts could not be removed: {error.strerror}.")) from error

    async def close(self) -> None:
        """There is nothing to let go of."""

    def _folder(self, partition: str) -> Path:
        # The prefix keeps a partition named `..` inside the root.
        return self._root / f"p-{quote(partition, safe='')}"


def _write(folder: Path, content: bytes) -> str:
    ref = ref_of(content)
    target = folder / ref
    if target.exists():
        return ref
    folder.mkdir(parents=True, exist_ok=True)
    unfinished = folder / f"unfinished-{uuid.uuid4().hex}"
    with unfinished.open("xb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(target)
    # Without this a power cut may forget the names of files whose content is safe.
    for made in (folder, folder.parent):
        _sync_folder(made)
    return ref


def _remove(folder: Path) -> None:
    with suppress(FileNotFoundError):  # it never was there, or another process removes the same
        with os.scandir(folder) as found:
            for file in found:
                Path(file.path).unlink(missing_ok=True)
        folder.rmdir()
    # Also when it was gone before: whoever removed it may have been cut off before this.
    if folder.parent.exists():
        _sync_folder(folder.parent)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
