"""A small stand-in for the API, true to its contract, on a loopback port: what it answers is data a test can set."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from collections import deque
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from functools import cached_property
from types import TracebackType
from typing import Any, Literal, Self

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from tests.meta_agents.fake_evaluations import comparison, record, results
from tests.meta_agents.fake_library import FakeLibrary
from tests.meta_agents.samples import TERMINAL, event, frames

Json = Any
TOKEN = "right-token"
PAGE = 2
"""Items of a page, however many were asked for: every list test turns pages."""


@dataclass(frozen=True)
class Stream:
    """What one event-stream connection sends, and how it ends."""

    chunks: tuple[bytes, ...] = ()
    then: Literal["close", "cut", "hang"] = "close"


@dataclass(frozen=True)
class Seen:
    """One request that arrived."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: Json


@dataclass
class FakeApi:
    """The state of the stand-in. `answers` and `streams` come first, in turn; then it does what the contract says."""

    definitions: dict[str, dict[str, list[dict[str, Json]]]] = field(
        default_factory=lambda: {"agents": {}, "datasets": {}, "prompts": {}, "tools": {}, "workflows": {}}
    )
    schedules: dict[str, dict[str, Json]] = field(default_factory=dict)
    """By name: what the API shows of each, with its etag."""
    executions: dict[str, dict[str, Json]] = field(default_factory=dict)
    logs: dict[str, list[dict[str, Json]]] = field(default_factory=dict)
    artifacts: dict[str, Json] = field(default_factory=dict)
    approvals: dict[str, dict[str, Json]] = field(default_factory=dict)
    is_slow_to_cancel: bool = False
    """Whether what is under way takes longer to end than anyone waits."""
    budgets: dict[str, dict[str, Json]] = field(default_factory=dict)
    """By name: what the API shows of each."""
    models: dict[str, dict[str, Json]] = field(default_factory=dict)
    library: FakeLibrary = field(default_factory=FakeLibrary)
    retentions: list[dict[str, Json]] = field(default_factory=list)
    """The retention policies that were set; the last one counts."""
    next_log: list[dict[str, Json]] = field(default_factory=list)
    """The log of the next execution to be started."""
    answers: deque[Response] = field(default_factory=deque)
    streams: deque[Stream] = field(default_factory=deque)
    seen: list[Seen] = field(default_factory=list)

    def add_execution(self, log: list[dict[str, Json]], **fields: Json) -> str:
        """An execution with this log; its record agrees with the log's last event."""
        number = len(self.executions) + 1
        execution = f"{number:032x}"
        last = log[-1] if log else {"type": "", "data": {}, "value": None}
        record = {
            "id": execution,
            "workflow": "brief",
            "workflow_version": 1,
            "status": TERMINAL.get(last["type"], "running"),
            "input": {},
            "output": last["value"] if last["type"] == "execution.completed" else None,
            "error": last["data"].get("error"),
            "stop_reason": last["data"].get("stop_reason"),
            "usage": last["data"].get("usage", {"model_calls": 0, "tokens_in": 0, "tokens_out": 0, "cost_usd": "0"}),
            "turns": 0,
            "retry_of": None,
            "fork": None,
            "imported_from": None,
            "started_by": "local",
            "created": "2026-11-22T12:00:00Z",
            "ended": last["time"] if last["type"] in TERMINAL else None,
            **fields,
        }
        self.executions[execution] = record
        self.logs[execution] = log
        return execution

    def add_approval(self, execution: str, **fields: Json) -> str:
        """An open question of this execution."""
        approval = f"{execution}-{len(self.approvals) + 1:016x}"
        self.approvals[approval] = {
            "id": approval,
            "execution": execution,
            "workflow": "brief",
            "step": "sign-off",
            "kind": "approval",
            "ask": "Publish this?",
            "show": "Tea.",
            "options": ["approve", "reject"],
            "roles": ["operator"],
            "deadline": None,
            "otherwise": "reject",
            "state": "pending",
            "decision": None,
            "comment": "",
            "by": None,
            "decided": None,
            **fields,
        }
        return approval

    def requests(self, method: str, path: str) -> list[Seen]:
        return [seen for seen in self.seen if (seen.method, seen.path) == (method, path)]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        body = await request.body()
        is_json = request.headers.get("content-type", "").startswith("application/json")
        sent = json.loads(body) if body and is_json else body or None
        self.seen.append(
            Seen(request.method, request.scope["path"], dict(request.query_params), dict(request.headers), sent)
        )
        self.library.sent = sent
        if self.answers:
            await self.answers.popleft()(scope, receive, send)
        elif request.url.path != "/api/health" and request.headers.get("authorization") != f"Bearer {TOKEN}":
            refusal = problem(
                401, "unauthenticated", "No valid token was sent.", "Send the token of this installation."
            )
            await refusal(scope, receive, send)
        else:
            await self._routes(scope, receive, send)

    @cached_property
    def _routes(self) -> Starlette:
        execution = "/api/executions/{execution}"
        return Starlette(
            routes=[
                Route("/api/health", _health),
                Route("/api/me", _me),
                Route("/api/schemas/{kind}", lambda _: JSONResponse(AGENT_SCHEMA)),
                Route("/api/workflows/validate", self._validate, methods=["POST"]),
                Route("/api/validate", self._validate_all, methods=["POST"]),
                Route("/api/executions", self._start, methods=["POST"]),
                Route("/api/executions", self._list_executions),
                Route(execution, self._record),
                Route(execution, self._delete, methods=["DELETE"]),
                Route(f"{execution}/hold", self._hold, methods=["POST"]),
                Route(f"{execution}/release", self._release, methods=["POST"]),
                Route("/api/usage", self._usage),
                Route("/api/executions/{execution}/usage", self._usage),
                *self.library.routes(),
                Route("/api/budgets", self._budgets),
                Route("/api/budgets/{name}", self._budget),
                Route("/api/budgets/{name}", self._put_budget, methods=["PUT"]),
                Route("/api/budgets/{name}", self._delete_budget, methods=["DELETE"]),
                Route("/api/executions/{execution}/budget", self._raise_budget, methods=["POST"]),
                Route("/api/retention", self._retention),
                Route("/api/retention", self._put_retention, methods=["PUT"]),
                Route("/api/retention/purge", self._purge, methods=["POST"]),
                Route(f"{execution}/{{verb}}", self._control, methods=["POST"]),
                Route(f"{execution}/events/{{name}}", self._send_event, methods=["POST"]),
                Route(f"{execution}/webhook", self._webhook),
                Route(f"{execution}/events", self._events),
                Route(f"{execution}/chats/{{step:path}}", _chat),
                Route(f"{execution}/artifacts/{{reference}}", self._artifact),
                Route("/api/models", self._list_models),
                Route("/api/models/{alias}", self._model, methods=["GET", "PUT", "DELETE"]),
                Route("/api/schedules", self._list_schedules),
                Route("/api/schedules/{name}", self._schedule, methods=["GET", "PUT", "DELETE"]),
                Route("/api/schedules/{name}/run", self._run_schedule, methods=["POST"]),
                Route("/api/schedules/{name}/next", _next_times),
                Route("/api/schedules/{name}/{verb}", self._pause, methods=["POST"]),
                Route("/api/approvals", self._list_approvals),
                Route("/api/approvals/{approval}", self._approval),
                Route("/api/approvals/{approval}", self._decide, methods=["POST"]),
                Route("/api/evaluations", self._start_evaluation, methods=["POST"]),
                Route("/api/evaluations", _evaluations),
                Route("/api/evaluations/{id}", _evaluation),
                Route("/api/evaluations/{id}/compare/{other}", _comparison),
                Route("/api/prompts/{name}/try", self._start_evaluation, methods=["POST"]),
                Route("/api/{kind}/{name}/uses", _uses),
                Route("/api/prompts/{name}/labels", _labels),
                Route("/api/prompts/{name}/labels/{label}", self._label, methods=["PUT", "DELETE"]),
                Route("/api/prompts/{name}/moves", lambda request: _page([MOVE] * 3, request)),
                Route("/api/prompts/{name}/diff", _prompt_diff),
                Route("/api/{kind}", self._list_definitions),
                Route("/api/{kind}/{name}", self._definition, methods=["GET", "DELETE"]),
                Route("/api/{kind}/{name}", self._put, methods=["PUT"]),
                Route("/api/{kind}/{name}/versions", self._versions),
            ],
            exception_handlers={404: _not_found},
        )

    def _start_evaluation(self, request: Request) -> Response:
        is_trial = request.url.path.endswith("/try")
        id = self.add_execution(self.next_log, workflow="evaluate-host")
        if is_trial:
            id = self.add_execution(self.next_log, id="f" * 32)
            self.executions["f" * 32] = self.executions.pop(id)
            self.logs["f" * 32] = self.logs.pop(id)
            id = "f" * 32
        skipped = [{"execution": "f" * 32, "reason": "it has no agent `host`"}] if is_trial else []
        return JSONResponse({**record(id, "trial" if is_trial else "evaluation"), "skipped": skipped}, 202)

    def _label(self, request: Request) -> Response:
        if request.method == "DELETE":
            return Response(status_code=204)
        return JSONResponse({**LABEL, "label": request.path_params["label"], **self.seen[-1].body})

    def _list_definitions(self, request: Request) -> Response:
        kept = sorted(self.definitions[request.path_params["kind"]].items())
        return _page([{"name": name, "version": len(versions)} for name, versions in kept], request)

    def _definition(self, request: Request) -> Response:
        kept, name = self.definitions[request.path_params["kind"]], request.path_params["name"]
        if name not in kept:
            return problem(404, "not_found", f"There is no definition {name!r}.", "List those you can see.")
        if request.method == "DELETE":
            del kept[name]
            return Response(status_code=204)
        return _stored(kept[name], int(request.query_params.get("version", len(kept[name]))), 200)

    def _versions(self, request: Request) -> Response:
        versions = self.definitions[request.path_params["kind"]][request.path_params["name"]]
        return _page([{"version": number + 1} for number in range(len(versions))], request)

    def _put(self, request: Request) -> Response:
        kept, name = self.definitions[request.path_params["kind"]], request.path_params["name"]
        sent = self.seen[-1].body
        if request.headers.get("if-none-match") == "*" and name in kept:
            return problem(412, "precondition_failed", f"{name!r} exists.", "Choose another name.")
        if request.headers.get("if-match") not in {None, f'"{len(kept.get(name, ()))}"'}:
            return problem(412, "precondition_failed", f"{name!r} has changed.", "Read it again.")
        created = name not in kept
        versions = kept.setdefault(name, [])
        if not versions or versions[-1] != sent:
            versions.append(sent)
        return _stored(versions, len(versions), 201 if created else 200)

    def _list_schedules(self, request: Request) -> Response:
        items = [{**kept, **kept["definition"]} for _, kept in sorted(self.schedules.items())]
        return _page(
            [{key: item[key] for key in item if key not in {"definition", "input"}} for item in items], request
        )

    def _schedule(self, request: Request) -> Response:
        name = request.path_params["name"]
        if request.method == "PUT":
            if request.headers.get("if-none-match") == "*" and name in self.schedules:
                return problem(412, "precondition_failed", f"{name!r} exists.", "Choose another name.")
            paused = self.seen[-1].body.get("paused", self.schedules.get(name, {}).get("paused", False))
            self.schedules[name] = _kept(self.seen[-1].body, paused)
        elif name not in self.schedules:
            return problem(404, "not_found", f"There is no schedule {name!r}.", "List the schedules you can see.")
        elif request.method == "DELETE":
            del self.schedules[name]
            return Response(status_code=204)
        kept = self.schedules[name]
        return JSONResponse({key: kept[key] for key in kept if key != "etag"}, 200, {"etag": kept["etag"]})

    def _pause(self, request: Request) -> Response:
        name = request.path_params["name"]
        self.schedules[name] = _kept(self.schedules[name]["definition"], request.path_params["verb"] == "pause")
        return JSONResponse(self.schedules[name])

    def _list_models(self, request: Request) -> Response:
        items = [{key: kept[key] for key in kept if key != "etag"} for _, kept in sorted(self.models.items())]
        return JSONResponse({"items": items, "continuation": None})

    def _model(self, request: Request) -> Response:
        """`x-` before its name makes an endpoint's address a mistake."""
        alias = request.path_params["alias"]
        if request.method == "PUT":
            entry = self.seen[-1].body
            if "://x-" in entry.get("base_url", ""):
                detail = {"pointer": "/base_url", "message": "have it added to MODEL_HOSTS"}
                return problem(400, "invalid_definition", "It has mistakes.", "Correct it.", detail)
            etag = f'"{len(self.seen)}"'
            self.models[alias] = {"alias": alias, "source": "stored", "model": entry, "by": "ann", "etag": etag}
        elif alias not in self.models:
            return problem(404, "not_found", f"There is no model {alias!r}.", "List them.")
        elif request.method == "DELETE":
            del self.models[alias]
            return Response(status_code=204)
        kept = self.models[alias]
        return JSONResponse({key: kept[key] for key in kept if key != "etag"}, 200, {"etag": kept["etag"]})

    def _run_schedule(self, request: Request) -> Response:
        definition = self.schedules[request.path_params["name"]]["definition"]
        execution = self.add_execution(self.next_log, workflow=definition["workflow"])
        return JSONResponse(self.executions[execution], 202)

    def _validate(self, request: Request) -> Response:
        return JSONResponse(self._checked("workflow", self.seen[-1].body, set(self.definitions["agents"])))

    def _validate_all(self, request: Request) -> Response:
        sent = self.seen[-1].body["definitions"]
        names = {one["definition"]["name"] for one in sent if one["kind"] == "agent"}
        known = names | set(self.definitions["agents"])
        return JSONResponse({"results": [self._checked(one["kind"], one["definition"], known) for one in sent]})

    def _checked(self, kind: str, definition: Json, agents: set[str]) -> Json:
        """Unknown keys and agents are mistakes, `when: "false"` is worth a warning."""
        steps = list(enumerate(definition.get("steps", ())))
        errors = [
            {"pointer": f"/steps/{index}/agent", "message": f"there is no agent `{step['agent']}`"}
            for index, step in steps
            if "agent" in step and step["agent"] not in agents
        ]
        errors += [
            {"pointer": f"/{key}", "message": f"unknown key `{key}`"} for key in definition if key not in KEYS[kind]
        ]
        warnings = [
            {"pointer": f"/steps/{index}/when", "message": "always skipped"}
            for index, step in steps
            if step.get("when") == "false"
        ]
        estimate = {"model_calls": len(steps), "tokens_out": 1_500 * len(steps), "output_usd": "0.003"}
        result = {"valid": not errors, "errors": errors, "warnings": warnings}
        return {**result, **({"estimate": estimate} if kind == "workflow" and not errors else {})}

    def _start(self, request: Request) -> Response:
        sent = self.seen[-1].body
        if sent.get("workflow") == "missing":
            return problem(404, "not_found", "There is no workflow 'missing'.", "List the workflows you can see.")
        execution = self.add_execution(self.next_log, input=sent["input"], webhook=sent.get("webhook"))
        return JSONResponse(self.executions[execution], 202, {"location": f"/api/executions/{execution}"})

    def _list_executions(self, request: Request) -> Response:
        status = request.query_params.get("status")
        newest_first = reversed(self.executions.values())
        return _page([record for record in newest_first if status in {None, record["status"]}], request)

    def _record(self, request: Request) -> Response:
        execution = request.path_params["execution"]
        return JSONResponse(self.executions[execution]) if execution in self.executions else _missing(execution)

    def _delete(self, request: Request) -> Response:
        execution = request.path_params["execution"]
        if execution not in self.executions:
            return _missing(execution)
        if self.executions[execution].get("hold"):
            return problem(409, "conflict", "The execution is on hold.", "Release it first.")
        del self.executions[execution]
        return Response(status_code=204)

    def _hold(self, request: Request) -> Response:
        record = self.executions[request.path_params["execution"]]
        record["hold"] = {"reason": self.seen[-1].body["reason"], "by": "local", "since": "2026-11-22T12:00:00Z"}
        return JSONResponse(record)

    def _release(self, request: Request) -> Response:
        record = self.executions[request.path_params["execution"]]
        record["hold"] = None
        return JSONResponse(record)

    def _usage(self, request: Request) -> Response:
        """One item, of something of each kind that is asked for."""
        by = request.query_params.get("by", "day").split(",")
        figures = {
            "executions": 2,
            "model_calls": 1_234,
            "tokens_in": 5,
            "cost_usd": "0.5",
            "unpriced": 1,
            "seconds": "2",
        }
        item = {name: "2026-11-27" if name == "day" else f"={name}-1" for name in by}
        return JSONResponse({"by": by, "items": [{**item, **figures}], "total": figures})

    def _budgets(self, request: Request) -> Response:
        return JSONResponse({"items": [self.budgets[name] for name in sorted(self.budgets)]})

    def _budget(self, request: Request) -> Response:
        name = request.path_params["name"]
        if name not in self.budgets:
            return problem(404, "not_found", f"There is no budget {name!r}.", "Check the spelling.")
        return JSONResponse(self.budgets[name])

    def _put_budget(self, request: Request) -> Response:
        name, sent = request.path_params["name"], request.headers
        before = self.budgets.get(name)
        expected = before["etag"] if before else None
        if sent.get("if-match", expected) != expected or (sent.get("if-none-match") == "*" and before):
            return problem(412, "precondition_failed", "The budget has changed.", "Read it again.")
        definition = {"scope": "tenant", "period": "month", "at_cap": "pause", **self.seen[-1].body}
        used = {"model_calls": 3, "tokens_in": 40, "tokens_out": 2, "cost_usd": "0.75", "unpriced": 0}
        etag = f'"{len(self.seen)}"'
        self.budgets[name] = {
            "definition": definition,
            "period": "2026-11",
            "spent": used,
            "reserved": used,
            "etag": etag,
        }
        return JSONResponse(self.budgets[name], 200 if before else 201)

    def _delete_budget(self, request: Request) -> Response:
        del self.budgets[request.path_params["name"]]
        return Response(status_code=204)

    def _raise_budget(self, request: Request) -> Response:
        record = self.executions[request.path_params["execution"]]
        if self.seen[-1].body.get("resume", True):
            record |= {"status": "running", "paused_for": None}
        return JSONResponse(record)

    def _retention(self, request: Request) -> Response:
        versions = self.retentions
        policy = {"completed": None, "failed": None, "canceled": None, **(versions[-1] if versions else {})}
        headers = {"etag": f'"{len(versions)}"'} if versions else {}
        return JSONResponse({"policy": policy, "updated": None, "by": None}, headers=headers)

    def _put_retention(self, request: Request) -> Response:
        sent = request.headers
        expected = None if not self.retentions else f'"{len(self.retentions)}"'
        if sent.get("if-match", expected) != expected or (sent.get("if-none-match") == "*" and self.retentions):
            return problem(412, "precondition_failed", "The policy has changed.", "Read it again.")
        self.retentions.append(self.seen[-1].body)
        return self._retention(request)

    def _purge(self, request: Request) -> Response:
        """Removes a page of the ended executions that are not on hold."""
        ended = [id for id, record in self.executions.items() if record["status"] in TERMINAL.values()]
        free = [id for id in ended if not self.executions[id].get("hold")]
        for id in free[:PAGE]:
            del self.executions[id]
        counts = {"purged": len(free[:PAGE]), "held": len(ended) - len(free), "in_use": 0, "failed": 0}
        return JSONResponse({**counts, "more": len(free) > PAGE})

    def _control(self, request: Request) -> Response:
        """What each verb answers by the state of the execution is in docs/control.md."""
        execution, verb = request.path_params["execution"], request.path_params["verb"]
        if execution not in self.executions:
            return _missing(execution)
        record = self.executions[execution]
        status = record["status"]
        match verb:
            case "pause" if status in {"running", "paused"}:
                self._stand(execution, "paused", "execution.paused")
            case "resume" if status in {"running", "paused"}:
                self._stand(execution, "running", "execution.resumed")
            case "cancel" if status in {"running", "paused", "canceling", "canceled"}:
                if status != "canceled":
                    self._stand(execution, "canceling", "execution.cancel_requested")
                if "wait" in request.query_params and not self.is_slow_to_cancel:
                    self._stand(execution, "canceled", "execution.canceled")
            case "retry" if status in {"failed", "canceled"}:
                record = self.executions[self.add_execution(self.next_log, retry_of=execution)]
            case "fork":
                fork = _fork(self.seen[-1].body)
                record = self.executions[self.add_execution(self.next_log, retry_of=execution, fork=fork)]
            case _:
                return problem(409, "conflict", f"The execution is {status}; it cannot {verb}.", "Look at it.")
        return JSONResponse(record, 200 if verb in {"pause", "resume"} or record["status"] == "canceled" else 202)

    def _stand(self, execution: str, status: str, type_: str) -> None:
        record, log = self.executions[execution], self.logs[execution]
        if record["status"] != status:
            log.append(event(len(log) + 1, type_, by="local"))
            record["status"] = status

    def _send_event(self, request: Request) -> Response:
        execution, name = request.path_params["execution"], request.path_params["name"]
        if self.executions[execution]["status"] not in {"running", "paused"}:
            return problem(409, "conflict", "The execution has ended.", "Fork it.")
        log = self.logs[execution]
        log.append(event(len(log) + 1, "signal.received", name=name, by="local", value=self.seen[-1].body))
        return JSONResponse(log[-1], 202)

    def _list_approvals(self, request: Request) -> Response:
        wanted = {key: request.query_params[key] for key in ("state", "execution") if key in request.query_params}
        latest_first = reversed(self.approvals.values())
        return _page([one for one in latest_first if wanted.items() <= one.items()], request)

    def _approval(self, request: Request) -> Response:
        approval = request.path_params["approval"]
        if approval not in self.approvals:
            return problem(404, "not_found", f"There is no approval {approval!r}.", "List those you can see.")
        return JSONResponse(self.approvals[approval])

    def _decide(self, request: Request) -> Response:
        approval, sent = self.approvals[request.path_params["approval"]], self.seen[-1].body
        if sent["decision"] not in approval["options"]:
            options = ", ".join(approval["options"])
            return problem(400, "invalid_request", f"{sent['decision']!r} is no answer.", f"Send one of: {options}.")
        if approval["state"] != "pending":
            return problem(409, "conflict", "The question is settled.", "Nothing is left to decide.")
        approval.update(sent, state="decided", by="local", decided="2026-11-22T12:00:00Z")
        return JSONResponse(approval)

    def _webhook(self, request: Request) -> Response:
        record = self.executions[request.path_params["execution"]]
        attempt = {"number": 1, "time": "2026-11-22T12:00:00Z", "seconds": 0.1, "status": 500, "error": "It answered."}
        more = {"state": "delivering", "attempts": [attempt], "next": "2026-11-22T12:00:05Z"}
        return JSONResponse({**record["webhook"], **more})

    def _events(self, request: Request) -> Response:
        execution = request.path_params["execution"]
        if execution not in self.executions:
            return _missing(execution)
        log = self.logs[execution]
        if request.headers.get("accept") == "text/event-stream":
            after = int(request.headers.get("last-event-id", 0))
            stream = self.streams.popleft() if self.streams else Stream((frames(log[after:]),))
            return StreamingResponse(_send(stream), media_type="text/event-stream")
        after, limit = (int(request.query_params[key]) for key in ("after", "limit"))
        events = log[after : after + limit]
        ended = after + len(events) == len(log) and self.executions[execution]["status"] in TERMINAL.values()
        return JSONResponse({"events": events, "next": after + len(events), "ended": ended})

    def _artifact(self, request: Request) -> Response:
        return JSONResponse(self.artifacts[request.path_params["reference"]])


class Server:
    """Serves its present `api` on a thread while its context lasts; `restart` keeps the port."""

    def __init__(self) -> None:
        self.api = FakeApi()
        self._port = 0
        self._start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def stop(self) -> None:
        self._server.should_exit = self._server.force_exit = True
        self._thread.join()

    def restart(self) -> None:
        """Up again where it was; call after `stop`."""
        self._start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    async def _app(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.api(scope, receive, send)

    def _start(self) -> None:
        # Listening before the thread runs: nobody needs to wait until it is ready.
        listener = socket.create_server(("127.0.0.1", self._port))
        self._port = listener.getsockname()[1]
        self._server = uvicorn.Server(
            uvicorn.Config(self._app, log_config=None, ws="none", lifespan="off", interface="asgi3")
        )
        self._thread = threading.Thread(target=self._server.run, args=([listener],))
        self._thread.start()


AGENT_SCHEMA = {"type": "object", "required": ["name", "instructions"]}
MOVE = {"label": "production", "from": 1, "to": 2, "by": "ann", "at": "2026-11-22T12:00:00Z"}
LABEL = {
    "label": "production",
    "version": 2,
    "by": "ann",
    "at": "2026-11-22T12:00:00Z",
    "protected": True,
    "etag": '"1"',
}


def _evaluations(request: Request) -> Response:
    kind = request.query_params.get("kind", "evaluation")
    return _page([record(f"{number:032x}", kind) for number in range(3)], request)


def _evaluation(request: Request) -> Response:
    """The one whose id is all `f` is a trial."""
    id, query = request.path_params["id"], request.query_params
    kind = "trial" if id == "f" * 32 else "evaluation"
    return JSONResponse(results(id, kind, query.get("cases") == "failed", int("continuation" in query)))


def _comparison(request: Request) -> Response:
    return JSONResponse(comparison(request.path_params["id"], request.path_params["other"]))


def _uses(request: Request) -> Response:
    direct = {"kind": "agent", "name": "host", "version": 3, "direct": True, "references": ["greet:production"]}
    through = {"kind": "workflow", "name": "hello", "version": 1, "direct": False, "through": ["agent/host"]}
    return _page([direct, through, {**through, "kind": "schedule", "name": "daily", "version": None}], request)


def _labels(_: Request) -> Response:
    return JSONResponse({"items": [LABEL], "moves": [MOVE]})


def _prompt_diff(request: Request) -> Response:
    pieces = [{"kind": kind, "text": text} for kind, text in (("same", "Be "), ("removed", "x"), ("added", "y\x1b[2J"))]
    lines = [
        {"kind": "same", "before": 1, "after": 1, "text": "One."},
        {"kind": "changed", "before": 2, "after": 2, "text": "Be y", "pieces": pieces},
        {"kind": "added", "after": 3, "text": "New."},
    ]
    variable = {"name": "tone", "kind": "added", "before": None, "after": {"type": "string"}}
    sides = {"from": {"version": 1}, "to": {"version": 2}}
    is_same = request.query_params.get("from") == request.query_params.get("to", "")
    return JSONResponse({"name": "greet", **sides, "same": is_same, "lines": lines, "variables": [variable]})


KEYS = {
    "agent": {"name", "instructions", "prompt"},
    "prompt": {"name", "template", "variables"},
    "dataset": {"name", "cases"},
    "tool": {"name", "function", "input"},
    "workflow": {"name", "steps", "output"},
}


def problem(status: int, code: str, detail: str, action: str, *errors: dict[str, str]) -> Response:
    content = {
        "type": f"urn:meta-agents:problem:{code}",
        "title": code,
        "status": status,
        "code": code,
        "detail": detail,
        "action": action,
        "fault": "caller",
        "retryable": False,
        "errors": list(errors),
    }
    return JSONResponse(content, status, media_type="application/problem+json")


def _fork(sent: dict[str, Json]) -> dict[str, Json]:
    agents = [f"agents/{name}" for name in sent.get("agents", ())]
    edited = [*(name for name in ("workflow", "input") if name in sent), *agents]
    until = sent["after"] + 1 if "after" in sent else None
    return {"before": sent.get("before"), "until": until, "outputs": list(sent.get("outputs", ())), "edited": edited}


def _missing(execution: str) -> Response:
    return problem(404, "not_found", f"There is no execution {execution!r}.", "List the executions you can see.")


def _not_found(request: Request, _: Exception) -> Response:
    return problem(404, "not_found", f"There is nothing at {request.url.path!r}.", "Check the spelling.")


def _health(request: Request) -> Response:
    model = {"name": "stub", "provider": "compatible"}
    checks = {"checks": {"documents": {"seconds": 0.1}}} if request.query_params.get("deep") == "true" else {}
    return JSONResponse({"status": "ok", "version": "0.1.0", "build": "b1", "model": model, "new": 1, **checks})


def _me(_: Request) -> Response:
    return JSONResponse({"tenant": "local", "principal": "local", "roles": ["admin"]})


def _chat(request: Request) -> Response:
    turn = {"turn": 1, "speaker": request.path_params["step"], "text": "Hello."}
    return JSONResponse({"turns": 1, "window": [turn]})


def _kept(definition: dict[str, Json], paused: bool) -> dict[str, Json]:
    return {
        "definition": definition,
        "updated": "2026-11-22T12:00:00Z",
        "paused": paused,
        "next": None if paused else "2026-11-23T06:30:00Z",
        "last_due": None,
        "last_execution": None,
        "last_error": None,
        "etag": f'"{len(json.dumps(definition))}"',
    }


def _next_times(request: Request) -> Response:
    times = [f"2026-11-{23 + day}T06:30:00Z" for day in range(int(request.query_params["count"]))]
    return JSONResponse({"time_zone": "Europe/Berlin", "times": times})


def _stored(versions: list[dict[str, Json]], version: int, status: int) -> Response:
    content = {"version": version, "updated": "2026-11-22T12:00:00Z", "definition": versions[version - 1]}
    return JSONResponse(content, status, {"etag": f'"{version}"'})


def _page(items: list[Json], request: Request) -> Response:
    first = int(request.query_params.get("continuation", 0))
    more = first + PAGE < len(items)
    return JSONResponse({"items": items[first : first + PAGE], "continuation": str(first + PAGE) if more else None})


async def _send(stream: Stream) -> AsyncIterator[bytes]:
    for chunk in stream.chunks:
        yield chunk
        # Lets the chunk leave by itself, so that the client meets it by itself.
        await asyncio.sleep(0)
    while stream.then == "hang":
        yield b": ping\n\n"
        await asyncio.sleep(0.05)
    if stream.then == "cut":
        raise ConnectionAbortedError("the test cuts this stream")
