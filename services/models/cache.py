"""Answers that are used again for the very same request: of one tenant, for as long as the alias says, off by default.

What is over is removed by those who keep something new, a few at a time.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from domain.models import ModelAlias
from domain.values import content_hash
from services.documents.base import Delete, DocumentStore, Operation, Put
from services.models.base import ModelAnswer, ModelRequest
from services.models.registry import ModelRegistry

REMOVED = 20
"""So many that are over, at most, with each that is kept."""
_OVER = "over:"
_WHOLE = ("stop", "tool_calls")
_NOT_ASKED = {"idempotency_key", "timeout", "escalated"}
"""Parts of a request that do not change its answer; whoever of a cascade answered, it is the answer."""
_WHO = {"provider", "model", "base_url", "api_version", "tool_calls"}


class AnswerCache:
    def __init__(
        self,
        documents: DocumentStore,
        registry: ModelRegistry,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._documents = documents
        self._registry = registry
        self._clock = clock

    async def keeps(self, alias: str) -> bool:
        """Whether answers under this alias are kept."""
        known = await self._registry.get(alias)
        return known is not None and known.entry.cache is not None

    async def find(self, tenant: str, request: ModelRequest) -> ModelAnswer | None:
        """A kept answer; None unless the alias keeps them and there is one."""
        known = await self._registry.get(request.alias)
        if known is None or known.entry.cache is None:
            return None
        found = await self._documents.get(_partition(tenant), self._id(request, known.entry))
        if found is None or datetime.fromisoformat(found.body["until"]) <= self._clock():
            return None
        return ModelAnswer.model_validate(found.body["answer"])

    async def keep(self, tenant: str, request: ModelRequest, answer: ModelAnswer) -> None:
        """Keep a whole answer that was accepted, if the alias says so."""
        known = await self._registry.get(request.alias)
        if known is None or known.entry.cache is None or answer.finish_reason not in _WHOLE:
            return
        now = self._clock()
        id, until = self._id(request, known.entry), now + known.entry.cache
        kept = answer.model_copy(update={"passed_over": ()}).model_dump(mode="json")
        partition = _partition(tenant)
        between = _OVER, f"{_OVER}{now.isoformat()};"  # what follows a time there is a colon
        over, _ = await self._documents.query(partition, between=between, limit=REMOVED)
        removed: list[Operation] = []
        for mark in over:
            # One that was kept anew has another mark, for later.
            found = await self._documents.get(partition, mark.body["of"])
            if found is not None and datetime.fromisoformat(found.body["until"]) <= now and found.id != id:
                removed.append(Delete(found.id))
            removed.append(Delete(mark.id))
        new = Put(f"{_OVER}{until.isoformat()}:{id}", {"of": id})
        await self._documents.write(partition, [*removed, Put(id, {"answer": kept, "until": until.isoformat()}), new])

    def _id(self, request: ModelRequest, entry: ModelAlias) -> str:
        """Another request, or a model that stands for something else by now, has another."""
        names = (entry.cascade.first, entry.cascade.then) if entry.cascade else ()
        others = [self._registry.lately[name].entry for name in names if name in self._registry.lately]
        who = [one.model_dump(mode="json", include=_WHO) for one in (entry, *others)]
        rules = entry.cascade.model_dump(mode="json") if entry.cascade else None
        sent = request.model_dump(mode="json", exclude=_NOT_ASKED)
        return content_hash({"request": sent, "who": who, "rules": rules})


def _partition(tenant: str) -> str:
    return f"{tenant}/answers"
