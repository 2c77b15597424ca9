"""The API over executions that really run: the bench's engine and scripted model behind the HTTP routes."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import httpx
from fastapi import FastAPI

from api.app import create_app
from domain.errors import Code, Fault, Problem, ProblemError
from services.identity import Principal
from services.wiring import use
from tests.api.conftest import Carried
from tests.orchestrators.bench import TENANT, Bench, EngineClient
from tests.support.scripted_model import Script, ScriptedModel

OTHER = "t2"


@dataclass(frozen=True)
class Living:
    """`api` is the client of the bench's tenant, `other` that of another one."""

    bench: Bench
    api: httpx.AsyncClient
    other: httpx.AsyncClient

    async def run(self, definition: dict[str, Any], input: Any = None, **begin: Any) -> str:
        """Id of an execution that has ended; `input` defaults to `{}`."""
        id = await self.bench.begin(definition, {} if input is None else input, **begin)
        return (await self.bench.ended(id)).id


def _authenticate(authorization: str | None) -> Principal:
    tenant = (authorization or "").removeprefix("Bearer ")
    if tenant not in (TENANT, OTHER):
        raise ProblemError(Problem(code=Code.UNAUTHENTICATED, message="No.", action="Ask.", fault=Fault.CALLER))
    return Principal(tenant=tenant, name=f"someone of {tenant}", roles=("admin",))


@asynccontextmanager
async def living(state_dir: Path, script: Script = lambda request: "yes") -> AsyncIterator[Living]:
    async with Bench(state_dir, ScriptedModel(script)) as bench:
        use(dataclasses.replace(bench.services, authenticate=_authenticate))
        carried = Carried(_app(), EngineClient(bench.engine))
        try:
            async with _client(carried, TENANT) as api, _client(carried, OTHER) as other:
                yield Living(bench, api, other)
        finally:
            use(None)


@cache
def _app() -> FastAPI:
    """One for all tests, over whichever services are in use: making it takes longer than most of them."""
    return create_app(Path("not-built"))


def _client(carried: Carried, tenant: str) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(carried, raise_app_exceptions=False)
    return httpx.AsyncClient(
        transport=transport, base_url="http://api.test", headers={"Authorization": f"Bearer {tenant}"}
    )
