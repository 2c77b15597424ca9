"""Artifacts in Azure's own client and a real Azurite."""

from __future__ import annotations

import asyncio
import re
import socket
import uuid
from collections.abc import AsyncIterator, Awaitable, Iterator
from pathlib import Path
from typing import Any

import jwt
import pytest
from azure.core.credentials import AccessToken
from azure.identity import CredentialUnavailableError
from azure.storage.blob import BlobServiceClient

from domain.errors import Code, Problem, ProblemError
from services.artifacts.base import ArtifactStore, ref_of
from services.artifacts.blob import LARGE, OPTIONS, BlobArtifacts
from services.artifacts.names import name_of
from tests.services.artifacts.conformance import ArtifactStoreConformance, P
from tests.support.azurite import ACCOUNT, Azurite, connection_string
from tests.support.faults import Fault, Proxy, altered, before, cut_after, cut_off, lost, refused, silence

VERSION = "2021-12-02"
TENANT = "ab1f708d-50f6-404c-a006-d71b2ac7a606"


class Identity:
    """In place of the platform's. The token's signature is of no account to Azurite."""

    def __init__(self) -> None:
        self.scopes: set[str] = set()
        self.is_closed = False

    async def get_token(self, *scopes: str, **_: Any) -> AccessToken:
        self.scopes.update(scopes)
        end = 4_000_000_000
        claims: dict[str, Any] = {"aud": "https://storage.azure.com", "iss": f"https://sts.windows.net/{TENANT}/"}
        claims |= {"iat": 1_700_000_000, "nbf": 1_700_000_000, "exp": end, "oid": TENANT, "tid": TENANT, "sub": "s"}
        return AccessToken(jwt.encode(claims, "k" * 32, "HS256"), end)

    async def close(self) -> None:
        self.is_closed = True

    async def __aenter__(self) -> Identity:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The SDK's next attempt does not wait."""
    monkeypatch.setitem(OPTIONS, "random_jitter_range", 0)
    monkeypatch.setitem(OPTIONS, "increment_base", 0)


@pytest.fixture
def container() -> str:
    return f"t{uuid.uuid4().hex}"


@pytest.fixture
async def store(azurite: Azurite, container: str) -> AsyncIterator[ArtifactStore]:
    store = BlobArtifacts.by_connection_string(azurite.connection, container)
    yield store
    await store.close()


@pytest.fixture
async def other(azurite: Azurite, container: str) -> AsyncIterator[ArtifactStore]:
    store = BlobArtifacts.by_connection_string(azurite.connection, container)
    yield store
    await store.close()


@pytest.fixture
def blobs(azurite: Azurite) -> Iterator[BlobServiceClient]:
    """Blob storage as a test looks at it."""
    with BlobServiceClient.from_connection_string(azurite.connection, api_version=VERSION) as client:
        yield client


@pytest.fixture
def proxy(azurite: Azurite) -> Iterator[Proxy]:
    with before(azurite.blob_port) as proxy:
        yield proxy


@pytest.fixture
async def troubled(proxy: Proxy, container: str) -> AsyncIterator[ArtifactStore]:
    """A store between which and Azurite is the proxy."""
    store = BlobArtifacts.by_connection_string(connection_string(proxy.port, 1), container)
    yield store
    await store.close()


class TestConformance(ArtifactStoreConformance):
    pass


class TestByIdentity(ArtifactStoreConformance):
    """Over https with tokens, in a container that is there."""

    @pytest.fixture
    def identity(self) -> Identity:
        return Identity()

    @pytest.fixture
    async def store(
        self, secure_azurite: Azurite, authority: Path, identity: Identity, container: str
    ) -> AsyncIterator[ArtifactStore]:
        store = self.made(secure_azurite, authority, identity, container)
        await store._container.create_container()
        yield store
        await store.close()
        assert identity.scopes == {"https://storage.azure.com/.default"}
        assert identity.is_closed

    @pytest.fixture
    async def other(
        self, store: ArtifactStore, secure_azurite: Azurite, authority: Path, container: str
    ) -> AsyncIterator[ArtifactStore]:
        other = self.made(secure_azurite, authority, Identity(), container)
        yield other
        await other.close()

    async def test_a_container_that_is_not_there_is_not_made(
        self, secure_azurite: Azurite, authority: Path, identity: Identity
    ) -> None:
        store = self.made(secure_azurite, authority, identity, "not-there")
        try:
            for asked in (store.put(P, b"", "text/plain"), store.get(P, "0" * 64), store.drop(P)):
                with pytest.raises(ProblemError, match="container is not there") as caught:
                    await asked
                assert caught.value.problem.code is Code.PLATFORM_FAILED
                assert caught.value.problem.action == "Create the one that BLOB_CONTAINER names."
        finally:
            await store.close()

    @staticmethod
    def made(azurite: Azurite, authority: Path, identity: Identity, container: str) -> BlobArtifacts:
        endpoint = f"https://127.0.0.1:{azurite.blob_port}/{ACCOUNT}"
        return BlobArtifacts.by_identity(endpoint, container, identity, connection_verify=str(authority))


async def put(store: ArtifactStore, content: bytes = b"content") -> str:
    return await store.put(P, content, "text/plain")


async def problem_of(asked: Awaitable[object]) -> Problem:
    with pytest.raises(ProblemError) as caught:
        await asked
    problem = caught.value.problem
    assert (problem.code, problem.retryable) == (Code.PLATFORM_FAILED, True)
    return problem


async def test_what_is_kept(store: ArtifactStore, blobs: BlobServiceClient, container: str) -> None:
    ref = await store.put(P, b"{}", "application/json")
    [kept] = blobs.get_container_client(container).list_blobs()
    assert kept.name == f"acme/executions/0123/@{ref}" == name_of(P, ref)
    assert kept.content_settings.content_type == "application/json"


async def test_the_same_again_is_not_written(
    store: ArtifactStore, blobs: BlobServiceClient, container: str, troubled: ArtifactStore, proxy: Proxy
) -> None:
    refs = [await put(store), await put(store, b"x" * LARGE)]
    before = {blob.name: blob.etag for blob in blobs.get_container_client(container).list_blobs()}
    assert [await put(troubled), await put(troubled, b"x" * LARGE)] == refs
    assert {blob.name: blob.etag for blob in blobs.get_container_client(container).list_blobs()} == before
    assert proxy.seen == [("PUT", 409), ("HEAD", 200)]  # what is large is not even sent


async def test_one_request_writes_and_one_reads(store: ArtifactStore, troubled: ArtifactStore, proxy: Proxy) -> None:
    await store.put("another", b"so that the container is there", "text/plain")
    ref = await put(troubled)
    assert await troubled.get(P, ref) == b"content"
    await troubled.drop(P)
    assert proxy.seen == [("PUT", 201), ("GET", 206), ("GET", 200), ("DELETE", 202)]


async def test_a_container_is_made_once(store: ArtifactStore, other: ArtifactStore) -> None:
    await store.drop(P)
    with pytest.raises(ProblemError, match="There is no artifact"):
        await store.get(P, "0" * 64)
    refs = await asyncio.gather(*(put(maker, str(n).encode()) for n in range(8) for maker in (store, other)))
    assert len(set(refs)) == 8


async def test_a_damaged_artifact_is_not_handed_out(
    store: ArtifactStore, blobs: BlobServiceClient, container: str
) -> None:
    ref = await put(store)
    blobs.get_blob_client(container, name_of(P, ref)).upload_blob(b"conten", overwrite=True)
    assert "is damaged" in (await problem_of(store.get(P, ref))).message


async def test_many_are_dropped_page_by_page(store: ArtifactStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.artifacts.blob.PAGE", 7)
    refs = await asyncio.gather(*(put(store, str(n).encode()) for n in range(20)))
    kept = await store.put(f"{P}4", b"neighbour", "text/plain")
    await store.drop(P)
    for ref in refs:
        with pytest.raises(ProblemError, match="There is no artifact"):
            await store.get(P, ref)
    assert await store.get(f"{P}4", kept) == b"neighbour"


@pytest.mark.parametrize("size", [10, LARGE])
@pytest.mark.parametrize("faults", [[cut_off], [lost], [lost, lost], [refused(503, "ServerBusy")], [lost, cut_off]])
async def test_a_write_in_trouble_is_done_once(
    store: ArtifactStore, troubled: ArtifactStore, proxy: Proxy, faults: list[Fault], size: int
) -> None:
    await store.put("another", b"so that the container is there", "text/plain")
    proxy.fault("PUT", *faults)
    content = b"x" * size
    ref = await put(troubled, content)
    assert proxy.is_quiet
    assert await store.get(P, ref) == content


@pytest.mark.parametrize("fault", [cut_off, lost, cut_after(0), cut_after(1000), refused(500, "InternalError")])
async def test_a_read_in_trouble_is_done_again(
    store: ArtifactStore, troubled: ArtifactStore, proxy: Proxy, fault: Fault
) -> None:
    content = bytes(range(256)) * 1000
    ref = await put(store, content)
    proxy.fault("GET", fault)
    assert await troubled.get(P, ref) == content
    assert proxy.is_quiet


@pytest.mark.parametrize("fault", [cut_off, lost, refused(503, "ServerBusy")])
async def test_a_drop_in_trouble_leaves_nothing(
    store: ArtifactStore, troubled: ArtifactStore, proxy: Proxy, fault: Fault
) -> None:
    refs = [await put(store, str(number).encode()) for number in range(3)]
    proxy.fault("DELETE", fault)
    proxy.fault("GET", fault)
    await troubled.drop(P)
    assert proxy.is_quiet
    for ref in refs:
        with pytest.raises(ProblemError, match="There is no artifact"):
            await store.get(P, ref)


async def test_a_drop_that_failed_is_completed_by_the_next(
    store: ArtifactStore, troubled: ArtifactStore, proxy: Proxy
) -> None:
    refs = [await put(store, str(number).encode()) for number in range(3)]
    proxy.fault("DELETE", refused(403, "AuthorizationPermissionMismatch"))
    assert "could not be removed" in (await problem_of(troubled.drop(P))).message
    await troubled.drop(P)
    for ref in refs:
        with pytest.raises(ProblemError, match="There is no artifact"):
            await store.get(P, ref)


ALWAYS = 3  # attempts of the SDK


@pytest.mark.parametrize(
    ("faults", "says", "does"),
    [
        ([refused(503, "ServerBusy", Retry_After="7")] * ALWAYS, r"it is busy \(503\)", "retry"),
        ([refused(500, "InternalError")] * ALWAYS, "it answered 500 InternalError", "retry"),
        ([refused(403, "AuthorizationPermissionMismatch")], "does not let this app", "`Storage Blob Data Contributor`"),
        ([refused(403, "AuthorizationFailure")], "refuses requests from here", "firewall"),
        ([refused(401, "InvalidAuthenticationInfo")], "does not let this app", "`Storage Blob Data Contributor`"),
        ([refused(409, "BlobArchived")], "archive tier", "Rehydrate"),
        ([refused(409, "ContainerBeingDeleted")], "it answered 409 ContainerBeingDeleted", "retry"),
        ([refused(400, "InvalidUri")], "it answered 400 InvalidUri", "retry"),
    ],
)
@pytest.mark.parametrize("method", ["GET", "PUT"])
async def test_what_does_not_pass_is_a_problem(
    store: ArtifactStore, troubled: ArtifactStore, proxy: Proxy, faults: list[Fault], says: str, does: str, method: str
) -> None:
    ref = await put(store)
    proxy.fault(method, *faults)
    problem = await problem_of(troubled.get(P, ref) if method == "GET" else put(troubled, b"new"))
    assert proxy.is_quiet
    assert re.search(says, problem.message), problem.message
    assert does in problem.action
    assert len(proxy.seen) == len(faults)


@pytest.mark.parametrize("status", [429, 503])
async def test_how_long_to_wait_is_told(
    store: ArtifactStore, troubled: ArtifactStore, proxy: Proxy, status: int
) -> None:
    ref = await put(store)
    proxy.fault("GET", *[refused(status, "ServerBusy", Retry_After="7")] * (ALWAYS if status == 503 else 1))
    assert (await problem_of(troubled.get(P, ref))).retry_after == 7


@pytest.mark.parametrize("method", ["GET", "PUT"])
async def test_a_connection_that_is_always_cut_is_a_problem(
    store: ArtifactStore, troubled: ArtifactStore, proxy: Proxy, method: str
) -> None:
    ref = await put(store)
    proxy.fault(method, *[cut_off] * 20)
    problem = await problem_of(troubled.get(P, ref) if method == "GET" else put(troubled, b"new"))
    assert "it cannot be reached: Server disconnected" in problem.message
    assert len(proxy.seen) <= 2 * ALWAYS  # aiohttp asks once more each time


async def test_a_body_that_is_always_cut_is_a_problem(
    store: ArtifactStore, troubled: ArtifactStore, proxy: Proxy
) -> None:
    ref = await put(store)
    proxy.fault("GET", *[cut_after(3)] * ALWAYS)
    assert "the connection was cut" in (await problem_of(troubled.get(P, ref))).message


async def test_content_that_another_put_in_its_place_is_found_out(
    store: ArtifactStore, troubled: ArtifactStore, proxy: Proxy
) -> None:
    ref = await put(store)
    proxy.fault("GET", altered(b"CONTENT"))
    assert "is damaged" in (await problem_of(troubled.get(P, ref))).message


@pytest.mark.parametrize("method", ["GET", "PUT"])
async def test_silence_is_a_problem(
    store: ArtifactStore, troubled: ArtifactStore, proxy: Proxy, method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ref = await put(store)
    monkeypatch.setattr("services.artifacts.blob.WITHIN", 0.05)
    proxy.fault(method, silence)
    problem = await problem_of(troubled.get(P, ref) if method == "GET" else put(troubled, b"new"))
    assert "it did not answer in time" in problem.message


async def test_nothing_is_there(container: str) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        store = BlobArtifacts.by_connection_string(connection_string(nobody.getsockname()[1], 1), container)
        problem = await problem_of(store.get(P, ref_of(b"")))
        await store.close()
    assert "it cannot be reached" in problem.message
    assert "BLOB_ENDPOINT" in problem.action


async def test_no_token(secure_azurite: Azurite, authority: Path, container: str) -> None:
    class Nobody(Identity):
        async def get_token(self, *scopes: str, **_: Any) -> AccessToken:
            raise CredentialUnavailableError("No managed identity here.")

    store = TestByIdentity.made(secure_azurite, authority, Nobody(), container)
    problem = await problem_of(put(store))
    await store.close()
    assert "there is no token for it: No managed identity here" in problem.message
    assert "AZURE_CLIENT_ID" in problem.action
