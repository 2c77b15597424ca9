"""The JSON Schema of test files, from which editors complete: `python -m kit.schema` writes it to docs/schemas."""

from __future__ import annotations

import json
from typing import Any

from api.schemas import FOLDER, without_titles
from domain.validation.schemas import DIALECT
from domain.values import Json
from kit.cases import CaseFile

FILE = FOLDER / "test.json"
_TEXT: dict[str, Json] = {"type": "string"}


def schema() -> dict[str, Json]:
    """With the short forms, which pydantic does not tell of."""
    made: Any = without_titles(CaseFile.model_json_schema())
    answer, decision = ({"$ref": f"#/$defs/{name}"} for name in ("Answer", "Decision"))
    case: Any = made["$defs"]["Case"]["properties"]
    case["answers"]["additionalProperties"] = _one_or_more(_TEXT, answer)
    case["in_order"]["items"] = {"anyOf": [_TEXT, answer]}
    case["people"]["additionalProperties"] = _one_or_more(decision)
    for shape, keys in {"Answer": ("asked", "not_asked"), "Decision": ("asked",)}.items():
        for key in keys:
            field = made["$defs"][shape]["properties"][key]
            made["$defs"][shape]["properties"][key] = {"description": field["description"], **_one_or_more(_TEXT)}
    return {"$schema": DIALECT, **made}


def written() -> str:
    """The schema as its file holds it."""
    return json.dumps(schema(), indent=1, ensure_ascii=False) + "\n"


def _one_or_more(*forms: dict[str, Json]) -> dict[str, Any]:
    one = forms[0] if len(forms) == 1 else {"anyOf": list(forms)}
    return {"anyOf": [*forms, {"type": "array", "items": one}]}


if __name__ == "__main__":
    FILE.write_text(written(), encoding="utf-8")
