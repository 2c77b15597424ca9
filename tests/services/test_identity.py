from __future__ import annotations

from pathlib import Path

import pytest

from domain.errors import Code, ProblemError
from services.identity import Principal, TokenAuthenticator
from services.settings import Settings

OWNER = Principal(tenant="local", name="owner", roles=("admin",))


def authenticator(state_dir: Path, token: str = "") -> TokenAuthenticator:
    return TokenAuthenticator(
        Settings.from_environment({"META_AGENTS_STATE_DIR": str(state_dir), "META_AGENTS_TOKEN": token})
    )


@pytest.mark.parametrize("header", ["Bearer s3cret", "bearer s3cret", "BEARER   s3cret "])
def test_the_token_opens(tmp_path: Path, header: str) -> None:
    assert authenticator(tmp_path, "s3cret")(header) == OWNER


@pytest.mark.parametrize(
    "header",
    [
        None, "", "Bearer", "Bearer ", "s3cret", "Basic s3cret", "Bearer s3cre", "Bearer s3crets", "Bearer S3CRET",
        "Bearer s3cret s3cret", "Bearers3cret", "Bearer ü", "Bearer \ud800", "Bearer None",
    ],
)  # fmt: skip
@pytest.mark.parametrize("token", ["s3cret", ""])
def test_anything_else_does_not(tmp_path: Path, token: str, header: str | None) -> None:
    with pytest.raises(ProblemError) as caught:
        authenticator(tmp_path, token)(header)
    assert caught.value.problem.code is Code.UNAUTHENTICATED
    assert "s3cret" not in caught.value.problem.model_dump_json()


def test_the_token_file(tmp_path: Path) -> None:
    authenticate = authenticator(tmp_path)
    with pytest.raises(ProblemError, match="No token is set up"):
        authenticate("Bearer one")
    (tmp_path / "token").write_text("one\n")
    assert authenticate("Bearer one") == OWNER
    (tmp_path / "token").write_text("two")
    assert authenticate("Bearer two") == OWNER
    with pytest.raises(ProblemError, match="not the right one"):
        authenticate("Bearer one")
    (tmp_path / "token").write_text(" \n")
    with pytest.raises(ProblemError, match="No token is set up"):
        authenticate("Bearer two")


def test_the_variable_goes_before_the_file(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("file")
    with pytest.raises(ProblemError):
        authenticator(tmp_path, "variable")("Bearer file")
