"""The service about itself, and its interface held still."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

import httpx
import pytest

from api import VERSION, about
from api.app import create_app
from domain.errors import Code
from services.wiring import Services
from tests.api.conftest import problem

ROOT = Path(__file__).parent.parent.parent


async def test_health_needs_no_token(api: httpx.AsyncClient) -> None:
    del api.headers["authorization"]
    answer = await api.get("/api/health")
    assert answer.status_code == 200
    assert answer.json()["status"] == "ok"
    assert answer.json()["version"] == VERSION
    assert answer.json()["model"].keys() == {"name", "provider"}
    assert answer.json().keys() == {"status", "version", "build", "model"}


async def test_a_deep_look_tries_each_store_and_needs_a_token(api: httpx.AsyncClient) -> None:
    answer = await api.get("/api/health", params={"deep": "true"})
    assert answer.status_code == 200
    assert answer.json()["checks"].keys() == {"documents", "artifacts"}
    del api.headers["authorization"]
    problem(await api.get("/api/health", params={"deep": "true"}), 401, "unauthenticated")


async def test_a_deep_look_names_the_store_that_does_not_work(api: httpx.AsyncClient, services: Services) -> None:
    await services.documents.close()
    wrong = problem(await api.get("/api/health", params={"deep": "true"}), 503, "platform_failed")
    assert list(wrong) == ["/checks/documents"]
    assert (await api.get("/api/health")).status_code == 200


def test_the_build_is_what_the_package_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(about, "ROOT", tmp_path)
    about.build.cache_clear()
    assert about.build() is None
    (tmp_path / "build.txt").write_text("abc-1\n")
    about.build.cache_clear()
    assert about.build() == "abc-1"
    about.build.cache_clear()


def test_the_version_is_the_projects() -> None:
    assert tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"] == VERSION


@pytest.mark.parametrize(("name", "key"), [("agent", "instructions"), ("workflow", "steps"), ("schedule", "cron")])
async def test_schemas_of_definitions(api: httpx.AsyncClient, name: str, key: str) -> None:
    assert key in (await api.get(f"/api/schemas/{name}")).json()["properties"]


async def test_there_are_no_other_schemas(api: httpx.AsyncClient) -> None:
    problem(await api.get("/api/schemas/execution"), 404, "not_found")


async def test_openapi_is_served_whole(api: httpx.AsyncClient) -> None:
    document = (await api.get("/api/openapi.json")).json()
    assert document["openapi"].startswith("3.1")
    references = [part.split('"')[0] for part in json.dumps(document).split('"$ref": "#/components/schemas/')[1:]]
    assert set(references) <= document["components"]["schemas"].keys()


def test_the_interface_is_the_one_written_down() -> None:
    written = json.loads((ROOT / "docs" / "openapi.json").read_text())
    assert create_app().openapi() == written, (
        "The HTTP interface has changed. If that is meant, tell its users (CHANGELOG.md), then write it down:\n"
        "  .venv/bin/python -m api.openapi > docs/openapi.json"
    )


@pytest.mark.parametrize("code", list(Code))
def test_every_code_is_explained(code: Code) -> None:
    assert f"## {code}\n" in (ROOT / "docs" / "errors.md").read_text()


OF_ANY_KIND = re.compile(r"/api/(agents|datasets|prompts|tools|workflows)(?=(/\{name\}(/versions|/uses)?)?$)")


def test_every_route_is_explained() -> None:
    explained = (ROOT / "docs" / "api.md").read_text()
    for path, methods in create_app().openapi()["paths"].items():
        for method in methods:
            shown = OF_ANY_KIND.sub("/api/{kind}", path)
            told = rf"^(?:.*`)?{method.upper()} +{re.escape(shown)}(?![/\w{{])"
            assert re.search(told, explained, re.MULTILINE), (method, shown)
