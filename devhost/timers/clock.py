"""Time as timers see it: what tests put their own in place of."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Protocol

_LONGEST_NAP_SECONDS = 30.0


class Clock(Protocol):
    def now(self) -> datetime:
        """The time, aware, in UTC."""

    async def sleep_until(self, moment: datetime) -> None:
        """Return once `moment` (aware) has come, at once when it has passed."""


class WallClock:
    """The clock of this machine."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    async def sleep_until(self, moment: datetime) -> None:
        # In naps: the loop's own clock stands still while a laptop sleeps, and the wall clock may be set meanwhile.
        while (left := (moment - self.now()).total_seconds()) > 0:  # noqa: ASYNC110
            await asyncio.sleep(min(left, _LONGEST_NAP_SECONDS))
