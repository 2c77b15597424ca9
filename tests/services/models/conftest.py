from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Callable

import pytest

from services.models.client import ModelClient, ModelRequest
from services.settings import Settings
from tests.services.models.endpoint import RawEndpoint

SECRET = "sk-this-must-never-be-seen"
MakeClient = Callable[..., ModelClient]


def ask(**fields: object) -> ModelRequest:
    given = {"messages": [{"role": "user", "content": "Hi"}], "idempotency_key": "e:k", "timeout": 5, **fields}
    return ModelRequest.model_validate(given)


@pytest.fixture(autouse=True)
def _no_certificates(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reading them takes most of each test's time, and nothing here speaks TLS."""
    monkeypatch.setattr(ssl.SSLContext, "load_verify_locations", lambda *_, **__: None)


@pytest.fixture
async def endpoint() -> AsyncIterator[RawEndpoint]:
    async with RawEndpoint() as endpoint:
        yield endpoint


@pytest.fixture
async def make_client() -> AsyncIterator[MakeClient]:
    clients: list[ModelClient] = []

    def make(endpoint: RawEndpoint | None, azure_token: object = None, **environment: str) -> ModelClient:
        compatible = {"OPENAI_BASE_URL": f"{endpoint.origin}/v1"} if endpoint else {}
        given = {"OPENAI_API_KEY": SECRET, "MODEL_NAME": "asked-model", **compatible, **environment}
        settings = Settings.from_environment(given)
        clients.append(ModelClient(settings, azure_token))  # type: ignore[arg-type]
        return clients[-1]

    yield make
    for client in clients:
        await client.close()


@pytest.fixture
def client(endpoint: RawEndpoint, make_client: MakeClient) -> ModelClient:
    return make_client(endpoint)
