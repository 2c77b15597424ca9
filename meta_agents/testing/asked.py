"""One request to the model stub, as it came."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

JsonObject = dict[str, Any]

_WORD = re.compile(r"\[\[stub:(?P<verb>[a-z_]+)(?: (?P<rest>.*?))?\]\]", re.DOTALL)


@dataclass(frozen=True)
class Asked:
    """A request for a chat completion: `body` as JSON, `headers` with names in small letters."""

    body: JsonObject
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def messages(self) -> list[JsonObject]:
        return list(self.body["messages"])

    @property
    def model(self) -> str:
        return str(self.body["model"])

    @property
    def tools(self) -> list[str]:
        """Names of the tools offered, in their order."""
        return [tool["function"]["name"] for tool in self.body.get("tools") or ()]

    @property
    def last(self) -> str:
        """The text of the last message."""
        return text_of(self.messages[-1])

    @property
    def system(self) -> str:
        """The texts of all system messages: an agent's instructions."""
        return "\n\n".join(text_of(one) for one in self.messages if one["role"] in ("system", "developer"))

    @property
    def key(self) -> str:
        """Its `Idempotency-Key`, or nothing."""
        return self.headers.get("idempotency-key", "")

    @property
    def call(self) -> str:
        """Which call of its execution: the step's path, with `#1` for its second call; nothing if not ours."""
        return self.key.partition(":")[2].removesuffix("#0")


@dataclass(frozen=True)
class Word:
    """A special word in a message: `[[stub:VERB REST]]`."""

    verb: str
    rest: str = ""


def messages_hash(request: JsonObject) -> str:
    """The SHA-256 of the request's messages, hexadecimal."""
    text = json.dumps(request.get("messages"), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def special_word(request: JsonObject) -> Word | None:
    """The first special word of the last user message."""
    users = [message for message in request["messages"] if message["role"] == "user"]
    found = _WORD.search(text_of(users[-1])) if users else None
    return Word(found["verb"], found["rest"] or "") if found else None


def text_of(message: JsonObject) -> str:
    """A message's text, whether it is given as a string or in parts."""
    content = message.get("content") or ""
    return content if isinstance(content, str) else "".join(part.get("text", "") for part in content)
