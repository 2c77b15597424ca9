"""Which models there are: from the variables, from the file, and as they were stored."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from domain.errors import Code, ProblemError
from domain.models import ModelAlias
from services.documents.base import DocumentStore
from services.models.registry import FRESH, ModelRegistry
from services.settings import Settings, SettingsError
from tests.support import stores

OPENAI = {"provider": "openai", "model": "gpt-4.1"}
LOCAL = {"provider": "compatible", "model": "m", "base_url": "http://127.0.0.1:1/v1"}
BASE = {"OPENAI_API_KEY": "sk-secret", "MODEL_NAME": "gpt-4.1", "MODEL_ALIASES": '{"small": "gpt-4.1-mini"}'}


def entry(**fields: Any) -> ModelAlias:
    return ModelAlias.model_validate(fields)


def settings(tmp_path: Path, models: Any = None, **environment: str) -> Settings:
    given = {**BASE, **environment}
    if models is not None:
        file = tmp_path / "models.yaml"
        file.write_text(models if isinstance(models, str) else json.dumps({"models": models}))
        given["MODELS_FILE"] = str(file)
    return Settings.from_environment(given)


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


class TestVariables:
    async def test_they_make_the_aliases_they_made(self, tmp_path: Path) -> None:
        known = await ModelRegistry(settings(tmp_path)).known()
        assert {alias: found.entry.model for alias, found in known.items()} == {
            "default": "gpt-4.1",
            "small": "gpt-4.1-mini",
        }
        assert {found.source for found in known.values()} == {"settings"}

    async def test_azure_by_identity(self, tmp_path: Path) -> None:
        azure = settings(tmp_path, AZURE_OPENAI_ENDPOINT="https://x.openai.azure.com")
        found = (await ModelRegistry(azure).known())["default"].entry
        assert (found.provider, found.base_url, found.key_setting) == (
            "azure-openai",
            "https://x.openai.azure.com/",
            None,
        )

    async def test_none(self) -> None:
        assert await ModelRegistry(Settings.from_environment({})).known() == {}

    async def test_windows(self, tmp_path: Path) -> None:
        models = {
            "tiny": {**LOCAL, "context_window": 512, "known_as": "gpt-4o"},
            "local": LOCAL,
            "safe": {**OPENAI, "fallback": ["tiny"]},
            "both": {"cascade": {"first": "tiny", "then": "default"}},
        }
        registry = ModelRegistry(settings(tmp_path, models))
        assert await registry.window("default") == ("gpt-4.1", 128_000)
        assert await registry.window("tiny") == ("gpt-4o", 512)
        assert await registry.window("local") == ("m", 8_192)
        assert await registry.window("safe") == ("gpt-4.1", 512)
        assert await registry.window("both") == ("gpt-4o", 512)
        assert await registry.window("both", escalated=True) == ("gpt-4.1", 128_000)
        assert await registry.window("nobody") == (None, 128_000)
        named = ModelRegistry(settings(tmp_path, models, MODEL_CONTEXT_WINDOW="4000"))
        assert [(await named.window(alias))[1] for alias in ("default", "tiny", "local")] == [4_000, 512, 4_000]


class TestFile:
    async def test_it_goes_before_the_variables(self, tmp_path: Path) -> None:
        known = await ModelRegistry(settings(tmp_path, {"small": LOCAL, "big": OPENAI})).known()
        assert {alias: found.source for alias, found in known.items()} == {
            "default": "settings",
            "small": "file",
            "big": "file",
        }
        assert known["small"].entry.model == "m"

    async def test_without_any_variable(self, tmp_path: Path) -> None:
        file = tmp_path / "models.yaml"
        file.write_text(json.dumps({"models": {"default": LOCAL}}))
        registry = ModelRegistry(Settings.from_environment({"MODELS_FILE": str(file)}))
        assert list(await registry.known()) == ["default"]

    @pytest.mark.parametrize(
        ("models", "says"),
        [
            ("models: {", "is not YAML"),
            ("- x", "models.yaml: /"),
            ("model: {}", "/model"),
            ({"Small": LOCAL}, "/models/Small"),
            ({"small": {**LOCAL, "base_url": "nowhere"}}, "/models/small/base_url: should be an address"),
            ({"small": {**LOCAL, "fallback": ["bigg"]}}, "/models/small/fallback/0: there is no model `bigg`"),
            (
                {"small": {**LOCAL, "api_key": {"env": "MODEL_KEY_X"}}},
                "/models/small/api_key/env: the setting MODEL_KEY_X",
            ),
            (
                {"both": {"cascade": {"first": "small", "then": "default", "accept_schema": {"type": "objekt"}}}},
                "/models/both/cascade/accept_schema/type",
            ),
        ],
    )
    def test_one_that_cannot_be_used(self, tmp_path: Path, models: Any, says: str) -> None:
        with pytest.raises(SettingsError) as caught:
            ModelRegistry(settings(tmp_path, models))
        assert says in str(caught.value)
        assert "sk-secret" not in str(caught.value)

    def test_one_that_is_not_there(self, tmp_path: Path) -> None:
        with pytest.raises(SettingsError, match="cannot be read"):
            ModelRegistry(settings(tmp_path, MODELS_FILE=str(tmp_path / "none.yaml")))


@pytest.fixture
async def documents(tmp_path: Path) -> AsyncIterator[DocumentStore]:
    documents = stores.documents_of(tmp_path)
    yield documents
    await documents.close()


class TestStored:
    async def test_it_goes_before_the_file_until_it_is_deleted(self, tmp_path: Path, documents: DocumentStore) -> None:
        registry = ModelRegistry(settings(tmp_path, {"small": OPENAI}), documents)
        stored = await registry.put("small", entry(**OPENAI, description="Mine."), "ann")
        assert (stored.source, stored.by, stored.entry.description) == ("stored", "ann", "Mine.")
        assert stored.etag
        assert await registry.get("small") == stored
        await registry.delete("small", stored.etag)
        found = await registry.get("small")
        assert found is not None
        assert (found.source, found.etag) == ("file", None)

    async def test_another_process_sees_it_before_long(self, tmp_path: Path, documents: DocumentStore) -> None:
        clock = Clock()
        here, there = ModelRegistry(settings(tmp_path), documents), ModelRegistry(settings(tmp_path), documents, clock)
        assert await there.get("new") is None
        await here.put("new", entry(**OPENAI), "ann")
        assert await there.get("new") is None
        clock.now += FRESH
        assert await there.get("new") is not None

    async def test_of_two_who_change_it_one_is_told(self, tmp_path: Path, documents: DocumentStore) -> None:
        registry = ModelRegistry(settings(tmp_path), documents)
        first = await registry.put("new", entry(**OPENAI), "ann", create_only=True)
        await registry.put("new", entry(**OPENAI, description="x"), "bob", if_match=first.etag)
        for condition in ({"if_match": first.etag}, {"create_only": True}):
            with pytest.raises(ProblemError) as caught:
                await registry.put("new", entry(**OPENAI), "cy", **condition)
            assert caught.value.problem.code is Code.PRECONDITION_FAILED
        with pytest.raises(ProblemError) as caught:
            await registry.delete("new", first.etag)
        assert caught.value.problem.code is Code.PRECONDITION_FAILED

    @pytest.mark.parametrize(
        ("fields", "pointer"),
        [
            ({**LOCAL, "base_url": "https://evil.example/v1"}, "/base_url"),
            ({**OPENAI, "base_url": "https://evil.example/v1"}, "/base_url"),
            ({"provider": "azure-openai", "model": "m", "base_url": "https://api.openai.com"}, "/base_url"),
            ({**OPENAI, "base_url": "http://api.openai.com/v1"}, "/base_url"),
            ({**OPENAI, "fallback": ["nobody"]}, "/fallback/0"),
            ({"cascade": {"first": "new", "then": "small"}}, "/cascade/first"),
            ({**OPENAI, "api_key": {"env": "AZURE_OPENAI_API_KEY"}}, "/api_key/env"),
        ],
    )
    async def test_what_is_not_stored(
        self, tmp_path: Path, documents: DocumentStore, fields: dict[str, Any], pointer: str
    ) -> None:
        registry = ModelRegistry(settings(tmp_path), documents)
        with pytest.raises(ProblemError) as caught:
            await registry.put("new", entry(**fields), "ann")
        assert caught.value.problem.code is Code.INVALID_DEFINITION
        assert [detail.pointer for detail in caught.value.problem.details] == [pointer]
        assert await registry.get("new") is None

    @pytest.mark.parametrize("where", [{"MODEL_HOSTS": "Models.example:8443"}, {"file": True}])
    async def test_hosts_that_the_deployment_names(
        self, tmp_path: Path, documents: DocumentStore, where: dict[str, Any]
    ) -> None:
        mine = {**LOCAL, "base_url": "https://models.example:8443/v1"}
        models = {"theirs": mine} if where.pop("file", None) else None
        registry = ModelRegistry(settings(tmp_path, models, **where), documents)
        assert (await registry.put("new", entry(**mine), "ann")).source == "stored"

    async def test_one_that_others_need(self, tmp_path: Path, documents: DocumentStore) -> None:
        registry = ModelRegistry(settings(tmp_path), documents)
        await registry.put("new", entry(**OPENAI), "ann")
        await registry.put("safe", entry(**OPENAI, fallback=["new"]), "ann")
        with pytest.raises(ProblemError, match="Model `safe` names `new`"):
            await registry.delete("new")
        with pytest.raises(ProblemError) as caught:
            await registry.put("new", entry(cascade={"first": "default", "then": "small"}), "ann")
        assert [(detail.pointer, "`safe` names it" in detail.message) for detail in caught.value.problem.details] == [
            ("/cascade", True)
        ]

    async def test_one_whose_others_went_with_the_file(self, tmp_path: Path, documents: DocumentStore) -> None:
        before = ModelRegistry(settings(tmp_path, {"spare": OPENAI}), documents)
        await before.put("safe", entry(**OPENAI, fallback=["spare"]), "ann")
        after = ModelRegistry(settings(tmp_path), documents)
        assert await after.get("safe") is not None
        assert [detail.pointer for detail in after.mistakes("safe")] == ["/fallback/0"]
