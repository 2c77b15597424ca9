"""Comparing executions over HTTP, on logs that real executions have written."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from domain.values import content_hash
from services.models.base import ModelRequest
from tests.api.conftest import problem
from tests.api.living import Living, living
from tests.support.scripted_model import Answer, unreachable

pytestmark = pytest.mark.filterwarnings("ignore:azure.functions df_loads was called:DeprecationWarning")

CHAT = {"participants": ["ann", "bob"], "task": "Talk.", "until": {"any": [{"turns": 3}]}}
STEPS = {
    "steps": [
        {"id": "plan", "agent": "planner"},
        {"id": "debate", "group_chat": CHAT},
        {"id": "write", "agent": "writer", "input": "Write of ${steps.debate.output}.", "retry": {"attempts": 1}},
    ]
}


def says(request: ModelRequest) -> Answer:
    """An answer that depends on all that was asked, so that another prompt has another."""
    return content_hash(request.messages)[:8]


@pytest.fixture
async def app(tmp_path: Path) -> AsyncIterator[Living]:
    async with living(tmp_path, says) as made:
        yield made


async def compared(app: Living, left: str, right: str, **params: Any) -> dict[str, Any]:
    answer = await app.api.get(f"/api/executions/{left}/diff/{right}", params=params)
    assert answer.status_code == 200, answer.text
    document: dict[str, Any] = answer.json()
    return document


def rows(document: dict[str, Any]) -> dict[str, tuple[str, list[str], list[str]]]:
    return {row["path"]: (row["alignment"], row["differs"], row["first"]) for row in document["rows"]}


async def test_a_changed_prompt_is_marked_where_it_first_counts(app: Living) -> None:
    before = await app.run(STEPS)
    after = await app.run(STEPS, retry_of=before, bob={"instructions": "Be somebody else."})
    document = await compared(app, before, after)
    assert rows(document) == {
        "plan": ("same", [], []),
        "debate": ("same", [], []),
        "debate/turn[1]": ("same", [], []),
        "debate/turn[2]": ("changed", ["definition", "request", "output"], ["request", "output"]),
        "debate/turn[3]": ("changed", ["request", "output"], []),
        "write": ("changed", ["request", "output"], []),
    }
    assert document["first"] == {"request": "debate/turn[2]", "output": "debate/turn[2]"}
    assert [change["pointer"] for change in document["definitions"]["items"]] == ["/agents/bob/instructions"]
    assert (document["input"]["items"], document["counts"]["changed"]) == ([], 3)
    # What was taken over is not paid for again.
    reused = {row["path"]: row["right"]["reused"] for row in document["rows"]}
    assert reused == {"plan": 1, "debate": 0, "debate/turn[1]": 1, "debate/turn[2]": 0, "debate/turn[3]": 0, "write": 0}
    assert (document["left"]["usage"]["model_calls"], document["right"]["usage"]["model_calls"]) == (5, 3)


async def test_one_that_failed_beside_its_retry(app: Living) -> None:
    broken = True
    app.bench.model._script = lambda request: (
        unreachable() if broken and "Write" in str(request.messages) else says(request)
    )
    failed = await app.run(STEPS)
    broken = False
    again = (await app.api.post(f"/api/executions/{failed}/retry")).json()["id"]
    await app.bench.ended(again)
    document = await compared(app, failed, again, changed=True)
    assert rows(document) == {"write": ("changed", ["output", "status"], ["output"])}
    row = document["rows"][0]
    assert (row["left"]["error"], row["left"]["status"], row["right"]["status"]) == (
        "model_unreachable",
        "failed",
        "completed",
    )
    assert (document["left"]["error"], document["counts"]["same"]) == ("model_unreachable", 5)


async def test_one_that_goes_on(app: Living) -> None:
    ended = await app.run(STEPS)
    gate = app.bench.model.gate("write#")
    started = len(app.bench.model.asked)
    going = await app.bench.begin(STEPS, {})
    await app.bench.model.until(lambda: len(app.bench.model.asked) == started + 5)
    document = await compared(app, ended, going)
    assert document["right"]["status"] == "running"
    assert document["first"] == {"request": None, "output": None}
    gate.set()
    await app.bench.ended(going)
    assert (await compared(app, ended, going))["counts"] == {"same": 6, "changed": 0, "only_left": 0, "only_right": 0}


async def test_a_page_of_rows(app: Living) -> None:
    id = await app.run(STEPS)
    document = await compared(app, id, id, limit=2)
    assert (list(rows(document)), document["left_out"], document["counts"]["same"]) == (["plan", "debate"], 4, 6)
    assert (await compared(app, id, id, changed=True))["rows"] == []
    for params in ({"limit": 0}, {"changed": "perhaps"}):
        answer = await app.api.get(f"/api/executions/{id}/diff/{id}", params=params)
        problem(answer, 400, "invalid_request")


async def test_anothers_is_not_there(app: Living) -> None:
    id = await app.run(STEPS)
    for path in (f"{id}/diff/{id}", f"{id}/diff/{'0' * 32}"):
        problem(await app.other.get(f"/api/executions/{path}"), 404, "not_found")
    for path in (f"{id}/diff/{'0' * 32}", f"{'0' * 32}/diff/{id}", f"{id}/diff/..%2f", f"{id}/diff/x"):
        problem(await app.api.get(f"/api/executions/{path}"), 404, "not_found")
