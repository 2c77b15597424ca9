"""Bundles as tests send them: one that a real execution has made, or one made up event by event."""

from __future__ import annotations

import copy
import json
from typing import Any

import httpx

Json = Any
Document = dict[str, Any]

STEPS = {
    "steps": [
        {"id": "plan", "agent": "planner"},
        {"id": "each", "map": {"over": "['a', 'b']", "step": {"id": "item", "agent": "writer", "input": "${item}"}}},
        {
            "id": "debate",
            "group_chat": {"participants": ["ann", "bob"], "task": "Talk.", "until": {"any": [{"turns": 3}]}},
        },
        {"id": "write", "agent": "writer", "input": "Write of ${steps.debate.output}.", "retry": {"attempts": 1}},
    ]
}
"""A workflow with a step of each kind that there is a log of."""


async def exported(api: httpx.AsyncClient, id: str) -> Document:
    answer = await api.get(f"/api/executions/{id}/bundle")
    assert answer.status_code == 200, answer.text
    document: Document = answer.json()
    return document


async def sent(api: httpx.AsyncClient, bundle: Json, **headers: str) -> httpx.Response:
    return await api.post(
        "/api/executions/import",
        content=json.dumps(bundle).encode(),
        headers={"Content-Type": "application/json", **headers},
    )


async def imported(api: httpx.AsyncClient, bundle: Json) -> Document:
    answer = await sent(api, bundle)
    assert answer.status_code == 201, answer.text
    record: Document = answer.json()
    assert answer.headers["location"] == f"/api/executions/{record['id']}"
    return record


async def ids(api: httpx.AsyncClient) -> list[str]:
    answer = await api.get("/api/executions", params={"limit": 200})
    return [item["id"] for item in answer.json()["items"]]


def comparable(bundle: Document) -> Document:
    """The bundle without what an import must change."""
    kept = copy.deepcopy(bundle)
    del kept["exported"]
    for name in ("id", "imported_from", "started_by"):
        del kept["execution"][name]
    return kept


def changed(bundle: Document, pointer: str, value: Json) -> Document:
    """A copy with another value at a place; `...` takes it away."""
    made = copy.deepcopy(bundle)
    here: Any = made
    *way, last = pointer.split("/")[1:]
    for part in way:
        here = here[int(part)] if isinstance(here, list) else here[part]
    key: Any = int(last) if isinstance(here, list) else last
    if value is ...:
        del here[key]
    else:
        here[key] = value
    return made
