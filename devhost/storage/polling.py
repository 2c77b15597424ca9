"""How long to wait before a queue is asked again."""

from __future__ import annotations

import random
from datetime import timedelta

_SHORTEST = timedelta(milliseconds=100)


class Backoff:
    """Waits that grow from a tenth of a second to `longest`, as those of the storage extension do."""

    def __init__(self, longest: timedelta) -> None:
        self._longest = longest.total_seconds()
        self._doublings = 0

    def reset(self) -> None:
        """Begin again with the shortest wait."""
        self._doublings = 0

    def next(self) -> float:
        """The next wait in seconds. Each is random by a fifth, so that several hosts do not ask all at once."""
        shortest = _SHORTEST.total_seconds()
        wait = shortest * (1 << self._doublings) * random.uniform(0.8, 1.2)  # noqa: S311 - nothing to guess
        if wait >= self._longest:
            return self._longest
        self._doublings += 1
        return wait
