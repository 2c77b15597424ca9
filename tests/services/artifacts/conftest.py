"""One Azurite for all tests here, over http with its key, and another over https with tokens."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from tests.support.azurite import Azurite, running


@pytest.fixture(scope="session")
def azurite() -> Iterator[Azurite]:
    with running() as azurite:
        yield azurite


@pytest.fixture(scope="session")
def secure_azurite(authority: Path) -> Iterator[Azurite]:
    with running(tls=(authority.with_name("leaf.pem"), authority.with_name("key.pem"))) as azurite:
        yield azurite


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The certificate to trust; beside it what Azurite shows."""
    folder, authority = tmp_path_factory.mktemp("tls"), trustme.CA()
    leaf = authority.issue_cert("127.0.0.1")
    (folder / "leaf.pem").write_bytes(b"".join(blob.bytes() for blob in leaf.cert_chain_pems))
    leaf.private_key_pem.write_to_path(folder / "key.pem")
    authority.cert_pem.write_to_path(folder / "authority.pem")
    return folder / "authority.pem"
