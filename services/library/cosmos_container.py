"""The container of the passages, as Cosmos DB has to be told. infra/bicep/modules/cosmos.bicep says the same."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final
from urllib.parse import quote

PARTITION_KEY: Final = ("/scope",)
"""One level: under hierarchical keys vectors are searched well only where Microsoft has set the account up for it."""
DIMENSIONS: Final = (256, 384, 512, 768, 1024, 1536, 3072)
"""Of vectors that can be searched for, each in a property of its own: another model needs no new container.

A container takes more at any time: add one here and in Bicep. None can be changed.
"""
WORDS: Final = "/words"
_LANGUAGE = "en-US"

FULL_TEXT_POLICY: Final[dict[str, Any]] = {
    "defaultLanguage": _LANGUAGE,
    "fullTextPaths": [{"path": WORDS, "language": _LANGUAGE}],
}


def indexing_policy(dimensions: Sequence[int] = DIMENSIONS) -> dict[str, Any]:
    """What is filtered by, the words, and a vector index for each length."""
    return {
        "indexingMode": "consistent",
        "automatic": True,
        # A partition key is in no index unless it is named.
        "includedPaths": [{"path": f"/{name}/?"} for name in ("document", "number", "scope", "space", "upload")],
        "excludedPaths": [{"path": "/*"}],
        "fullTextIndexes": [{"path": WORDS}],
        # Exact but for rounding, over what the filter leaves: a collection, not the whole container.
        "vectorIndexes": [{"path": f"/v{size}", "type": "quantizedFlat"} for size in dimensions],
    }


def vector_policy(dimensions: Sequence[int] = DIMENSIONS) -> dict[str, Any]:
    """Vectors have length 1, so their product is the cosine of their angle."""
    embeddings = [
        {"path": f"/v{size}", "dataType": "float32", "distanceFunction": "dotproduct", "dimensions": size}
        for size in dimensions
    ]
    return {"vectorEmbeddings": embeddings}


def scope_of(tenant: str, collection: str) -> str:
    """The partition of a tenant's collection. No two have the same, whatever their names."""
    return f"{quote(tenant, safe='')}/{quote(collection, safe='')}"
