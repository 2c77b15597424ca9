"""How much one process asks of one endpoint: so many calls, requests and tokens a minute, and nothing while it waits.

Nothing here sleeps or looks at the clock by itself.
"""

from __future__ import annotations

LONGEST_WAIT = 10.0
"""Seconds that a call waits for the alias's own limits before it gives its turn back."""


class Bucket:
    """So many a minute, in bursts of a minute's worth at the most."""

    def __init__(self, per_minute: int, now: float) -> None:
        self._most = float(per_minute)
        self._level = self._most
        self._at = now

    def wait(self, amount: float, now: float) -> float:
        """Seconds until so much is there."""
        self._fill(now)
        return max(0.0, (min(amount, self._most) - self._level) * 60 / self._most)

    def take(self, amount: float, now: float) -> None:
        """Use it, if need be of what is yet to come: later ones wait the longer."""
        self._fill(now)
        self._level -= min(amount, self._most)

    def give(self, amount: float, now: float) -> None:
        """Hand back what was taken and not used; less than nothing: more was used."""
        self._fill(now)
        self._level = min(self._most, self._level + amount)

    def _fill(self, now: float) -> None:
        self._level = min(self._most, self._level + max(0.0, now - self._at) * self._most / 60)
        self._at = max(now, self._at)


class Limits:
    """The requests and tokens a minute of one alias."""

    def __init__(self, requests: int | None, tokens: int | None, now: float) -> None:
        self._requests = Bucket(requests, now) if requests else None
        self._tokens = Bucket(tokens, now) if tokens else None

    def turn(self, tokens: int, now: float) -> float:
        """Seconds after which a request of about so many tokens may be made; more than `LONGEST_WAIT`: not taken."""
        amounts = [(bucket, amount) for bucket, amount in ((self._requests, 1), (self._tokens, tokens)) if bucket]
        wait = max((bucket.wait(amount, now) for bucket, amount in amounts), default=0.0)
        if wait <= LONGEST_WAIT:
            for bucket, amount in amounts:
                bucket.take(amount, now)
        return wait

    def used(self, estimate: int, tokens: int, now: float) -> None:
        """It came to so many tokens in the end."""
        if self._tokens is not None:
            self._tokens.give(estimate - tokens, now)


class Circuits:
    """Until when endpoints want to be left alone, by their keys."""

    def __init__(self) -> None:
        self._until: dict[object, float] = {}

    def closed_for(self, key: object, now: float) -> float:
        """Seconds that it is not to be asked; 0: it may be."""
        left = self._until.get(key, 0.0) - now
        if left <= 0:
            self._until.pop(key, None)
        return max(0.0, left)

    def rest(self, key: object, seconds: float, now: float) -> None:
        self._until[key] = max(now + seconds, self._until.get(key, 0.0))
