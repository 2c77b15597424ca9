"""Composes the host: settings, app, engine, SignalR and the HTTP server around one port."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import sys
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware

from devhost.app import DurableApp
from devhost.disabled import mark_disabled
from devhost.durable.client import EXTENSION as DURABLE_EXTENSION
from devhost.durable.client import DurableUrls, task_hub
from devhost.durable.inside import call_from_inside
from devhost.durable.routes import DurableApi
from devhost.engine.engine import SqliteEngine
from devhost.engine.errors import EngineError
from devhost.engine.options import EngineOptions
from devhost.engine.overview import Overview
from devhost.errors import StartupError
from devhost.expressions import BindingData
from devhost.functions import BLOB, QUEUE, Binding, Function
from devhost.http.access import KeyGate, make_own_entrance
from devhost.http.admin import AdminApi
from devhost.http.classic import ClassicStyle
from devhost.http.dispatch import FunctionDispatcher, HttpStyle
from devhost.http.front import Front
from devhost.http.key_routes import KeyRoutes
from devhost.http.limits import body_limit
from devhost.http.routing import RouteTable, mark_conflicting_routes
from devhost.indexing import uses_fastapi
from devhost.invocation import Invoker, make_pool
from devhost.keys import KeyRing, keys_file
from devhost.listening import listen, origin_of
from devhost.loader import load_functions
from devhost.page.routes import PageApi
from devhost.ports import Engine
from devhost.settings import HostJson, LocalSettings, apply_environment, read_host_json, read_local_settings
from devhost.signalr.bindings import SignalRBindings
from devhost.signalr.endpoint import SETTING, emulated_endpoint
from devhost.signalr.routes import SignalRApi
from devhost.signalr.service import Service
from devhost.signalr.trigger import SignalRTriggers, mark_conflicting_events
from devhost.signalr.webhook import EXTENSION as SIGNALR_EXTENSION
from devhost.signalr.webhook import UpstreamWebhook
from devhost.storage.bindings import StorageBindings
from devhost.storage.connections import Connections
from devhost.storage.triggers import QueueTriggers
from devhost.time_limit import TimeLimit
from devhost.timers.monitor import Monitor
from devhost.timers.service import Timers
from devhost.triggers import Triggers

_STREAM_GRACE_SECONDS = 1  # how long open responses may run on once the host was told to stop


@dataclass(frozen=True)
class HostOptions:
    """What to serve and where. `port` 0 takes a free one; with `keys`, callers need Azure's keys.

    `listener` is a socket that listens already, and counts instead of `host` and `port`.
    """

    app: Path
    state: Path
    host: str = "127.0.0.1"
    port: int = 0
    keys: bool = False
    listener: socket.socket | None = None


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to whoever runs the host: it stops more than this server."""
        yield


class Host:
    """One function app, loaded and ready to serve. Build it with `Host.load`."""

    def __init__(
        self,
        *,
        functions: list[Function],
        routes: RouteTable,
        engine: Engine,
        web: Starlette,
        listener: socket.socket,
        signalr: Service,
        triggers: Triggers,
        closing: contextlib.AsyncExitStack,
    ) -> None:
        """`closing` is what is to be closed at the very end."""
        self.functions = functions
        self.routes = routes
        self.engine = engine
        self.signalr = signalr
        self.triggers = triggers
        self.url = origin_of(listener)
        self._web = web
        self._listener = listener
        self._closing = closing

    @classmethod
    def load(cls, options: HostOptions) -> Host:
        """Bind the port, prepare the environment and load the app into this process. Raises `StartupError`."""
        root = options.app.resolve()
        if not root.is_dir():
            raise StartupError(f"{root} is not a folder.")
        state = options.state.resolve()  # before the loader changes the working directory
        host_json, local = read_host_json(root), read_local_settings(root)
        listener = options.listener or listen(options.host, options.port)
        try:
            return _compose(root, state, host_json, local, listener, with_keys=options.keys)
        except BaseException:
            listener.close()
            raise

    @contextlib.asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        """Serve until the block ends, then close streams, stop the engine and free the port. Raises `StartupError`."""
        try:
            await self.engine.start()
        except EngineError as error:
            self._listener.close()
            raise StartupError(str(error)) from error
        config = uvicorn.Config(
            self._web,
            log_config=None,
            access_log=False,
            server_header=False,
            lifespan="off",
            proxy_headers=False,
            timeout_graceful_shutdown=_STREAM_GRACE_SECONDS,
        )
        server = _Server(config)
        call_from_inside(self._web)
        task = asyncio.create_task(server.serve(sockets=[self._listener]))
        self.triggers.start()
        try:
            yield
        finally:
            # Both before the server: a function that is ending may still call this host, and must not fail.
            await self.triggers.stop()
            await self.engine.stop()
            server.should_exit = True
            await task
            await self._closing.aclose()


def _compose(
    root: Path, state: Path, host_json: HostJson, local: LocalSettings, listener: socket.socket, *, with_keys: bool
) -> Host:
    origin = origin_of(listener)
    emulated = emulated_endpoint(origin, state)
    apply_environment(
        os.environ,
        local,
        {
            "AzureWebJobsScriptRoot": str(root),
            "AZURE_FUNCTIONS_ENVIRONMENT": "Development",
            "FUNCTIONS_WORKER_RUNTIME": "python",
            "WEBSITE_HOSTNAME": origin.removeprefix("http://"),
            SETTING: emulated.connection_string,
        },
    )
    everything = _functions(root, host_json)
    functions = [function for function in everything if function.disabled is None]
    keys = _keys(state, everything) if with_keys else None
    own_entrance = make_own_entrance()
    urls = _durable_urls(origin, task_hub(host_json.extensions.durable_task.hub_name, os.environ), keys, own_entrance)
    service = Service()
    signalr = SignalRBindings(emulated, service, os.environ)
    queue_options = host_json.extensions.queues
    connections = Connections(os.environ)
    storage = StorageBindings(connections, queue_options.message_encoding, os.environ)
    pool = make_pool(os.environ)
    client_json = urls.binding_json()

    async def durable_client(_: Binding, __: BindingData) -> str:
        return client_json

    invoker = Invoker(
        root,
        pool,
        inputs={"durableClient": durable_client, "signalRConnectionInfo": signalr.connection_info, BLOB: storage.read},
        outputs={"signalR": signalr.send, QUEUE: storage.enqueue, BLOB: storage.write},
        limit=TimeLimit(host_json.function_timeout),
    )
    app = DurableApp(functions, invoker)
    engine = SqliteEngine(state, app, _engine_options(host_json))
    routes = RouteTable(functions, host_json.extensions.http.route_prefix)
    limit = body_limit(os.environ)
    dispatcher = FunctionDispatcher(routes, invoker, _style(functions), limit, keys)
    timers = Timers(functions, invoker, Monitor(state.with_name(f"{state.name}.timers.json")), os.environ)
    hub_events = SignalRTriggers(functions, invoker)
    queues = QueueTriggers(functions, invoker, connections, queue_options, os.environ)
    triggers = Triggers(timers, queues, hub_events)
    admin = AdminApi(everything, routes.urls(origin), triggers, origin)
    hub = SignalRApi(emulated, service, fire=hub_events.fire)
    hub.routes.append(UpstreamWebhook(hub_events, signalr.endpoint).route)
    middleware = _cors(local)
    if keys is not None:
        admin.routes += KeyRoutes(keys).routes
        middleware.append(Middleware(KeyGate, keys=keys, own_entrance=own_entrance))
    page = PageApi(Overview(engine), functions, routes.urls(origin), timers.next_occurrence)
    web = Starlette(middleware=middleware)
    durable = DurableApi(engine, urls, limit)
    web.router.default = Front([*admin.routes, *page.routes, *durable.routes, *hub.routes], dispatcher)
    return Host(
        functions=everything,
        routes=routes,
        engine=engine,
        web=web,
        listener=listener,
        signalr=service,
        triggers=triggers,
        closing=_closing(pool, connections),
    )


def _closing(pool: ThreadPoolExecutor, connections: Connections) -> contextlib.AsyncExitStack:
    closing = contextlib.AsyncExitStack()
    closing.callback(pool.shutdown, wait=False, cancel_futures=True)
    closing.push_async_callback(connections.close)
    closing.push_async_callback(_close_sdk_session)
    return closing


def _functions(root: Path, host_json: HostJson) -> list[Function]:
    loaded = mark_disabled(load_functions(root, os.environ), host_json.functions, os.environ)
    return mark_conflicting_events(mark_conflicting_routes(loaded))


def _keys(state: Path, functions: list[Function]) -> KeyRing:
    return KeyRing(keys_file(state), (function.name for function in functions), [DURABLE_EXTENSION, SIGNALR_EXTENSION])


def _durable_urls(origin: str, hub: str, keys: KeyRing | None, own_entrance: str) -> DurableUrls:
    if keys is None:
        return DurableUrls(origin, origin, hub)
    return DurableUrls(origin, f"{origin}{own_entrance}", hub, keys.of_extension(DURABLE_EXTENSION))


def _engine_options(host_json: HostJson) -> EngineOptions:
    try:
        return EngineOptions.from_host_json(host_json.model_dump(by_alias=True))
    except ValueError as error:
        raise StartupError(f"{error}.") from error


def _style(functions: list[Function]) -> HttpStyle:
    if not uses_fastapi(functions):
        return ClassicStyle()
    from devhost.http.fastapi_types import FastApiStyle  # noqa: PLC0415 - slow to import, and few apps have FastAPI

    return FastApiStyle()


def _cors(local: LocalSettings) -> list[Middleware]:
    """CORS for the functions, as local.settings.json asks for it under Core Tools; none otherwise."""
    origins = [origin.strip() for origin in local.host.cors.split(",") if origin.strip()]
    if not origins:
        return []
    return [
        Middleware(
            CORSMiddleware,
            allow_origins=origins,
            allow_credentials=local.host.cors_credentials,
            allow_methods=["*"],
            allow_headers=["*"],
        )
    ]


async def _close_sdk_session() -> None:
    """Close the HTTP session that the durable SDK keeps for the life of the process and has no public end for."""
    http = sys.modules.get("azure.durable_functions.models.utils.http_utils")
    if http is not None:
        await http._close_session()
