"""What an indexing policy, vectors and full text have to be like, and the orders that an index can serve.

What is refused, and most of what is said then, is as Microsoft's SDKs are tested for it (test_vector_policy.py and
test_full_text_policy.py in the public repository azure-sdk-for-python) and as the documentation has it:
https://learn.microsoft.com/azure/cosmos-db/index-policy, https://learn.microsoft.com/azure/cosmos-db/vector-search.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tests.cosmos.charges import is_indexed
from tests.cosmos.errors import CosmosError, bad_request
from tests.cosmos.sql.compiling import NEARNESS
from tests.cosmos.sql.syntax import Call, Node, Query, path_of

MOST_DIMENSIONS = {"flat": 505, "quantizedFlat": 4096, "diskANN": 4096}
"""Of vectors, by the kind of their index."""
_DATA_TYPES = frozenset({"float32", "float16", "int8", "uint8"})
_DISTANCES = frozenset({"cosine", "dotproduct", "euclidean"})
_LANGUAGES = frozenset({"en-US", "fr-FR", "de-DE", "it-IT", "pt-BR", "pt-PT", "es-ES"})

Policy = dict[str, Any]


def check_policies(properties: dict[str, Any]) -> None:
    """Raises `CosmosError` 400."""
    policy = properties.get("indexingPolicy") or {}
    _check_paths(policy)
    dimensions = _dimensions(properties.get("vectorEmbeddingPolicy") or {})
    _check_vectors(policy.get("vectorIndexes") or [], dimensions)
    words = properties.get("fullTextPolicy") or {}
    _check_languages(words)
    known = {one["path"] for one in words.get("fullTextPaths") or []}
    for index in policy.get("fullTextIndexes") or []:
        if index["path"] not in known:
            problem = "does not match the path specified in the Full Text Policy"
            raise bad_request(f"The path of the Full Text Index {index['path']} {problem}")


def check_kept(there: dict[str, Any], changed: dict[str, Any]) -> None:
    """Of vectors and their indexes, paths may come and go, but none be changed. Raises `CosmosError` 400."""
    for name, (outer, inner) in {
        "embedding": ("vectorEmbeddingPolicy", "vectorEmbeddings"),
        "vector indexing": ("indexingPolicy", "vectorIndexes"),
    }.items():
        before, after = (_by_path((one.get(outer) or {}).get(inner) or []) for one in (there, changed))
        if any(after.get(path, one) != one for path, one in before.items()):
            raise bad_request(f"Paths in existing {name} policy cannot be modified in Collection Replace")


def check_order(query: Query, policy: Policy) -> None:
    """Raises `CosmosError` 400 for an order that no index of the container gives."""
    if query.sources:
        return
    paths = [(path_of(order.key), order.descending) for order in query.orders]
    if any(path is None and not _is_score(order.key) for (path, _), order in zip(paths, query.orders, strict=True)):
        raise bad_request("ORDER BY item expression could not be mapped to a document path.")
    if len(paths) == 1 and paths[0][0] is not None and not is_indexed(paths[0][0], policy):
        raise bad_request("The index path corresponding to the specified order-by item is excluded.")
    if len(paths) > 1 and not any(_serves(index, paths) for index in policy.get("compositeIndexes") or []):
        problem = "does not have a corresponding composite index that it can be served from."
        raise bad_request(f"The order by query {problem}")


def _is_score(node: Node) -> bool:
    return isinstance(node, Call) and node.name in NEARNESS | {"_FULLTEXTSCORE"}


def _serves(index: list[Policy], paths: list[tuple[str | None, bool]]) -> bool:
    """All its paths, in its order or in the opposite one."""
    made = [(one["path"], one.get("order") == "descending") for one in index]
    return made in (paths, [(path, not descending) for path, descending in paths])


def _check_paths(policy: Policy) -> None:
    kinds = [name for name in ("includedPaths", "excludedPaths") if name in policy]
    paths = [one["path"] for name in kinds for one in policy[name]]
    if kinds and policy.get("indexingMode") != "none" and "/*" not in paths:
        raise bad_request("The special mandatory indexing path '/' is not provided in any of the path type sets.")
    for path in paths:
        if not path.startswith("/") or path[-2:] not in ("/?", "/*"):
            raise bad_request(f"The indexing path '{path}' could not be accepted.")


def _dimensions(policy: Policy) -> dict[str, int]:
    """Of the vectors, by their path."""
    for one in policy.get("vectorEmbeddings") or []:
        if one.get("dataType") not in _DATA_TYPES:
            raise bad_request("The Vector Embedding Policy has an invalid DataType")
        if one.get("distanceFunction") not in _DISTANCES:
            raise bad_request(
                f"The Vector Embedding Policy has an invalid DistanceFunction:{one.get('distanceFunction')}"
            )
        if not 1 <= one.get("dimensions", 0) <= max(MOST_DIMENSIONS.values()):
            raise bad_request(f"The Vector Embedding Policy has Dimensions:{one.get('dimensions')}")
    return {one["path"]: one["dimensions"] for one in policy.get("vectorEmbeddings") or []}


def _check_vectors(indexes: Iterable[Policy], dimensions: dict[str, int]) -> None:
    for index in indexes:
        path, kind = index["path"], index.get("type")
        if path not in dimensions:
            raise _mismatch(path)
        if kind not in MOST_DIMENSIONS:
            raise bad_request(f"The Vector Indexing Policy's Index Type::{kind} is invalid.")
        if dimensions[path] > MOST_DIMENSIONS[kind]:
            raise bad_request(f"An index of type {kind} takes vectors of at most {MOST_DIMENSIONS[kind]} numbers.")


def _mismatch(path: str) -> CosmosError:
    return bad_request(f"The Vector Indexing Policy's path::{path} not matching in Embedding's path.")


def _check_languages(policy: Policy) -> None:
    default = policy.get("defaultLanguage", "en-US")
    for one in [{"path": "/", "language": default}, *(policy.get("fullTextPaths") or [])]:
        if not one["path"].startswith("/") or "*" in one["path"] or "[" in one["path"]:
            raise bad_request(f"The Full Text Policy contains an invalid Path: {one['path']}")
        if one.get("language", default) not in _LANGUAGES:
            raise bad_request(f"The Full Text Policy contains an unsupported language {one['language']}.")


def _by_path(listed: Iterable[Policy]) -> dict[str, Policy]:
    return {one["path"]: one for one in listed}
