"""The admin face for keys: list them, set one, remove one."""

from __future__ import annotations

from pydantic import BaseModel, ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from devhost.keys import MASTER, KeyRing, Named

_EDIT = ["POST", "PUT", "DELETE"]


class _Wanted(BaseModel):
    value: str


class KeyRoutes:
    """`routes` is what to serve. The system's keys can only be read: URLs that carry them are already out."""

    def __init__(self, keys: KeyRing) -> None:
        self._keys = keys
        shown = {
            "/admin/host/keys": self._host,
            "/admin/host/functionkeys": self._host,
            "/admin/host/systemkeys": self._system,
            "/admin/functions/{name}/keys": self._function,
        }
        self.routes = [Route(path, show) for keys, show in shown.items() for path in (keys, f"{keys}/{{key}}")]
        self.routes += [
            Route(f"{keys}/{{key}}", self._edit, methods=_EDIT) for keys, show in shown.items() if show != self._system
        ]

    async def _host(self, request: Request) -> Response:
        return _shown(request, self._keys.of_host())

    async def _system(self, request: Request) -> Response:
        named = self._keys.of_system()
        if "key" not in request.path_params:
            named.pop(MASTER)  # told only to who asks for it by its name
        return _shown(request, named)

    async def _function(self, request: Request) -> Response:
        return _shown(request, self._keys.of_function(request.path_params["name"]))

    async def _edit(self, request: Request) -> Response:
        function, key = request.path_params.get("name"), request.path_params["key"]
        if key.startswith("_"):
            return JSONResponse({"message": "The name of a key must not begin with '_'."}, 400)
        try:
            if request.method == "DELETE":
                self._keys.delete(function, key)
                return Response(status_code=204)
            value = _Wanted.model_validate_json(await request.body()).value if request.method == "PUT" else None
            is_new, value = self._keys.put(function, key, value)
        except ValidationError:
            return JSONResponse({"message": 'The body must be a JSON object such as {"value": "..."}.'}, 400)
        except KeyError:
            return Response(status_code=404)
        return JSONResponse({"name": key, "value": value}, 201 if is_new else 200)


def _shown(request: Request, named: Named | None) -> Response:
    key = request.path_params.get("key")
    if named is None or (key is not None and key not in named):
        return Response(status_code=404)
    if key is not None:
        return JSONResponse({"name": key, "value": named[key]})
    return JSONResponse({"keys": [{"name": name, "value": value} for name, value in named.items()]})
