"""The group chat pattern: participants talk in turns until a condition is met. Deterministic.

The chat is a sub-orchestration of its own that continues as new every few turns, carrying a window of references: a
turn costs the same however long the chat has become. The shared transcript is kept by the `chat` entity, which is
signalled and never waited for; the words themselves are in the execution's log.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from azure.durable_functions import DurableOrchestrationContext, EntityId

from domain import chats, values
from domain.calls import CallOutcome, ChairPrompt, ChatPrompt, ModelCall, Prompt, Said, TemplatePrompt, completed_id
from domain.chat_rules import AgentSpeaker, GroupChat
from domain.chats import ChatState, Stop
from domain.errors import Code, Problem, ProblemError
from domain.events import EventType
from domain.executions import StopReason
from domain.steps import GroupChatStep
from domain.values import Json
from domain.workflows import sources_in
from orchestrators.calling import call_model
from orchestrators.run import Run, dumped
from orchestrators.scope import Outcome, Scope

CHAT_ORCHESTRATOR = "group_chat"
TURNS_PER_GENERATION = 25
UNUSABLE = (Code.MODEL_BAD_ANSWER, Code.MODEL_CUT_OFF)
"""What a chair's answer can be wrong with while the chat can still go on without it."""


def run_group_chat(
    run: Run, step: GroupChatStep, path: str, scope: Scope, _run_step: Any
) -> Generator[Any, Any, Outcome]:
    """What the parent does: hand the chat to an orchestrator of its own and wait for its outcome."""
    payload = {
        "step": dumped(step),
        "path": path,
        **scope.for_child(sources_in(step)),
        "state": {},
    }
    answer = yield from run.child(CHAT_ORCHESTRATOR, path, payload)
    return Outcome.failed(answer) if isinstance(answer, Problem) else Outcome.model_validate(answer)


def group_chat(context: DurableOrchestrationContext) -> Generator[Any, Any, Json]:
    """The chat's own orchestrator: up to `TURNS_PER_GENERATION` turns, then it continues as new with the same state."""
    payload = context.get_input()
    run = Run.of_child(context, payload)
    chat = _Chat(run, payload)
    ended: Outcome | None = yield from run.loom.run(chat.go_on())
    if ended is not None:
        return run.returned(dumped(ended))
    events = [dumped(event) for event in run.take_events()]
    context.continue_as_new({**payload, "events": events, "state": dumped(chat.state)})
    return None


class _Chat:
    """One generation of one chat."""

    def __init__(self, run: Run, payload: dict[str, Json]) -> None:
        step = GroupChatStep.model_validate(payload["step"])
        self.run = run
        self.rules: GroupChat = step.group_chat
        self.path: str = payload["path"]
        scope = Scope.of_child(payload)
        # Of chats begun by release 0.1.0, the step itself says how its calls are tried again.
        self.scope = scope.under(scope.rules.within(step, self.path)) if "rules" not in payload else scope
        self.state = ChatState.model_validate(payload["state"])

    def go_on(self) -> Generator[Any, Any, Outcome | None]:
        """The chat's outcome, or None after so many turns without one."""
        for _ in range(TURNS_PER_GENERATION):
            ended = yield from self.turn()
            if ended is not None:
                return ended
        return None

    def turn(self) -> Generator[Any, Any, Outcome | None]:
        """Choose who speaks, let it speak, and see whether that ends the chat; None when it goes on."""
        path = f"{self.path}/turn[{self.state.turns + 1}]"
        try:
            speaker, stop = yield from self._choose(path)
            if stop is None:
                stop = yield from self._speak(path, speaker)
        except ProblemError as error:
            self._note_end(Stop(reason=StopReason.FAILED, evidence=error.problem.message))
            return Outcome.failed(error.problem)
        return None if stop is None else self._ended(stop)

    def _choose(self, path: str) -> Generator[Any, Any, tuple[str, Stop | None]]:
        if not isinstance(self.rules.speaker, AgentSpeaker):
            speaker = chats.next_in_turn(self.rules, self.state)
            self._note_speaker(path, speaker, "round_robin", "next in turn")
            return speaker, None
        chair = self.rules.speaker.agent
        outcome = yield from self._ask_chair(f"{path}/chair", chair)
        if outcome.error is not None:
            if outcome.error.code not in UNUSABLE:
                raise ProblemError(outcome.error)
            speaker = chats.next_in_turn(self.rules, self.state)
            self._note_speaker(path, speaker, "fallback", f"{chair} named nobody usable: {outcome.error.message}")
            return speaker, None
        choice = values.resolve(outcome.value or {}, _never_large)
        if choice.get("agreed"):
            return "", Stop(reason=StopReason.AGREED, evidence=f"{chair}: {choice['reason']}")
        self._note_speaker(path, choice["next"], chair, choice["reason"])
        return choice["next"], None

    def _ask_chair(self, path: str, chair: str) -> Generator[Any, Any, CallOutcome]:
        choices = chats.choices(self.rules, self.state)
        may_agree = chats.chair_may_agree(self.rules, self.state)
        prompt = ChairPrompt(
            kind="chair",
            task=self._task(),
            participants=self.rules.names,
            choices=choices,
            may_agree=may_agree,
            view=self.state.window,
        )
        call = self._call(path, chair, prompt, role="chair")
        schema = chats.chair_schema(choices, may_agree)
        return (yield from call_model(self.run, call.model_copy(update={"output_schema": schema})))

    def _speak(self, path: str, speaker: str) -> Generator[Any, Any, Stop | None]:
        prompt = ChatPrompt(
            kind="chat",
            task=self._task(),
            participants=self.rules.names,
            speaker=speaker,
            turn=self.state.turns + 1,
            view=self.state.window,
        )
        call = self._call(path, speaker, prompt).model_copy(update={"watch": chats.watched(self.rules)})
        outcome = yield from call_model(self.run, call)
        if outcome.error is not None:
            raise ProblemError(outcome.error)
        said = Said(turn=prompt.turn, speaker=speaker, event=outcome.event or completed_id(call.key))
        self.state = self.state.after(said, self.rules.view.last)
        entity = EntityId(chats.ENTITY, chats.entity_key(self.run.execution, self.path))
        self.run.context.signal_entity(entity, "append", {**dumped(said), "text": outcome.preview})
        stop = chats.stop_after_turn(self.rules, self.state, outcome.said)
        return stop or (yield from self._condition_met(path, outcome))

    def _condition_met(self, path: str, outcome: CallOutcome) -> Generator[Any, Any, Stop | None]:
        if not chats.may_end_early(self.rules, self.state):
            return None
        entry = {
            "turns": values.inline(self.state.turns),
            "speaker": values.inline(self.state.last_speaker),
            "last": outcome.value or values.inline(None),
        }
        scope = self.scope.extended(chat={"o": entry})
        for condition in chats.conditions(self.rules):
            if (yield from self.run.condition(condition, scope, path)):
                return Stop(
                    reason=StopReason.CONDITION, evidence=f"`{condition}` is true after turn {self.state.turns}."
                )
        return None

    def _task(self) -> TemplatePrompt:
        task = self.rules.task
        return TemplatePrompt(kind="template", template=task, scope=self.scope.used_by(task))

    def _call(self, path: str, agent: str, prompt: Prompt, **facts: Json) -> ModelCall:
        return ModelCall(
            **self.run.about(f"{path}#0", path),
            plan=self.run.plan,
            agent=agent,
            prompt=prompt,
            data={"turn": self.state.turns + 1, **facts},
            retry=self.scope.rules.retry,
            caps=self.scope.rules.caps,
        )

    def _note_speaker(self, path: str, speaker: str, by: str, reason: str) -> None:
        self.run.emit(EventType.SPEAKER_CHOSEN, path, agent=speaker, turn=self.state.turns + 1, by=by, reason=reason)

    def _note_end(self, stop: Stop) -> None:
        self.run.emit(
            EventType.CHAT_ENDED, self.path, turns=self.state.turns, stop_reason=stop.reason, evidence=stop.evidence
        )

    def _ended(self, stop: Stop) -> Outcome:
        """The chat's output is what was said last; its reason to stop is kept beside it."""
        self._note_end(stop)
        last = self.state.window[-1].event
        return Outcome(value=values.reference(last), stop_reason=stop.reason, preview=stop.evidence)


def _never_large(event_id: str) -> Json:
    raise LookupError(f"{event_id}: a chair's answer is bounded by its schema and always travels inline")
