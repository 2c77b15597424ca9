"""A model that answers by a script, and fails the test for a call that is not in it or a line that is not used."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

from meta_agents.testing.answers import Answer
from meta_agents.testing.asked import Asked
from meta_agents.testing.control import Failure, Turn
from meta_agents.testing.stub import ModelStub


class ScriptFailed(AssertionError):
    """The model was called otherwise than its script says; one line for each difference."""


@dataclass(frozen=True)
class Use:
    """One tool that the model asks for. `arguments` as a text are sent as they are, right or wrong."""

    tool: str
    arguments: Mapping[str, Any] | str = field(default_factory=dict)


@dataclass(frozen=True)
class Line:
    """One call that is to come, and what the model answers. What is not said of the call is not looked at.

    Of the call: `asked`, `not_asked` (texts that are, and are not, in its last message), `system` (texts in its system
    messages), `call` (the step's path, `#1` for its second call), `model`, `offered` (exactly these tools, by name).
    Of the answer: `answer` (a text, or a value said as JSON), `uses` (tools, all asked for at once; `answer` is said
    beside), or `fails` how. `takes`: seconds before it begins; `pace`: before each word; `retry_after`: for
    `rate_limit`.
    """

    answer: Any = ""
    uses: Sequence[Use] = ()
    fails: Failure | None = None
    asked: str | Sequence[str] = ()
    not_asked: str | Sequence[str] = ()
    system: str | Sequence[str] = ()
    call: str | None = None
    model: str | None = None
    offered: Sequence[str] | None = None
    takes: float = 0
    pace: float = 0
    retry_after: float = 1

    def differences(self, asked: Asked) -> list[str]:
        """How the call is not the one of this line; nothing if it is."""
        told = f"; it was: {asked.last}"
        return [
            *(f"its last message has no {text!r}{told}" for text in _texts(self.asked) if text not in asked.last),
            *(f"its last message has {text!r}{told}" for text in _texts(self.not_asked) if text in asked.last),
            *(f"no system message has {text!r}" for text in _texts(self.system) if text not in asked.system),
            *_unlike("its call is", self.call, asked.call),
            *_unlike("its model is", self.model, asked.model),
            *_unlike("its tools are", None if self.offered is None else list(self.offered), asked.tools),
        ]

    def turn(self) -> Turn:
        text = self.answer if isinstance(self.answer, str) else json.dumps(self.answer)
        uses = tuple(
            (use.tool, use.arguments if isinstance(use.arguments, str) else json.dumps(use.arguments))
            for use in self.uses
        )
        return Turn(self.fails or "ok", Answer(text, uses), self.takes, self.pace, self.retry_after)


class ScriptedModel(ModelStub):
    """A model stub that plays lines: in their order; or, `in_order` being False, each call the first line that fits it.

    When the context ends without another error, it raises `ScriptFailed` for each call that no line was for and each
    line that no call used. A call without a line is refused with status 400 and the code `not_in_script`.
    """

    def __init__(
        self, lines: Sequence[Line], *, in_order: bool = True, log_file: Path | None = None, port: int = 0
    ) -> None:
        super().__init__(log_file, port=port, script=self._play)
        self._lines = list(enumerate(lines, start=1))
        self._in_order = in_order
        self._unexpected: list[str] = []

    def check(self) -> None:
        """Raises `ScriptFailed` if not all is as the script says, up to now."""
        unused = [f"Line {number} was not used: {line}" for number, line in self._lines]
        if self._unexpected or unused:
            raise ScriptFailed("\n".join([*self._unexpected, *unused]))

    def _play(self, asked: Asked) -> Turn:
        why = "after the last line was used"
        for place, (number, line) in enumerate(self._lines):
            differences = line.differences(asked)
            if not differences:
                del self._lines[place]
                return line.turn()
            if self._in_order:
                why = f"where line {number} is to come: {'; '.join(differences)}"
                break
            why = "and fits no line that is left"
        shown = f"Call {asked.call!r}" if asked.call else "A call"
        complaint = f"{shown} came {why}." + ("" if "it was:" in why else f" Its last message was: {asked.last}")
        self._unexpected.append(complaint)
        return Turn(complaint=complaint)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        super().__exit__(kind, error, traceback)
        if error is None:
            self.check()


def _texts(said: str | Sequence[str]) -> Sequence[str]:
    return [said] if isinstance(said, str) else said


def _unlike(what: str, wanted: Any, got: Any) -> list[str]:
    return [] if wanted is None or wanted == got else [f"{what} {got!r}, not {wanted!r}"]
