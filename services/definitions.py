"""Versioned definitions: every change is a new version, and versions never change."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Generic, Literal, TypeVar

from domain.base import Definition
from domain.errors import ProblemError, platform_failed
from services.documents.base import Conflict, Document, DocumentStore, Put
from services.problems import conflict, precondition_failed

D = TypeVar("D", bound=Definition)
Change = Literal["created", "changed", "unchanged"]
CACHED = 256
ATTEMPTS = 50
"""Tries to write over others who write the same name: each failure means that one of them got through."""


@dataclass(frozen=True)
class Stored(Generic[D]):
    """One version. `etag` names this state of the name: it is what If-Match is compared with."""

    version: int
    updated: datetime
    etag: str
    definition: D


Page = tuple[list[Stored[D]], str | None]
Found = list[Stored[D] | None]
"""Named here, because inside the class below `list` is its method."""


class Definitions(Generic[D]):
    """The definitions of one kind (`agents`, `prompts`, `tools`, `workflows`)."""

    def __init__(self, documents: DocumentStore, kind: str, model: type[D]) -> None:
        self._documents = documents
        self._kind = kind
        self._model: type[D] = model
        self._read: dict[tuple[str, str], Stored[D]] = {}

    async def list(self, tenant: str, limit: int = 50, continuation: str | None = None) -> Page[D]:
        """A page of the latest versions, by name."""
        documents, more = await self._documents.query(
            self._partition(tenant), where={"role": "latest"}, continuation=continuation, limit=limit
        )
        return [self._stored(document) for document in documents], more

    async def get(self, tenant: str, name: str, version: int | None = None) -> Stored[D] | None:
        """The latest version, or the one asked for; None if there is none or the name was deleted."""
        return (await self.get_many(tenant, [(name, version)]))[0]

    async def get_many(self, tenant: str, wanted: Sequence[tuple[str, int | None]]) -> Found[D]:
        """As `get` of each name and version, in one read."""
        ids = [_ids_of(name, version) for name, version in wanted]
        every = list(dict.fromkeys(id for pair in ids for id in pair))
        found = await self._documents.get_many(self._partition(tenant), every) if every else {}
        return [self._shown(found.get(pair[0]), found.get(pair[-1])) for pair in ids]

    def _shown(self, latest: Document | None, wanted: Document | None) -> Stored[D] | None:
        if latest is None or wanted is None or latest.body["role"] == "deleted":
            return None
        return self._stored(wanted)

    async def versions(self, tenant: str, name: str, limit: int = 50, continuation: str | None = None) -> Page[D]:
        """A page of all versions, newest first; empty when the name was deleted."""
        if await self.get(tenant, name) is None:
            return [], None
        documents, more = await self._documents.query(
            self._partition(tenant),
            where={"role": "version", "name": name},
            descending=True,
            continuation=continuation,
            limit=limit,
        )
        return [self._stored(document) for document in documents], more

    async def create(self, tenant: str, definition: D) -> Stored[D]:
        """Raises `ProblemError` conflict if the name is taken."""
        try:
            stored, _ = await self.put(tenant, definition.name, definition, create_only=True)
        except ProblemError as error:
            if error.problem.code != "precondition_failed":
                raise
            raise conflict(
                f"There is already a definition {definition.name!r} among the {self._kind}.",
                "Choose another name, or PUT to it to make its next version.",
            ) from error
        return stored

    async def put(
        self, tenant: str, name: str, definition: D, if_match: str | None = None, create_only: bool = False
    ) -> tuple[Stored[D], Change]:
        """Make the next version, unless it would equal the latest.

        Raises `ProblemError` precondition_failed when `if_match` is not the latest's etag, or when the name is there
        and `create_only` is set.
        """
        if definition.name != name:
            raise ValueError(f"the definition's name is {definition.name!r}, not {name!r}")
        for _ in range(ATTEMPTS):
            latest = await self._documents.get(self._partition(tenant), _latest_id(name))
            existing = latest if latest and latest.body["role"] == "latest" else None
            check_preconditions(name, existing.etag if existing else None, if_match, create_only)
            if existing and self._stored(existing).definition == definition:
                return self._stored(existing), "unchanged"
            try:
                return await self._write_next(tenant, definition, latest), "changed" if existing else "created"
            except Conflict:
                continue  # someone else was first: look again
        raise ProblemError(platform_failed(f"Too many others are changing {name!r} at the same time."))

    async def delete(self, tenant: str, name: str, if_match: str | None = None) -> bool:
        """Hide the name; False if it is not there. A later definition of that name goes on counting versions.

        Raises `ProblemError` precondition_failed like `put`.
        """
        for _ in range(ATTEMPTS):
            latest = await self._documents.get(self._partition(tenant), _latest_id(name))
            if latest is None or latest.body["role"] == "deleted":
                return False
            check_preconditions(name, latest.etag, if_match, create_only=False)
            tombstone = Put(latest.id, {**latest.body, "role": "deleted"}, if_match=latest.etag)
            try:
                await self._documents.write(self._partition(tenant), [tombstone])
            except Conflict:
                continue
            return True
        raise ProblemError(platform_failed(f"Too many others are changing {name!r} at the same time."))

    async def _write_next(self, tenant: str, definition: D, latest: Document | None) -> Stored[D]:
        body: dict[str, Any] = {
            "name": definition.name,
            "version": latest.body["version"] + 1 if latest else 1,
            "updated": datetime.now(UTC).isoformat(),
            "definition": definition.model_dump(mode="json"),
        }
        id = _latest_id(definition.name)
        replace = Put(id, {**body, "role": "latest"}, latest.etag if latest else None, if_absent=latest is None)
        keep = Put(_version_id(definition.name, body["version"]), {**body, "role": "version"}, if_absent=True)
        written = await self._documents.write(self._partition(tenant), [replace, keep])
        return self._stored(Document(id, body, written.etags[id]))

    def _partition(self, tenant: str) -> str:
        return f"{tenant}/{self._kind}"

    def _stored(self, document: Document) -> Stored[D]:
        """The document as read; no etag ever stands for two contents, so the latest used are read only once."""
        key = (document.id, document.etag)
        stored = self._read.get(key)
        if stored is None:
            body = document.body
            stored = self._read[key] = Stored(
                version=body["version"],
                updated=datetime.fromisoformat(body["updated"]),
                etag=document.etag,
                definition=self._model.model_validate(body["definition"]),
            )
            if len(self._read) > CACHED:
                del self._read[next(iter(self._read))]
        return stored


def check_preconditions(name: str, etag: str | None, if_match: str | None, create_only: bool) -> None:
    """`etag` is the one the name has now, None if it is not there. Raises `ProblemError` precondition_failed."""
    if create_only and etag is not None:
        raise precondition_failed(f"{name!r} already exists.", "Leave out If-None-Match to change it.")
    if if_match is not None and etag != if_match:
        raise precondition_failed(
            f"{name!r} is no longer what you read.", "Read it again, redo your change on it, and send that."
        )


def _ids_of(name: str, version: int | None) -> list[str]:
    """What has to be read for that version, or for the latest."""
    return [_latest_id(name)] if version is None else [_latest_id(name), _version_id(name, version)]


def _latest_id(name: str) -> str:
    """Sorts before every version, so that a page of latest ones reads nothing else."""
    return f"latest:{name}"


def _version_id(name: str, version: int) -> str:
    return f"version:{name}:{version:09d}"
