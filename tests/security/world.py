"""The attackers' view: a network that is listened to, tools to misuse, and a model that says what it is told."""

from __future__ import annotations

import json
from typing import Any

import httpx

from domain.events import Event
from domain.executions import Execution
from domain.tools import Tool
from domain.values import Json
from services.settings import Settings
from services.tools.client import ToolClient
from tests.orchestrators.bench import Bench
from tests.support.resolving import leads_to
from tests.support.scripted_model import Answer, Calls, calls

SECRETS = {
    "CRM": "crm-key-4711-do-not-tell",
    "OTHERS": "key-of-another-tenant-0815",
    "MODEL": "sk-model-key-never-told",
}
HOST = "api.example.com"
STEP = {"id": "s", "agent": "x", "input": "Help."}


class Wire:
    """Stands for the network. `answer` is what every service says; unset: it says back all that it was sent.

    `leads_to`: instead, every service says that this is another address.
    """

    def __init__(self) -> None:
        self.sent: list[httpx.Request] = []
        self.answer: Json = None
        self.leads_to = ""

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.sent.append(request)
        if self.leads_to:
            return httpx.Response(307, headers={"Location": self.leads_to})
        if self.answer is not None:
            return httpx.Response(200, json=self.answer)
        content = request.content.decode()
        return httpx.Response(200, json={"url": str(request.url), "headers": dict(request.headers), "body": content})

    @property
    def hosts(self) -> set[str]:
        return {request.headers["host"] for request in self.sent}


def tool_client(wire: Wire) -> ToolClient:
    settings = Settings.from_environment(
        {
            "TOOL_HOSTS": HOST,
            "SECRET_CRM": SECRETS["CRM"],
            "SECRET_OTHERS": SECRETS["OTHERS"],
            "SECRET_HOSTS": json.dumps({"CRM": [HOST], "OTHERS": [HOST]}),
            "SECRET_TENANTS": json.dumps({"OTHERS": ["another"]}),
        }
    )
    return ToolClient(settings, leads_to("93.184.216.34"), httpx.MockTransport(wire))


def crm(**more: Any) -> Tool:
    """A tool with a secret, and arguments in every part of its request."""
    http = {
        "url": f"https://{HOST}/customers/${{arguments.id}}",
        "headers": {"Authorization": {"secret": "CRM"}},
        "query": {"q": "${has(arguments.q) ? arguments.q : ''}"},
        "body": "${arguments}",
    }
    made = {"name": "crm", "http": http, "delivery": "idempotent", "input": ANYTHING, **more}
    return Tool.model_validate(made)


ANYTHING = {"type": "object"}


async def overtaken(
    bench: Bench,
    *answers: Answer,
    tools: dict[str, Tool] | None = None,
    given: tuple[str, ...] = ("crm",),
    **more: Any,
) -> Execution:
    """An execution whose model says these things one after the other, whoever asks; it has the tools `given`."""
    id = await begun(bench, *answers, tools=tools, given=given, **more)
    return await bench.ended(id)


async def begun(
    bench: Bench,
    *answers: Answer,
    tools: dict[str, Tool] | None = None,
    given: tuple[str, ...] = ("crm",),
    step: dict[str, Any] = STEP,
    **more: Any,
) -> str:
    bench.model._script = lambda request: answers[min(len(bench.model.asked), len(answers)) - 1]
    x = {"tools": list(given), **more.pop("x", {})}
    steps = {"steps": [step], **more.pop("workflow", {})}
    return await bench.begin(steps, tools=tools or {"crm": crm()}, x=x, **more)


def call(tool: str = "crm", /, **arguments: Any) -> Calls:
    return calls((tool, arguments))


def told(bench: Bench) -> list[str]:
    """The results of tools as the model has seen them, in order."""
    return [one["content"] for one in bench.model.asked[-1].messages if one["role"] == "tool"]


async def everything(bench: Bench, record: Execution) -> str:
    """All that is left of an execution: its record, its log with what is kept beside it, and what its model saw."""
    log: list[Event] = await bench.log(record.id)
    values = [await bench.services.events.value(record.tenant, record.id, event) for event in log]
    seen = [request.messages for request in bench.model.asked]
    told = [record.model_dump(mode="json"), [event.model_dump(mode="json") for event in log], values, seen]
    return json.dumps(told, ensure_ascii=False)
