"""Microsoft Agent Framework with its FileCheckpointStorage and its builders. Argument: the state folder."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any

from agent_framework import Agent, BaseChatClient, ChatResponse, FileCheckpointStorage, Message, Workflow
from agent_framework.orchestrations import ConcurrentBuilder, GroupChatBuilder, SequentialBuilder

from bench.peers.serving import PARTICIPANTS, TASK, serve
from bench.stub import ANSWER, model

stub = model()


class StubClient(BaseChatClient):
    """The model of one agent in one execution."""

    def __init__(self, execution: str, name: str) -> None:
        super().__init__()
        self._called_by = f"{execution}:{name}"
        self._calls = 0

    def _inner_get_response(self, *, messages: Any, stream: bool, options: Any, **_: Any) -> Any:
        if stream:
            raise NotImplementedError("this bench does not stream")
        self._calls += 1
        return self._respond(f"{self._called_by}:{self._calls}")

    async def _respond(self, key: str) -> ChatResponse:
        text = await stub.answer(key)
        return ChatResponse(messages=[Message(role="assistant", contents=[text])], response_id="stub")


def agents(execution: str, count: int) -> list[Agent]:
    names = [f"agent-{number}" for number in range(count)]
    return [Agent(client=StubClient(execution, name), name=name, instructions="Be brief.") for name in names]


class AgentFrameworkPeer:
    settings = "files, never fsynced"

    def __init__(self, state: Path) -> None:
        self._state = state

    async def run(self, kind: str, size: int, id: str) -> int:
        workflow, _ = self._workflow(kind, size, id)
        return answers((await workflow.run(TASK)).get_outputs())

    async def resume(self, kind: str, size: int, id: str) -> int:
        workflow, storage = self._workflow(kind, size, id)
        last = await storage.get_latest(workflow_name=workflow.name)
        return answers((await workflow.run(checkpoint_id=last.checkpoint_id)).get_outputs())

    def _workflow(self, kind: str, size: int, id: str) -> tuple[Workflow, FileCheckpointStorage]:
        """A workflow holds the state of its one execution, and so does its folder of checkpoints."""
        storage = FileCheckpointStorage(self._state / id)
        if kind == "chain":
            builder = SequentialBuilder(participants=agents(id, size), checkpoint_storage=storage, output_from="all")
        elif kind == "fan_out":
            builder = ConcurrentBuilder(participants=agents(id, size), checkpoint_storage=storage)
        else:
            builder = GroupChatBuilder(
                participants=agents(id, PARTICIPANTS),
                selection_func=lambda chat: f"agent-{chat.current_round % PARTICIPANTS}",
                max_rounds=size,
                checkpoint_storage=storage,
                output_from="all",
            )
        workflow = builder.build()
        # The builders have no way to say that more than 100 supersteps, 50 turns of a chat, are meant.
        workflow._runner._max_iterations = 2 * size + 100
        return workflow, storage


def answers(outputs: list[Any]) -> int:
    return sum(message.text == ANSWER for output in outputs for message in output.messages)


if __name__ == "__main__":
    asyncio.run(serve(AgentFrameworkPeer(Path(sys.argv[1]))))
