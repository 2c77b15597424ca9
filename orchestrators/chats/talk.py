"""One generation of one chat: its rules, where it stands, and how those in it are asked. Deterministic."""

from __future__ import annotations

from collections.abc import Generator
from datetime import datetime, timedelta
from typing import Any

from domain import values
from domain.calls import CallOutcome, ModelCall
from domain.chat_rules import GroupChat
from domain.chat_stops import Moment, counts_spending
from domain.chats import ChatState, seen_by, summary_for
from domain.hearing import Heard
from domain.prompt_shapes import Prompt, Said, TemplatePrompt
from domain.steps import GroupChatStep
from domain.values import Json, Value
from orchestrators.calling import call_model
from orchestrators.run import Run
from orchestrators.scope import Scope
from orchestrators.tracing import as_turn


class Talk:
    """`state` is what the next generation goes on from; the rest is found again in the payload.

    `begun` is None for chats that began under release 0.1.0.
    """

    def __init__(self, run: Run, payload: dict[str, Json]) -> None:
        step = GroupChatStep.model_validate(payload["step"])
        self.run = run
        self.rules: GroupChat = step.group_chat
        self.path: str = payload["path"]
        scope = Scope.of_child(payload)
        # Of chats begun by release 0.1.0, the step itself says how its calls are tried again.
        self.scope = scope.under(scope.rules.within(step, self.path)) if "rules" not in payload else scope
        self.state = ChatState.model_validate(payload["state"])
        self.begun = datetime.fromisoformat(payload["begun"]) if "begun" in payload else None
        if self.begun is None and self.state.answer is None and self.state.window:
            self.state = self.state.model_copy(update={"answer": self.state.window[-1]})
        self.signals = 0
        self._last: Value | None = None

    def at(self, turn: int) -> str:
        """The path of a turn."""
        return f"{self.path}/turn[{turn}]"

    def moment(self, agreed: str | None = None) -> Moment:
        return Moment(self.state, self.run.now - self.begun if self.begun else timedelta(0), agreed)

    def shown(self, name: str | None = None) -> dict[str, Any]:
        """What a participant is shown, as fields of a prompt; without a name, what a chair or a judge is."""
        task = self.rules.task
        return {
            "task": TemplatePrompt(kind="template", template=task, scope=self.scope.used_by(task)),
            "participants": self.rules.introductions(),
            "turn": self.state.turns + 1,
            "view": seen_by(self.rules, self.state.window, name),
            "summary": summary_for(self.rules, self.state, name),
            "tokens": (self.rules.view if name is None else self.rules.view_of(name)).tokens,
        }

    def call(self, path: str, agent: str, prompt: Prompt, **fields: Any) -> ModelCall:
        return ModelCall(
            **self.run.about(f"{path}#0", path, self.scope.rules.trace),
            plan=self.run.plan,
            agent=agent,
            prompt=prompt,
            tell_usage=counts_spending(self.rules),
            retry=self.scope.rules.retry,
            caps=self.scope.rules.caps,
            **fields,
        )

    def answer(self, call: ModelCall) -> Generator[Any, Any, CallOutcome]:
        """The call's outcome; what it cost is added to what the chat has spent."""
        outcome = yield from call_model(self.run, as_turn(self.run, call))
        self.state = self.state.model_copy(update={"spent": self.state.spent + outcome.usage})
        return outcome

    def said(self, speaker: str, event: str, heard: Heard, words: Value) -> None:
        """Go on from there: that was said."""
        self.state = self.state.after(self.rules, speaker, event, heard)
        self._last = words

    def expressions(self) -> Scope:
        """What expressions over the chat see."""
        chat = {
            "turns": values.inline(self.state.turns),
            "speaker": values.inline(self.state.last_speaker or ""),
            "last": self._last_words(),
            "participants": values.inline(list(self.rules.names)),
        }
        return self.scope.extended(chat={"o": chat})

    def words_of(self, said: Said) -> Value:
        """Where the words of a turn are."""
        return values.reference(said.event, ["comment"] if self.rules.human(said.speaker) else [])

    def _last_words(self) -> Value:
        """Of the latest turn; of one of an earlier generation only where they are is known."""
        if self._last is not None:
            return self._last
        answer = self.state.answer
        return self.words_of(answer) if answer and answer.turn == self.state.turns else values.inline("")


def never_large(event_id: str) -> Json:
    """Loads nothing: what a chair or a judge answers is bounded by its schema, and travels inline."""
    raise LookupError(f"{event_id} was not expected to be loaded here")
