from __future__ import annotations

import httpx
import pytest

from meta_agents.errors import unreachable

REQUEST = httpx.Request("GET", "http://127.0.0.1:7071/api/me")


@pytest.mark.parametrize(
    ("cause", "action"),
    [(httpx.ConnectError("refused"), "`make start`"), (httpx.ReadTimeout("timed out"), "deep=true")],
)
def test_who_is_not_there_and_who_is_slow_are_told_apart(cause: httpx.RequestError, action: str) -> None:
    assert action in unreachable(REQUEST, cause).action
