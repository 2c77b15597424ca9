"""Whether what the app stands on works: asked by the gate of a rollout, and by whoever looks what is wrong."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

from domain.errors import Detail, ProblemError, platform_failed
from services.artifacts.base import ArtifactStore
from services.documents.base import DocumentStore, Put
from services.wiring import Services

PARTITION = "health"
"""Of the one document and the one artifact that are written over and over; of no tenant."""
SECONDS = 10
"""Until a store that does not answer counts as one that fails."""
_CONTENT = b"Written and read to see whether this works.\n"


async def looked_at(services: Services, patience: float = SECONDS) -> dict[str, float]:
    """Write to each store and read it back: the seconds that each took.

    Models are not called: that would cost, and one may well fail for a while. Raises `ProblemError` platform_failed,
    with a detail for each store that does not work.
    """
    looks = {"documents": _documents(services.documents), "artifacts": _artifacts(services.artifacts)}
    found = dict(zip(looks, await asyncio.gather(*(_tried(look, patience) for look in looks.values())), strict=True))
    wrong = [Detail(pointer=f"/checks/{name}", message=error) for name, (_, error) in found.items() if error]
    if wrong:
        names = " and ".join(detail.pointer.rpartition("/")[2] for detail in wrong)
        problem = platform_failed(f"What the app stands on does not work: {names}.")
        action = "Mend what `errors` names; executions that were cut off go on by themselves."
        raise ProblemError(problem.model_copy(update={"action": action, "details": tuple(wrong)}))
    return {name: seconds for name, (seconds, _) in found.items()}


def _documents(documents: DocumentStore) -> Callable[[], Awaitable[bool]]:
    async def look() -> bool:
        await documents.write(PARTITION, [Put("probe", {"kind": "probe"})])
        return await documents.get(PARTITION, "probe") is not None

    return look


def _artifacts(artifacts: ArtifactStore) -> Callable[[], Awaitable[bool]]:
    async def look() -> bool:
        ref = await artifacts.put(PARTITION, _CONTENT, "text/plain")
        return await artifacts.get(PARTITION, ref) == _CONTENT

    return look


async def _tried(look: Callable[[], Awaitable[bool]], patience: float) -> tuple[float, str | None]:
    """The seconds it took, and what is wrong."""
    began = time.monotonic()
    try:
        async with asyncio.timeout(patience):
            error = None if await look() else "What was written was not there to be read."
    except TimeoutError:
        error = f"There was no answer within {patience:g} seconds."
    except ProblemError as failed:
        error = failed.problem.message
    return round(time.monotonic() - began, 3), error
