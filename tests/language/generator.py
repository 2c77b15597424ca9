"""Random workflows of every kind of step, as authors might write them, and the world they run in.

A `steady` one comes to the same end however long anything takes: it has no deadlines, nothing is decided by a race, and
nobody is told the time. It is for real hosts, and short.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from hypothesis import strategies as st

from domain.errors import Code
from tests.language.account import Case
from tests.language.calls import AT_MOST_ONCE
from tests.language.script import AGREED, SHAPE, Does, Human, Script

Draw = Any
Json = dict[str, Any]
T = TypeVar("T")

MOST_STEPS = 15
MOST_DEPTH = 4
ERRORS = (Code.MODEL_UNREACHABLE, Code.MODEL_RATE_LIMITED, Code.MODEL_REFUSED, Code.MODEL_BAD_ANSWER)
TOOLS = (AT_MOST_ONCE, "careless")
INPUT = {"topic": "tea", "deep": True, "list": ["a", "b", "c"]}
LEAVES = ("agent", "agent", "agent", "tool", "handoff", "group_chat", "switch", "wait", "event", "approval")
BRANCHES = ("sequential", "sequential", "concurrent", "concurrent", "map", "loop", "switch", "workflow")
TELLING_TIME = ("wait", "approval", "workflow")
"""Keys of steps whose outputs say, or may say, when they ended."""

does = st.builds(
    Does,
    seconds=st.integers(0, 6),
    error=st.sampled_from((None, None, None, *ERRORS)),
    retry_after=st.sampled_from((None, None, 4)),
    misfits=st.sampled_from((False, False, False, True)),
    n=st.integers(0, 5),
    long=st.sampled_from((False, False, False, True)),
)
humans = st.builds(Human, choice=st.integers(0, 2), seconds=st.sampled_from((None, 1, 3, 8)))
scripts = st.builds(
    Script,
    calls=st.lists(does, min_size=1, max_size=5),
    humans=st.lists(humans, min_size=1, max_size=3),
    periods=st.lists(st.sampled_from((3, 7, 20)), min_size=1, max_size=2),
)
steady_scripts = st.builds(
    Script,
    calls=st.lists(st.builds(replace, does, retry_after=st.none()), min_size=3, max_size=5),
    humans=st.lists(st.builds(Human, choice=st.integers(0, 1)), min_size=1, max_size=3),
    deaf=st.just(True),
)


@dataclass(frozen=True)
class Here:
    """Where a step is written: what expressions may name, and how deep that is."""

    texts: tuple[str, ...] = ("input.topic",)
    conditions: tuple[str, ...] = ("input.deep", "!input.deep")
    lists: tuple[str, ...] = ("input.list",)
    depth: int = 1
    steady: bool = False

    def after(self, *steps: Json) -> Here:
        """Also what has certainly ended once these have."""
        here = self
        for step in steps:
            id = step["id"]
            texts: tuple[str, ...] = (f"steps.{id}.output", f"steps.{id}.status")
            conditions: tuple[str, ...] = (f"steps.{id}.status == 'succeeded'",)
            lists: tuple[str, ...] = ()
            if step.get("output_schema"):
                conditions += (f"steps.{id}.output.ok", f"steps.{id}.output.n > 1")
                lists = (f"steps.{id}.output.items",)
            if "approval" in step:
                conditions += (f"steps.{id}.output.approved",)
            if "map" in step:
                lists = (f"steps.{id}.output",)
            if self.steady and _tells_time(step):
                texts, lists = texts[1:], ()
            here = replace(
                here, texts=here.texts + texts, conditions=here.conditions + conditions, lists=here.lists + lists
            ).after(*_shown_inside(step))
        return here

    def inside(self, texts: tuple[str, ...] = (), conditions: tuple[str, ...] = ()) -> Here:
        return replace(self, texts=self.texts + texts, conditions=self.conditions + conditions, depth=self.depth + 1)


def _tells_time(written: Any) -> bool:
    if isinstance(written, dict):
        return any(key in TELLING_TIME or _tells_time(value) for key, value in written.items())
    return isinstance(written, list) and any(map(_tells_time, written))


def _shown_inside(step: Json) -> list[Json]:
    """The steps in it that those after it may name."""
    if "concurrent" in step:
        join = step["concurrent"]["join"]
        if isinstance(join, dict) and join.get("losers") == "leave":
            return []  # they may be under way
        return list(step["concurrent"]["branches"])
    if "switch" in step:
        cases = [case["step"] for case in step["switch"]["cases"]]
        return [*cases, *([step["switch"]["otherwise"]] if "otherwise" in step["switch"] else [])]
    return list(step.get("sequential", ()))


@dataclass
class Author:
    draw: Draw
    steady: bool
    others: dict[str, Json] = field(default_factory=dict)
    written: int = 0

    def any_of(self, options: Any) -> Any:
        return self.draw(st.sampled_from(list(options)))

    def maybe(self, one_in: int = 4) -> bool:
        return bool(self.draw(st.integers(0, one_in - 1)) == one_in - 1)

    def up_to(self, most: int, least: int = 1) -> int:
        return int(self.draw(st.integers(least, most)))

    def duration(self, most: int, least: int = 1) -> str:
        """No two the same, so that no two deadlines fall together."""
        if self.steady:
            return "PT0.05S"
        self.written += 1
        return f"PT{self.up_to(most, least)}.{100 + self.written % 900}S"

    def template(self, here: Here) -> str:
        first, second = self.any_of(here.texts), self.any_of(here.texts)
        return str(self.any_of(["Go.", f"${{{first}}}", f"About ${{{first}}}, ${{{second}}}"]))

    def workflow(self, here: Here) -> Json:
        written: Json = {"steps": self.list(here, self.up_to(4, 1 if here.depth > 1 else 2))}
        shown = here.after(*written["steps"])
        if self.maybe(3):
            written["output"] = self.template(shown)
        if self.maybe():
            written["defaults"] = self.defaults()
        if not self.steady and self.maybe():
            written["limits"] = {**self.budget(), **({"duration": self.duration(25, 3)} if self.maybe(2) else {})}
        return written

    def defaults(self) -> Json:
        defaults: Json = {"retry": self.retry()} if self.maybe(2) else {}
        if self.maybe(3):
            defaults["on_error"] = self.on_error()
        if not self.steady and self.maybe(3):
            defaults["timeout"] = self.duration(9, 2)
        return defaults

    def retry(self) -> Json:
        attempts = self.any_of((1, 2, 3))
        return {
            "attempts": attempts,
            "first_delay": self.duration(3),
            "backoff": self.any_of((1, 2)),
            "jitter": self.any_of((0, 0.5)),
        }

    def on_error(self) -> Any:
        options: list[Any] = ["skip", "skip", {"fallback": {"ok": True, "n": 3, "items": ["x"]}}]
        if not self.steady:
            options.append({"ask": {"otherwise": self.any_of(("retry", "skip", "fail")), **self.deadline()}})
        return self.any_of(options)

    def deadline(self) -> Json:
        if self.steady or not self.maybe(2):
            return {}
        escalate = {"escalate": {"after": self.duration(2), "roles": ["admin"]}} if self.maybe() else {}
        return {"deadline": self.duration(8, 4), **escalate}

    def budget(self) -> Json:
        return {"model_calls": self.up_to(6)} if self.maybe(2) else {"tokens": self.up_to(90, 10)}

    def list(self, here: Here, number: int) -> list[Json]:
        """Steps one after the other; or, some of the time, a graph of needs."""
        graph = number > 1 and self.maybe(3)
        steps: list[Json] = []
        for index in range(number):
            if index and self.written >= MOST_STEPS:
                break
            known = steps
            needs: list[str] | None = None
            if graph and not (index and self.maybe(3)):
                needs = sorted({self.any_of(steps)["id"] for _ in range(self.up_to(2, 0))} if steps else ())
            elif graph and steps:
                needs = [steps[-1]["id"]]
            if needs is not None:
                known = [step for step in steps if step["id"] in _all_needs(steps, needs)]
            step = self.step(here.after(*known))
            if graph:
                step["needs"] = needs or []
                if self.steady:  # after a failure, what else has begun would be a matter of time
                    step.setdefault("on_error", "skip")
            steps.append(step)
        return steps

    def step(self, here: Here) -> Json:
        self.written += 1
        id = f"s{self.written}"
        deep = here.depth >= MOST_DEPTH or self.written >= MOST_STEPS
        kinds = [kind for kind in LEAVES if not (self.steady and kind == "tool") and not (deep and kind == "switch")]
        kind = self.any_of(kinds if deep else [*kinds, *BRANCHES])
        step: Json = {"id": id, **getattr(self, "workflow_step" if kind == "workflow" else kind)(here)}
        if self.maybe():
            step["when"] = self.any_of(here.conditions)
        if self.maybe(3):
            step["retry"] = self.retry()
        if self.maybe(3):
            step["on_error"] = self.on_error()
        if not self.steady and self.maybe(6) and "for" not in step.get("wait", ()):
            step["timeout"] = self.duration(8)
        if not self.steady and self.maybe(6):
            step["budget"] = self.budget()
        return step

    def agent(self, here: Here) -> Json:
        schema = {"output_schema": SHAPE} if self.maybe(2) else {}
        return {"agent": self.any_of(("ann", "ben")), "input": self.template(here), **schema}

    def tool(self, here: Here) -> Json:
        return {"tool": self.any_of(TOOLS), "arguments": {"text": self.template(here)}}

    def sequential(self, here: Here) -> Json:
        return {"sequential": self.list(here.inside(), self.up_to(3, 2))}

    def concurrent(self, here: Here) -> Json:
        branches = [self.step(here.inside()) for _ in range(self.up_to(3, 2))]
        return {"concurrent": {"branches": branches, "join": self.join()}}

    def join(self) -> Any:
        if self.steady:
            return self.any_of(("all", {"tolerate": 1}))
        rule: Json = self.any_of(({}, {"at_least": 1}, {"at_least": 2}, {"tolerate": 0}, {"tolerate": 1}))
        within = {"within": self.duration(8)} if self.maybe(3) else {}
        losers = {"losers": "leave"} if self.maybe(3) else {}
        return self.any_of(("all", "any", {**rule, **within, **losers}))

    def map(self, here: Here) -> Json:
        step = self.step(here.inside(("item", "index"), ("index > 0", "item == 'a'")))
        rest = {"concurrency": self.up_to(3)} if self.maybe(2) else {}
        return {"map": {"over": self.any_of(here.lists), "step": step, "join": self.join(), **rest}}

    def loop(self, here: Here) -> Json:
        inner = here.inside(("round.index", "round.index" if self.steady else "round.last"), ("round.index > 0",))
        steps = self.list(inner, self.up_to(2))
        after = inner.after(*steps)
        condition = {"until": self.any_of(after.conditions)} if self.maybe(2) else {"while": "round.index < 2"}
        return {"loop": {"steps": steps, "most": self.up_to(3), **condition}}

    def switch(self, here: Here) -> Json:
        cases = [{"when": self.any_of(here.conditions), "step": self.step(here.inside())} for _ in range(self.up_to(2))]
        otherwise = {"otherwise": self.step(here.inside())} if self.maybe(2) else {}
        return {"switch": {"cases": cases, **otherwise}}

    def workflow_step(self, here: Here) -> Json:
        name = f"other-{len(self.others) + 1}"
        self.others[name] = {}
        self.others[name] = self.workflow(
            replace(Here(("input.text",), ("input.deep",), ("input.list",)), depth=here.depth + 1, steady=self.steady)
        )
        given = {"text": self.template(here), "deep": True, "list": [1, "${1 + 1}"]}
        return {"workflow": name, "input": given}

    def handoff(self, here: Here) -> Json:
        may_pass = self.any_of(({"ann": ["ben"]}, {"ann": ["ben", "cleo"], "ben": ["ann"]}, {}))
        return {"handoff": {"task": self.template(here), "start": "ann", "may_pass": may_pass, "most": self.up_to(3)}}

    def group_chat(self, here: Here) -> Json:
        until: list[Json] = [{"turns": self.up_to(4)}]
        if self.maybe(2):
            until.append({"says": AGREED})
        if self.maybe(2):
            until.append({"holds": "chat.turns > 1 && chat.last != ''"})
        rest = {"min_turns": self.up_to(until[0]["turns"], 0)} if self.maybe() else {}
        view = {"view": {"last": self.up_to(2)}} if self.maybe() else {}
        participants = ["ann", "ben"]
        return {
            "group_chat": {
                "participants": participants, "task": self.template(here), "until": {"any": until}, **rest, **view,
            }
        }  # fmt: skip

    def approval(self, here: Here) -> Json:
        otherwise = self.any_of(("approve", "reject", "fail"))
        return {"approval": {"ask": self.template(here), "otherwise": otherwise, **self.deadline()}}

    def wait(self, here: Here) -> Json:
        moment = f"2026-01-01T00:00:{self.up_to(20):02d}.{100 + self.written}Z"
        return {"wait": {"until": moment} if self.maybe(3) and not self.steady else {"for": self.duration(5)}}

    def event(self, here: Here) -> Json:
        within = {"within": self.duration(9)} if self.maybe(2) and not self.steady else {}
        fallback = {"otherwise": {"fallback": "none"}} if within and self.maybe(2) else {}
        return {"wait": {"event": self.any_of(("go", "stop")), **within, **fallback}}


def _all_needs(steps: list[Json], needs: list[str]) -> set[str]:
    by_id = {step["id"]: step for step in steps}
    found = set(needs)
    for id in needs:
        found |= _all_needs(steps, by_id[id].get("needs", []))
    return found


@st.composite
def cases(draw: Draw, *, steady: bool = False) -> Case:
    author = Author(draw, steady)
    written = author.workflow(Here(steady=steady))
    return Case({"name": "w", **written}, author.others, INPUT, draw(steady_scripts if steady else scripts))
