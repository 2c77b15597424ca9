"""One turn of an orchestration: its new messages become events, the SDK replays, its new actions become work."""

from __future__ import annotations

import json
import logging

from devhost.engine import delivery, ending, history
from devhost.engine.actions import ERROR_LABEL, Action, ActionKind, BadReply, Reply, parse_reply
from devhost.engine.draft import Draft
from devhost.engine.kernel import Kernel
from devhost.engine.records import Instance
from devhost.engine.scheduling import schedule
from devhost.ports import FunctionFailed, UnknownFunction

log = logging.getLogger(__name__)

_LARGE_ACTIONS = 1000
_LARGE_CHARACTERS = 1_000_000


class TurnFault(Exception):
    """The turn went wrong outside the protocol: no replay can put it right, so the instance fails."""


def run_turn(kernel: Kernel, instance_id: str) -> None:
    """Take one turn if the instance has one to take; queue the next if more of its messages can be delivered."""
    instance = kernel.store.instance(instance_id)
    if instance is None or instance.status not in ("Pending", "Running"):
        return
    messages = delivery.deliverable(kernel.store, instance_id)
    if instance.events and not messages:
        return
    draft = Draft.begin(kernel, instance)
    draft.add(history.orchestrator_started(draft.now))
    if instance.events == 0:
        instance.status = "Running"
        draft.add(history.execution_started(draft.now, instance))
    delivery.deliver(draft, messages)
    try:
        reply = _resume(draft) or _replay(draft)
    except TurnFault as fault:
        log.error("instance %s (%s): %s", instance.id, instance.name, fault)
        ending.fail(draft, str(fault))
        return
    _cancel_timers(draft, reply)
    schedule(draft, reply.actions[len(draft.memory.actions) - reply.first :])
    _set_custom_status(instance, reply)
    _warn_when_large(draft)
    if ending.end_if_due(draft, reply):
        return
    draft.add(history.orchestrator_completed(draft.now))
    draft.save()
    if delivery.deliverable(kernel.store, instance_id):
        kernel.ready.add(instance_id)


def fail_instance(kernel: Kernel, instance_id: str, reason: str) -> None:
    """Fail an instance whose turn the engine itself could not finish; what it had in its inbox is dropped."""
    instance = kernel.store.instance(instance_id)
    if instance is not None and not instance.ended:
        kernel.memory.forget(instance_id)
        ending.fail(Draft.begin(kernel, instance), reason)


def _resume(draft: Draft) -> Reply | None:
    """The turn taken by the session that is left of the last one, if there is any and it can."""
    session = draft.memory.session
    if session is None:
        return None
    return session.resume([*draft.memory.events[session.seen :], *_read_by_sdk(draft)])


def _replay(draft: Draft) -> Reply:
    """The turn taken by running the orchestrator anew; and, where that is wished, a session for the next."""
    memory = draft.memory
    before, memory.session = memory.session, None
    reply = _replayed(draft)
    _check_deterministic(draft, reply)
    if draft.kernel.options.extended_sessions:
        seen = len(memory.events) + len(_read_by_sdk(draft))
        memory.session = draft.kernel.sessions.captured(draft.instance.name, seen, before)
    return reply


def _replayed(draft: Draft) -> Reply:
    instance = draft.instance
    try:
        return parse_reply(draft.kernel.app.run_orchestrator(instance.name, _context(draft)))
    except FunctionFailed as failed:
        return _reply_in(failed, draft)
    except BadReply as bad:
        raise TurnFault(str(bad)) from bad
    except UnknownFunction as unknown:
        raise TurnFault(str(unknown.args[0])) from unknown
    except (Exception, SystemExit) as error:  # whatever user code or the SDK throws must fail this instance alone
        raise TurnFault(f"{type(error).__name__}: {error}") from error


def _reply_in(failed: FunctionFailed, draft: Draft) -> Reply:
    """The reply that the SDK attached to the exception of an orchestrator that raised."""
    _, label, text = failed.message.rpartition(ERROR_LABEL)
    if not label:
        raise TurnFault(failed.message) from failed
    try:
        reply = parse_reply(text)
    except BadReply as bad:
        raise TurnFault(str(bad)) from bad
    if draft.instance.ended_turn is None:
        # The error of a failed activity carries that one's traceback, which was logged when it failed.
        error = reply.error or ""
        details = failed.details.replace(error, error.partition("\n")[0].strip())
        log.error("orchestrator %s (%s) raised\n%s", draft.instance.name, draft.instance.id, details)
    return reply


def _context(draft: Draft) -> str:
    """The SDK's context as JSON, joined from event texts that were printed once."""
    instance = draft.instance
    events = draft.memory.events + _read_by_sdk(draft)
    rest = json.dumps(
        {
            "instanceId": instance.id,
            "isReplaying": instance.events > 0,
            "parentInstanceId": instance.parent.instance_id if instance.parent else None,
            "upperSchemaVersion": 1,
            "upperSchemaVersionNew": 2,
        }
    )
    return f'{{"history":[{",".join(events)}],"input":{_context_input(instance.input)},{rest[1:]}'


def _read_by_sdk(draft: Draft) -> list[str]:
    return [event.text for event in draft.events if event.type in history.READ_BY_SDK]


def _context_input(text: str | None) -> str:
    """The instance's input so that the SDK's `get_input` can decode it: an object, or a string of JSON text.

    The SDK's client sends such strings. Anyone else's list, number or plain string would raise there: wrap it.
    """
    if text is None:
        return "null"
    value = json.loads(text)
    if value is None or isinstance(value, dict) or (isinstance(value, str) and _is_json(value)):
        return text
    return json.dumps(text)


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def _check_deterministic(draft: Draft, reply: Reply) -> None:
    """A replay must begin with the actions it took before; the SDK itself does not look."""
    taken = draft.memory.actions
    for position, (before, now) in enumerate(zip(taken, reply.actions, strict=False)):
        if before.kind != now.kind or before.name != now.name:
            raise _nondeterminism(draft, position, now)
    if len(reply.actions) < len(taken) and reply.error is None:
        raise _nondeterminism(draft, len(reply.actions), None)


def _nondeterminism(draft: Draft, position: int, now: Action | None) -> TurnFault:
    before = draft.memory.actions[position]
    was = f"{ActionKind(before.kind).name} {before.name}".strip()
    became = f"{now.kind.name} {now.name}".strip() if now else "nothing"
    return TurnFault(
        f"Non-deterministic orchestrator '{draft.instance.name}': on replay its action {position + 1} is {became}, "
        f"but it was {was}. The code must not change under a running instance, and must take time, ids and random "
        "numbers from the context only."
    )


def _cancel_timers(draft: Draft, reply: Reply) -> None:
    """The SDK cancels a timer by changing the action it sent in an earlier turn."""
    taken, canceled = draft.memory.actions, draft.memory.canceled
    for position in sorted(reply.canceled - canceled):
        if position < len(taken):
            canceled.add(position)
            draft.close_timer(taken[position].event_id)


def _set_custom_status(instance: Instance, reply: Reply) -> None:
    if reply.custom_status is not None:
        instance.custom_inherited = False
    if not instance.custom_inherited:
        instance.custom_status = reply.custom_status


def _warn_when_large(draft: Draft) -> None:
    before, after = len(draft.memory.actions), len(draft.memory.actions) + len(draft.new_actions)
    grown = sum(len(event.text) for event in draft.events)
    if before <= _LARGE_ACTIONS < after or draft.memory.size <= _LARGE_CHARACTERS < draft.memory.size + grown:
        log.warning(
            "instance %s (%s) has %d actions and about %d kB of history in this generation; every turn replays all "
            "of it: use continue_as_new or sub-orchestrations, and pass large results by reference",
            draft.instance.id,
            draft.instance.name,
            after,
            (draft.memory.size + grown) // 1000,
        )
