"""The artifact store: what every maker (folder, Blob storage) must do."""

from __future__ import annotations

import hashlib
import re
from typing import Protocol

_REF = re.compile(r"[0-9a-f]{64}")


class ArtifactStore(Protocol):
    """Immutable bytes in partitions. Raises `ProblemError` platform_failed when the storage itself fails."""

    async def put(self, partition: str, content: bytes, media_type: str) -> str:
        """Keep `content`, durably when it returns, and give its ref; the same content again gives the same ref.

        `media_type` is for makers whose storage can serve the artifact by itself.
        """

    async def get(self, partition: str, ref: str) -> bytes:
        """The content as it was put; raises `ProblemError` not_found."""

    async def drop(self, partition: str) -> None:
        """Remove the whole partition, for good when it returns; repeated, it completes one that was cut off."""

    async def close(self) -> None:
        """Let go of the storage."""


def ref_of(content: bytes) -> str:
    """sha256 (hex) of the content: its ref in every maker."""
    return hashlib.sha256(content).hexdigest()


def is_ref(text: str) -> bool:
    return _REF.fullmatch(text) is not None
