from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from services import wiring
from services.settings import SettingsError
from services.wiring import Services, build
from tests.services.conftest import settings_for

ROOT = Path(__file__).parents[2]
SLOW = ["openai", "httpx", "httpx2", "jsonschema", "azure", "jwt", "fastapi", "aiohttp"]


@pytest.fixture(autouse=True)
def _restore() -> Iterator[None]:
    yield
    wiring.use(None)


async def test_one_set_per_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("META_AGENTS_STATE_DIR", str(tmp_path))
    services = wiring.services()
    assert wiring.services() is services
    assert services.settings.state_dir == tmp_path
    await services.close()


async def test_tests_may_bring_their_own(services: Services) -> None:
    wiring.use(services)
    assert wiring.services() is services


def test_an_unusable_environment_is_said_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODEL_TIMEOUT", "soon")
    for _ in range(2):
        with pytest.raises(SettingsError, match="MODEL_TIMEOUT"):
            wiring.services()


@pytest.mark.parametrize("name", ["AzureSignalRConnectionString", "BLOB_CONNECTION_STRING"])
def test_a_bad_connection_string_makes_no_files(tmp_path: Path, name: str) -> None:
    with pytest.raises(SettingsError, match=name):
        build(settings_for(tmp_path, **{name: "nonsense"}))
    assert list(tmp_path.iterdir()) == []


async def test_documents_are_in_cosmos_db_where_its_address_is_set(tmp_path: Path) -> None:
    from services.documents.cosmos import CosmosDocuments
    from services.library.cosmos_index import CosmosIndex

    services = build(settings_for(tmp_path, COSMOS_ENDPOINT="https://name.documents.azure.com"))
    assert isinstance(services.documents, CosmosDocuments)
    assert isinstance(services.library._index, CosmosIndex)
    assert not (tmp_path / "documents.db").exists()
    await services.close()


@pytest.mark.parametrize(
    "where",
    [{"BLOB_ENDPOINT": "https://name.blob.core.windows.net"}, {"BLOB_CONNECTION_STRING": "UseDevelopmentStorage=true"}],
)
async def test_artifacts_are_in_blob_storage_where_it_is_named(tmp_path: Path, where: dict[str, str]) -> None:
    from services.artifacts.blob import BlobArtifacts

    services = build(settings_for(tmp_path, **where))
    assert isinstance(services.artifacts, BlobArtifacts)
    await services.close()


def test_importing_services_imports_nothing_slow() -> None:
    code = f"import sys, services.wiring; print([name for name in {SLOW} if name in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
