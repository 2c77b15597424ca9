from __future__ import annotations

from pathlib import Path

import pytest

from meta_agents.errors import InvalidArgument
from meta_agents.settings import DEFAULT_URL, connection


def token_file(folder: Path, token: str) -> None:
    folder.mkdir()
    (folder / "token").write_text(token)


def test_arguments_win_over_the_environment() -> None:
    environment = {"META_AGENTS_URL": "http://elsewhere", "META_AGENTS_TOKEN": "theirs"}

    chosen = connection("http://here", "mine", environment)

    assert (chosen.url, chosen.token) == ("http://here", "mine")


def test_the_environment_wins_over_the_installation_here(tmp_path: Path) -> None:
    token_file(tmp_path / ".local", "local")

    chosen = connection(environment={"META_AGENTS_URL": "http://localhost:1", "META_AGENTS_TOKEN": "theirs"})

    assert (chosen.url, chosen.token) == ("http://localhost:1", "theirs")


def test_without_anything_the_installation_here_is_used(tmp_path: Path) -> None:
    token_file(tmp_path / ".local", "local\n")

    chosen = connection(environment={})

    assert (chosen.url, chosen.token) == (DEFAULT_URL, "local")


def test_the_installation_may_keep_its_state_elsewhere(tmp_path: Path) -> None:
    token_file(tmp_path / "state", "there")

    assert connection(environment={"STATE_DIR": str(tmp_path / "state")}).token == "there"


@pytest.mark.parametrize("url", ["http://localhost:1", "http://127.8.0.1", "http://[::1]:7071"])
def test_the_token_file_is_for_this_machine(tmp_path: Path, url: str) -> None:
    token_file(tmp_path / ".local", "local")

    assert connection(url, environment={}).token == "local"


@pytest.mark.parametrize("url", ["https://example.com", "http://127.0.0.1.example.com", "http://10.0.0.1"])
def test_the_token_file_is_for_nobody_else(tmp_path: Path, url: str) -> None:
    token_file(tmp_path / ".local", "local")

    assert connection(url, environment={}).token is None


def test_no_token_is_not_an_error() -> None:
    assert connection(environment={}).token is None


def test_a_token_file_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    (tmp_path / ".local" / "token").mkdir(parents=True)

    with pytest.raises(InvalidArgument, match="cannot be read"):
        connection(environment={})


@pytest.mark.parametrize("url", ["localhost:7071", "ftp://host", "http://", "https:///x", "http://h:port"])
def test_what_is_not_an_address_is_refused(url: str) -> None:
    with pytest.raises(InvalidArgument, match="is not an address"):
        connection(url, environment={})


def test_the_token_is_not_shown() -> None:
    assert "secret" not in repr(connection(token="secret", environment={}))


@pytest.mark.parametrize("token", ["two words", "line\nbreak", "schlüssel", "\x00"])
def test_a_token_that_no_request_can_carry_is_refused_and_not_repeated(token: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        connection("http://localhost:1", token, {})
    assert token not in str(caught.value)
