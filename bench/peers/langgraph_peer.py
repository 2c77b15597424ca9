"""LangGraph with its AsyncSqliteSaver. Arguments: the state folder, the durability mode."""

from __future__ import annotations

import asyncio
import operator
import sys
from pathlib import Path
from typing import Annotated, Any, TypedDict

from langchain_core.messages import AIMessage, HumanMessage
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver
from langgraph.graph import END, START, MessagesState, StateGraph
from langgraph.types import Send

from bench.peers.serving import PARTICIPANTS, TASK, serve
from bench.stub import model

stub = model()


class FanState(TypedDict):
    parts: list[str]
    answers: Annotated[list[str], operator.add]


class PartState(TypedDict):
    index: int
    part: str


def agent(name: str) -> Any:
    async def node(state: MessagesState, config: RunnableConfig) -> dict[str, Any]:
        turn = len(state["messages"])
        text = await stub.answer(f"{config['configurable']['thread_id']}:{turn}")
        return {"messages": [AIMessage(text, name=name)]}

    return node


def chain(size: int) -> tuple[StateGraph, dict[str, Any]]:
    graph = StateGraph(MessagesState)
    names = [f"agent-{number}" for number in range(size)]
    for name in names:
        graph.add_node(name, agent(name))
    for before, after in zip([START, *names], [*names, END], strict=True):
        graph.add_edge(before, after)
    return graph, {"messages": [HumanMessage(TASK)]}


def fan_out(size: int) -> tuple[StateGraph, dict[str, Any]]:
    async def work(state: PartState, config: RunnableConfig) -> dict[str, Any]:
        return {"answers": [await stub.answer(f"{config['configurable']['thread_id']}:{state['index']}")]}

    def each(state: FanState) -> list[Send]:
        return [Send("work", {"index": index, "part": part}) for index, part in enumerate(state["parts"])]

    graph = StateGraph(FanState)
    graph.add_node("work", work)
    graph.add_conditional_edges(START, each, ["work"])
    graph.add_edge("work", END)
    return graph, {"parts": [f"part {number} of {TASK}" for number in range(size)], "answers": []}


def chat(size: int) -> tuple[StateGraph, dict[str, Any]]:
    names = [f"agent-{number}" for number in range(PARTICIPANTS)]

    def next_speaker(state: MessagesState) -> str:
        turns = len(state["messages"]) - 1
        return END if turns >= size else names[turns % len(names)]

    graph = StateGraph(MessagesState)
    graph.add_edge(START, names[0])
    for name in names:
        graph.add_node(name, agent(name))
        graph.add_conditional_edges(name, next_speaker, [*names, END])
    return graph, {"messages": [HumanMessage(TASK)]}


GRAPHS = {"chain": chain, "fan_out": fan_out, "chat": chat}


class LangGraphPeer:
    def __init__(self, saver: AsyncSqliteSaver, durability: str, settings: str) -> None:
        self.settings = settings
        self._saver = saver
        self._durability = durability
        self._compiled: dict[tuple[str, int], tuple[Any, dict[str, Any]]] = {}

    async def run(self, kind: str, size: int, id: str) -> int:
        graph, given = self._graph(kind, size)
        return await self._invoke(graph, given, size, id)

    async def resume(self, kind: str, size: int, id: str) -> int:
        graph, _ = self._graph(kind, size)
        return await self._invoke(graph, None, size, id)

    def _graph(self, kind: str, size: int) -> tuple[Any, dict[str, Any]]:
        if (kind, size) not in self._compiled:
            graph, given = GRAPHS[kind](size)
            self._compiled[kind, size] = (graph.compile(checkpointer=self._saver), given)
        return self._compiled[kind, size]

    async def _invoke(self, graph: Any, given: dict[str, Any] | None, size: int, id: str) -> int:
        config = {"configurable": {"thread_id": id}, "recursion_limit": size + 10}
        end = await graph.ainvoke(given, config, durability=self._durability)
        return len(end["answers"]) if "answers" in end else len(end["messages"]) - 1


async def main(state: Path, durability: str) -> None:
    async with AsyncSqliteSaver.from_conn_string(str(state / "checkpoints.db")) as saver:
        await saver.setup()
        found = [
            (await (await saver.conn.execute(f"PRAGMA {name}")).fetchone())[0]
            for name in ("journal_mode", "synchronous")
        ]
        await serve(LangGraphPeer(saver, durability, f"durability {durability}, journal {found[0]}, sync {found[1]}"))


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2]))
