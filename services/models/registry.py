"""Which models there are: stored ones before those of the file, and these before those of the variables.

They are the deployment's, not a tenant's: whoever may write them decides for all. Other processes see a change within
`FRESH` seconds.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from time import monotonic
from typing import Literal
from urllib.parse import urlsplit

from domain.errors import Detail, ProblemError, invalid_definition
from domain.models import ModelAlias, mistakes
from services.documents.base import Conflict, Document, DocumentStore, Put
from services.documents.base import Delete as DeleteDocument
from services.documents.reading import everything
from services.models.catalogue import from_file, from_settings, schema_mistakes
from services.problems import conflict, precondition_failed
from services.settings import Settings

SMALL_WINDOW, LARGE_WINDOW = 8_192, 128_000
"""Tokens that a model is taken to hold when nobody says: at a compatible endpoint, and elsewhere."""
PARTITION = "models"
FRESH = 10.0
OPENAI_HOST = "api.openai.com"
MOST = 200
"""Stored aliases."""
Source = Literal["settings", "file", "stored"]


@dataclass(frozen=True)
class Known:
    """One alias. `etag`, `updated` and `by` are there for a stored one."""

    alias: str
    entry: ModelAlias
    source: Source
    etag: str | None = None
    updated: datetime | None = None
    by: str | None = None


class ModelRegistry:
    """Raises `SettingsError` when made over a file that cannot be used. Without `documents`, nothing is stored."""

    def __init__(
        self, settings: Settings, documents: DocumentStore | None = None, clock: Callable[[], float] = monotonic
    ) -> None:
        self._settings = settings
        self._documents = documents
        self._clock = clock
        self._given = _given(settings)
        self._known = self._given
        self._read_at: float | None = None
        self._reading = asyncio.Lock()

    @property
    def lately(self) -> Mapping[str, Known]:
        """What was known when somebody last asked."""
        return self._known

    async def known(self) -> Mapping[str, Known]:
        """All of them, by alias."""
        if self._documents is not None and self._is_stale():
            async with self._reading:
                if self._is_stale():
                    await self._read(self._documents)
        return self._known

    async def get(self, alias: str) -> Known | None:
        return (await self.known()).get(alias)

    async def endpoint(self, alias: str, *, escalated: bool = False) -> ModelAlias | None:
        """The endpoint that is asked first under that alias; None if there is none."""
        known = await self.known()
        found = known.get(alias)
        if found is not None and found.entry.cascade is not None:
            cascade = found.entry.cascade
            found = known.get(cascade.then if escalated else cascade.first)
        return found.entry if found else None

    async def window(self, alias: str, *, escalated: bool = False) -> tuple[str | None, int]:
        """The common name of its model, None for an unknown alias; and the tokens that all who may answer can hold."""
        entry = await self.endpoint(alias, escalated=escalated)
        if entry is None:
            return None, self._window(None)
        others = (self._known[name].entry for name in entry.fallback if name in self._known)
        return entry.known_as or entry.model, min(map(self._window, (entry, *others)))

    def _window(self, entry: ModelAlias | None) -> int:
        if entry is not None and entry.context_window is not None:
            return entry.context_window
        few = (entry.provider if entry else self._settings.provider) == "compatible"
        return self._settings.model_context_window or (SMALL_WINDOW if few else LARGE_WINDOW)

    async def put(
        self, alias: str, entry: ModelAlias, by: str, *, if_match: str | None = None, create_only: bool = False
    ) -> Known:
        """Store it. Raises `ProblemError` invalid_definition (it does not fit the others), precondition_failed."""
        await self._forget()
        known = {name: found.entry for name, found in (await self.known()).items()} | {alias: entry}
        self._check(alias, entry, known)
        updated = datetime.now(UTC)
        body = {"entry": entry.model_dump(mode="json", exclude_defaults=True), "updated": updated.isoformat(), "by": by}
        try:
            await self._store().write(PARTITION, [Put(alias, body, if_match=if_match, if_absent=create_only)])
        except Conflict as error:
            raise _changed(alias) from error
        await self._forget()
        return (await self.known())[alias]

    async def delete(self, alias: str, if_match: str | None = None) -> None:
        """Take the stored one away; what the deployment itself gives by that name counts again.

        Raises `ProblemError` conflict when others need it, precondition_failed.
        """
        await self._forget()
        known = await self.known()
        users = sorted(name for name, found in known.items() if name != alias and alias in _used(found.entry))
        if users and alias not in self._given:
            raise conflict(f"Model `{users[0]}` names `{alias}`.", f"Change `{users[0]}` first, or leave `{alias}`.")
        try:
            await self._store().write(PARTITION, [DeleteDocument(alias, if_match)])
        except Conflict as error:
            raise _changed(alias) from error
        await self._forget()

    def mistakes(self, alias: str) -> tuple[Detail, ...]:
        """What is wrong with it by now, as the others may have changed since it was made."""
        entries = {name: found.entry for name, found in self._known.items()}
        return tuple(mistakes(alias, entries[alias], entries, self._settings.model_keys))

    def _check(self, alias: str, entry: ModelAlias, known: Mapping[str, ModelAlias]) -> None:
        details = [*mistakes(alias, entry, known, self._settings.model_keys), *schema_mistakes(entry)]
        if entry.provider is not None and _host_of(entry) not in self._hosts(entry.provider):
            message = f"models at {_host_of(entry)!r} are not called by this deployment: have it added to MODEL_HOSTS"
            details.append(Detail(pointer="/base_url", message=message))
        elif self._in_the_clear(entry):
            message = "it is sent a key, which nobody on the way may read: begin it with https://"
            details.append(Detail(pointer="/base_url", message=message))
        if entry.cascade is not None:
            users = sorted(name for name, other in known.items() if name != alias and alias in _used(other))
            details += [
                Detail(pointer="/cascade", message=f"`{user}` names it: leave it an endpoint") for user in users
            ]
        if alias not in known and len(known) >= MOST:
            details.append(Detail(pointer="", message=f"there are {MOST} models already"))
        if details:
            raise ProblemError(invalid_definition(f"Model `{alias}` has mistakes.", tuple(details)))

    def _in_the_clear(self, entry: ModelAlias) -> bool:
        """Whether it would send a key, or a token, without TLS where the deployment's own models do not."""
        address = urlsplit(entry.base_url or "")
        has_key = entry.key_setting is not None or entry.provider == "azure-openai"
        own = {urlsplit(found.entry.base_url or "")[:2] for found in self._given.values()}
        return address.scheme == "http" and has_key and address[:2] not in own

    def _hosts(self, provider: str) -> frozenset[str]:
        """Those of the deployment's own models of that kind: a key or an identity's token is sent nowhere else."""
        own = {_host_of(found.entry) for found in self._given.values() if found.entry.provider == provider}
        listed = {host.lower() for host in self._settings.model_hosts}
        return frozenset(own | listed | ({OPENAI_HOST} if provider == "openai" else set()))

    def _store(self) -> DocumentStore:
        if self._documents is None:
            raise RuntimeError("this registry was made without a store")
        return self._documents

    def _is_stale(self) -> bool:
        return self._read_at is None or self._clock() - self._read_at >= FRESH

    async def _forget(self) -> None:
        async with self._reading:
            self._read_at = None

    async def _read(self, documents: DocumentStore) -> None:
        began = self._clock()
        stored = await everything(documents, PARTITION)
        self._known = {**self._given, **{document.id: _known(document) for document in stored}}
        self._read_at = began


def _given(settings: Settings) -> dict[str, Known]:
    known = {alias: Known(alias, entry, "settings") for alias, entry in from_settings(settings).items()}
    return {**known, **{alias: Known(alias, entry, "file") for alias, entry in from_file(settings).items()}}


def _known(document: Document) -> Known:
    body = document.body
    entry = ModelAlias.model_validate(body["entry"])
    return Known(document.id, entry, "stored", document.etag, datetime.fromisoformat(body["updated"]), body["by"])


def _used(entry: ModelAlias) -> set[str]:
    return {*entry.fallback, *((entry.cascade.first, entry.cascade.then) if entry.cascade else ())}


def _host_of(entry: ModelAlias) -> str:
    return urlsplit(entry.base_url).netloc.lower() if entry.base_url else OPENAI_HOST


def _changed(alias: str) -> ProblemError:
    return precondition_failed(
        f"Model `{alias}` is no longer what you read.", "Read it again, redo your change on it, and send that."
    )
