"""How the model stub behaves: what becomes of each request."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from meta_agents.testing.answers import Answer
from meta_agents.testing.asked import JsonObject

Failure = Literal[
    "down", "error", "unauthorized", "not_found", "rate_limit", "content_filter", "filtered", "refusal",
    "garbage", "bad_json", "slow", "cut_off", "stall", "length",
]  # fmt: skip
Mode = Literal["ok"] | Failure
MODES: tuple[Mode, ...] = ("ok", *get_args(Failure))
STATUS = {
    "down": (503, "server_error", None, "The model is down."),
    "error": (500, "server_error", None, "The model failed."),
    "unauthorized": (401, "invalid_request_error", "invalid_api_key", "This key is not known."),
    "not_found": (404, "invalid_request_error", "model_not_found", "This model is not known."),
    "rate_limit": (429, "requests", "rate_limit_exceeded", "Too many requests."),
    "content_filter": (400, "invalid_request_error", "content_filter", "The prompt was filtered."),
}
"""Modes that answer with an error: status, type, code and message of it."""


@dataclass(frozen=True)
class Turn:
    """What becomes of one request. `answer` unset: what the stub makes up. Times are seconds."""

    mode: Mode = "ok"
    answer: Answer | None = None
    delay: float = 0
    pace: float = 0
    retry_after: float = 1
    complaint: str = ""
    """Instead of all else: refused with status 400, because of this."""


@dataclass
class Control:
    """How the stub behaves: in `mode` for `times` requests (None: until told otherwise), and `answers` to say first.

    A request counts when its `Idempotency-Key` ends with `key`.
    """

    mode: Mode = "ok"
    times: int | None = None
    key: str = ""
    retry_after: float = 1
    delay: float = 5
    pace: float = 0
    answers: deque[Any] = field(default_factory=deque)

    @classmethod
    def parse(cls, given: JsonObject) -> Control:
        """Raises `TypeError` or `ValueError` for what a control request cannot hold."""
        control = cls(**given)
        if control.mode not in MODES:
            raise ValueError(f"mode is one of {', '.join(MODES)}")
        control.answers = deque(control.answers)
        return control

    def take_mode(self, key: str) -> Mode:
        """The mode of the next request, whose `Idempotency-Key` is `key`; counts `times` down."""
        if not key.endswith(self.key):
            return "ok"
        if self.times is None:
            return self.mode
        if self.times <= 0:
            return "ok"
        self.times -= 1
        return self.mode
