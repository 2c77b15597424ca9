"""Bad input to the running app: each gives a typed problem that names the bad place, and leaves nothing behind."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from tests.failures.conftest import WORKFLOW

NOBODY = "0" * 32
YAML = {"Content-Type": "application/yaml"}
MEGABYTE = 1024 * 1024


@dataclass(frozen=True)
class Bad:
    """A request, the problem it gets, and what that must name: in a pointer or in its text."""

    method: str
    path: str
    status: int
    code: str
    names: str
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)

    def content(self) -> bytes | str | None:
        return self.body if self.body is None or isinstance(self.body, bytes | str) else json.dumps(self.body)


def workflow(*steps: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"name": "bad", "steps": steps, **more}


def draft(**changes: Any) -> dict[str, Any]:
    return {"id": "draft", "agent": "writer", "input": "Write.", **changes}


def start(input: Any, **more: Any) -> dict[str, Any]:
    return {"workflow": "brief", "input": input, **more}


INVALID = ("PUT", "/api/workflows/bad", 422, "invalid_definition")
CASES = {
    "unknown agent": Bad(*INVALID, "/steps/0/agent", workflow(draft(agent="wirter"))),
    "unknown version of an agent": Bad(*INVALID, "/steps/0/agent", workflow(draft(agent="writer@99"))),
    "misspelt key": Bad(*INVALID, "/steps/0/imput", workflow(draft(imput="x"))),
    "no steps": Bad(*INVALID, "/steps", workflow()),
    "two steps of one id": Bad(*INVALID, "/steps/1/id", workflow(draft(), draft())),
    "unknown step": Bad(*INVALID, "/steps/0/input", workflow(draft(input="${steps.nothing.output}"))),
    "bad CEL in a condition": Bad(*INVALID, "/steps/0/when", workflow(draft(when="input.x ==== 1"))),
    "bad CEL in a template": Bad(*INVALID, "/steps/0/input", workflow(draft(input="Write ${input..topic}"))),
    "unclosed template": Bad(*INVALID, "/steps/0/input", workflow(draft(input="Write ${input.topic"))),
    "bad CEL in the output": Bad(*INVALID, "/output", workflow(draft(), output="${1 +}")),
    "input schema that is none": Bad(*INVALID, "/input/type", workflow(draft(), input={"type": "objekt"})),
    "bad YAML": Bad("PUT", "/api/workflows/bad", 400, "invalid_request", "line 2", "name: bad\nsteps: ]", YAML),
    "bad JSON": Bad("PUT", "/api/workflows/bad", 400, "invalid_request", "line 1", '{"name": bad}'),
    "not text at all": Bad("PUT", "/api/workflows/bad", 400, "invalid_request", "UTF-8", b'{"name": "\xff\xfe"}'),
    "agent without instructions": Bad(
        "PUT", "/api/agents/mute", 422, "invalid_definition", "/instructions", {"name": "mute"}
    ),
    "another name in the body": Bad(
        "PUT", "/api/agents/one", 422, "invalid_definition", "/name", {"name": "two", "instructions": "x"}
    ),
    "name already taken": Bad("POST", "/api/workflows", 409, "conflict", "brief", WORKFLOW),
    "a version that has passed": Bad(
        "PUT",
        "/api/workflows/brief",
        412,
        "precondition_failed",
        "no longer what you read",
        WORKFLOW,
        {"If-Match": '"old"'},
    ),
    "missing input field": Bad("POST", "/api/executions", 422, "invalid_input", "/input/topic", start({})),
    "input field of another type": Bad(
        "POST", "/api/executions", 422, "invalid_input", "/input/topic", start({"topic": 1})
    ),
    "unknown workflow": Bad("POST", "/api/executions", 404, "not_found", "nothing", {"workflow": "nothing"}),
    "neither name nor definition": Bad("POST", "/api/executions", 400, "invalid_request", "workflow", {"input": {}}),
    "unknown agent in a definition sent along": Bad(
        "POST",
        "/api/executions",
        422,
        "invalid_definition",
        "/definition/steps/0/agent",
        {"definition": workflow(draft(agent="nobody"))},
    ),
    "unusable idempotency key": Bad(
        "POST",
        "/api/executions",
        400,
        "invalid_request",
        "Idempotency-Key",
        start({"topic": "x"}),
        {"Idempotency-Key": "k" * 201},
    ),
    "5 MB": Bad("POST", "/api/executions", 413, "too_large", "1048576 bytes", start({"topic": "x" * 5 * MEGABYTE})),
    "no token": Bad("GET", "/api/agents", 401, "unauthenticated", "token", headers={"Authorization": ""}),
    "wrong token": Bad(
        "POST", "/api/executions", 401, "unauthenticated", "token", start({}), {"Authorization": "Bearer x"}
    ),
    "5 MB without a token": Bad(
        "POST", "/api/executions", 401, "unauthenticated", "token", "x" * 5 * MEGABYTE, {"Authorization": ""}
    ),
    "unknown execution": Bad("GET", f"/api/executions/{NOBODY}", 404, "not_found", NOBODY),
    "events of an unknown execution": Bad("GET", f"/api/executions/{NOBODY}/events", 404, "not_found", NOBODY),
    "stream of an unknown execution": Bad(
        "GET", f"/api/executions/{NOBODY}/events", 404, "not_found", NOBODY, headers={"Accept": "text/event-stream"}
    ),
    "canceling an unknown execution": Bad("POST", f"/api/executions/{NOBODY}/cancel", 404, "not_found", NOBODY),
    "retrying an unknown execution": Bad("POST", f"/api/executions/{NOBODY}/retry", 404, "not_found", NOBODY),
    "id that is none": Bad("GET", "/api/executions/..%2F..%2Fetc", 404, "not_found", "../etc"),
    "unknown agent by name": Bad("GET", "/api/agents/nobody", 404, "not_found", "nobody"),
    "deleting what is not there": Bad("DELETE", "/api/agents/nobody", 404, "not_found", "nobody"),
    "unknown path": Bad("GET", "/api/executions/x/y/z", 404, "not_found", "/api/executions/x/y/z"),
    "wrong method": Bad("PATCH", "/api/executions", 405, "invalid_request", "PATCH"),
    "page of no size": Bad("GET", "/api/executions?limit=0", 400, "invalid_request", "/query/limit"),
    "offset that is no number": Bad(
        "GET", f"/api/executions/{NOBODY}/events?after=x", 400, "invalid_request", "/query/after"
    ),
    "continuation that nobody gave out": Bad(
        "GET", "/api/executions?continuation=x", 400, "invalid_request", "continuation"
    ),
    "watching without a watcher": Bad(
        "POST", "/api/negotiate", 400, "invalid_request", "x-watcher", {"execution": NOBODY}
    ),
}


@pytest.mark.parametrize("bad", CASES.values(), ids=CASES.keys())
def test_bad_input_gets_a_problem_that_names_it(http: httpx.Client, bad: Bad) -> None:
    headers = {"Content-Type": "application/json", **bad.headers}
    response = http.request(bad.method, bad.path, content=bad.content(), headers=headers)
    assert response.headers["content-type"] == "application/problem+json"
    problem = response.json()
    assert (response.status_code, problem["code"]) == (bad.status, bad.code), problem
    assert problem["status"] == bad.status
    assert problem["type"] == f"urn:meta-agents:problem:{bad.code}"
    assert problem["detail"]
    assert problem["action"]
    places = [found["pointer"] for found in problem.get("errors", ())]
    texts = [problem["detail"], problem["action"], *(found["message"] for found in problem.get("errors", ()))]
    assert bad.names in places or any(bad.names in text for text in texts), (places, texts)


def test_validating_says_the_same_without_refusing(http: httpx.Client) -> None:
    response = http.post("/api/workflows/validate", content="name: bad\nsteps: ]", headers=YAML)
    assert response.status_code == 200
    assert response.json()["valid"] is False
    assert "line 2" in response.json()["errors"][0]["message"]
