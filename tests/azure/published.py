"""What the Functions host and its extensions let a function and its bindings say, from `published_bindings.json`."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

from tests.azure.worker import Indexed

PUBLISHED: dict[str, Any] = json.loads(Path(__file__).with_name("published_bindings.json").read_text())
TRIGGERS = {name for name in PUBLISHED["types"] if name.endswith("Trigger")}


def faults_of(function: Indexed) -> Iterator[str]:
    """Everything that the host would refuse or not understand, each with the function and the binding it is of."""
    if not re.fullmatch(PUBLISHED["functionName"], function.name, re.IGNORECASE) or function.name.lower() == "host":
        yield f"{function.name}: no name for a function"
    if sum(binding["type"] in TRIGGERS for binding in function.bindings) != 1:
        yield f"{function.name}: not one trigger"
    names = [binding["name"].lower() for binding in function.bindings]
    if len(names) != len(set(names)):
        yield f"{function.name}: two bindings of one name"
    for binding in function.bindings:
        yield from (f"{function.name}.{binding['name']}: {fault}" for fault in _faults(binding))


def _faults(binding: Mapping[str, Any]) -> Iterator[str]:
    kind = PUBLISHED["types"].get(binding["type"])
    if kind is None:
        yield f"no published binding is called {binding['type']}"
        return
    common = {
        "name": {"pattern": PUBLISHED["bindingName"]},
        "type": {"const": binding["type"]},
        "direction": {"const": kind["direction"]},
        "dataType": {"enum": PUBLISHED["dataType"]},
    }
    schema = {
        "type": "object",
        "properties": {**common, **kind["properties"]},
        "required": ["name", "type", "direction", *kind["required"]],
        "additionalProperties": False,
        "oneOf": kind.get("oneOf", [{}]),
    }
    for error in Draft202012Validator(schema).iter_errors(_read(binding, schema)):
        yield f"{error.json_path}: {error.message}"


def _read(binding: Mapping[str, Any], schema: Mapping[str, Any]) -> dict[str, Any]:
    """The binding with its enums as the host reads them, which is in any case."""
    properties = schema["properties"]

    def lower(value: Any, rule: Mapping[str, Any]) -> Any:
        if isinstance(value, list):
            return [lower(item, rule.get("items", {})) for item in value]
        return value.lower() if isinstance(value, str) and "enum" in rule else value

    read = {name: lower(value, properties.get(name, {})) for name, value in binding.items()}
    return {**read, "direction": str(binding["direction"]).lower()}
