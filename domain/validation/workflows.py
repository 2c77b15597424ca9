"""Static checks of a workflow: everything that can be known to fail before it runs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field

from domain.base import split_reference
from domain.chat_rules import AgentSpeaker, Agreed, GroupChat, Holds, Says, stops_in
from domain.errors import Detail, ProblemError
from domain.expressions import check, check_template, steps_used
from domain.steps import AgentStep, ConcurrentStep, GroupChatStep, MapStep, SequentialStep, Step
from domain.validation.estimates import turn_limit
from domain.validation.pointers import Part, as_written, pointer
from domain.validation.schemas import check_schema
from domain.values import Json
from domain.wording import did_you_mean
from domain.workflows import Workflow, walk

MAX_DEPTH = 10
"""Steps inside steps, the outermost counted."""
MAX_STEPS = 500

_EVERYWHERE = frozenset({"input", "steps", "execution"})
_IN_MAP = frozenset({"item", "index"})
_IN_HOLDS = frozenset({"chat"})

Parts = tuple[Part, ...]


def check_workflow(
    workflow: Workflow, agents: Collection[str] | None = None, written: Json = None
) -> tuple[Detail, ...]:
    """Every mistake that can be found without running it; nothing means it may be stored.

    `agents`: names of the agents there are, and `name@version` for each version asked for that exists; None leaves
    agents unchecked. `written`: the JSON the workflow was read from, so that pointers lead into that.
    """
    checks = _Checks(workflow, agents)
    checks.run()
    return tuple(
        Detail(pointer=pointer(as_written(parts, written)), message=message) for parts, message in checks.found
    )


@dataclass(frozen=True)
class _Here:
    """Where a step stands: the steps around it, what expressions may name, and the steps that have ended before it."""

    around: tuple[Step, ...] = ()
    names: frozenset[str] = _EVERYWHERE
    done: set[str] = field(default_factory=set)

    def inside(self, step: Step) -> _Here:
        return _Here((*self.around, step), self.names, self.done)

    def branch(self, names: frozenset[str] = frozenset()) -> _Here:
        """The same place for a strand of its own: what ends there is not known outside."""
        return _Here(self.around, self.names | names, set(self.done))


class _Checks:
    def __init__(self, workflow: Workflow, agents: Collection[str] | None) -> None:
        self.found: list[tuple[Parts, str]] = []
        self._workflow = workflow
        self._agents = agents
        self._around = dict(_ancestors(workflow.steps, ()))
        self._count = Counter(step.id for step in walk(workflow.steps))

    def run(self) -> None:
        if self._count.total() > MAX_STEPS:
            self._complain(("steps",), f"there are {self._count.total()} steps; a workflow has at most {MAX_STEPS}")
            return
        self._schema(self._workflow.input, ("input",))
        top = _Here()
        for index, step in enumerate(self._workflow.steps):
            self._step(step, ("steps", index), top)
        if self._workflow.output is not None:
            self._template(self._workflow.output, ("output",), top)

    def _complain(self, parts: Parts, message: str) -> None:
        self.found.append((parts, message))

    def _step(self, step: Step, at: Parts, here: _Here) -> None:
        """Check a step; then, for those that come after it, it has ended."""
        if len(here.around) >= MAX_DEPTH:
            self._complain(at, f"steps are nested more than {MAX_DEPTH} deep")
            return
        if self._count[step.id] > 1:
            self._complain((*at, "id"), f"`{step.id}` is the id of {self._count[step.id]} steps; each needs its own")
        if step.when is not None:
            self._expression(step.when, (*at, "when"), here.inside(step))
        self._kind(step, at, here.inside(step))
        here.done.add(step.id)

    def _kind(self, step: Step, at: Parts, here: _Here) -> None:
        match step:
            case AgentStep():
                self._agent(step.agent, (*at, "agent"))
                self._template(step.input, (*at, "input"), here)
                if step.output_schema is not None:
                    self._schema(step.output_schema, (*at, "output_schema"))
            case SequentialStep():
                for index, child in enumerate(step.sequential):
                    self._step(child, (*at, "sequential", index), here)
            case ConcurrentStep():
                self._branches(step, (*at, "concurrent", "branches"), here)
            case MapStep():
                self._expression(step.map.over, (*at, "map", "over"), here)
                self._step(step.map.step, (*at, "map", "step"), here.branch(_IN_MAP))
            case GroupChatStep():
                self._chat(step.group_chat, (*at, "group_chat"), here)

    def _branches(self, step: ConcurrentStep, at: Parts, here: _Here) -> None:
        ended: set[str] = set()
        for index, child in enumerate(step.concurrent.branches):
            branch = here.branch()
            self._step(child, (*at, index), branch)
            ended |= branch.done
        here.done.update(ended)

    def _chat(self, chat: GroupChat, at: Parts, here: _Here) -> None:
        for index, name in enumerate(chat.names):
            self._agent(name, (*at, "participants", index))
            if name in chat.names[:index]:
                self._complain((*at, "participants", index), f"`{name}` is already a participant")
        if isinstance(chat.speaker, AgentSpeaker):
            self._agent(chat.speaker.agent, (*at, "speaker", "agent"))
        self._template(chat.task, (*at, "task"), here)
        self._stops(chat, (*at, "until", "any"), here)
        limit = turn_limit(chat)
        if limit is None:
            self._complain((*at, "until", "any"), "nothing bounds this chat; add `turns`, for example `{turns: 24}`")
        elif chat.min_turns is not None and chat.min_turns > limit:
            self._complain((*at, "min_turns"), f"the chat ends after {limit} turns, so no other condition would count")

    def _stops(self, chat: GroupChat, at: Parts, here: _Here) -> None:
        for index, stop in enumerate(stops_in(chat.until)):
            match stop:
                case Holds():
                    self._expression(stop.holds, (*at, index, "holds"), here.branch(_IN_HOLDS))
                case Agreed() if not isinstance(chat.speaker, AgentSpeaker):
                    message = "only a chair can find that they agree; add `speaker: {agent: …}`"
                    self._complain((*at, index, "agreed"), message)
                case Says() if not stop.says.strip():
                    self._complain((*at, index, "says"), "every turn contains blanks; write the words to look for")

    def _agent(self, reference: str, at: Parts) -> None:
        if self._agents is None or reference in self._agents:
            return
        name, version = split_reference(reference)
        if version is not None and name in self._agents:
            self._complain(at, f"the agent `{name}` has no version {version}")
            return
        names = [known for known in self._agents if "@" not in known]
        self._complain(at, f"there is no agent `{name}`{did_you_mean(name, names)}")

    def _schema(self, schema: dict[str, Json], at: Parts) -> None:
        self.found.extend((at + parts, message) for parts, message in check_schema(schema))

    def _expression(self, source: str, at: Parts, here: _Here) -> None:
        if source.strip().startswith("${"):
            self._complain(at, "this is an expression already: write it without `${` and `}`")
            return
        try:
            check(source, here.names)
        except ProblemError as error:
            self._complain(at, error.problem.message + self._hyphen_hint(source))
        else:
            self._steps_named(source, at, here)

    def _template(self, source: str, at: Parts, here: _Here) -> None:
        try:
            check_template(source, here.names)
        except ProblemError as error:
            self._complain(at, error.problem.message + self._hyphen_hint(source))
        else:
            if "${" in source:
                self._steps_named(source, at, here)

    def _hyphen_hint(self, source: str) -> str:
        """CEL reads `steps.sign-off` as a subtraction."""
        hyphenated = next((step for step in self._around if "-" in step and f"steps.{step}" in source), None)
        return f' Write `steps["{hyphenated}"]`.' if hyphenated else ""

    def _steps_named(self, source: str, at: Parts, here: _Here) -> None:
        for name in sorted((steps_used(source) or set()) - here.done):
            if name in self._around:
                self._complain(at, f"`steps.{name}` cannot be used here: {self._why_not(name, here.around)}")
            else:
                self._complain(at, f"there is no step `{name}`{did_you_mean(name, self._around)}")

    def _why_not(self, name: str, here: tuple[Step, ...]) -> str:
        """Why the step `name` has no output yet where `here` (a step and those around it) stands."""
        there = self._around[name]
        if here and name == here[-1].id:
            return "it is this step itself"
        if name in [step.id for step in here]:
            return "it contains this step, and ends after it"
        hidden_by = next((step for step in there if isinstance(step, MapStep) and step not in here), None)
        if hidden_by is not None:
            return f"it runs once for each item; use `steps.{hidden_by.id}.output`, the list of results"
        shared = [step for step in there if step in here]
        if shared and isinstance(shared[-1], ConcurrentStep):
            return f"it runs at the same time, in another branch of `{shared[-1].id}`"
        return "it runs later"


def _ancestors(steps: Sequence[Step], around: tuple[Step, ...]) -> Iterator[tuple[str, tuple[Step, ...]]]:
    """Each step's id, with the steps around it from the outermost on."""
    for step in steps:
        yield step.id, around
        yield from _ancestors(step.children(), (*around, step))
