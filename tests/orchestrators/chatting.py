"""Group chats as tests write them and read them."""

from __future__ import annotations

import json
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any

from domain.events import Event
from orchestrators.group_chat import group_chat
from services.models.base import ModelRequest
from tests.orchestrators.bench import Bench

NAMES = ["ann", "bob", "cat"]
SO_FAR = "The discussion so far:\n\n"


def chat(*stops: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """A workflow of one chat, `panel`, of nine turns at the most."""
    until = {"any": [*stops, {"turns": 9}]}
    rules = {"participants": NAMES, "task": "Settle ${input}.", "until": until, **fields}
    return {"steps": [{"id": "panel", "group_chat": rules}]}


def speaker_of(request: ModelRequest) -> str:
    return str(request.messages[0]["content"]).removeprefix("You are ").removesuffix(".")


def asked_of(bench: Bench, name: str) -> list[str]:
    """The user messages to one agent, in order."""
    return [request.messages[-1]["content"] for request in bench.model.asked if speaker_of(request) == name]


def discussion(text: str) -> list[str]:
    """The paragraphs of what a speaker is shown of the discussion."""
    return text.partition(SO_FAR)[2].split("\n\n")[:-1]


def said_in(request: ModelRequest) -> list[str]:
    """The turns that the speaker was shown."""
    return [line for line in discussion(request.messages[-1]["content"]) if line.partition(":")[0] in [*NAMES, "jo"]]


async def events(bench: Bench, id: str, type: str) -> list[Event]:
    return [event for event in await bench.log(id) if event.type == type]


async def ended(bench: Bench, id: str) -> dict[str, Any]:
    """What the log says of the chat's end."""
    [event] = await events(bench, id, "chat.ended")
    return event.data


async def chosen(bench: Bench, id: str) -> list[tuple[str | None, str]]:
    """Who was chosen to speak, and by whom or what."""
    return [(event.agent, event.data["by"]) for event in await events(bench, id, "chat.speaker_chosen")]


def by_agent(**answers: Any) -> Callable[[ModelRequest], Any]:
    """A script: what each agent answers, a function of its number of calls so far where it is one."""
    calls: dict[str, int] = {}

    def script(request: ModelRequest) -> Any:
        name = speaker_of(request)
        calls[name] = calls.get(name, 0) + 1
        answer = answers.get(name, f"{name} says {calls[name]}")
        return answer(calls[name]) if callable(answer) else answer

    return script


@dataclass
class Counting:
    """A durable context that counts what a generation does, and keeps what it hands to the next."""

    context: Any
    actions: int = 0
    handed_on: str | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self.context, name)

    def call_activity(self, *arguments: Any) -> Any:
        self.actions += 1
        return self.context.call_activity(*arguments)

    def signal_entity(self, *arguments: Any) -> Any:
        self.actions += 1
        return self.context.signal_entity(*arguments)

    def continue_as_new(self, payload: Any) -> None:
        self.handed_on = json.dumps(payload)
        self.context.continue_as_new(payload)


def counted(bench: Bench) -> list[Counting]:
    """Every generation of the bench's chats from now on, once it has ended."""
    generations: list[Counting] = []

    def counting(context: Any) -> Generator[Any, Any, Any]:
        one = Counting(context)
        result = yield from group_chat(one)
        generations.append(one)
        return result

    bench.app.replace("group_chat", counting)
    return generations
