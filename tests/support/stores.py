"""Where the services of tests keep their data: on this machine, or (TEST_STORES=azure) in Azure's clients' hands.

There, a process of pytest has one Azurite and one `tests.cosmos`, begun when they are first needed, and each state
directory a database and a container of its own in them: services over the same directory see the same, others nothing.
"""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
from contextlib import ExitStack, closing
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import NamedTuple

from azure.cosmos import CosmosClient
from azure.cosmos.exceptions import CosmosResourceNotFoundError
from azure.storage.blob import ContainerClient

from services import wiring
from services.artifacts.base import ArtifactStore
from services.cosmos.account import CosmosAccount
from services.documents.base import DocumentStore
from services.documents.cosmos_items import document_of
from services.settings import Settings
from services.wiring import Services
from tests.cosmos.running import Cosmos, start
from tests.support import azurite

ON_AZURE = os.environ.get("TEST_STORES") == "azure"

_AZURITE_VERSION = "2021-12-02"  # one that any Azurite knows
_running = ExitStack()
_build = wiring.build


class Row(NamedTuple):
    """A document or an entry. `version` changes whenever it is written."""

    partition: str
    id: str
    version: str
    body: str


@dataclass(frozen=True)
class Servers:
    storage: azurite.Azurite
    cosmos: Cosmos


def environment(state: Path) -> dict[str, str]:
    """The variables by which an app over this state directory keeps its data there."""
    if not ON_AZURE:
        return {}
    cosmos = {"COSMOS_ENDPOINT": _servers().cosmos.url, "COSMOS_KEY": _servers().cosmos.key}
    blob = {"BLOB_CONNECTION_STRING": _servers().storage.connection}
    return {**cosmos, "COSMOS_DATABASE": _name(state), **blob, "BLOB_CONTAINER": _name(state)}


def stored(settings: Settings) -> Settings:
    """These settings, with where data is kept unless they say so."""
    if settings.cosmos_endpoint or settings.blob_endpoint or settings.blob_connection_string:
        return settings
    given = Settings.from_environment(environment(settings.state_dir))
    return settings.model_copy(update={name: getattr(given, name) for name in given.model_fields_set})


def documents_of(state: Path) -> DocumentStore:
    """The documents that services over this state directory have."""
    account = CosmosAccount(_servers().cosmos.url, key=_servers().cosmos.key) if ON_AZURE else None
    return wiring.documents_of(stored(Settings(state_dir=state)), account)


def artifacts_of(state: Path) -> ArtifactStore:
    """The artifacts that services over this state directory have."""
    return wiring.artifacts_of(stored(Settings(state_dir=state)))


def rows_in(state: Path) -> list[Row]:
    """All documents and entries there, as the storage has them; the services may run meanwhile."""
    return _items(_name(state)) if ON_AZURE else _rows(state / "documents.db")


def artifacts_in(state: Path) -> set[str]:
    """What the artifacts there are called by the storage: each file, or each blob."""
    if not ON_AZURE:
        return {str(path) for path in (state / "artifacts").rglob("*") if path.is_file()}
    connection = _servers().storage.connection
    with ContainerClient.from_connection_string(connection, _name(state), api_version=_AZURITE_VERSION) as container:
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


@cache
def _servers() -> Servers:
    return Servers(_running.enter_context(azurite.running()), _running.enter_context(start()))


def _name(state: Path) -> str:
    return "t" + hashlib.sha256(str(state.resolve()).encode()).hexdigest()[:20]


def _rows(file: Path) -> list[Row]:
    with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as connection:
        documents = connection.execute("SELECT partition, id, etag, body FROM documents").fetchall()
        entries = connection.execute("SELECT partition, id, offset, body FROM entries").fetchall()
    return [Row(*map(str, row)) for row in documents + entries]


def _items(database: str) -> list[Row]:
    """Without what a partition knows of its own writes: the stream's end, and for ten minutes what was deleted."""
    cosmos = _servers().cosmos
    with CosmosClient(cosmos.url, cosmos.key) as client:
        container = client.get_database_client(database).get_container_client("documents")
        try:
            items = list(container.query_items("SELECT * FROM c", enable_cross_partition_query=True))
        except CosmosResourceNotFoundError:
            return []
    found = [(item["partition"], document) for item in items if (document := document_of(item)) is not None]
    return [Row(partition, one.id, one.etag, json.dumps(one.body, sort_keys=True)) for partition, one in found]
