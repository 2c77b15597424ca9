"""Events, deltas and logs as the server sends them."""

from __future__ import annotations

import json
from typing import Any

from meta_agents.results import Delta, Event

Json = Any
TERMINAL = {"execution.completed": "completed", "execution.failed": "failed", "execution.canceled": "canceled"}
USAGE = {"model_calls": 1, "tokens_in": 10, "tokens_out": 5, "cost_usd": "0.0010"}
ERROR = {
    "code": "model_unreachable",
    "message": "The model did not answer.",
    "action": "Check that it runs.",
    "fault": "model",
    "retryable": True,
}


def event(
    offset: int, type_: str, *, step: str | None = None, agent: str | None = None, **rest: Json
) -> dict[str, Json]:
    """One log event; `value` and `artifact` are its payload, any other keyword goes into `data`."""
    return {
        "offset": offset,
        "id": f"{type_}/{offset}",
        "type": type_,
        "time": f"2026-11-22T12:00:{offset % 60:02}Z",
        "step": step,
        "agent": agent,
        "value": rest.pop("value", None),
        "artifact": rest.pop("artifact", None),
        "data": rest,
    }


def numbered(*events: dict[str, Json]) -> list[dict[str, Json]]:
    """The events with offsets 1, 2, 3…"""
    return [{**made, "offset": offset} for offset, made in enumerate(events, start=1)]


def started(workflow: str = "brief") -> dict[str, Json]:
    return event(1, "execution.started", workflow=workflow, version=1, value={})


def completed(output: Json = "Done.") -> dict[str, Json]:
    return event(9, "execution.completed", stop_reason="finished", usage=USAGE, turns=1, value=output)


def failed() -> dict[str, Json]:
    return event(9, "execution.failed", error=ERROR, usage=USAGE)


def canceled() -> dict[str, Json]:
    return event(9, "execution.canceled")


def call_started(step: str, agent: str, *, attempt: int = 1, **data: Json) -> dict[str, Json]:
    return event(1, "call.started", step=step, agent=agent, call=f"call:{step}", attempt=attempt, model="m", **data)


def call_completed(step: str, agent: str, answer: Json, **data: Json) -> dict[str, Json]:
    facts = {"call": f"call:{step}", "attempt": 1, "model": "m", "usage": USAGE, "seconds": 1.5} | data
    return event(1, "call.completed", step=step, agent=agent, value=answer, **facts)


def asked(
    step: str = "sign-off", options: tuple[str, ...] = ("approve", "reject"), *, show: Json = None, **data: Json
) -> dict[str, Json]:
    """A question; its id is `q-` and the step."""
    facts = {"approval": f"q-{step}", "kind": "approval", "roles": ["operator"], "options": list(options)}
    value = {"ask": "Publish this?", "show": show}
    return event(
        1, "approval.requested", step=step, value=value, **{"deadline": None, "otherwise": "reject", **facts, **data}
    )


def short_log(output: Json = "Done.") -> list[dict[str, Json]]:
    """One agent writes one answer: five events."""
    return numbered(
        started(),
        event(1, "step.started", step="write", kind="agent"),
        call_started("write", "writer"),
        call_completed("write", "writer", output),
        completed(output),
    )


def delta(step: str, position: int, text: str, *, attempt: int = 1, agent: str = "writer") -> dict[str, Json]:
    return {
        "step": step,
        "agent": agent,
        "call": f"call:{step}",
        "attempt": attempt,
        "position": position,
        "text": text,
    }


def frame(made: dict[str, Json]) -> bytes:
    """An event or a delta as the stream carries it."""
    data = json.dumps(made, ensure_ascii=False)
    if "offset" in made:
        return f"id: {made['offset']}\nevent: event\ndata: {data}\n\n".encode()
    return f"event: delta\ndata: {data}\n\n".encode()


def frames(log: list[dict[str, Json]]) -> bytes:
    """Events as the stream carries them, with its end when the last of them is terminal or there is none."""
    ended = not log or log[-1]["type"] in TERMINAL
    return b"".join(map(frame, log)) + (b"event: end\ndata: {}\n\n" if ended else b"")


def parsed(made: dict[str, Json]) -> Event | Delta:
    """As the client knows it."""
    return Event.model_validate(made) if "offset" in made else Delta.model_validate(made)


def step_summary(path: str, **fields: Json) -> dict[str, Json]:
    """One side of a row of a comparison."""
    requests = {f"{path}#0": "a" * 64}
    whole = {"path": path, "kind": "agent", "status": "completed", "preview": "Tea.", "requests": requests}
    return {**whole, "agent": "writer", "usage": USAGE, "seconds": 1.5, "reused": 0, **fields}


def diff_row(path: str, alignment: str = "same", *differs: str, **fields: Json) -> dict[str, Json]:
    sides = {"left": step_summary(path), "right": step_summary(path)}
    if alignment.startswith("only_"):
        sides["right" if alignment == "only_left" else "left"] = None  # type: ignore[assignment]
    return {"path": path, "alignment": alignment, "differs": list(differs), "first": [], **sides, **fields}


def diff(*rows: dict[str, Json], **fields: Json) -> dict[str, Json]:
    """What the server answers when two executions are compared."""
    side = {"workflow": "brief", "workflow_version": 1, "status": "completed", "usage": USAGE, "seconds": 61.0}
    nothing = {"items": [], "left_out": 0}
    return {
        "left": {"id": "1" * 32, **side},
        "right": {"id": "2" * 32, **side},
        "input": nothing,
        "output": nothing,
        "definitions": nothing,
        "first": {"request": None, "output": None},
        "counts": {"same": len(rows), "changed": 0, "only_left": 0, "only_right": 0},
        "rows": list(rows),
        "left_out": 0,
        **fields,
    }
