"""Microsoft's worker library with one function app in it, driven as the Functions host drives it.

Its state is global, so it is one app per process: see `process.py`. Everything here runs on one event loop.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import uuid
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import azure_functions_runtime as library
import httpx

from tests.azure.messages import PROTOS

SECONDS = 60
"""Until an answer that must come is taken for one that never will, on a busy machine."""
Data = Mapping[str, Any]
"""One field of TypedData by its name: `{"json": text}`, `{"string": text}`, `{"bytes": …}`."""


class Refused(Exception):
    """The library does not load the app; the message is its own."""


@dataclass(frozen=True)
class Indexed:
    """A function as the library announces it: `bindings` as parsed JSON, `directions` by name as numbers."""

    name: str
    bindings: list[dict[str, Any]]
    directions: dict[str, tuple[str, int]]


@dataclass(frozen=True)
class Invocation:
    """What came of one call. `error` is the library's text, or None."""

    error: str | None
    returned: Data | None
    outputs: dict[str, Data]


@dataclass(frozen=True)
class Answer:
    """An HTTP response, with the pieces its body came in, and the invocation that made it."""

    status: int
    headers: dict[str, str]
    pieces: list[bytes]
    invocation: Invocation

    @property
    def body(self) -> bytes:
        return b"".join(self.pieces)

    def json(self) -> Any:
        return json.loads(self.body)


class Worker:
    def __init__(self) -> None:
        self._ids: dict[str, str] = {}
        self._http_at: str | None = None

    async def start(self, folder: Path) -> list[Indexed]:
        """Index and load the app in the folder; its functions. Raises `Refused`."""
        os.chdir(folder)
        sys.path.insert(0, str(folder))
        library.start_threadpool_executor()
        init = {"capabilities": {}, "function_app_directory": str(folder)}
        answer = await library.worker_init_request(_request(worker_init_request=init))
        _check(answer.result)
        self._http_at = answer.capabilities.get("HttpUri")
        asked = _request(functions_metadata_request={"function_app_directory": str(folder)})
        found = (await library.functions_metadata_request(asked)).function_metadata_results
        for metadata in found:
            load = {"function_id": metadata.function_id, "metadata": metadata}
            _check((await library.function_load_request(_request(function_load_request=load))).result)
            self._ids[metadata.name] = metadata.function_id
        return [_indexed(metadata) for metadata in found]

    async def invoke(
        self,
        name: str,
        inputs: Mapping[str, Data],
        invocation_id: str | None = None,
        metadata: Mapping[str, Data] | None = None,
    ) -> Invocation:
        """Call a function with what its trigger and input bindings, and the trigger's metadata, get from the host."""
        invocation = {
            "invocation_id": invocation_id or str(uuid.uuid4()),
            "function_id": self._ids[name],
            "input_data": [
                PROTOS.ParameterBinding(name=parameter, data=PROTOS.TypedData(**data))
                for parameter, data in inputs.items()
            ],
            "trigger_metadata": {key: PROTOS.TypedData(**data) for key, data in (metadata or {}).items()},
            "trace_context": SimpleNamespace(trace_parent="", trace_state="", attributes={}),
            "retry_context": SimpleNamespace(retry_count=0, max_retry_count=0, exception=None),
        }
        answer = await library.invocation_request(_request(invocation_request=invocation))
        failure = answer.result.exception
        return Invocation(
            error=f"{failure.message}\n{failure.stack_trace}" if failure else None,
            returned=vars(answer.return_value) if answer.return_value else None,
            outputs={output.name: vars(output.data) for output in answer.output_data or ()},
        )

    async def request(self, name: str, method: str, path: str, inputs: Mapping[str, Data], sent: Data) -> Answer:
        """An HTTP request to a function of the FastAPI kind: announced as an invocation, sent to the library's server.

        `inputs` are those of the bindings beside the trigger; `sent` has httpx's `headers`, `json`, `content`.
        """
        async with self._requested(name, method, path, inputs, sent) as (response, invoked):
            pieces = [piece async for piece in response.aiter_bytes()]
            return Answer(response.status_code, dict(response.headers), pieces, await invoked)

    async def follow(
        self, name: str, path: str, inputs: Mapping[str, Data], sent: Data, then: tuple[str, Mapping[str, Data]]
    ) -> tuple[bytes, Answer]:
        """A GET whose answer goes on while `then` is called: what had come before that, and the whole."""
        async with self._requested(name, "GET", path, inputs, sent) as (response, invoked):
            arriving = response.aiter_bytes()
            before = await anext(arriving)
            function, given = then
            failed = (await self.invoke(function, given)).error
            assert failed is None, failed
            pieces = [before, *[piece async for piece in arriving]]
            return before, Answer(response.status_code, dict(response.headers), pieces, await invoked)

    @asynccontextmanager
    async def _requested(
        self, name: str, method: str, path: str, inputs: Mapping[str, Data], sent: Data
    ) -> AsyncIterator[tuple[httpx.Response, asyncio.Task[Invocation]]]:
        invocation_id = str(uuid.uuid4())
        http = PROTOS.RpcHttp(method=method, url=path, headers={}, params={}, query={}, body=PROTOS.TypedData())
        given = {"req": {"http": http}, **inputs}
        headers = {**sent.get("headers", {}), "x-ms-invocation-id": invocation_id}
        # The server's socket is opened by a task of its own, perhaps after our first try.
        transport = httpx.AsyncHTTPTransport(retries=5)
        async with (
            asyncio.timeout(SECONDS),
            asyncio.TaskGroup() as tasks,
            httpx.AsyncClient(transport=transport, base_url=self._http_at or "", timeout=SECONDS) as client,
        ):
            invoked = tasks.create_task(self.invoke(name, given, invocation_id))
            async with client.stream(method, path, **{**sent, "headers": headers}) as response:
                yield response, invoked


def _request(**content: Mapping[str, Any]) -> SimpleNamespace:
    fields = {name: SimpleNamespace(**value) for name, value in content.items()}
    return SimpleNamespace(request=SimpleNamespace(**fields), properties={"host": "127.0.0.1", "protos": PROTOS})


def _check(result: Any) -> None:
    if result.status != PROTOS.StatusResult.Success:
        raise Refused(result.exception.message)


def _indexed(metadata: Any) -> Indexed:
    return Indexed(
        name=metadata.name,
        bindings=[json.loads(text) for text in metadata.raw_bindings],
        directions={name: (info.type, int(info.direction)) for name, info in metadata.bindings.items()},
    )
