"""Tools made of an OpenAPI document: what they take, the request they are, and what cannot be one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from domain.openapi import DocumentError, imported
from domain.tools import Tool
from domain.validation import check_tool, check_value

PETS = yaml.safe_load(Path(__file__).with_name("petstore.yaml").read_text("utf-8"))


@pytest.fixture(scope="module")
def pets() -> dict[str, Any]:
    return {str(tool["name"]): tool for tool in imported(PETS).tools}


def document(path: str = "/x", method: str = "get", **said: Any) -> dict[str, Any]:
    servers = [{"url": "https://api.example.com"}]
    return {"openapi": "3.1.0", "servers": servers, "paths": {path: {method: {"operationId": "op", **said}}}}


def parameter(schema: Any, **more: Any) -> dict[str, Any]:
    return {"name": "p", "in": "query", "schema": schema, **more}


def reason(made: dict[str, Any]) -> str:
    [left] = imported(made).left
    return left.reason


def test_each_operation_is_a_tool_or_says_why_not(pets: dict[str, Any]) -> None:
    assert list(pets) == ["list-pets", "create-pet", "get-pet", "put-pets-pet-id", "delete-pet"]
    left = {left.operation: left.reason for left in imported(PETS).left}
    assert "no JSON" in left.pop("upload")
    assert "leads out of the document" in left.pop("outside")
    assert left == {}
    for tool in pets.values():
        assert check_tool(Tool.model_validate(tool), tool) == ((), ())


def test_the_request_is_written_out(pets: dict[str, Any]) -> None:
    assert pets["list-pets"]["http"] == {
        "method": "GET",
        "url": "https://eu.pets.example.com/v1/pets",
        "query": {
            "limit": '${"limit" in arguments ? arguments["limit"] : null}',
            "tag": '${"tag" in arguments ? arguments["tag"] : null}',
        },
        "headers": {
            "X-Trace": '${"X-Trace" in arguments ? arguments["X-Trace"] : null}',
            "X-Pet-Key": {"secret": "PET_KEY"},
        },
    }
    assert pets["get-pet"]["http"]["url"] == 'https://eu.pets.example.com/v1/pets/${arguments["pet-id"]}'
    assert "headers" not in pets["get-pet"]["http"]
    assert pets["create-pet"]["http"]["body"] == '${arguments["body"]}'
    assert pets["create-pet"]["http"]["headers"]["Authorization"] == {"secret": "LOGIN", "prefix": "Bearer "}
    assert pets["delete-pet"]["http"]["headers"] == {"Authorization": {"secret": "BASIC", "prefix": "Basic "}}


def test_it_is_described_for_the_model(pets: dict[str, Any]) -> None:
    assert pets["list-pets"]["description"] == "List pets\nAll of them, page by page."
    assert pets["list-pets"]["input"]["properties"]["limit"] == {
        "description": "How many", "type": "integer", "exclusiveMinimum": 0,
    }  # fmt: skip
    assert pets["delete-pet"]["description"] == "DELETE /pets/{pet-id}"


def test_what_may_be_repeated_goes_by_the_method(pets: dict[str, Any]) -> None:
    assert {name: tool["delivery"] for name, tool in pets.items()} == {
        "list-pets": "idempotent", "create-pet": "at_most_once", "get-pet": "idempotent",
        "put-pets-pet-id": "idempotent", "delete-pet": "idempotent",
    }  # fmt: skip


def test_schemas_stand_by_themselves(pets: dict[str, Any]) -> None:
    given = pets["create-pet"]["input"]
    assert given["required"] == ["body"]
    assert given["properties"]["body"] == {"$ref": "#/$defs/Pet"}  # it leads back to itself
    assert given["$defs"]["Pet"] == {
        "type": "object",
        "required": ["name"],
        "properties": {
            "name": {"type": "string"},
            "example": {"type": ["string", "null"]},
            "parent": {"$ref": "#/$defs/Pet"},
            "owner": {"type": "object", "properties": {"email": {"type": "string", "format": "email"}}},
        },
    }
    assert check_value({"body": {"name": "Rex", "parent": {"name": "Max", "example": None}}}, given) == []
    assert check_value({"body": {"name": "Rex", "parent": {}}}, given) != []
    assert (
        "required" not in pets["put-pets-pet-id"]["input"] or "body" not in pets["put-pets-pet-id"]["input"]["required"]
    )


def test_our_own_api_can_be_imported() -> None:
    ours = json.loads((Path(__file__).parents[3] / "docs" / "openapi.json").read_text("utf-8"))
    made = imported(ours, server="https://agents.example.com", secrets={"HTTPBearer": "AGENTS_TOKEN"})
    names = {tool["name"] for tool in made.tools}
    operations = sum(len(methods) for methods in ours["paths"].values())
    # Workflows have schemas that are too large, and bundles are sent as zips.
    assert len(made.tools) > operations * 2 / 3, made.left
    assert len(names) == len(made.tools)
    assert {left.reason for left in made.left} <= {
        "Its schema is too large for a tool.",
        "It has a body that is no JSON.",
    }


def test_operations_and_schemes_that_there_are_not_are_said() -> None:
    with pytest.raises(DocumentError, match="no operation `listPet` in the document; did you mean `listPets`\\?"):
        imported(PETS, ["listPet"])
    with pytest.raises(DocumentError, match=r"no security scheme `zzz` in the document\."):
        imported(PETS, secrets={"zzz": "NAME"})


def test_what_is_left_out_is_said() -> None:
    notes = [(note.operation, note.reason) for note in imported(PETS).notes]
    assert ("listPets", "Left out: parameter `filter`, which is an object.") in notes
    assert ("listPets", "Left out: parameter `session`, which is in a cookie.") in notes
    assert any(operation == "get_pet" and "the pattern" in text for operation, text in notes)


def test_some_operations_the_server_and_the_secrets_are_chosen() -> None:
    made = imported(PETS, ["get_pet", "listPets"], "https://test.example.com/", {"petKey": "TEST_KEY"})
    assert [tool["name"] for tool in made.tools] == ["list-pets", "get-pet"]
    assert made.tools[0]["http"]["headers"]["X-Pet-Key"] == {"secret": "TEST_KEY"}
    with pytest.raises(DocumentError, match="no operation `nope`"):
        imported(PETS, ["nope"])


def test_a_server_that_is_relative_needs_one_to_be_relative_to() -> None:
    made = document() | {"servers": [{"url": "/v2"}]}
    assert "no whole address" in reason(made)
    [tool] = imported(made, server="https://api.example.com/openapi.json").tools
    assert tool["http"]["url"] == "https://api.example.com/v2/x"


@pytest.mark.parametrize("version", [None, "2.0", "4.0.0", 3, {"openapi": "3"}])
def test_other_documents_are_refused(version: Any) -> None:
    with pytest.raises(DocumentError, match=r"3\.0 or 3\.1"):
        imported({"openapi": version, "paths": {}})
    with pytest.raises(DocumentError):
        imported([])


@pytest.mark.parametrize(
    ("made", "says"),
    [
        (document("/x/{id}"), "none of its parameters"),
        (document(parameters=[{"$ref": "#/components/nowhere"}]), "leads to nothing"),
        (document(parameters=[{"$ref": "#/paths/~1x/get/parameters/0"}]), "circle"),
        (document(parameters=[{"$ref": "other.yaml#/x"}]), "leads out"),
        (document(parameters=[parameter({"type": "object"}, required=True)]), "is an object"),
        (document(parameters=[parameter({"type": "array"}, required=True, explode=False)]), "is a list"),
        (document(parameters=[parameter({"type": "strng"})]), "mistake at `/input"),
        (document(parameters=[parameter({"$dynamicRef": "#a"})]), "dynamicRef"),
        (document(requestBody={"required": True, "content": {"application/json": {}}}), "GET does not send"),
        (document(parameters=[7]), "should be an object"),
        (document(security=[{"nope": []}]), "should be an object"),
    ],
)
def test_what_cannot_be_a_tool_says_why(made: dict[str, Any], says: str) -> None:
    assert says in reason(made)


def test_a_schema_cannot_grow_without_bound() -> None:
    schemas: dict[str, Any] = {"S0": {"type": "string"}}
    for n in range(1, 40):
        schemas[f"S{n}"] = {"properties": {side: {"$ref": f"#/components/schemas/S{n - 1}"} for side in "ab"}}
    made = document(parameters=[parameter({"allOf": [{"$ref": "#/components/schemas/S39"}]})])
    assert "too large" in reason(made | {"components": {"schemas": schemas}})
    deep: Any = {"type": "string"}
    for _ in range(90):
        deep = {"items": deep}
    assert "too large" in reason(document(parameters=[parameter(deep)]))


def test_what_a_reference_says_beside_it_counts_in_3_1_only() -> None:
    made = document(parameters=[parameter({"$ref": "#/components/schemas/S", "minLength": 2})])
    made["components"] = {"schemas": {"S": {"type": "string"}}}
    assert imported(made).tools[0]["input"]["properties"]["p"] == {"type": "string", "minLength": 2}
    made["openapi"] = "3.0.0"
    assert imported(made).tools[0]["input"]["properties"]["p"] == {"type": "string"}


def test_references_that_lead_on_and_on_make_no_tool() -> None:
    links = {f"s{number}": {"$ref": f"#/components/schemas/s{number + 1}"} for number in range(2_000)}
    whole = document(parameters=[], requestBody={}, method="post") | {
        "components": {"schemas": {**links, "s2000": {"type": "object"}}}
    }
    content = {"application/json": {"schema": {"type": "object", "properties": {"a": links["s0"]}}}}
    whole["paths"]["/x"]["post"]["requestBody"] = {"required": True, "content": content}
    assert "too large" in imported(whole).left[0].reason
