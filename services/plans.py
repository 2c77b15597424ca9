"""Plans: pinned definitions, kept under the hash of their content."""

from __future__ import annotations

import json
from collections import OrderedDict

from domain.plans import Plan
from services.artifacts.base import ArtifactStore, ref_of

CACHED = 256


class Plans:
    """They never change, so the latest used are kept in memory."""

    def __init__(self, artifacts: ArtifactStore) -> None:
        self._artifacts = artifacts
        self._cache: OrderedDict[tuple[str, str], Plan] = OrderedDict()

    async def save(self, tenant: str, plan: Plan) -> str:
        """The plan's content hash; saving it again changes nothing."""
        content = _canonical(plan)
        if (tenant, ref_of(content)) not in self._cache:
            await self._artifacts.put(_partition(tenant), content, "application/json")
        return self._remember(tenant, ref_of(content), plan)

    async def load(self, tenant: str, hash: str) -> Plan:
        """Raises `ProblemError` not_found."""
        if (tenant, hash) not in self._cache:
            content = await self._artifacts.get(_partition(tenant), hash)
            self._remember(tenant, hash, Plan.model_validate_json(content))
        self._cache.move_to_end((tenant, hash))
        return self._cache[tenant, hash]

    def _remember(self, tenant: str, hash: str, plan: Plan) -> str:
        self._cache[tenant, hash] = plan
        if len(self._cache) > CACHED:
            self._cache.popitem(last=False)
        return hash


def _partition(tenant: str) -> str:
    return f"{tenant}/plans"


def _canonical(plan: Plan) -> bytes:
    """The bytes whose sha256 is `domain.plans.content_hash` of the plan."""
    return json.dumps(plan.model_dump(mode="json"), sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
