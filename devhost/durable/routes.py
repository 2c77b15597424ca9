"""The durable extension's HTTP API, for callers outside and for the SDK's client inside the app alike."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from devhost.durable.client import API_PATH, DurableUrls
from devhost.durable.parameters import (
    CONTINUATION_HEADER,
    body_json,
    flag,
    instance_query,
    number,
    sdk_input,
)
from devhost.durable.views import entity_json, json_array, json_object, status_json
from devhost.engine.errors import EngineStopped
from devhost.http.limits import DEFAULT_BODY_LIMIT, limit_body
from devhost.ports import BadRequest, Engine, InstanceEnded, InstanceExists, InstanceNotFound, InstanceStatus

_RUNNING = frozenset({"Running", "Pending", "Suspended", "ContinuedAsNew"})
_EMPTY_KEY = "$"  # how a URL names the entity whose key is empty

_SILENT: dict[type[Exception], int] = {InstanceNotFound: 404, InstanceEnded: 410}  # the SDK expects empty bodies
_TOLD: dict[type[Exception], int] = {BadRequest: 400, InstanceExists: 409, EngineStopped: 503}

Handler = Callable[[Request], Awaitable[Response]]


class DurableApi:
    """Answers the durable HTTP API from an engine. `routes` is what to serve."""

    def __init__(self, engine: Engine, urls: DurableUrls, body_limit: int = DEFAULT_BODY_LIMIT) -> None:
        self._engine = engine
        self._body_limit = body_limit
        self._urls = urls
        self._operations: dict[str, Callable[[str, str], Awaitable[None]]] = {
            "terminate": engine.terminate,
            "suspend": engine.suspend,
            "resume": engine.resume,
            "rewind": engine.rewind,
        }
        self.routes = self._make_routes()

    def _make_routes(self) -> list[Route]:
        table: list[tuple[str, str, Handler]] = [
            ("POST", "/orchestrators/{name}", self._start),
            ("POST", "/orchestrators/{name}/{id:path}", self._start),
            ("GET", "/instances", self._list),
            ("GET", "/instances/", self._list),
            ("DELETE", "/instances", self._purge_many),
            ("DELETE", "/instances/", self._purge_many),
            ("GET", "/instances/{id}", self._status),
            ("DELETE", "/instances/{id}", self._purge),
            ("POST", "/instances/{id}/raiseEvent/{event:path}", self._raise_event),
            ("POST", "/instances/{id}/restart", self._restart),
            ("POST", "/instances/{id}/{operation}", self._operate),
            ("GET", "/entities", self._list_entities),
            ("GET", "/entities/{name}", self._list_entities),
            ("GET", "/entities/{name}/{key:path}", self._read_entity),
            ("POST", "/entities/{name}/{key:path}", self._signal_entity),
            ("DELETE", "/entities/{name}/{key:path}", self._delete_entity),
        ]
        return [
            Route(API_PATH + path, self._answering_errors(handler), methods=[method]) for method, path, handler in table
        ]

    def _answering_errors(self, handler: Handler) -> Handler:
        async def answer(request: Request) -> Response:
            try:
                limited = limit_body(request.scope, request.receive, self._body_limit)
                return await handler(Request(request.scope, limited))
            except tuple(_SILENT) as error:
                return Response(status_code=_SILENT[type(error)])
            except tuple(_TOLD) as error:
                return _error(_TOLD[type(error)], str(error))
            except HTTPException as error:
                return _error(error.status_code, error.detail)

        return answer

    async def _start(self, request: Request) -> Response:
        payload = sdk_input(await body_json(request), objects_pass=True)
        name, wanted_id = request.path_params["name"], request.path_params.get("id")
        instance_id = await self._engine.start_instance(name, wanted_id, payload, request.query_params.get("version"))
        if "timeout" in request.query_params:
            return await self._wait(request, instance_id)
        return self._check_status(instance_id)

    async def _wait(self, request: Request, instance_id: str) -> Response:
        """The public API's start-and-wait: the output if it ends in time, else the check-status answer."""
        deadline = time.monotonic() + number(request, "timeout", 10)
        interval = max(0.05, number(request, "pollingInterval", 1))
        while True:
            status = await self._engine.get_status(instance_id)
            if status is not None and status.runtime_status == "Completed":
                return _json(status.output or "null")
            if status is not None and status.runtime_status not in _RUNNING:
                return _json(status_json(status, show_input=True, show_history_output=False))
            left = deadline - time.monotonic()
            if left <= 0:
                return self._check_status(instance_id)
            await asyncio.sleep(min(interval, left))

    async def _status(self, request: Request) -> Response:
        show_history = flag(request, "showHistory")
        status = await self._engine.get_status(request.path_params["id"], show_history=show_history)
        if status is None:
            return Response(status_code=404)
        text = status_json(
            status,
            show_input=flag(request, "showInput", default=True),
            show_history_output=flag(request, "showHistoryOutput"),
        )
        if status.runtime_status in _RUNNING:
            location = self._urls.management(status.instance_id)["statusQueryGetUri"]
            return _json(text, 202, {"Location": location, "Retry-After": "5"})
        return _json(text, _ended_code(request, status))

    async def _list(self, request: Request) -> Response:
        statuses, continuation = await self._engine.list_instances(instance_query(request))
        show_input = flag(request, "showInput", default=True)
        texts = (status_json(status, show_input=show_input, show_history_output=False) for status in statuses)
        return _json(json_array(texts), headers={CONTINUATION_HEADER: continuation or ""})

    async def _purge(self, request: Request) -> Response:
        return _purged(await self._engine.purge(request.path_params["id"]))

    async def _purge_many(self, request: Request) -> Response:
        query = instance_query(request)
        if query.created_from is None:
            raise HTTPException(400, "Please provide value for 'createdTimeFrom' parameter.")
        return _purged(await self._engine.purge_many(query))

    async def _raise_event(self, request: Request) -> Response:
        if not request.headers.get("content-type", "").startswith("application/json"):
            raise HTTPException(400, "Only application/json request content is supported")
        event = request.path_params["event"]
        await self._engine.raise_event(request.path_params["id"], event, await body_json(request))
        return Response(status_code=202)

    async def _operate(self, request: Request) -> Response:
        operation = self._operations.get(request.path_params["operation"].lower())
        if operation is None:
            return Response(status_code=404)
        await operation(request.path_params["id"], request.query_params.get("reason", ""))
        return Response(status_code=202)

    async def _restart(self, request: Request) -> Response:
        new_id = flag(request, "restartWithNewInstanceId", default=True)
        return self._check_status(await self._engine.restart(request.path_params["id"], new_id=new_id))

    async def _read_entity(self, request: Request) -> Response:
        state = await self._engine.read_entity(*_entity(request))
        return Response(status_code=404) if state is None else _json(state)

    async def _signal_entity(self, request: Request) -> Response:
        operation = request.query_params.get("op", "")
        payload = sdk_input(await body_json(request), objects_pass=False)
        await self._engine.signal_entity(*_entity(request), operation, payload)
        return Response(status_code=202)

    async def _delete_entity(self, request: Request) -> Response:
        await self._engine.signal_entity(*_entity(request), "delete", None)
        return Response(status_code=202)

    async def _list_entities(self, request: Request) -> Response:
        entities = await self._engine.list_entities(request.path_params.get("name"), int(number(request, "top", 100)))
        fetch_state = flag(request, "fetchState")
        return _json(json_array(entity_json(entity, fetch_state=fetch_state) for entity in entities))

    def _check_status(self, instance_id: str) -> Response:
        payload = self._urls.management(instance_id)
        return JSONResponse(payload, 202, {"Location": payload["statusQueryGetUri"], "Retry-After": "10"})


def _error(code: int, message: str) -> Response:
    # The SDK shows `ExceptionMessage` to the app; the extension sends both.
    return JSONResponse(
        {"Message": "Something went wrong while processing your request", "ExceptionMessage": message}, code
    )


def _ended_code(request: Request, status: InstanceStatus) -> int:
    return 500 if status.runtime_status == "Failed" and flag(request, "returnInternalServerErrorOnFailure") else 200


def _purged(count: int) -> Response:
    return _json(json_object({"instancesDeleted": json.dumps(count)})) if count else Response(status_code=404)


def _entity(request: Request) -> tuple[str, str]:
    key = request.path_params["key"]
    return request.path_params["name"], "" if key == _EMPTY_KEY else key


def _json(text: str, code: int = 200, headers: dict[str, str] | None = None) -> Response:
    return Response(text, code, headers, media_type="application/json")
