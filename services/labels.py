"""Labels of prompts: names such as `production` that are moved from version to version, with a record of each move."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from domain.errors import ProblemError, platform_failed
from services.documents.base import Conflict, Document, DocumentStore, Put, beginning_with
from services.documents.reading import everything
from services.problems import precondition_failed

ATTEMPTS = 50


@dataclass(frozen=True)
class Placed:
    """Where a label is; `version` is None after it was taken away."""

    prompt: str
    label: str
    version: int | None
    by: str
    at: datetime
    moves: int
    etag: str


@dataclass(frozen=True)
class Move:
    """One move of a label; None for nowhere."""

    label: str
    before: int | None
    after: int | None
    by: str
    at: datetime


Placements = list[Placed]
Moves = tuple[list[Move], str | None]


class Labels:
    def __init__(self, documents: DocumentStore) -> None:
        self._documents = documents

    async def get(self, tenant: str, prompt: str, label: str) -> Placed | None:
        document = await self._documents.get(_partition(tenant), _id(prompt, label))
        return _placed(document) if document else None

    async def list(self, tenant: str, prompt: str) -> Placements:
        """Those that are on a version, by name."""
        found = await everything(self._documents, _partition(tenant), beginning_with(_id(prompt, "")))
        return [placed for placed in map(_placed, found) if placed.version is not None]

    async def moves(self, tenant: str, prompt: str, limit: int = 50, continuation: str | None = None) -> Moves:
        """A page of the moves of all labels of the prompt, the latest first."""
        page, more = await self._documents.query(
            _partition(tenant),
            between=beginning_with(f"move:{prompt}:"),
            descending=True,
            continuation=continuation,
            limit=limit,
        )
        return [_move(document) for document in page], more

    async def move(
        self, tenant: str, prompt: str, label: str, version: int | None, by: str, if_match: str | None = None
    ) -> Placed:
        """Put the label on a version, or, with None, take it away; where it is already, nothing is done.

        Raises `ProblemError` precondition_failed when `if_match` is not the label's etag.
        """
        for _ in range(ATTEMPTS):
            document = await self._documents.get(_partition(tenant), _id(prompt, label))
            if if_match is not None and (document is None or document.etag != if_match):
                raise precondition_failed(
                    f"The label {label!r} is no longer where you saw it.", "Look where it is now, and move it again."
                )
            before = _placed(document) if document else None
            if before is not None and before.version == version:
                return before
            try:
                return await self._write(tenant, before, prompt, label, version, by)
            except Conflict:
                continue  # another moved it at the same time: look again
        raise ProblemError(platform_failed(f"Too many others are moving the label {label!r} at the same time."))

    async def _write(
        self, tenant: str, before: Placed | None, prompt: str, label: str, version: int | None, by: str
    ) -> Placed:
        now = datetime.now(UTC)
        moves = before.moves + 1 if before else 1
        said = {"prompt": prompt, "label": label, "by": by, "at": now.isoformat()}
        body = {**said, "version": version, "moves": moves}
        move = {**said, "before": before.version if before else None, "after": version}
        id = _id(prompt, label)
        place = Put(id, body, if_match=before.etag if before else None, if_absent=before is None)
        # By time, and then by label and number, so that no two moves are one.
        moved = Put(f"move:{prompt}:{now.isoformat(timespec='microseconds')}:{label}:{moves}", move)
        written = await self._documents.write(_partition(tenant), [place, moved])
        return _placed(Document(id, body, written.etags[id]))


def _partition(tenant: str) -> str:
    return f"{tenant}/prompt-labels"


def _id(prompt: str, label: str) -> str:
    return f"label:{prompt}:{label}"


def _placed(document: Document) -> Placed:
    body = document.body
    return Placed(
        prompt=body["prompt"],
        label=body["label"],
        version=body["version"],
        by=body["by"],
        at=datetime.fromisoformat(body["at"]),
        moves=body["moves"],
        etag=document.etag,
    )


def _move(document: Document) -> Move:
    body = document.body
    at = datetime.fromisoformat(body["at"])
    return Move(label=body["label"], before=body["before"], after=body["after"], by=body["by"], at=at)
