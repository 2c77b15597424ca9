from __future__ import annotations

from typing import Any

import azure.identity
import pytest
from azure.core.credentials import AccessToken
from azure.core.exceptions import ClientAuthenticationError

from services.entra import NoToken, token_provider


class FakeCredential:
    """In place of the one that asks the platform for its identity."""

    made: list[dict[str, Any]]
    asked: list[str]
    error: Exception | None = None

    def __init__(self, **options: Any) -> None:
        self.made.append(options)

    def get_token(self, *scopes: str, **_: Any) -> AccessToken:
        self.asked.extend(scopes)
        if self.error:
            raise self.error
        return AccessToken("token", 4_000_000_000)


@pytest.fixture(autouse=True)
def credential(monkeypatch: pytest.MonkeyPatch) -> type[FakeCredential]:
    FakeCredential.made, FakeCredential.asked, FakeCredential.error = [], [], None
    monkeypatch.setattr(azure.identity, "DefaultAzureCredential", FakeCredential)
    return FakeCredential


async def test_a_token_for_the_scope(credential: type[FakeCredential]) -> None:
    get_token = token_provider("scope/.default", client_id="one-of-many")
    assert [await get_token(), await get_token()] == ["token", "token"]
    assert credential.made == [{"managed_identity_client_id": "one-of-many"}]
    assert set(credential.asked) == {"scope/.default"}


async def test_nothing_is_asked_before_it_is_needed(credential: type[FakeCredential]) -> None:
    token_provider("scope/.default")
    assert credential.made == []


async def test_no_token(credential: type[FakeCredential]) -> None:
    credential.error = ClientAuthenticationError("No identity here.\nAttempted credentials: ...")
    with pytest.raises(NoToken, match=r"^No identity here\.$"):
        await token_provider("scope/.default")()
