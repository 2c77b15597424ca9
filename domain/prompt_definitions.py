"""Prompts as definitions: versioned templates with declared variables, and how agents name and fill them."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import accumulate
from typing import Annotated, Any, NamedTuple

from pydantic import Field, StringConstraints

from domain.base import Definition, Name, Shape
from domain.expressions import as_text, render_all, render_text
from domain.values import Json, content_hash

PROMPT_REFERENCE_PATTERN = r"^[a-z0-9][a-z0-9-]{0,62}(@[1-9][0-9]{0,8}|:[a-z0-9][a-z0-9-]{0,62})?$"
PromptReference = Annotated[str, StringConstraints(pattern=PROMPT_REFERENCE_PATTERN)]
"""A prompt's name, `name@version`, or `name:label` for the version that the label is on."""

Variable = Annotated[str, StringConstraints(pattern=r"^[a-zA-Z_][a-zA-Z0-9_]{0,62}$")]
Label = Name


class PromptDefinition(Definition):
    """A versioned template of an agent's instructions."""

    name: Name = Field(description="What agents call it.")
    description: str = Field(default="", max_length=500, description="For people: what it is for, in a line.")
    template: str = Field(
        min_length=1, max_length=32_000, description="The instructions; `${…}` holds CEL over the variables."
    )
    variables: dict[Variable, dict[str, Any]] = Field(
        default_factory=dict,
        max_length=100,
        description="By name, the JSON Schema of each; one without a `default` must be given.",
    )


class Variant(Shape):
    prompt: PromptReference = Field(description="Which prompt: `name`, `name@version` or `name:label`.")
    weight: int = Field(default=1, ge=1, le=1_000_000, description="Its share, beside the weights of the others.")


class Variants(Shape):
    """One of several prompts, chosen by weight once for each execution."""

    variants: tuple[Variant, ...] = Field(min_length=2, max_length=20, description="The prompts to choose among.")


PromptChoice = PromptReference | Variants


class PinnedPrompt(Shape):
    """The prompt of an agent as it was when the execution started. `version` is None for one that was never stored."""

    name: Name
    version: int | None = Field(default=None, ge=1)
    label: Label | None = Field(default=None, description="The label by which it was found.")
    variant: str | None = Field(default=None, max_length=127, description="Chosen by weight: `name@version`.")
    hash: str = Field(description="sha256 of its template and variables.")
    template: str = Field(min_length=1, max_length=32_000)
    variables: dict[Variable, dict[str, Any]] = Field(default_factory=dict)

    @property
    def reference(self) -> str:
        """`name@version`; for one that was never stored the name alone."""
        return self.name if self.version is None else f"{self.name}@{self.version}"


class Referred(NamedTuple):
    """A reference in its parts; neither version nor label: the latest version."""

    name: str
    version: int | None
    label: str | None


def split_prompt_reference(reference: str) -> Referred:
    """`"greet:production"` gives `("greet", None, "production")`, `"greet@3"` gives `("greet", 3, None)`."""
    before, _, label = reference.partition(":")
    name, _, version = before.partition("@")
    return Referred(name, int(version) if version else None, label or None)


def references_of(choice: PromptChoice | None) -> tuple[tuple[str, int], ...]:
    """Each prompt that may come to be used, with its weight."""
    if choice is None:
        return ()
    if isinstance(choice, str):
        return ((choice, 1),)
    return tuple((variant.prompt, variant.weight) for variant in choice.variants)


def pinned(prompt: PromptDefinition, version: int | None, label: str | None = None) -> PinnedPrompt:
    return PinnedPrompt(
        name=prompt.name,
        version=version,
        label=label,
        hash=hash_of(prompt),
        template=prompt.template,
        variables=prompt.variables,
    )


def hash_of(prompt: PromptDefinition | PinnedPrompt) -> str:
    """The same for two prompts that say the same, whatever they are called."""
    return content_hash({"template": prompt.template, "variables": prompt.variables})


def chosen(options: tuple[tuple[PinnedPrompt, int], ...], drawn: float) -> PinnedPrompt:
    """The one on which `drawn`, from 0 to 1, falls when each has its weight's share of the way."""
    if len(options) == 1:
        return options[0][0]
    left = drawn * sum(weight for _, weight in options)
    ends = accumulate(weight for _, weight in options)
    prompt = next((prompt for (prompt, _), end in zip(options, ends, strict=True) if left < end), options[-1][0])
    return prompt.model_copy(update={"variant": prompt.reference})


def needs_input(variables: Json) -> bool:
    """Whether what an agent gives depends on the execution's input."""
    if isinstance(variables, str):
        return "${" in variables
    if isinstance(variables, dict):
        return any(map(needs_input, variables.values()))
    return isinstance(variables, list) and any(map(needs_input, variables))


def filled(prompt: PinnedPrompt, given: Mapping[str, Json], value: Json) -> dict[str, Json]:
    """Each variable's value: what the agent gives, rendered over the input `value`, else the default.

    Raises `ProblemError` expression_failed.
    """
    defaults = {name: schema["default"] for name, schema in prompt.variables.items() if "default" in schema}
    rendered: dict[str, Json] = render_all(dict(given), {"input": value})
    return {**defaults, **rendered}


def instructions(prompt: PinnedPrompt, given: Mapping[str, Json], value: Json = None) -> str:
    """The text of the prompt. Raises `ProblemError` expression_failed."""
    return render_text(prompt.template, filled(prompt, given, value), as_text)
