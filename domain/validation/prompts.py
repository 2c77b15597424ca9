"""Static checks of prompts, and of what an agent gives them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress

from domain.agents import Agent
from domain.errors import Detail, ProblemError, invalid_input
from domain.expressions import check_template, names_in
from domain.prompt_definitions import PinnedPrompt, PromptDefinition, filled, needs_input
from domain.validation.findings import Enough, Findings, Notes, Parts
from domain.validation.pointers import Part, pointer
from domain.validation.schemas import MOST_PARTS, check_schema, check_value
from domain.values import Json
from domain.wording import did_you_mean, shown
from domain.work import Work

IN_VARIABLES = frozenset({"input"})


def check_prompt(prompt: PromptDefinition | PinnedPrompt, written: Json = None) -> Findings:
    notes = Notes(written)
    with suppress(Enough):
        _declared(prompt, notes)
        _template(prompt, notes)
    return notes.findings()


def _declared(prompt: PromptDefinition | PinnedPrompt, notes: Notes) -> None:
    parts = Work(MOST_PARTS)
    for name, schema in prompt.variables.items():
        at: Parts = ("variables", name)
        if not _is_a_name(name):
            notes.error(at, f"`{name}` is a word of CEL's own; choose another")
        mistakes = check_schema(schema, parts)
        if not mistakes and "default" in schema:
            mistakes = [(("default", *where), message) for where, message in check_value(schema["default"], schema)]
        for where, message in mistakes:
            notes.error((*at, *where), message)


def _template(prompt: PromptDefinition | PinnedPrompt, notes: Notes) -> None:
    try:
        used = names_in(prompt.template) if "${" in prompt.template else frozenset()
        unknown = sorted(used - prompt.variables.keys())
        if not unknown:
            check_template(prompt.template, frozenset(prompt.variables))
    except ProblemError as error:
        notes.error(("template",), error.problem.message)
        return
    for name in unknown:
        meant = did_you_mean(name, prompt.variables.keys()) or "; declare it there"
        notes.error(("template",), f"`{shown(name)}` is not one of the `variables`{meant}")
    for name in sorted(prompt.variables.keys() - used):
        notes.warning(("variables", name), "the template does not use it")


def _is_a_name(name: str) -> bool:
    try:
        return names_in(name) == {name}
    except ProblemError:
        return False


def check_given(agent: Agent, prompts: Mapping[str, PinnedPrompt | None], written: Json = None) -> Findings:
    """What an agent gives the prompts it names. `prompts`: those that were found, None where one has mistakes."""
    notes = Notes(written)
    with suppress(Enough):
        _given(agent, notes)
        if not notes.findings().errors:
            for reference, prompt in prompts.items():
                if prompt is not None:
                    _variables(agent, prompt, reference, notes)
    return notes.findings()


def _given(agent: Agent, notes: Notes) -> None:
    if agent.prompt is None and agent.variables:
        notes.error(("variables",), "only a `prompt` has variables")
    for name, given in agent.variables.items():
        for at, text in _texts(given, ("variables", name)):
            try:
                check_template(text, IN_VARIABLES)
            except ProblemError as error:
                notes.error(at, error.problem.message)


def _variables(agent: Agent, prompt: PinnedPrompt, reference: str, notes: Notes) -> None:
    for name, given in agent.variables.items():
        if name not in prompt.variables:
            meant = did_you_mean(name, prompt.variables.keys())
            notes.error(("variables", name), f"the prompt `{reference}` has no variable `{name}`{meant}")
        elif not needs_input(given):
            for where, message in check_value(given, prompt.variables[name]):
                notes.error(("variables", name, *where), message)
    for name, schema in prompt.variables.items():
        if "default" not in schema and name not in agent.variables:
            notes.error(("variables",), f"the prompt `{reference}` needs `{name}`, which has no default")


def check_filled(agent: Agent, prompt: PinnedPrompt, value: Json) -> tuple[Detail, ...]:
    """What is wrong with the variables that depend on the input `value`, as details of the input."""
    given = {name: written for name, written in agent.variables.items() if needs_input(written)}
    try:
        known = filled(prompt, given, value) if given else {}
    except ProblemError as error:
        return (Detail(pointer="/input", message=f"the prompt of `{agent.name}`: {error.problem.message}"),)
    return tuple(
        Detail(pointer="/input", message=f"`{name}` of the prompt of `{agent.name}`, at `{pointer(at) or '/'}`: {said}")
        for name in given
        for at, said in check_value(known[name], prompt.variables[name])
    )


def refuse_filled(agents: Mapping[str, Agent], prompts: Mapping[str, PinnedPrompt], value: Json) -> None:
    """Raises `ProblemError` invalid_input for an input from which a prompt cannot be made."""
    found = [detail for name, prompt in prompts.items() for detail in check_filled(agents[name], prompt, value)]
    if found:
        raise ProblemError(invalid_input("The input does not fit the variables of a prompt.", tuple(found)))


def _texts(value: Json, at: tuple[Part, ...]) -> Iterator[tuple[tuple[Part, ...], str]]:
    if isinstance(value, str):
        yield at, value
    elif isinstance(value, dict):
        for key, child in value.items():
            yield from _texts(child, (*at, key))
    elif isinstance(value, list):
        for index, child in enumerate(value):
            yield from _texts(child, (*at, index))
