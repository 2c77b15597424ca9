from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

from pydantic import AnyHttpUrl, Field, SecretStr, UrlConstraints
from pydantic_core import Url

from services.settings.group import Group
from services.settings.places import differs


class StoreSettings(Group):
    """Where data is kept."""

    state_dir: Path = Field(
        default=Path(".local"),
        alias="META_AGENTS_STATE_DIR",
        description="Folder of the documents, the artifacts and the token file.",
        json_schema_extra=differs(local="`STATE_DIR`", core_tools="`.local`"),
    )
    blob_endpoint: Annotated[Url, UrlConstraints(allowed_schemes=["https"])] | None = Field(
        default=None,
        alias="BLOB_ENDPOINT",
        description=(
            "Address of the Blob storage that keeps artifacts, `https://NAME.blob.core.windows.net`, used as the "
            "identity of the process; unset, and no connection string either: a folder in the state directory."
        ),
        json_schema_extra=differs(azure="the deployed account"),
    )
    blob_connection_string: SecretStr | None = Field(
        default=None,
        alias="BLOB_CONNECTION_STRING",
        description="Blob storage by key, for Azurite: `UseDevelopmentStorage=true`. Makes its container if need be.",
    )
    blob_container: str = Field(
        default="artifacts",
        min_length=3,
        max_length=63,
        pattern="^[a-z0-9]+(-[a-z0-9]+)*$",
        alias="BLOB_CONTAINER",
        description="The container of the artifacts.",
    )

    cosmos_endpoint: AnyHttpUrl | None = Field(
        default=None,
        alias="COSMOS_ENDPOINT",
        description=(
            "Address of the Azure Cosmos DB account that keeps documents and the library's index, "
            "`https://NAME.documents.azure.com`, used as the identity of the process; unset: files in the state "
            "directory."
        ),
        json_schema_extra=differs(azure="the account's"),
    )
    cosmos_database: str = Field(
        default="meta-agents", min_length=1, alias="COSMOS_DATABASE", description="The database in that account."
    )
    cosmos_container: str = Field(
        default="documents", min_length=1, alias="COSMOS_CONTAINER", description="The container of the documents."
    )
    cosmos_library_container: str = Field(
        default="passages",
        min_length=1,
        alias="COSMOS_LIBRARY_CONTAINER",
        description="The container of the library's passages.",
    )
    cosmos_key: SecretStr | None = Field(
        default=None,
        alias="COSMOS_KEY",
        description="Key of an emulator of Cosmos DB; database and container are made if need be.",
    )

    def conflicts(self) -> Iterator[str]:
        if self.blob_endpoint is not None and self.blob_connection_string is not None:
            yield "BLOB_ENDPOINT and BLOB_CONNECTION_STRING are both set: artifacts are kept in one place, so unset one"
        if self.cosmos_endpoint is not None and self.cosmos_endpoint.path not in (None, "/"):
            yield "COSMOS_ENDPOINT goes on after the host: write no more than `https://NAME.documents.azure.com`"
        if self.cosmos_key is not None and not _is_base64(self.cosmos_key.get_secret_value()):
            yield "COSMOS_KEY is no base64: copy the whole key"
        if self.cosmos_key is not None and self.cosmos_endpoint is None:
            yield "COSMOS_KEY is set without COSMOS_ENDPOINT: set both, or neither"
        if self.cosmos_endpoint is not None and self.cosmos_key is None and self.cosmos_endpoint.scheme != "https":
            yield "COSMOS_ENDPOINT begins with http, and needs https; or COSMOS_KEY, if it is an emulator"


def _is_base64(key: str) -> bool:
    try:
        return bool(base64.b64decode(key, validate=True))
    except ValueError:
        return False
