"""Kills a process from inside, just before or just after a commit of its choice."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable

from devhost.engine.store import Store


class Fuse:
    """Burns down by one at each dangerous moment, and then kills the process. Length 0 never does."""

    def __init__(self, length: int) -> None:
        self._left = length

    def burn(self) -> None:
        self._left -= 1
        if self._left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def fused_commit(self, commit: Callable[[Store], None]) -> Callable[[Store], None]:
        """A commit with dangers before and after; one that changes nothing is none."""
        changes = 0

        def fused(store: Store) -> None:
            nonlocal changes
            if store.connection.total_changes == changes:
                commit(store)
                return
            changes = store.connection.total_changes
            self.burn()
            commit(store)
            self.burn()

        return fused
