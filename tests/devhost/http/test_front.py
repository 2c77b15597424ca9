from __future__ import annotations

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Host, Route

from devhost.http.front import Front


async def own(request: Request) -> Response:
    return PlainTextResponse("host")


FRONT = Front([Route("/admin/host/{id}", own), Route("/client", own)], PlainTextResponse("function"))


@pytest.mark.parametrize(
    ("path", "who"),
    [
        ("/admin/host/1", "host"),
        ("/admin/else", "function"),
        ("/client", "host"),
        ("/", "function"),
        ("/a", "function"),
    ],
)
async def test_the_host_answers_at_its_own_paths_alone(path: str, who: str) -> None:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(FRONT), base_url="http://t") as client:
        assert (await client.get(path)).text == who


def test_a_route_it_could_never_find_is_refused() -> None:
    with pytest.raises(AssertionError):
        Front([Host("example.org", FRONT)], FRONT)
