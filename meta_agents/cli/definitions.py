"""`apply`, `lint` and `delete`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from meta_agents.cli.checking import Definition, Finding, checked, definitions_of, findings_of, located, refuse
from meta_agents.cli.context import AsJson, client_of, console, definition_kind, definitions_in, print_json, say
from meta_agents.cli.documents import read_documents
from meta_agents.cli.exits import BadInput, ExitCode
from meta_agents.errors import ApiError
from meta_agents.live.style import counted
from meta_agents.results import Estimate, Json, Validation
from meta_agents.synchronous.client import Client

Files = Annotated[
    list[Path], typer.Argument(metavar="FILE...", help="YAML or JSON files, or folders of them.", show_default=False)
]


def apply(context: typer.Context, files: Files) -> None:
    """Keep agents, data sets, prompts, tools and workflows from files: all are checked before any is changed."""
    batch = definitions_of(read_documents(files))
    with client_of(context) as client:
        findings = findings_of(batch, checked(client, batch))
        refuse(findings)
        for finding in findings:
            console(error=True).print(str(finding), soft_wrap=True)
        for definition in batch:
            what, version = _put(client, definition)
            say(f"{what:<9}  {definition.word:<8}  {definition.name}  version {version}")


def lint(context: typer.Context, files: Files, as_json: AsJson = False) -> None:
    """Say what is wrong with agents, prompts, tools and workflows in files, and the most that each workflow can use."""
    batch = definitions_of(read_documents(files))
    with client_of(context) as client:
        results = checked(client, batch)
    findings = findings_of(batch, results)
    if as_json:
        print_json({"findings": [asdict(finding) for finding in findings], "estimates": _estimates(batch, results)})
    else:
        _tell(batch, results, findings)
    if any(finding.severity == "error" for finding in findings):
        raise typer.Exit(ExitCode.BAD_INPUT)


def _estimates(batch: list[Definition], results: list[Validation]) -> dict[str, Json]:
    """By workflow, as the server gave them."""
    both = zip(batch, results, strict=True)
    return {one.name: result.estimate.as_sent() for one, result in both if one.kind == "workflows" and result.valid}


def _tell(batch: list[Definition], results: list[Validation], findings: list[Finding]) -> None:
    for finding in findings:
        say(str(finding))
    for definition, result in zip(batch, results, strict=True):
        if definition.kind == "workflows" and result.valid:
            say(f"{definition.name}: {_most(result.estimate)}")
    errors = sum(finding.severity == "error" for finding in findings)
    warnings = len(findings) - errors
    say(f"{counted(len(batch), 'definition')}, {counted(errors, 'error')}, {counted(warnings, 'warning')}")


def delete(
    context: typer.Context,
    kind: Annotated[
        str, typer.Argument(metavar="KIND", help="agent, dataset, prompt, tool or workflow", show_default=False)
    ],
    name: Annotated[str, typer.Argument(metavar="NAME", show_default=False)],
) -> None:
    """Hide a definition's name; executions that use it go on."""
    known = definition_kind(kind)
    with client_of(context) as client:
        definitions_in(client, known).delete(name)
    say(f"deleted  {known.removesuffix('s'):<8}  {name}")


def _most(estimate: Estimate) -> str:
    """The estimate in words; what is not known is said, too."""
    calls, tokens, dollars = estimate.model_calls, estimate.tokens_out, estimate.output_usd
    parts = [
        "any number of model calls" if calls is None else counted(calls, "model call"),
        "any number of tokens written" if tokens is None else f"{tokens:,} tokens written",
        "at an unknown price" if dollars is None else f"which cost ${dollars:,.4f}",
    ]
    return f"at most {', '.join(parts)}; prompts and retries come on top"


def _put(client: Client, definition: Definition) -> tuple[str, int]:
    """What became of it (created, changed, unchanged), and its version now."""
    definitions = definitions_in(client, definition.kind)
    try:
        before = definitions.get(definition.name).version
    except ApiError as error:
        if error.status != 404:
            raise
        before = None
    try:
        after = definitions.put(definition.document.content).version
    except ApiError as error:
        if not error.details:
            raise
        places = tuple(map(str, located(definition.document, error.details)))
        raise BadInput(error.message, error.action, places) from error
    return "created" if before is None else "unchanged" if before == after else "changed", after
