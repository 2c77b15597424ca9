"""Resolvers of names, for tests of what connects to them."""

from __future__ import annotations

from collections.abc import Sequence

from services.reaching import Resolve


def leads_to(*addresses: str) -> Resolve:
    """One that knows every name."""

    async def resolve(host: str, port: int) -> Sequence[str]:
        return addresses

    return resolve
