"""The JSON Schemas of definitions, from which editors complete: `python -m api.schemas` writes them to docs/schemas."""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path

from pydantic import BaseModel

from domain.agents import Agent
from domain.datasets import Dataset
from domain.models import ModelsFile
from domain.prompt_definitions import PromptDefinition
from domain.schedules import Schedule
from domain.tools import Tool
from domain.validation.schemas import DIALECT
from domain.values import Json
from domain.workflows import Workflow

MODELS: dict[str, type[BaseModel]] = {
    "agent": Agent,
    "prompt": PromptDefinition,
    "dataset": Dataset,
    "tool": Tool,
    "workflow": Workflow,
    "schedule": Schedule,
    "models": ModelsFile,
}
FOLDER = Path(__file__).parents[1] / "docs" / "schemas"


@lru_cache
def schema_of(name: str) -> dict[str, Json]:
    """Raises `KeyError`."""
    schema = without_titles(MODELS[name].model_json_schema())
    step = schema.get("$defs", {}).get("ConcurrentStep")
    if step is not None:  # the short form, which a validator takes that pydantic does not tell of
        long = step["properties"]["concurrent"]
        forms = [{"$ref": "#/$defs/Concurrent/properties/branches"}, {"$ref": long["$ref"]}]
        step["properties"]["concurrent"] = {"description": long["description"], "anyOf": forms}
    return {"$schema": DIALECT, **schema}


def written(name: str) -> str:
    """The schema as its file holds it."""
    return json.dumps(schema_of(name), indent=1, ensure_ascii=False) + "\n"


def without_titles(schema: Json) -> Json:
    """Without the names that pydantic makes up, which editors would show before each description."""
    if isinstance(schema, list):
        return [without_titles(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    return {key: without_titles(item) for key, item in schema.items() if key != "title" or not isinstance(item, str)}


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for name in MODELS:
        (FOLDER / f"{name}.json").write_text(written(name), encoding="utf-8")
