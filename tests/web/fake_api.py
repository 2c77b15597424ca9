"""A scripted API with the page: the contract without the app, for states the app seldom shows.

By itself: `python -m tests.web.fake_api --port 7099`; the token is `secret`. It has no SignalR, so the page follows
executions by server-sent events.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import socket
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from types import TracebackType
from typing import Self

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from tests.web.prompted import Prompts
from tests.web.shelved import Shelf, cited
from tests.web.spent import budgets, capped, execution_usage, usage_by_day
from tests.web.steered import approvals, comparison, decide, release, stuck, talk
from tests.web.stories import Json, Story, failure, finish_review, panel, review
from tests.web.tooled import helpdesk, lost, paid_back

TOKEN = "secret"
DIST = Path(__file__).resolve().parents[2] / "web" / "dist"

REPORT_SCHEMA = {
    "type": "object",
    "required": ["report"],
    "properties": {
        "report": {"type": "string", "title": "Incident report", "format": "textarea", "description": "As it was."},
        "severity": {"enum": ["low", "high"], "default": "high"},
        "affected": {"type": "integer", "title": "Customers affected"},
        "services": {"type": "array", "items": {"type": "string"}},
        "public": {"type": "boolean", "title": "May be quoted in public"},
    },
}
WORKFLOW = {
    "name": "incident-panel",
    "description": "A panel debates which measure to start with after an incident",
    "input": REPORT_SCHEMA,
    "steps": [
        {"id": "facts", "agent": "summariser@2"},
        {
            "id": "panel",
            "group_chat": {"participants": ["engineer", "support-lead", "operator"], "speaker": {"agent": "chair"}},
        },
    ],
}


class FakeApi:
    """What it serves, changed by tests at will: `executions` by id, newest first, and the `deltas` of those that run.

    `started` keeps what starts were sent, `asked` every other POST and PUT as its path and body; `refusal` answers
    starts and forks, while it is set. `roles` are those of whoever is signed in. `approvals` are the questions that
    wait. `answers` are those of everything else, by `METHOD /path`: JSON, or a function of the request that gives it
    (or a response).
    """

    def __init__(self) -> None:
        self.roles = ["admin"]
        self.executions: dict[str, Story] = {}
        self.workflows: list[dict[str, Json]] = [WORKFLOW]
        self.started: list[dict[str, Json]] = []
        self.asked: list[tuple[str, Json]] = []
        self.approvals: dict[str, dict[str, Json]] = {}
        self.answers: dict[str, Json] = {}
        self.refusal: dict[str, Json] | None = None
        self.deltas: dict[str, list[dict[str, Json]]] = {}
        self._routes: list[tuple[str, str, Callable[[Request], Awaitable[Response]]]] = [
            ("GET", "/api/me", self.me),
            ("GET", "/api/workflows", self.list_workflows),
            ("GET", "/api/workflows/{name}", self.workflow),
            ("GET", "/api/executions", self.list_executions),
            ("POST", "/api/executions", self.start),
            ("GET", "/api/executions/{id}", self.execution),
            ("GET", "/api/executions/{id}/events", self.events),
            ("GET", "/api/executions/{id}/bundle", self.bundle),
            ("GET", "/api/executions/{id}/diff/{other}", self.diff),
            ("POST", "/api/executions/{id}/fork", self.fork),
            ("POST", "/api/executions/{id}/retry", self.fork),
            ("POST", "/api/executions/{id}/events/{name}", self.signal),
            ("POST", "/api/executions/{id}/{verb}", self.control),
            ("GET", "/api/approvals", self.list_approvals),
            ("POST", "/api/approvals/{id}", self.decide),
            ("POST", "/api/negotiate", self.negotiate),
        ]

    def app(self) -> Starlette:
        routes = [Route(path, self._guarded(handle), methods=[method]) for method, path, handle in self._routes]
        others = Route("/api/{path:path}", self._guarded(self.other), methods=["GET", "POST", "PUT", "DELETE"])
        return Starlette(routes=[*routes, others, Mount("/", StaticFiles(directory=DIST, html=True))])

    def _guarded(self, handle: Callable[[Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
        async def guarded(request: Request) -> Response:
            if request.headers.get("Authorization") != f"Bearer {TOKEN}":
                return problem(401, "unauthenticated", "The access token is not valid.")
            return await handle(request)

        return guarded

    async def other(self, request: Request) -> Response:
        if request.method != "GET":
            body = await request.body()
            is_json = "json" in request.headers.get("Content-Type", "")
            self.asked.append((request.url.path, json.loads(body) if body and is_json else body.decode() or None))
        answer = self.answers.get(f"{request.method} {request.url.path}")
        if callable(answer):
            answer = answer(request)
        if answer is None:
            return problem(404, "not_found", f"{request.method} {request.url.path} is not scripted.")
        return answer if isinstance(answer, Response) else JSONResponse(answer)

    async def me(self, _request: Request) -> Response:
        return JSONResponse({"tenant": "local", "principal": "local", "roles": self.roles})

    async def list_workflows(self, _request: Request) -> Response:
        items = [{**workflow, "version": 3, "updated": "2026-10-12T08:00:00Z"} for workflow in self.workflows]
        return JSONResponse({"items": items, "continuation": None})

    async def workflow(self, request: Request) -> Response:
        found = next((each for each in self.workflows if each["name"] == request.path_params["name"]), None)
        if found is None:
            return problem(404, "not_found", "There is no such workflow.")
        return JSONResponse({"version": 3, "updated": "2026-10-12T08:00:00Z", "definition": found})

    async def list_executions(self, request: Request) -> Response:
        records = [story.record(id) for id, story in self.executions.items()]
        status = request.query_params.get("status")
        workflow = request.query_params.get("workflow")
        shown = [
            record
            for record in records
            if status in {None, record["status"]} and workflow in {None, record["workflow"]}
        ]
        return JSONResponse({"items": shown, "continuation": None})

    async def start(self, request: Request) -> Response:
        body = await request.json()
        self.started.append({"key": request.headers.get("Idempotency-Key"), **body})
        if self.refusal is not None:
            return JSONResponse(self.refusal, 422)
        self.executions["0" * 32] = panel()
        return JSONResponse(self.executions["0" * 32].record("0" * 32), 202)

    async def execution(self, request: Request) -> Response:
        story = self.executions.get(request.path_params["id"])
        if story is None:
            return problem(404, "not_found", "There is no such execution.")
        return JSONResponse(story.record(request.path_params["id"]))

    async def control(self, request: Request) -> Response:
        """Pause, resume, cancel, raise a budget: the log tells that it was asked; the rest is up to the test."""
        story = self._noted(request, await request.body())
        verb = request.path_params["verb"]
        story.seconds += 1
        if verb == "budget":
            to = {key: value for key, value in self.asked[-1][1].items() if key != "path"}
            story.add("budget.raised", data={"by": "local", "path": self.asked[-1][1]["path"], "to": to})
            verb = "resume"
        told = {"pause": "paused", "resume": "resumed", "cancel": "cancel_requested"}[verb]
        story.add(f"execution.{told}", data={"by": "local"})
        return JSONResponse(story.record(request.path_params["id"]), 202)

    async def signal(self, request: Request) -> Response:
        story = self._noted(request, await request.body())
        story.add("signal.received", data={"name": request.path_params["name"], "by": "local"})
        return Response(status_code=202)

    async def fork(self, request: Request) -> Response:
        story = self._noted(request, await request.body())
        if self.refusal is not None:
            return JSONResponse(self.refusal, 422)
        body = self.asked[-1][1]
        edited = [key for key in ("workflow", "input") if key in (body or {})]
        edited += [f"agents/{name}" for name in (body or {}).get("agents", {})]
        outputs = list((body or {}).get("outputs", {}))
        fork = body and {"before": body["before"], "until": 1, "outputs": outputs, "edited": edited}
        other = Story(story.workflow, story.input, kin={"retry_of": request.path_params["id"], "fork": fork})
        id = f"{len(self.executions):032x}"
        self.executions[id] = other
        return JSONResponse(other.record(id), 202)

    def _noted(self, request: Request, body: bytes) -> Story:
        self.asked.append((request.url.path, json.loads(body) if body else None))
        return self.executions[request.path_params["id"]]

    async def bundle(self, request: Request) -> Response:
        """Of it, what the page reads: the agents as they are pinned."""
        story = self.executions[request.path_params["id"]]
        names = {event["agent"] for event in story.events if event["agent"]}
        agents = {name: {"name": name, "instructions": f"You are the {name}.", "temperature": 0.2} for name in names}
        return JSONResponse({"plan": {"agents": agents, "agent_versions": dict.fromkeys(names, 4)}})

    async def diff(self, request: Request) -> Response:
        sides = [
            self.executions[request.path_params[side]].record(request.path_params[side]) for side in ("id", "other")
        ]
        return JSONResponse(comparison(*sides, changed=request.query_params.get("changed") == "true"))

    async def list_approvals(self, _request: Request) -> Response:
        return JSONResponse({"items": list(self.approvals.values()), "continuation": None})

    async def decide(self, request: Request) -> Response:
        body = await request.json()
        self.asked.append((request.url.path, body))
        approval = self.approvals.pop(request.path_params["id"], None)
        if approval is None:
            return problem(409, "conflict", "This has been decided already.")
        decide(self.executions[approval["execution"]], approval, body)
        return JSONResponse(approval | {"state": "decided", **body})

    async def events(self, request: Request) -> Response:
        story = self.executions.get(request.path_params["id"])
        if story is None:
            return problem(404, "not_found", "There is no such execution.")
        after = int(request.query_params.get("after", 0))
        if "text/event-stream" in request.headers.get("Accept", ""):
            return StreamingResponse(self._stream(request, story, after), media_type="text/event-stream")
        events = story.events[after : after + 500]
        return JSONResponse({"events": events, "next": after + len(events), "ended": False})

    async def _stream(self, request: Request, story: Story, after: int) -> AsyncIterator[str]:
        told = 0
        while not await request.is_disconnected():
            for event in story.events[after:]:
                yield f"id: {event['offset']}\nevent: event\ndata: {json.dumps(event)}\n\n"
            after = len(story.events)
            pieces = self.deltas.get(request.path_params["id"], [])
            for piece in pieces[told:]:
                yield f"event: delta\ndata: {json.dumps(piece)}\n\n"
            told = len(pieces)
            await asyncio.sleep(0.02)

    async def negotiate(self, _request: Request) -> Response:
        return problem(404, "not_found", "There is no SignalR here.")

    def __enter__(self) -> Self:
        """Serve on a thread, at `address`."""
        listening = socket.create_server(("127.0.0.1", 0))
        self.address = f"http://127.0.0.1:{listening.getsockname()[1]}"
        self._server = uvicorn.Server(uvicorn.Config(self.app(), log_level="error", lifespan="off", ws="none"))
        self._thread = threading.Thread(target=lambda: asyncio.run(self._server.serve(sockets=[listening])))
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._server.force_exit = self._server.should_exit = True
        self._thread.join()


def problem(status: int, code: str, detail: str) -> Response:
    body = {"code": code, "title": code, "status": status, "detail": detail, "action": "Check it and try again."}
    return JSONResponse(body, status, media_type="application/problem+json")


def write(step: str, agent: str, text: str) -> list[dict[str, Json]]:
    """The deltas by which a text is written, word by word."""
    deltas: list[dict[str, Json]] = []
    position = 0
    for word in text.split(" "):
        piece = f"{word} "
        about = {"step": step, "agent": agent, "call": f"{step}#0", "attempt": 1}
        deltas.append({**about, "position": position, "text": piece})
        position += len(piece)
    return deltas


def sample() -> FakeApi:
    """An installation in which some things have been done."""
    api = FakeApi()
    api.executions = {
        "0198f1aa0004" + "d" * 12 + "9b1c20e4": review(),
        "0198f1aa0003" + "c" * 12 + "7e41d0a2": panel(),
        "0198f1aa0002" + "b" * 12 + "55c0aa17": failure(),
        "0198f1aa0001" + "a" * 12 + "31f0d9c6": finish_review(review()),
    }
    return api


def steered() -> FakeApi:
    """An installation in which three executions wait for people."""
    api = FakeApi()
    stories = {"7e41d0a2": release(), "55c0aa17": talk(), "31f0d9c6": stuck()}
    for number, (end, story) in enumerate(stories.items()):
        id = f"0198f1aa000{9 - number}" + "e" * 12 + end
        api.executions[id] = story
        api.approvals |= {approval["id"]: approval for approval in approvals(id, story)}
    return api


def tooled() -> FakeApi:
    """An installation whose agents call tools; two of the executions wait for people."""
    api = FakeApi()
    for number, (end, story) in enumerate(
        {"1d20c4aa": helpdesk(), "9c3be8f1": lost(), "0a77d512": paid_back()}.items()
    ):
        id = f"0198f1aa001{9 - number}" + "f" * 12 + end
        api.executions[id] = story
        if story.status == "running":
            api.approvals |= {approval["id"]: approval for approval in approvals(id, story)}
    return api


def spent() -> FakeApi:
    """An installation that has spent money for a month, and one of whose budgets is used up."""
    api = FakeApi()
    id = "0198f1aa0021" + "1" * 12 + "77ab10c2"
    api.executions[id] = capped()
    api.answers |= {
        "GET /api/usage": lambda request: usage_by_day(dict(request.query_params)),
        "GET /api/budgets": budgets(),
        f"GET /api/executions/{id}/usage": lambda request: execution_usage(request.query_params["by"]),
    }
    return api


def prompted() -> FakeApi:
    """An installation with a prompt, and with what came of evaluating it."""
    api = sample()
    api.answers |= Prompts().answers()
    return api


def shelved() -> FakeApi:
    """An installation with a library, models and tools, and an execution whose answer cites."""
    api = FakeApi()
    api.executions["0198f1aa0041" + "3" * 12 + "c17ed001"] = cited()
    api.answers |= Shelf().answers()
    return api


def main() -> None:
    parser = argparse.ArgumentParser(description="Serve the page with a scripted API.")
    parser.add_argument("--port", type=int, default=7099)
    api = sample()
    for more in (steered(), tooled(), spent(), prompted(), shelved()):
        api.executions |= more.executions
        api.approvals |= more.approvals
        api.answers |= more.answers
    uvicorn.run(api.app(), port=parser.parse_args().port)


if __name__ == "__main__":
    main()
