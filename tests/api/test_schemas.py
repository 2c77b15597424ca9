"""The JSON Schemas that editors read: as the models are, described throughout, and true of what is taken."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from jsonschema import Draft202012Validator

from api.schemas import FOLDER, MODELS, schema_of, written
from meta_agents.cli.documents import parse

EXAMPLES = Path(__file__).parents[2] / "examples"
DEFINITIONS = [path for path in sorted(EXAMPLES.rglob("*.yaml")) if not path.name.endswith(".test.yaml")]


@pytest.mark.parametrize("name", MODELS)
def test_the_published_schema_is_the_one_of_the_models(name: str) -> None:
    assert (FOLDER / f"{name}.json").read_text("utf-8") == written(name), "run `python -m api.schemas`"


@pytest.mark.parametrize("name", MODELS)
async def test_it_is_the_one_that_is_served(api: httpx.AsyncClient, name: str) -> None:
    assert (await api.get(f"/api/schemas/{name}")).json() == schema_of(name)


@pytest.mark.parametrize("name", MODELS)
def test_every_key_is_described(name: str) -> None:
    undescribed = [path for path, schema in _keys(schema_of(name), name) if not schema.get("description")]
    assert undescribed == []


@pytest.mark.parametrize("path", DEFINITIONS, ids=lambda path: path.stem)
def test_an_editor_finds_nothing_wrong_with_the_examples(path: Path) -> None:
    text = path.read_text("utf-8")
    folder, above = path.parent.name, "../" * len(path.relative_to(EXAMPLES).parts)
    kinds = {"steps": "workflow", "examples": "models"}
    kind = kinds.get(folder, folder.removesuffix("s"))
    [document] = parse(text, path)
    Draft202012Validator(schema_of(kind)).validate(document.content)
    assert text.splitlines()[0] == f"# yaml-language-server: $schema={above}docs/schemas/{kind}.json"


@pytest.mark.parametrize(
    ("steps", "valid"),
    [
        ([{"id": "c", "concurrent": [{"id": "a", "agent": "x"}]}], True),
        ([{"id": "c", "concurrent": {"branches": [{"id": "a", "agent": "x"}], "join": "any"}}], True),
        ([{"id": "c", "concurrent": "x"}], False),
        ([{"id": "l", "loop": {"steps": [{"id": "a", "agent": "x"}], "most": 3, "while": "true"}}], True),
        ([{"id": "w", "wait": {"for": "PT1S"}}], True),
        ([{"id": "a", "agent": "x", "inptu": "y"}], False),
        ([{"id": "a", "agent": "x", "on_error": {"fallback": None}}], True),
    ],
)
def test_it_takes_what_authors_write(steps: list[Any], valid: bool) -> None:
    assert Draft202012Validator(schema_of("workflow")).is_valid({"name": "w", "steps": steps}) is valid


def _keys(schema: Any, path: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every key that an author may write, with its schema."""
    if isinstance(schema, list):
        for item in schema:
            yield from _keys(item, path)
    elif isinstance(schema, dict):
        for key, inner in schema.items():
            if key == "properties":
                yield from ((f"{path}.{name}", one) for name, one in inner.items())
            yield from _keys(inner, f"{path}.{key}")
