"""One attempt at a call, and what is made of an answer before anyone sees it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

from domain.errors import ProblemError
from domain.tools import MOST_BYTES, Tool
from domain.values import MOST_DEPTH, Json, is_deep
from services.tools.problems import tool_failed, tool_refused, tool_uncertain


@dataclass
class Begun:
    """Whether anything was sent, as far as that is known: until then a call was surely not carried out."""

    is_set: bool = False


@dataclass(frozen=True)
class Attempt:
    """A call of `tool` with `arguments` that satisfy its schema; `key` is the same on every attempt.

    Without a `tenant`, secrets that are for some tenants only are not there.
    """

    tool: Tool
    arguments: Json
    key: str
    tenant: str = ""
    begun: Begun = field(default_factory=Begun, compare=False)

    def begin(self) -> None:
        """From here on, it may have been carried out."""
        self.begun.is_set = True

    @property
    def most_bytes(self) -> int:
        return self.tool.max_bytes or MOST_BYTES

    def too_much(self) -> ProblemError:
        message = f"Tool `{self.tool.name}` answered with more than {self.most_bytes} bytes."
        return tool_refused(message, "Ask it for less, or raise the tool's `max_bytes`.")

    def too_late(self, seconds: float) -> ProblemError:
        if self.begun.is_set:
            return self.cut_off(f"it did not answer within {seconds:g} seconds.")
        said = f"it could not be reached within {seconds:g} seconds, and nothing was sent."
        return tool_failed(f"Tool `{self.tool.name}` failed: {said}")

    def cut_off(self, why: str) -> ProblemError:
        """It may have been carried out: made again only where that does no harm."""
        if self.tool.delivery == "at_most_once":
            return tool_uncertain(self.tool.name, why)
        return tool_failed(f"Tool `{self.tool.name}` failed: {why}")


def plain(value: object) -> Json:
    """The value as JSON that can be stored: finite numbers, texts without halves of surrogate pairs.

    Raises `ValueError`, `TypeError` or `RecursionError` for what JSON cannot say.
    """
    text = json.dumps(value, allow_nan=False, ensure_ascii=False)
    made = json.loads(text.encode("utf-8", "replace"), parse_constant=_refused)
    if is_deep(made):
        raise ValueError(f"it is nested more than {MOST_DEPTH} deep")
    return made


def parsed(text: str) -> Json:
    """Raises `ValueError` or `RecursionError`."""
    return plain(json.loads(text, parse_constant=_refused))


def _refused(name: str) -> Json:
    raise ValueError(f"{name} is not JSON")
