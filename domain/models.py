"""What a model alias stands for: an endpoint with its limits and price, or a cascade of two other aliases."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from domain.base import Name, Shape
from domain.durations import Duration
from domain.errors import Detail, ProblemError
from domain.expressions import check
from domain.wording import did_you_mean

DEFAULT = "default"
"""The alias of agents that name none."""
IN_ACCEPT = frozenset({"answer", "text", "finish_reason"})
"""What the rule of a cascade can see."""
KEY_PATTERN = r"^(OPENAI_API_KEY|AZURE_OPENAI_API_KEY|MODEL_KEY_[A-Z0-9_]{1,60})$"
LONGEST_KEPT = timedelta(days=30)

Dollars = Annotated[Decimal, Field(ge=0, le=1_000_000, allow_inf_nan=False)]


def _address(url: str) -> str:
    scheme, separator, rest = url.partition("://")
    host = rest.partition("/")[0]
    if scheme not in ("http", "https") or not separator or not host:
        raise ValueError("should be an address that begins with https:// and a host name")
    if "@" in host or "?" in rest or "#" in rest:
        raise ValueError("should hold nothing but host and path: no user, no query")
    return url


Address = Annotated[str, StringConstraints(max_length=500, pattern=r"^[!-~]+$"), AfterValidator(_address)]


class KeyReference(Shape):
    """Where a key is. The key itself is in no definition: `env` names the setting that holds it."""

    env: str = Field(
        pattern=KEY_PATTERN, description="`OPENAI_API_KEY`, `AZURE_OPENAI_API_KEY`, or one that begins `MODEL_KEY_`."
    )


class Prices(Shape):
    """US dollars for a million tokens."""

    input: Dollars = Field(description="Of the request.")
    output: Dollars = Field(description="Of the answer.")

    def cost(self, tokens_in: int, tokens_out: int) -> Decimal:
        return (self.input * tokens_in + self.output * tokens_out) / 1_000_000


class Cascade(Shape):
    """Cheap first. An answer that does not fit the agent's own output schema is never accepted."""

    first: Name = Field(description="The alias that is asked first.")
    accept: str | None = Field(
        default=None,
        max_length=2_000,
        description="CEL over `answer`, `text` and `finish_reason`: where it is true, the first answer counts.",
    )
    accept_schema: dict[str, Any] | None = Field(default=None, description="JSON Schema the answer must satisfy too.")
    then: Name = Field(description="The alias that is asked when the first answer is not accepted.")


class ModelAlias(Shape):
    """An endpoint (`provider`, `model`) or a `cascade`."""

    description: str = Field(default="", max_length=500, description="For people: what it is good for, in a line.")
    provider: Literal["openai", "azure-openai", "compatible"] | None = Field(
        default=None, description="OpenAI, an Azure OpenAI resource, or any endpoint that speaks OpenAI's protocol."
    )
    model: str | None = Field(
        default=None, min_length=1, max_length=200, description="The endpoint's name for it; on Azure the deployment's."
    )
    base_url: Address | None = Field(
        default=None, description="The Azure resource, or the address ending in `/v1`; OpenAI's own may be left out."
    )
    api_version: str | None = Field(
        default=None, max_length=40, description="A dated version of the Azure OpenAI API; unset: its `v1` API."
    )
    api_key: KeyReference | None = Field(
        default=None, description="Unset: on Azure the identity of the process, for OpenAI `OPENAI_API_KEY`, else none."
    )
    prices: Prices | None = Field(default=None, description="Unset: MODEL_PRICES, else the list of known prices.")
    known_as: str | None = Field(
        default=None,
        max_length=200,
        description="Its common name, where the endpoint has another: for prices and for counting tokens.",
    )
    context_window: int | None = Field(default=None, ge=256, description="Most tokens of request and answer together.")
    max_concurrency: int | None = Field(default=None, ge=1, description="Calls of one process at the same time.")
    requests_per_minute: int | None = Field(default=None, ge=1, description="Of one process.")
    tokens_per_minute: int | None = Field(default=None, ge=1, description="Of one process, request and answer.")
    tool_calls: Literal["native", "schema"] = Field(
        default="native", description="`schema` for models that have no tool calls of their own."
    )
    timeout: Duration | None = Field(default=None, description="Until a call is given up; unset: MODEL_TIMEOUT.")
    fallback: tuple[Name, ...] = Field(
        default=(), max_length=5, description="Aliases asked at once, in turn, when this one is down or throttled."
    )
    cascade: Cascade | None = Field(default=None, description="Ask one alias first and another if need be.")
    cache: Duration | None = Field(
        default=None, description="How long an answer to the very same request is used again; unset: never."
    )

    @model_validator(mode="after")
    def _whole(self) -> ModelAlias:
        if complaint := self._complaint():
            raise ValueError(complaint)
        return self

    def _complaint(self) -> str | None:
        if self.cascade is not None:
            others = sorted(self.model_fields_set - {"cascade", "description", "cache"})
            return f"a cascade has no endpoint of its own: leave out {', '.join(others)}" if others else None
        if self.provider is None or self.model is None:
            return "it needs `provider` and `model`, or `cascade`"
        if self.provider != "openai" and self.base_url is None:
            return f"provider {self.provider} needs `base_url`"
        if self.api_version is not None and self.provider != "azure-openai":
            return "`api_version` is for azure-openai alone"
        return "`cache` is 30 days at the most" if self.cache and self.cache > LONGEST_KEPT else None

    @property
    def key_setting(self) -> str | None:
        """Name of the setting that holds the key; None: it is used without one."""
        if self.api_key is not None:
            return self.api_key.env
        return "OPENAI_API_KEY" if self.provider == "openai" else None


class ModelsFile(Shape):
    """`models.yaml`: what each alias stands for."""

    models: dict[Name, ModelAlias] = Field(description="By alias; `default` is the one of agents that name none.")


def mistakes(name: str, entry: ModelAlias, known: Mapping[str, ModelAlias], keys: Collection[str]) -> Iterator[Detail]:
    """What is wrong with the entry among all `known` ones, itself included; `keys` are the settings that there are."""
    for pointer, other in _named(entry):
        if other not in known:
            yield Detail(pointer=pointer, message=f"there is no model `{other}`{did_you_mean(other, known)}")
        elif other == name:
            yield Detail(pointer=pointer, message="it names itself")
        elif known[other].cascade is not None:
            yield Detail(pointer=pointer, message=f"`{other}` is a cascade: name an endpoint")
    for at, repeated in enumerate(entry.fallback):
        if repeated in entry.fallback[:at]:
            yield Detail(pointer=f"/fallback/{at}", message=f"`{repeated}` stands here twice")
    if entry.cascade is not None and entry.cascade.accept is not None:
        try:
            check(entry.cascade.accept, IN_ACCEPT)
        except ProblemError as error:
            yield Detail(pointer="/cascade/accept", message=error.problem.message)
    if entry.key_setting is not None and entry.key_setting not in keys:
        pointer = "/api_key/env" if entry.api_key else "/api_key"
        yield Detail(pointer=pointer, message=f"the setting {entry.key_setting} is not set")


def _named(entry: ModelAlias) -> Iterator[tuple[str, str]]:
    for at, other in enumerate(entry.fallback):
        yield f"/fallback/{at}", other
    if entry.cascade is not None:
        yield "/cascade/first", entry.cascade.first
        yield "/cascade/then", entry.cascade.then
