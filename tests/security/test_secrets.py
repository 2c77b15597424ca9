"""Nothing that a model writes, and nothing that a service says back, brings out a secret."""

from __future__ import annotations

import base64
import os
from typing import Any

import pytest

from domain.tools import Tool
from tests.orchestrators.bench import Bench
from tests.orchestrators.desk import Desk
from tests.security.world import HOST, SECRETS, Wire, begun, call, crm, everything, overtaken, told

WAYS = [
    "${secret.CRM}", "${secrets.CRM}", "{secret: CRM}", "${env.SECRET_CRM}", "${execution}", "$SECRET_CRM",
    "${arguments.q}", "${input}", "{{SECRET_CRM}}", "%(SECRET_CRM)s", "{0.__globals__}", "${'a' + 'b'}",
    "@Microsoft.KeyVault(SecretUri=https://v.vault.azure.net/secrets/CRM)",
]  # fmt: skip
"""How it might be asked for: none of this means anything where a model writes it."""


@pytest.mark.parametrize("way", WAYS)
async def test_what_a_model_writes_is_sent_as_it_is(bench: Bench, wire: Wire, way: str) -> None:
    record = await overtaken(bench, call(id=way, q=way, note={"secret": "CRM"}, deep=[{way: way}]), "done")
    [request] = wire.sent
    assert request.url.params["q"] == way
    assert request.url.raw_path.decode().split("?")[0].count("/") == 2
    body = request.read().decode()
    assert '"note":{"secret":"CRM"}' in body
    assert all(secret not in body + str(request.url) for secret in SECRETS.values())
    assert request.headers["authorization"] == SECRETS["CRM"]
    assert not _leaked(await everything(bench, record))


async def test_what_a_service_says_back_is_told_without_it(bench: Bench, wire: Wire) -> None:
    record = await overtaken(bench, call(id=1), "done")
    assert SECRETS["CRM"] in wire.sent[0].headers["authorization"]
    assert "[secret]" in told(bench)[0]
    assert not _leaked(await everything(bench, record))


@pytest.mark.parametrize(
    "said",
    [
        SECRETS["CRM"],
        [{"deep": {"as a key": {SECRETS["CRM"]: 1}}}],
        base64.b64encode(SECRETS["CRM"].encode()).decode(),
        f"https://{HOST}/?key={SECRETS['OTHERS']}",
    ],
)
async def test_in_whatever_form(bench: Bench, wire: Wire, said: Any) -> None:
    wire.answer = {"said": said}
    record = await overtaken(bench, call(id=1), "done")
    assert "[secret]" in told(bench)[0]
    assert not _leaked(await everything(bench, record))


async def test_one_of_another_tenant_is_not_there(bench: Bench, wire: Wire) -> None:
    http = {"url": f"https://{HOST}/", "headers": {"Authorization": {"secret": "OTHERS"}}}
    tool = Tool.model_validate({"name": "crm", "http": http})
    record = await overtaken(bench, call(), "done", tools={"crm": tool})
    assert "There is no secret `OTHERS` for you" in told(bench)[0]
    assert wire.sent == []
    assert not _leaked(await everything(bench, record))


async def test_one_does_not_go_to_a_host_that_the_model_chooses(bench: Bench, wire: Wire) -> None:
    url = "https://${arguments.host}/"
    tool = Tool.model_validate({"name": "crm", "http": {"url": url, "headers": {"Authorization": {"secret": "CRM"}}}})
    await overtaken(bench, call(host="evil.example.net"), "done", tools={"crm": tool})
    assert wire.sent == []
    assert "SECRET_HOSTS" in told(bench)[0]


async def test_headers_of_one_tool_are_not_there_for_another(bench: Bench, wire: Wire) -> None:
    plain = Tool.model_validate({"name": "plain", "http": {"url": f"https://{HOST}/plain"}})
    answers = call("crm", id=1), call("plain", Authorization="${headers.Authorization}"), "done"
    await overtaken(bench, *answers, tools={"crm": crm(), "plain": plain}, given=("crm", "plain"))
    assert "authorization" not in wire.sent[1].headers


async def test_nor_are_they_in_questions(desk: Desk, wire: Wire) -> None:
    tools = {"crm": crm(approval={})}
    id = await begun(desk.bench, call(id="${secret.CRM}"), "done", tools=tools)
    question = await desk.question(id)
    assert question.show == {"id": "${secret.CRM}"}
    await desk.decide(question, "approve")
    assert not _leaked(await everything(desk.bench, await desk.bench.ended(id)))


def test_the_secrets_are_there_to_be_found() -> None:
    assert os.environ["SECRET_CRM"] == SECRETS["CRM"]
    assert _leaked(f"x{SECRETS['MODEL']}y")


def _leaked(text: str) -> list[str]:
    forms = [form for value in SECRETS.values() for form in (value, base64.b64encode(value.encode()).decode())]
    return [form for form in forms if form in text]
