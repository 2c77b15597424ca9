from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

from pydantic import Field, SecretStr, UrlConstraints
from pydantic_core import Url

from services.settings.group import Group
from services.settings.places import differs


class StoreSettings(Group):
    """Where data is kept."""

    state_dir: Path = Field(
        default=Path(".local"),
        alias="META_AGENTS_STATE_DIR",
        description="Folder of the documents, the artifacts and the token file.",
        json_schema_extra=differs(local="`STATE_DIR`", core_tools="`.local`", azure="`/tmp/meta-agents`"),
    )
    blob_endpoint: Annotated[Url, UrlConstraints(allowed_schemes=["https"])] | None = Field(
        default=None,
        alias="BLOB_ENDPOINT",
        description=(
            "Address of the Blob storage that keeps artifacts, `https://NAME.blob.core.windows.net`, used as the "
            "identity of the process; unset, and no connection string either: a folder in the state directory."
        ),
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

    def conflicts(self) -> Iterator[str]:
        if self.blob_endpoint is not None and self.blob_connection_string is not None:
            yield "BLOB_ENDPOINT and BLOB_CONNECTION_STRING are both set: artifacts are kept in one place, so unset one"
