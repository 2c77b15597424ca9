"""The built web page: what is served, how long it may be kept, and what is not reachable."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from api.app import create_app
from tests.api.conftest import problem


@pytest.fixture
def dist(tmp_path: Path) -> Path:
    return tmp_path / "dist"


@pytest.fixture
def app(dist: Path) -> FastAPI:
    return create_app(dist)


@pytest.fixture
def built(dist: Path) -> Path:
    (dist / "assets").mkdir(parents=True)
    (dist / "index.html").write_text("<title>Page</title>")
    (dist / "assets" / "index-abc.js").write_text("1")
    (dist / "icon.svg").write_text("<svg/>")
    (dist.parent / "secret.txt").write_text("secret")
    return dist


@pytest.mark.usefixtures("built")
class TestBuilt:
    async def test_the_page_is_looked_up_anew(self, api: httpx.AsyncClient) -> None:
        del api.headers["authorization"]
        answer = await api.get("/")
        assert (answer.status_code, answer.text) == (200, "<title>Page</title>")
        assert answer.headers["content-type"].startswith("text/html")
        assert answer.headers["cache-control"] == "no-cache"
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
        assert answer.headers["x-content-type-options"] == "nosniff"
        again = await api.get("/", headers={"If-None-Match": answer.headers["etag"]})
        assert again.status_code == 304

    async def test_assets_are_kept(self, api: httpx.AsyncClient) -> None:
        answer = await api.get("/assets/index-abc.js")
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert "javascript" in answer.headers["content-type"]
        assert (await api.get("/icon.svg")).headers["cache-control"] == "no-cache"

    async def test_head(self, api: httpx.AsyncClient) -> None:
        answer = await api.head("/")
        assert (answer.status_code, answer.content) == (200, b"")

    @pytest.mark.parametrize(
        "path",
        [
            "/assets",
            "/assets/",
            "/assets/missing.js",
            "/missing",
            "/../secret.txt",
            "/%2e%2e/secret.txt",
            "/assets/..%2f..%2fsecret.txt",
            "/..%5csecret.txt",
            "//etc/passwd",
            "/%00",
            "/" + "x" * 300,
        ],
    )
    async def test_what_is_not_there(self, api: httpx.AsyncClient, path: str) -> None:
        problem(await api.get(httpx.URL("http://api.test", raw_path=path.encode())), 404, "not_found")


async def test_a_page_that_is_not_built_says_how(api: httpx.AsyncClient) -> None:
    answer = await api.get("/")
    assert answer.status_code == 200
    assert "make setup" in answer.text
    assert answer.headers["cache-control"] == "no-store"
    problem(await api.get("/assets/index.js"), 404, "not_found")
