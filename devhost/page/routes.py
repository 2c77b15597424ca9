"""The read-only JSON behind the page. Times are as the engine keeps them; payloads are strings that hold JSON text."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import get_args

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from devhost.engine.clock import to_text, utc_now
from devhost.engine.errors import EngineStopped
from devhost.engine.inspection import PAYLOADS, Seen
from devhost.engine.overview import InstanceFilter, Overview
from devhost.functions import Function, JsonValue
from devhost.page.files import PATH, page_routes
from devhost.page.shortening import short_event
from devhost.ports import InstanceNotFound, RuntimeStatus

Handler = Callable[[Request], Awaitable[Response]]
_NO_STORE = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


class PageApi:
    """Serves the page and what it polls. `routes` is what to serve.

    Ids and keys travel in the query: in a path `.` and `..` would not arrive.
    """

    def __init__(
        self,
        overview: Overview,
        functions: Sequence[Function],
        urls: Mapping[str, str],
        next_due: Callable[[str], datetime | None],
    ) -> None:
        """`urls`: what reaches each HTTP function, by its name; `next_due`: when a timer function fires next."""
        self._overview = overview
        self._functions = functions
        self._urls = urls
        self._next_due = next_due
        handlers: dict[str, Handler] = {
            "counts": self._counts,
            "instances": self._instances,
            "instance": self._instance,
            "payloads": self._payloads,
            "payload": self._payload,
            "event": self._event,
            "pending": self._pending,
            "entities": self._entities,
            "functions": self._list_functions,
        }
        api = [Route(f"{PATH}/api/{name}", _answering_errors(handler)) for name, handler in handlers.items()]
        self.routes = [*page_routes(), *api]

    async def _counts(self, _: Request) -> Response:
        return _json(await self._overview.counts())

    async def _instances(self, request: Request) -> Response:
        query = request.query_params
        status = query.get("status", "")
        if status and status not in get_args(RuntimeStatus):
            raise HTTPException(400, f"There is no status '{status}'; there are {', '.join(get_args(RuntimeStatus))}.")
        before = _number(request, "before") if "before" in query else None
        wanted = InstanceFilter(status, query.get("name", ""), query.get("prefix", ""), "roots" in query, before)
        rows, older = await self._overview.instances(wanted)
        return _json({"instances": rows, "older": older})

    async def _instance(self, request: Request) -> Response:
        query = request.query_params
        seen = Seen(_number(request, "after"), query.get("last", ""), query.get("updated", ""))
        state = await self._overview.instance(_text(request, "id"), seen)
        # Joined from texts: they are printed once, when they happen.
        events = ",".join(map(short_event, state.pop("events")))
        head = json.dumps({"now": to_text(utc_now()), **state})
        return Response(f'{head[:-1]},"events":[{events}]}}', headers=_NO_STORE, media_type="application/json")

    async def _payloads(self, request: Request) -> Response:
        return _json(await self._overview.payloads(_text(request, "id")))

    async def _payload(self, request: Request) -> Response:
        for name in PAYLOADS:
            if request.query_params.get("name") == name:
                return PlainTextResponse(await self._overview.payload(_text(request, "id"), name), headers=_NO_STORE)
        raise HTTPException(400, f"'name' must be one of {', '.join(PAYLOADS)}.")

    async def _event(self, request: Request) -> Response:
        text = await self._overview.event(_text(request, "id"), _number(request, "n"))
        return Response(text, headers=_NO_STORE, media_type="application/json")

    async def _pending(self, _: Request) -> Response:
        return _json(await self._overview.pending())

    async def _entities(self, request: Request) -> Response:
        """The names that exist, and one page of those of the name asked for."""
        query = request.query_params
        name = query.get("name", "").lower()
        rows, more = await self._overview.entities(name, query.get("prefix", ""), query.get("after"))
        return _json({"names": await self._overview.entity_names(), "entities": rows, "more": more})

    async def _list_functions(self, _: Request) -> Response:
        return _json({"functions": [self._description(function) for function in self._functions]})

    def _description(self, function: Function) -> dict[str, JsonValue]:
        due = None if function.unserved else self._next_due(function.name)
        return {
            "name": function.name,
            "trigger": function.trigger.type,
            "durable_name": function.durable_name,
            "methods": list(function.methods),
            "url": self._urls.get(function.name),
            "binding": dict(function.trigger.properties),
            "next": to_text(due) if due else None,
            "unserved": function.unserved,
        }


def _answering_errors(handler: Handler) -> Handler:
    async def answer(request: Request) -> Response:
        try:
            return await handler(request)
        except InstanceNotFound as error:
            return _json({"message": str(error)}, 404)
        except EngineStopped as error:
            return _json({"message": str(error)}, 503)
        except HTTPException as error:
            return _json({"message": error.detail}, error.status_code)

    return answer


def _json(content: Mapping[str, object], code: int = 200) -> Response:
    return JSONResponse({"now": to_text(utc_now()), **content}, code, _NO_STORE)


def _text(request: Request, name: str) -> str:
    if value := request.query_params.get(name):
        return value
    raise HTTPException(400, f"'{name}' is missing.")


def _number(request: Request, name: str) -> int:
    value = request.query_params.get(name, "0")
    if value.isascii() and value.isdigit() and len(value) < 19:
        return int(value)
    raise HTTPException(400, f"'{name}' must be a whole number.")
