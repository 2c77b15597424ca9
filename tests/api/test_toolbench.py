"""Tools tried by hand, functions listed, and definitions made of an OpenAPI document."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from services.tools import functions
from services.tools.functions import tool_function
from services.wiring import Services
from tests.api.conftest import problem

PETS = yaml.safe_load((Path(__file__).parents[1] / "domain" / "openapi" / "petstore.yaml").read_text("utf-8"))
OPERATOR = {"Authorization": "Bearer operator"}
READER = {"Authorization": "Bearer reader"}


@pytest.fixture(autouse=True)
def calls(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What the function `send-mail` was called with."""
    monkeypatch.setattr(functions, "_registered", {})
    made: list[dict[str, Any]] = []

    @tool_function("send-mail")
    def send_mail(to: str, text: str = "Hi", *, idempotency_key: str) -> dict[str, Any]:
        """Sends a mail."""
        made.append({"to": to, "text": text, "key": idempotency_key})
        if to == "nobody":
            raise LookupError("there is no such address")
        return {"sent": len(made)}

    return made


@pytest.fixture
async def mail(api: httpx.AsyncClient) -> None:
    assert (await api.post("/api/tools", json={"name": "mail", "function": "send-mail"})).status_code == 201


class TestFunctions:
    async def test_one_that_there_is_not_is_a_warning(self, api: httpx.AsyncClient) -> None:
        async def said(function: str) -> list[str]:
            definitions = [{"kind": "tool", "definition": {"name": "mail", "function": function}}]
            [result] = (await api.post("/api/validate", json={"definitions": definitions})).json()["results"]
            assert result["valid"], result
            return [warning["message"] for warning in result["warnings"]]

        assert await said("send-mial") == [
            "this deployment knows no tool function `send-mial`; did you mean `send-mail`?"
        ]
        assert await said("send-mail") == []

    async def test_they_are_listed_with_what_they_take(self, api: httpx.AsyncClient) -> None:
        assert (await api.get("/api/tools/functions")).json() == {
            "items": [
                {
                    "name": "send-mail",
                    "description": "Sends a mail.",
                    "takes_key": True,
                    "input": {
                        "type": "object",
                        "additionalProperties": False,
                        "required": ["to"],
                        "properties": {"to": {"type": "string"}, "text": {"type": "string", "default": "Hi"}},
                    },
                }
            ]
        }

    async def test_a_tool_without_input_takes_the_functions(self, api: httpx.AsyncClient, mail: None) -> None:
        definition = (await api.get("/api/tools/mail")).json()["definition"]
        assert definition["input"]["required"] == ["to"]
        assert definition["description"] == "Sends a mail."
        same = await api.put("/api/tools/mail", json={"function": "send-mail"})
        assert same.json()["version"] == 1

    async def test_what_a_tool_says_itself_stays(self, api: httpx.AsyncClient) -> None:
        own = {"name": "mail", "function": "send-mail", "input": {"type": "object", "required": ["to"]}}
        assert (await api.post("/api/tools", json=own)).json()["definition"]["input"] == own["input"]

    async def test_one_that_is_not_registered_here_is_kept_as_it_is(self, api: httpx.AsyncClient) -> None:
        kept = await api.post("/api/tools", json={"name": "other", "function": "elsewhere"})
        assert kept.json()["definition"] == {"name": "other", "function": "elsewhere"}


class TestCalls:
    async def test_it_is_called_once_and_nothing_is_recorded(
        self,
        api: httpx.AsyncClient,
        mail: None,
        calls: list[dict[str, Any]],
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        caplog.set_level(logging.INFO, "meta_agents.audit")
        done = await api.post("/api/tools/mail/call", json={"arguments": {"to": "ann@example.com"}}, headers=OPERATOR)
        assert done.status_code == 200
        found = done.json()
        assert (found["result"], found["error"], found["version"]) == ({"sent": 1}, None, 1)
        assert found["seconds"] >= 0
        assert len(calls) == 1
        assert calls[0]["key"].startswith("bench:")
        [line] = [record.getMessage() for record in caplog.records if record.name == "meta_agents.audit"]
        assert "tenant=one by=olga tool=mail version=1 ended=completed" in line
        assert "ann@example.com" not in line
        assert (await api.get("/api/executions")).json()["items"] == []

    async def test_the_key_may_be_given(self, api: httpx.AsyncClient, mail: None, calls: list[dict[str, Any]]) -> None:
        headers = {"Idempotency-Key": "mine"}
        await api.post("/api/tools/mail/call", json={"arguments": {"to": "a"}}, headers=headers)
        assert calls[0]["key"] == "mine"

    async def test_its_failure_is_shown(self, api: httpx.AsyncClient, mail: None) -> None:
        found = (await api.post("/api/tools/mail/call", json={"arguments": {"to": "nobody"}})).json()
        assert found["result"] is None
        assert found["error"]["code"] == "tool_failed"
        assert "there is no such address" in found["error"]["message"]

    async def test_arguments_that_do_not_fit_are_not_sent(
        self, api: httpx.AsyncClient, mail: None, calls: list[dict[str, Any]]
    ) -> None:
        refused = await api.post("/api/tools/mail/call", json={"arguments": {"text": 5}})
        problem(refused, 422, "invalid_input")
        assert {error["pointer"] for error in refused.json()["errors"]} == {"/arguments/to", "/arguments/text"}
        problem(await api.post("/api/tools/mail/call", json={"argument": {}}), 400, "invalid_request")
        assert calls == []

    async def test_who_may(self, api: httpx.AsyncClient, mail: None, calls: list[dict[str, Any]]) -> None:
        body = {"arguments": {"to": "a"}}
        problem(await api.post("/api/tools/mail/call", json=body, headers=READER), 403, "forbidden")
        two = {"Authorization": "Bearer two"}
        problem(await api.post("/api/tools/mail/call", json=body, headers=two), 404, "not_found")
        problem(await api.post("/api/tools/mail/call", json={**body, "version": 2}), 404, "not_found")
        asks = {"name": "mail", "function": "send-mail", "approval": {"roles": ["author"]}}
        await api.put("/api/tools/mail", json=asks)
        problem(await api.post("/api/tools/mail/call", json=body, headers=OPERATOR), 403, "forbidden")
        assert calls == []

    async def test_workflows_and_agents_are_not_called_alone(self, api: httpx.AsyncClient, brief: str) -> None:
        await api.post("/api/tools", json={"name": "sub", "workflow": "brief"})
        refused = await api.post("/api/tools/sub/call", json={})
        problem(refused, 400, "invalid_request")
        assert "Start workflow `brief`" in refused.json()["action"]


class TestImport:
    async def test_its_operations_become_definitions(self, api: httpx.AsyncClient) -> None:
        done = (await api.post("/api/tools/import", json=PETS)).json()
        assert [(item["name"], item["change"], item["version"]) for item in done["items"]][:2] == [
            ("list-pets", "created", 1),
            ("create-pet", "created", 1),
        ]
        assert {left["operation"] for left in done["left"]} == {"upload", "outside"}
        stored = (await api.get("/api/tools/list-pets")).json()
        assert stored["definition"] == done["items"][0]["definition"]
        again = (await api.post("/api/tools/import", json=PETS)).json()
        assert {item["change"] for item in again["items"]} == {"unchanged"}

    async def test_some_of_them_as_yaml_without_keeping_any(self, api: httpx.AsyncClient) -> None:
        done = await api.post(
            "/api/tools/import",
            params={"operation": "listPets", "keep": "false", "secret": "petKey:MY_KEY", "server": "https://x.example"},
            content=yaml.safe_dump(PETS),
            headers={"Content-Type": "application/yaml"},
        )
        [item] = done.json()["items"]
        assert item["change"] == "shown"
        assert item["definition"]["http"]["headers"]["X-Pet-Key"] == {"secret": "MY_KEY"}
        problem(await api.get("/api/tools/list-pets"), 404, "not_found")

    @pytest.mark.parametrize(
        ("params", "document"),
        [
            ({"operation": "nope"}, PETS),
            ({"secret": "petKey"}, PETS),
            ({"secret": "petKey:lower"}, PETS),
            ({}, {"swagger": "2.0"}),
            ({}, []),
        ],
    )
    async def test_what_cannot_be_imported(self, api: httpx.AsyncClient, params: dict[str, str], document: Any) -> None:
        problem(await api.post("/api/tools/import", params=params, json=document), 400, "invalid_request")

    async def test_only_authors_do(self, api: httpx.AsyncClient, services: Services) -> None:
        problem(await api.post("/api/tools/import", json=PETS, headers=OPERATOR), 403, "forbidden")
        assert await services.tool_definitions.list("one") == ([], None)


async def test_a_function_that_cannot_be_a_tool_is_told_of(api: httpx.AsyncClient) -> None:
    @tool_function("positional")
    def positional(a: int, /) -> int:
        return a

    problem(await api.get("/api/tools/functions"), 503, "platform_failed")
    problem(await api.post("/api/tools", json={"name": "x", "function": "positional"}), 503, "platform_failed")
