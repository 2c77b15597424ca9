"""The containers are those that the code asks for, in their keys and indexes too."""

from __future__ import annotations

from typing import Any

import pytest

from services.cosmos import account
from services.documents import cosmos_items
from services.library import cosmos_container
from services.settings import Settings
from tests.infra.bicep_reader import INFRA, variable
from tests.infra.security import setting
from tests.infra.values import value

COSMOS = INFRA.file("cosmos.bicep")


def container(symbol: str, *keys: str) -> Any:
    node = INFRA.resource("cosmos.bicep", symbol).value("properties", "resource", *keys)
    assert node is not None
    return value(COSMOS, node)


def test_names_are_those_that_the_app_looks_for() -> None:
    settings = Settings()
    database = INFRA.resource("cosmos.bicep", "database").value("properties", "resource", "id")
    assert database is not None
    assert value(COSMOS, database) == settings.cosmos_database
    assert container("documents", "id") == settings.cosmos_container


def test_documents_are_partitioned_by_tenant_and_then_by_what_is_written_at_once() -> None:
    wanted = cosmos_items.container("documents")
    assert tuple(container("documents", "partitionKey", "paths")) == tuple(wanted.partition_key)
    assert container("documents", "partitionKey", "kind") == "MultiHash"


def test_documents_have_the_index_that_their_maker_counts_on() -> None:
    assert container("documents", "indexingPolicy") == cosmos_items.container("documents").indexing_policy


def test_documents_may_expire_and_do_not_by_themselves() -> None:
    assert container("documents", "defaultTtl") == cosmos_items.container("documents").default_ttl


@pytest.mark.parametrize("name", ["strong", "likeStrongWhereWritten"])
def test_reads_see_what_other_instances_have_written(name: str) -> None:
    chosen = variable(COSMOS, name)
    assert chosen is not None
    assert value(COSMOS, chosen)["defaultConsistencyLevel"] in account.STRONG_ENOUGH


def test_one_region_or_several_one_of_these_is_chosen() -> None:
    policy = setting(INFRA.resource("cosmos.bicep", "account"), "properties.consistencyPolicy")
    assert policy == "length(regions) > 1 ? likeStrongWhereWritten : strong"


def test_passages_are_partitioned_by_collection() -> None:
    assert container("passages", "id") == Settings().cosmos_library_container
    assert tuple(container("passages", "partitionKey", "paths")) == cosmos_container.PARTITION_KEY
    assert container("passages", "defaultTtl") == -1


def test_passages_have_the_indexes_that_searches_need() -> None:
    assert container("passages", "indexingPolicy") == cosmos_container.indexing_policy()
    assert container("passages", "vectorEmbeddingPolicy") == cosmos_container.vector_policy()
    assert container("passages", "fullTextPolicy") == cosmos_container.FULL_TEXT_POLICY


def test_the_account_can_search_vectors_and_words() -> None:
    search = variable(COSMOS, "search")
    assert search is not None
    assert {each["name"] for each in value(COSMOS, search)} == {"EnableNoSQLVectorSearch", "EnableNoSQLFullTextSearch"}
