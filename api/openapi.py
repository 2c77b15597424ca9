"""Prints the OpenAPI document: `python -m api.openapi > docs/openapi.json`."""

from __future__ import annotations

import json

from api.app import create_app

if __name__ == "__main__":
    print(json.dumps(create_app().openapi(), indent=1, sort_keys=True, ensure_ascii=False))
