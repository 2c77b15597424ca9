"""A workflow whose agents call tools of every kind, several at a time and round after round; and what they say."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from meta_agents.testing import Asked
from meta_agents.testing.answers import Answer
from meta_agents.testing.control import Turn
from tests.crash.counting import CountingTools
from tests.crash.system import System

DELIVERIES = ("at_most_once", "at_least_once", "idempotent")
TOOLS = [name.replace("_", "-") for name in DELIVERIES] + ["noted", "ask-clerk", "errand"]
AGENTS = ("buyer", "seller")
ROUNDS = 3
PATIENT = {"attempts": 6, "first_delay": "PT0.05S"}
MODEL_MS = 40


def prepare(system: System, tools: CountingTools) -> None:
    """Store the tools, and the agents that have them."""
    put = system.client.tools.put
    for delivery, name in zip(DELIVERIES, TOOLS, strict=False):
        http = {"url": f"http://{tools.host}/{delivery}"}
        put({"name": name, "http": http, "delivery": delivery})
    put({"name": "noted", "function": "noted"})
    errand = [
        {"id": "there", "tool": "at-most-once", "arguments": {"what": "${input.what}, there"}, "retry": PATIENT},
        {"id": "back", "tool": "noted", "arguments": {"what": "${input.what}, back"}, "retry": PATIENT},
    ]
    what = {"type": "object", "required": ["what"], "properties": {"what": {"type": "string"}}}
    output = "${steps.there.output.did.what} and ${steps.back.output.did.what}"
    system.client.workflows.put({"name": "errand", "input": what, "steps": errand, "output": output})
    put({"name": "errand", "workflow": "errand"})
    system.client.agents.put({"name": "clerk", "instructions": "You are the clerk.", "tools": TOOLS[:4]})
    put({"name": "ask-clerk", "agent": "clerk"})
    system.agents(*AGENTS, tools=TOOLS)


def workflow(about: str) -> dict[str, Any]:
    """Two who work beside each other, each with tools; what comes of it says all that they were told."""
    branches = [{"id": agent, "agent": agent, "input": f"{about}, {agent}.", "retry": PATIENT} for agent in AGENTS]
    return {
        "name": "tool-users",
        "steps": [{"id": "both", "concurrent": branches}],
        "output": "${steps.both.output.buyer} ${steps.both.output.seller}",
    }


def script(asked: Asked) -> Turn:
    """What the model says: which tools it asks for depends on the words so far alone, and so does the end."""
    said = json.dumps(asked.messages, sort_keys=True)
    digest = hashlib.sha256(said.encode()).digest()
    done = sum(message["role"] == "assistant" for message in asked.messages)
    is_clerk = "You are the clerk." in asked.system
    if done >= (1 if is_clerk else ROUNDS):
        return _turn(Answer(f"answer {digest.hex()[:12]}"), digest)
    names = asked.tools
    # The two kinds that must not be done twice are in each round; the other two are as chance has it.
    picked = [names[0], names[3], *(names[part % len(names)] for part in digest[: 0 if is_clerk else 2])]
    calls = tuple((name, json.dumps(_arguments(name, f"{digest.hex()[:6]}.{n}"))) for n, name in enumerate(picked))
    return _turn(Answer("", tool_calls=calls), digest)


def _arguments(tool: str, what: str) -> dict[str, str]:
    return {"task": f"Do {what}."} if tool == "ask-clerk" else {"what": what}


def _turn(answer: Answer, digest: bytes) -> Turn:
    return Turn(answer=answer, delay=digest[5] / 256 * MODEL_MS / 1000)
