"""Writing to one partition: group after group, each as one transaction of Cosmos DB."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from azure.core import MatchConditions
from azure.cosmos.aio import ContainerProxy

from services.cosmos.connection import Connection
from services.cosmos.failures import Absent, CosmosFailure, Unmet, uncertain
from services.documents.base import Conflict, Last, Written
from services.documents.cosmos_beliefs import Beliefs
from services.documents.cosmos_items import HEAD, bare, flag_name, flags_of, key_of, quoted, sort_key
from services.documents.cosmos_plan import Change, HeadChange, Knowledge, Plan, Work, is_uncertain, was_done
from services.documents.cosmos_reads import Reads

MOST_RACES = 30
"""How often others may come first before it is given up."""
_MOST_PATCHES = 10
"""In one operation."""


@dataclass(frozen=True)
class _Sent:
    """The new etags by id, and the flags there are if the stream's end was changed."""

    etags: dict[str, str]
    flags: frozenset[str] | None


class _Attempt:
    """A plan that is sent. `unclear`: a sending failed, and may have been done all the same."""

    def __init__(self, connection: Connection, plan: Plan) -> None:
        self._connection = connection
        self.plan = plan
        self.unclear = False

    async def send(self, container: ContainerProxy) -> _Sent:
        """Raises `Unmet`, `CosmosFailure`."""
        try:
            with self._connection.calling("write"):
                return await _send(container, self.plan)
        except Absent as absent:  # of what was to be replaced
            raise Unmet from absent
        except CosmosFailure:
            self.unclear = True
            raise


class Writes:
    def __init__(self, connection: Connection, reads: Reads, beliefs: Beliefs) -> None:
        self._connection = connection
        self._reads = reads
        self._beliefs = beliefs

    async def commit(self, partition: str, works: Sequence[Work]) -> list[Written | Conflict]:
        """Do the works in their order, at once; one that is refused leaves the others alone. Raises `CosmosFailure`.

        Whatever is lost on the way, nothing is written twice: a plan is sent again only under the same conditions, and
        when they are not met any more, its token tells whether that is because it was done.
        """
        facts = Knowledge()
        sent: list[_Attempt] = []
        for number in range(MOST_RACES):
            if number > 1:  # the first time it was a belief that was old: nobody need be racing
                await self._connection.wait(number - 1)
            attempt = _Attempt(self._connection, await self._plan(partition, works, facts))
            sent.append(attempt)
            try:
                return self._done(attempt.plan, await self._sent(attempt))
            except Unmet:
                facts = await self._reads.look(partition, sorted(attempt.plan.ids))
            for earlier in sent:
                if was_done(earlier.plan, facts):
                    return self._done(earlier.plan, _Sent(_etags(earlier.plan, facts), facts.flags))
                if earlier.unclear and is_uncertain(earlier.plan, facts):
                    raise uncertain("It is not known whether it was written: too much was since.")
        raise uncertain("It was not written: others kept writing to the same documents.")

    async def _plan(self, partition: str, works: Sequence[Work], facts: Knowledge) -> Plan:
        beliefs = self._beliefs.of(partition, _ids(works))
        while True:
            plan = Plan(partition, secrets.token_urlsafe(6), works, facts, beliefs)
            if not plan.unknown:
                return plan
            found = await self._reads.look(partition, sorted(plan.unknown))
            facts.items |= found.items
            if found.last is not None:
                facts.last, facts.has_head, facts.flags = found.last, found.has_head, found.flags

    async def _sent(self, attempt: _Attempt) -> _Sent:
        if not attempt.plan.changes():
            return _Sent({}, None)
        return await self._connection.trying(attempt.send)

    def _done(self, plan: Plan, sent: _Sent) -> list[Written | Conflict]:
        self._beliefs.add(plan.partition, plan.left(sent.etags))
        return plan.outcomes(sent.etags, sent.flags)


def _ids(works: Sequence[Work]) -> set[str]:
    return {operation.id for work in works for operation, _ in work if not isinstance(operation, Last)}


def _etags(plan: Plan, facts: Knowledge) -> dict[str, str]:
    """Of what the plan wrote and nobody has written over since."""
    found = {change.id: facts.items[change.id] for change in plan.changes()}
    return {id: seen.etag for id, seen in found.items() if seen.etag is not None and seen.writes[-1:] == (plan.token,)}


async def _send(container: ContainerProxy, plan: Plan) -> _Sent:
    """Do all of it or nothing."""
    changes, head = plan.changes(), plan.head_change()
    if head is None and len(changes) == 1:
        return _Sent({changes[0].id: await _send_one(container, changes[0])}, None)
    # Of two who are late both fail, and the first operation is the cheapest to fail at.
    first = _head_operations(head) if head else []
    operations = [*first, *(_operation(change) for change in changes)]
    results = await container.execute_item_batch(operations, key_of(plan.partition), no_response=head is None)
    of_changes = zip(changes, results[len(first) :], strict=True)
    etags = {change.id: bare(result["eTag"]) for change, result in of_changes if result.get("eTag")}
    flags = await _flags(container, plan, head, results[len(first) - 1]) if head else None
    return _Sent(etags, flags)


async def _flags(container: ContainerProxy, plan: Plan, head: HeadChange, result: Mapping[str, Any]) -> frozenset[str]:
    """Those that the stream's end has now. A batch need not say what it wrote: then it is read."""
    if head.start is None:
        return flags_of(head.item)
    return flags_of(result.get("resourceBody") or await container.read_item(HEAD, key_of(plan.partition)))


async def _send_one(container: ContainerProxy, change: Change) -> str:
    if change.if_match is None:
        done = await container.create_item(change.item)
    else:
        id, unmodified = change.item["id"], MatchConditions.IfNotModified
        done = await container.replace_item(id, change.item, etag=quoted(change.if_match), match_condition=unmodified)
    return bare(done.get_response_headers()["etag"])


def _operation(change: Change) -> tuple[Any, ...]:
    if change.if_match is None:
        return "create", (change.item,)
    return "replace", (change.item["id"], change.item), {"if_match_etag": quoted(change.if_match)}


def _head_operations(change: HeadChange) -> list[tuple[Any, ...]]:
    if change.start is None:
        return [("create", (change.item,))]
    patches: list[dict[str, Any]] = [{"op": "set", "path": "/last", "value": change.last}]
    for id, is_there in change.flags.items():
        path = f"/flags/{flag_name(id)}"
        patches.append(
            {"op": "set", "path": path, "value": sort_key(id)} if is_there else {"op": "remove", "path": path}
        )
    parts = [patches[start : start + _MOST_PATCHES] for start in range(0, len(patches), _MOST_PATCHES)]
    condition = {"filter_predicate": f"FROM c WHERE c.last = {change.start:d}"}
    return [("patch", (HEAD, part), *([condition] if part is parts[0] else [])) for part in parts]
