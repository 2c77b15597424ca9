"""Where the services of tests keep their data: on this machine, or (TEST_STORES=azure) in Azure's own clients' hands.

There, a process of pytest has one Azurite and one `tests.cosmos`, begun when they are first needed, and each state
directory a database and a container of its own in them: services over the same directory see the same, others nothing.
"""

from __future__ import annotations

import hashlib
import os
import sqlite3
from contextlib import ExitStack, closing
from pathlib import Path
from typing import NamedTuple

import pytest
from azure.storage.blob import ContainerClient

from services import wiring
from services.artifacts.base import ArtifactStore
from services.documents.base import DocumentStore
from services.documents.sqlite import SqliteDocuments
from services.settings import Settings
from services.wiring import Services
from tests.support import azurite

ON_AZURE = os.environ.get("TEST_STORES") == "azure"

of_files = pytest.mark.skipif(ON_AZURE, reason="it is about files, which these stores do not have")
"""Marks tests of what SQLite and folders leave on the disk."""


class Row(NamedTuple):
    """A document or an entry. `version` changes whenever it is written."""

    partition: str
    id: str
    version: str
    body: str


_VERSION = "2021-12-02"  # one that any Azurite knows
_running = ExitStack()
_storage: azurite.Azurite | None = None
_build = wiring.build


def environment(state: Path) -> dict[str, str]:
    """The variables by which an app over this state directory keeps its data there."""
    if not ON_AZURE:
        return {}
    return {"BLOB_CONNECTION_STRING": _azurite().connection, "BLOB_CONTAINER": _name(state)}


def stored(settings: Settings) -> Settings:
    """These settings, with where data is kept."""
    given = Settings.from_environment(environment(settings.state_dir))
    return settings.model_copy(update={name: getattr(given, name) for name in given.model_fields_set})


def documents_of(state: Path) -> DocumentStore:
    """The documents that services over this state directory have."""
    return SqliteDocuments(state / "documents.db")


def artifacts_of(state: Path) -> ArtifactStore:
    """The artifacts that services over this state directory have."""
    return wiring.artifacts_of(stored(Settings(state_dir=state)))


def rows_in(state: Path) -> list[Row]:
    """All documents and entries there, as the storage has them; the services may run meanwhile."""
    with closing(sqlite3.connect(f"file:{state / 'documents.db'}?mode=ro", uri=True)) as connection:
        documents = connection.execute("SELECT partition, id, etag, body FROM documents").fetchall()
        entries = connection.execute("SELECT partition, id, offset, body FROM entries").fetchall()
    return [Row(*map(str, row)) for row in documents + entries]


def artifacts_in(state: Path) -> set[str]:
    """What the artifacts there are called by the storage: each file, or each blob."""
    if not ON_AZURE:
        return {str(path) for path in (state / "artifacts").rglob("*") if path.is_file()}
    with ContainerClient.from_connection_string(_azurite().connection, _name(state), api_version=_VERSION) as container:
        return set(container.list_blob_names()) if container.exists() else set()


def switch() -> None:
    """Every `build` of this process keeps its data there. To be called before anything has imported it."""
    if ON_AZURE:
        wiring.build = _switched


def end() -> None:
    """End what was begun."""
    _running.close()


def _switched(settings: Settings) -> Services:
    return _build(stored(settings))


def _azurite() -> azurite.Azurite:
    global _storage  # noqa: PLW0603 - one for the process
    if _storage is None:
        _storage = _running.enter_context(azurite.running())
    return _storage


def _name(state: Path) -> str:
    return "t" + hashlib.sha256(str(state.resolve()).encode()).hexdigest()[:20]
