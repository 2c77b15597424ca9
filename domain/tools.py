"""What a tool is: something a step may call, with what it takes and how often it may be called."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Literal

from pydantic import Field, model_validator

from domain.base import Name, Shape
from domain.durations import Duration


class HttpCall(Shape):
    """A request. Only hosts that the deployment allows are called (`TOOL_HOSTS`)."""

    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"] = Field(default="POST", description="HTTP method.")
    url: str = Field(min_length=1, max_length=2_000, description="`${…}` holds CEL over `arguments`, percent-encoded.")
    headers: dict[str, str] = Field(
        default_factory=dict, description="`${…}` as in `url`. No secrets: definitions can be read."
    )
    body: Any = Field(default="${arguments}", description="`${…}` as in `url`. Sent as JSON, but for GET and DELETE.")


class Tool(Shape):
    """A versioned tool definition: `http`, or `function` for one that this deployment registers in Python."""

    name: Name = Field(description="What steps call it.")
    description: str = Field(default="", max_length=500, description="What it does, in a line.")
    input: dict[str, Any] = Field(default_factory=lambda: {"type": "object"}, description="Schema of its arguments.")
    http: HttpCall | None = Field(default=None, description="The request that is made.")
    function: Name | None = Field(default=None, description="Name of a registered Python function.")
    delivery: Literal["at_most_once", "at_least_once", "idempotent"] = Field(
        default="at_most_once",
        description="When nobody knows whether a call was carried out: `at_most_once` fails, the others call again.",
    )
    timeout: Duration = Field(default=timedelta(seconds=60), description="How long one call may take.")

    @model_validator(mode="after")
    def _one_maker(self) -> Tool:
        if (self.http is None) == (self.function is None):
            raise ValueError("exactly one of these keys is needed: http, function")
        return self
