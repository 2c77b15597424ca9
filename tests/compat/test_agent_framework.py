"""Microsoft's Agent Framework on the local host: its own durable app, unchanged, through a kill -9 with all it knew."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from meta_agents.testing import MODEL, ModelStub
from tests.crash.system import wait_until
from tools.processes import ROOT, Host

APP = Path(__file__).parent / "apps" / "agents"
PACKAGES = ROOT / ".venv" / "agent-framework"
DURABLE = "/runtime/webhooks/durabletask"


class Agents:
    """The app on a host that may be killed, before a model that does not fall with it."""

    def __init__(self, host: Host, stub: ModelStub, http: httpx.Client) -> None:
        self.host = host
        self.stub = stub
        self.http = http

    def run(self, agent: str, message: str, session: str, *, wait: bool = True) -> dict[str, Any]:
        body = {"message": message, "session_id": session, "wait_for_response": wait}
        response = self.http.post(f"/api/agents/{agent}/run", json=body)
        assert response.status_code == (200 if wait else 202), response.text
        answer: dict[str, Any] = response.json()
        return answer

    def turns(self, agent: str, session: str) -> list[dict[str, Any]]:
        """What the agent's entity remembers of a session: requests and responses in turn."""
        state = self.http.get(f"{DURABLE}/entities/dafx-{agent}/{session}").raise_for_status().json()
        turns: list[dict[str, Any]] = state["data"]["conversationHistory"]
        return turns

    def orchestrate(self, name: str, text: str) -> Any:
        path = f"{DURABLE}/orchestrators/{name}?timeout=30&pollingInterval=0.1"
        response = self.http.post(path, json=f'"{text}"')
        assert response.status_code == 200, response.text
        return response.json()

    def kill_and_start(self) -> None:
        self.host.kill()
        self.host.start()


@pytest.fixture(scope="module")
def agents(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Agents]:
    folder = tmp_path_factory.mktemp("agents")
    with ModelStub(folder / "model.jsonl") as stub:
        environment = {**stub.environment(), "OPENAI_MODEL": MODEL, "PYTHONPATH": str(PACKAGES)}
        with (
            Host(folder, app=APP, environment=environment) as host,
            httpx.Client(base_url=host.address, timeout=60, trust_env=False) as http,
        ):
            yield Agents(host, stub, http)


def test_a_session_is_kept_in_an_entity_through_a_kill_during_a_model_call(agents: Agents) -> None:
    assert agents.run("optimist", "one", "s")["message_count"] == 2
    asked = len(agents.stub.log("start"))
    agents.stub.control("slow", times=1, delay=60)
    agents.run("optimist", "two", "s", wait=False)
    wait_until(lambda: len(agents.stub.log("start")) > asked, "the second call to the model")
    agents.kill_and_start()
    wait_until(lambda: len(agents.turns("optimist", "s")) == 4, "the second answer")
    last = agents.run("optimist", "three", "s")
    assert (last["status"], last["message_count"]) == ("success", 6)
    # The stub's answers say how many messages it was sent: instructions, then all that was said before.
    assert last["response"].startswith("answer 6 to ")
    said = [turn["messages"][0]["contents"][0]["text"] for turn in agents.turns("optimist", "s")]
    assert said[::2] == ["one", "two", "three"]


def test_an_agent_calls_its_tools(agents: Agents) -> None:
    agents.run("sceptic", '[[stub:tool temperature {"city": "Oslo"}]]', "tools")
    [_, answered] = agents.turns("sceptic", "tools")
    contents = [content for message in answered["messages"] for content in message["contents"]]
    assert [content["result"] for content in contents if "result" in content] == ["21 degrees in Oslo"]


def test_orchestrations_talk_with_agents_one_after_the_other_at_once_and_one_way(agents: Agents) -> None:
    first, second = agents.orchestrate("chain", "begin")
    assert first.startswith("answer 2 to ")
    assert second.startswith("answer 4 to ")
    before = len(agents.stub.log("sent"))
    assert len(agents.orchestrate("both", "begin")) == 2
    wait_until(lambda: len(agents.stub.log("sent")) == before + 3, "the answer nobody waits for")


def test_a_workflow_waits_for_a_human_through_a_kill(agents: Agents) -> None:
    started = agents.http.post("/api/workflow/loud/run", json="hello").raise_for_status().json()

    def status() -> dict[str, Any]:
        state: dict[str, Any] = agents.http.get(started["statusQueryGetUri"]).raise_for_status().json()
        return state

    wait_until(lambda: "pendingHumanInputRequests" in status(), "the question")
    [question] = status()["pendingHumanInputRequests"]
    assert question["requestData"] == "hello"
    agents.kill_and_start()
    agents.http.post(question["respondUrl"], json=True).raise_for_status()
    wait_until(lambda: status()["runtimeStatus"] == "Completed", "the workflow's end", every=0.05)
    assert status()["output"] == ["HELLO"]
