"""Definitions and values made to hold a service up, and what becomes of each, within limits of time and memory.

`python -m tests.api.bombs` prints a line for each: its name, the CPU seconds and megabytes it took, what was said.
"""

from __future__ import annotations

import json
import resource
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from pydantic import ValidationError

from api.bodies import Unreadable, parse_json, parse_yaml
from domain.errors import ProblemError
from domain.expressions import evaluate, render
from domain.validation import Known, check_schema, check_value, check_workflow, details_of
from domain.workflows import Workflow

NAMES = frozenset(f"agent-number-{index}" for index in range(200))
KNOWN = Known(agents=dict.fromkeys(["writer", "critic"]), agent_names=NAMES)
LARGE = 1_000_000


def agent(id: str, **more: Any) -> dict[str, Any]:
    return {"id": id, "agent": "writer", **more}


def workflow(*steps: Any, **more: Any) -> bytes:
    return json.dumps({"name": "w", "steps": list(steps), **more}).encode()


def nested(depth: int) -> Any:
    """A workflow whose steps are that deep, made without the nesting that would stop Python."""
    step: Any = agent("leaf")
    for level in range(depth):
        step = {"id": f"s{level}", "sequential": [step]}
    return {"name": "w", "steps": [step]}


def aliases() -> bytes:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    return "\n".join(lines).encode()


def many(number: int, **more: Any) -> list[dict[str, Any]]:
    return [agent(f"s{index}", **more) for index in range(number)]


def all_need_all(number: int) -> list[dict[str, Any]]:
    ids = [f"s{index}" for index in range(number)]
    return [agent(id, needs=[other for other in ids if other != id]) for id in ids]


def _conditions(depth: int) -> Any:
    stop: Any = {"says": " "}
    for _ in range(depth):
        stop = {"all": [stop]}
    return stop


def _schema(depth: int) -> Any:
    schema: Any = {"type": "nothing"}
    for _ in range(depth // 2):
        schema = {"properties": {"a": schema}}
    return schema


def _doubling(depth: int) -> dict[str, Any]:
    return {str(n): {"allOf": [{"$ref": f"#/$defs/{n + 1}"}] * 2} for n in range(depth)} | {str(depth): {}}


JSON_BOMBS: dict[str, Callable[[], bytes]] = {
    "steps": lambda: workflow(*many(10_000)),
    "steps inside": lambda: workflow({"id": "s", "sequential": many(10_000)}),
    "steps with mistakes": lambda: workflow({"id": "s", "sequential": many(8_000, inptu="x", agnet="y")}),
    "steps without a kind": lambda: workflow({"id": "s", "concurrent": [{"id": "!", "agnt": "x"}] * 10_000}),
    "unknown agents": lambda: workflow(*({**one, "agent": f"agent-namber-{one['id'][1:]}"} for one in many(500))),
    "unknown steps": lambda: workflow(*many(500, input="${steps.s12345.output} ${steps.nope}")),
    "ids twice": lambda: workflow(*([agent("a")] * 500)),
    "deep": lambda: b'{"name": "w", "steps": [' + b'{"id": "s", "sequential": [' * 10_000,
    "deep steps": lambda: json.dumps(nested(45)).encode(),
    "deep conditions": lambda: workflow(
        {"id": "c", "group_chat": {"participants": ["writer", "critic"], "task": "x", "until": _conditions(40)}}
    ),
    "a circle": lambda: workflow(*(agent(f"s{n}", needs=[f"s{(n + 1) % 500}"]) for n in range(500))),
    "everything needs everything": lambda: workflow(*all_need_all(300)),
    "needs again and again": lambda: workflow(agent("a"), agent("b", needs=["a"] * 150_000)),
    "unknown needs": lambda: workflow(agent("a", needs=["nope"] * 100_000)),
    "unknown keys": lambda: workflow({**agent("a"), **{f"input{n}": n for n in range(20_000)}}),
    "long keys": lambda: workflow({**agent("a"), "x" * LARGE: 1}),
    "long ids": lambda: workflow(agent("x" * LARGE)),
    "long agent": lambda: workflow(agent("a", agent="x" * LARGE)),
    "long input": lambda: workflow(agent("a", input="${input." + "x" * LARGE + "}")),
    "long word": lambda: workflow(agent("a", on_error="x" * LARGE)),
    "open placeholders": lambda: workflow(agent("a", input="${'" * 300_000)),
    "nested placeholders": lambda: workflow(agent("a", input="${" * 30_000 + "}" * 30_000)),
    "placeholders": lambda: workflow(agent("a", input="${1}" * 15_000)),
    "expressions": lambda: workflow(
        *(agent(f"s{n}", input=" ".join(f"${{{n}+{m}}}" for m in range(60))) for n in range(500))
    ),
    "large expressions": lambda: workflow(*(agent(f"s{n}", when=f"{n} == 1" + "+1" * 900) for n in range(300))),
    "brackets in an expression": lambda: workflow(*(agent(f"s{n}", when="(" * (900 + n % 99)) for n in range(400))),
    "macros": lambda: workflow(agent("a", when=".map(x, ".join(["[1]"] * 200) + ")" * 199)),
    "a constant of macros": lambda: workflow(
        agent("a", when=f"{list(range(300))}.all(a, {list(range(99))}.all(b, [1,2,3,4,5,6,7,8,9].all(c, true)))")
    ),
    "constants": lambda: workflow(
        *(agent(f"s{n}", when=f"[{n}{',1' * 400}].all(a, [2{',1' * 400}].all(b, a == b))") for n in range(400))
    ),
    "cases": lambda: workflow({"id": "c", "switch": {"cases": [{"when": "true", "step": one} for one in many(499)]}}),
    "huge integers": lambda: b'{"name": "w", "limits": {"tokens": ' + b"9" * 4_000 + b"}, " + b'"steps": []}',
    "more digits": lambda: b'{"name": "w", "limits": {"tokens": ' + b"9" * LARGE + b"}}",
    "small huge integers": lambda: workflow(*many(500, budget={"tokens": 2**63})),
    "a schema": lambda: workflow(agent("a"), input={"properties": {f"p{n}": {"type": "strin"} for n in range(30_000)}}),
    "schemas": lambda: workflow(*(agent(f"s{n}", output_schema={"enum": list(range(n, n + 300))}) for n in range(500))),
    "patterns": lambda: workflow(
        agent("a"), input={"properties": {f"p{n}": {"pattern": f"(a{{1,100}}){{1,9}}{n}"} for n in range(2_000)}}
    ),
    "deep schema": lambda: workflow(agent("a"), input=_schema(90)),
    "references": lambda: workflow(agent("a"), input={"properties": {f"p{n}": {"$ref": "#/x"} for n in range(2_400)}}),
    "arguments": lambda: workflow({"id": "t", "tool": "t", "arguments": {"a": ["${nope}"] * 90_000}}),
    "plain arguments": lambda: workflow({"id": "t", "tool": "t", "arguments": {"a": ["x"] * 190_000}}),
    "passing on": lambda: workflow(
        {"id": "h", "handoff": {"start": "writer", "may_pass": {f"a{n}": ["writer"] * 50 for n in range(3_000)}}}
    ),
    "participants": lambda: workflow(
        {"id": "c", "group_chat": {"participants": [{"human": "B", "x": 1}] * 9_000, "task": "x", "until": {}}}
    ),
    "look-alikes": lambda: workflow(*(agent(f"s\u0430{n}") for n in range(500))),
    "invisible": lambda: workflow(*(agent(f"s\u202e\u200b{n}", **{"inp\u200but": 1}) for n in range(500))),
    "half characters": lambda: b'{"name": "\\ud800", "steps": []}',
    "a key twice": lambda: b"{" + b'"name": "w", ' * 50_000 + b'"steps": []}',
}
YAML_BOMBS: dict[str, Callable[[], bytes]] = {
    "aliases": aliases,
    "steps in YAML": lambda: b"name: w\nsteps:\n" + b"".join(b"  - {id: s%d, agent: a}\n" % n for n in range(10_000)),
    "deep YAML": lambda: b"- " * 300_000 + b"x",
    "deep flow YAML": lambda: b"[" * 300_000,
    "an alias in itself": lambda: b"a: &a [*a]",
    "merges": lambda: (
        b"a: &a {x: 1}\n" + b"".join(b"b%d: {<<: [%s]}\n" % (n, b",".join([b"*a"] * 90)) for n in range(1_500))
    ),
    "a long text in YAML": lambda: b"name: w\nsteps: [{id: " + b"x" * LARGE + b"}]",
    "a number in YAML": lambda: b"name: w\nlimits: {tokens: 0x" + b"f" * LARGE + b"}",
    "colons": lambda: b"a: " * 300_000,
    "tags": lambda: b"!!python/object/apply:os.system [x]",
}


SCOPE: dict[str, Any] = {
    "input": {
        "items": list(range(3_000)),
        "people": [{"id": n, "name": f"Person {n}", "tags": ["a", "b"]} for n in range(3_000)],
        "text": "x" * 1_000_000,
    }
}
EVALUATIONS = [
    "input.items.map(a, input.items.map(b, a))",
    "input.people.map(a, input.people.filter(b, a.id == b.id))",
    "input.items.all(a, input.items.all(b, input.items.all(c, true)))",
    "input.items.map(a, input)",
    "input.people.all(a, input.people == input.people)",
    "[" + ", ".join(["input"] * 250) + "]",
    " + ".join(["input.text"] * 150),
    " + ".join(["input.people"] * 120),
    "input.items.map(a, input.text + input.text)",
    "input.text.matches('(x{0,100}){0,9}y')",
    "input.items.exists(a, input.text.matches('^(x+x+)+y$')) || true",
]
VALUES: dict[str, tuple[Any, Any]] = {
    "a pattern": ({"pattern": "^(x+x+)+y$"}, "x" * LARGE),
    "a long pattern": ({"pattern": "(x{0,100}){0,9}y"}, "x" * LARGE),
    "patterns of keys": (
        {"patternProperties": {f"^(a|aa|b{n})+$": {} for n in range(400)}, "additionalProperties": False},
        {"a" * 200 + f"!{n}": n for n in range(3_000)},
    ),
    "unique items": ({"uniqueItems": True, "items": {"type": "string"}}, [{"a": n} for n in range(60_000)]),
    "complaints": ({"anyOf": [{"type": "null"}] * 2_000}, "x" * LARGE),
    "doubling": ({"$ref": "#/$defs/0", "$defs": _doubling(50)}, 1),
    "itself": ({"properties": {"a": {"$ref": "#"}}, "allOf": [{"$ref": "#"}]}, {}),
}


def refusal(parse: Callable[[bytes], Any], content: bytes) -> list[str]:
    """What is said about it; nothing when it is taken."""
    try:
        written = parse(content)
    except Unreadable as error:
        return [str(error)]
    try:
        read = Workflow.model_validate(written)
    except ValidationError as error:
        return [detail.message for detail in details_of(error, Workflow, written)]
    return [detail.message for detail in check_workflow(read, KNOWN, written).errors]


def evaluation(source: str) -> list[str]:
    """What is said about it as an expression and as a template over large values."""
    said = []
    for attempt in (partial(evaluate, source), partial(render, f"${{{source}}} " * 50)):
        try:
            attempt(SCOPE)
        except ProblemError as error:
            said.append(error.problem.message)
    return said


def value(schema_and_value: tuple[Any, Any]) -> list[str]:
    schema, of_caller = schema_and_value
    return [message for _, message in check_schema(schema) or check_value(of_caller, schema)]


def bombs() -> Iterator[tuple[str, Callable[[], list[str]]]]:
    for name, make in JSON_BOMBS.items():
        yield name, partial(refusal, parse_json, make())
    for name, make in YAML_BOMBS.items():
        yield name, partial(refusal, parse_yaml, make())
    for source in EVALUATIONS:
        yield f"evaluating {source[:60]}", partial(evaluation, source)
    for name, sent in VALUES.items():
        yield f"checking {name}", partial(value, sent)


def main() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (2 << 30, 2 << 30))
    resource.setrlimit(resource.RLIMIT_CPU, (300, 300))
    refusal(parse_json, workflow(agent("a", input="${input.x.all(y, y.matches('a'))}")))  # loads the libraries
    for name, run in bombs():
        before = _peak(reset=True)
        begun = time.process_time()
        said = run()
        seconds = time.process_time() - begun
        taken = {"name": name, "seconds": round(seconds, 3), "megabytes": _peak() - before}
        words = {"said": len(said), "first": said[0][:200] if said else None, "longest": max(map(len, said), default=0)}
        print(json.dumps({**taken, **words}), flush=True)


def _peak(reset: bool = False) -> int:
    """Megabytes of memory this process has had at most, since the last reset."""
    if reset:
        with open("/proc/self/clear_refs", "w") as file:
            file.write("5")
    with open("/proc/self/status") as file:
        line = next(line for line in file if line.startswith("VmHWM"))
    return int(line.split()[1]) // 1024


if __name__ == "__main__":
    main()
