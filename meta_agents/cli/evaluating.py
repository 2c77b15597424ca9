"""`eval` and what follows it."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from typer.core import TyperGroup

from meta_agents.cli.cases import read_cases
from meta_agents.cli.context import AsJson, client_of, console, print_json, say
from meta_agents.cli.evaluation_tables import show_comparison, show_evaluation, show_evaluations
from meta_agents.cli.executing import Detach, IdempotencyKey
from meta_agents.cli.exits import BadInput, ExitCode, code_of_status
from meta_agents.cli.grading import read_graders
from meta_agents.cli.inputs import read_settings
from meta_agents.cli.watching import watch_silently
from meta_agents.errors import ApiError
from meta_agents.evaluations import CaseResult, Evaluation, EvaluationRecord
from meta_agents.live.style import counted
from meta_agents.results import Json
from meta_agents.synchronous.client import Client


class _Evaluate(TyperGroup):
    """`eval WORKFLOW …` is `eval run WORKFLOW …`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if args and args[0] not in self.commands and not args[0].startswith("-"):
            args = ["run", *args]
        return list(super().parse_args(ctx, args))


app = typer.Typer(cls=_Evaluate, help="Evaluate agents and workflows on data sets.", no_args_is_help=True)

Id = Annotated[str, typer.Argument(metavar="ID", help="An evaluation's id.", show_default=False)]
Grade = Annotated[
    list[str] | None,
    typer.Option(
        "--grade",
        metavar="[NAME=]GRADER",
        help="equals, contains, number[:TOLERANCE], regex:PATTERN, cel:EXPRESSION, judge:AGENT, score:AGENT, "
        "schema:@FILE, or @FILE with graders; may be repeated.",
    ),
]
FailUnder = Annotated[
    float | None,
    typer.Option("--fail-under", min=0, max=1, help="Exit with 1 when a grader passes less than this part."),
]
Cost = Annotated[str | None, typer.Option("--cost-usd", metavar="DOLLARS", help="The most that it may cost.")]
Only = Annotated[bool, typer.Option("--failed", help="Show only the cases that a grader did not pass.")]


@app.command("run")
def run(  # noqa: PLR0913, PLR0917 - each is one thing that a command line may say
    context: typer.Context,
    target: Annotated[
        str,
        typer.Argument(
            metavar="WORKFLOW|AGENT", help="name or name@version; agent/NAME for an agent.", show_default=False
        ),
    ],
    data: Annotated[
        str, typer.Option("--data", metavar="SET|@FILE", help="A data set, or a file with cases.", show_default=False)
    ],
    grade: Grade = None,
    prompt: Annotated[
        list[str] | None,
        typer.Option(metavar="[AGENT=]PROMPT", help="In place of the agent's own; of a workflow, may be repeated."),
    ] = None,
    variables: Annotated[
        list[str] | None, typer.Option("--var", metavar="KEY=VALUE", help="A variable of the prompt; may be repeated.")
    ] = None,
    concurrency: Annotated[int | None, typer.Option(min=1, max=100, help="Most cases at the same time.")] = None,
    cost_usd: Cost = None,
    fail_under: FailUnder = None,
    failed: Only = False,
    detach: Detach = False,
    idempotency_key: IdempotencyKey = None,
    as_json: AsJson = False,
) -> None:
    """Evaluate a workflow or an agent on a data set, wait for the end, and show what came of it."""
    cases = read_cases(Path(data[1:])) if data.startswith("@") else None
    with client_of(context) as client:
        kind, reference = _target(client, target)
        record = client.evaluations.start(
            workflow=reference if kind == "workflow" else None,
            agent=reference if kind == "agent" else None,
            data=None if cases else data,
            cases=cases,
            graders=read_graders(grade or ()),
            **_prompts(kind, reference, prompt or ()),
            variables=read_settings(variables) if variables else None,
            concurrency=concurrency,
            limits={"cost_usd": cost_usd} if cost_usd else None,
            idempotency_key=idempotency_key,
        )
        conclude_evaluation(client, record, detach=detach, as_json=as_json, failed=failed, fail_under=fail_under)


@app.command()
def show(
    context: typer.Context,
    evaluation: Id,
    failed: Only = False,
    fail_under: FailUnder = None,
    as_json: AsJson = False,
) -> None:
    """Show what came of an evaluation, as far as it has come."""
    with client_of(context) as client:
        found = whole(client, evaluation, failed)
    _print(found, as_json)
    raise typer.Exit(_code(found, fail_under))


@app.command()
def compare(
    context: typer.Context,
    left: Annotated[str, typer.Argument(metavar="LEFT", help="An evaluation's id.", show_default=False)],
    right: Annotated[str, typer.Argument(metavar="RIGHT", help="Another's, over the same cases.", show_default=False)],
    fail_if_worse: Annotated[
        bool, typer.Option("--fail-if-worse", help="Exit with 1 when a grader's interval is below 0 all along.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Compare two evaluations case by case: by how much each grader differs, and which cases flipped."""
    with client_of(context) as client:
        found = client.evaluations.compare(left, right)
    if as_json:
        print_json(found.as_sent())
    else:
        show_comparison(console(), found)
    if fail_if_worse and any(one.interval is not None and one.interval.high < 0 for one in found.graders):
        raise typer.Exit(ExitCode.EXECUTION_FAILED)


@app.command("list")
def list_evaluations(
    context: typer.Context,
    trials: Annotated[bool, typer.Option("--trials", help="Those of prompts on past calls.")] = False,
    limit: Annotated[int, typer.Option(min=1, help="Print no more than these.")] = 50,
    as_json: AsJson = False,
) -> None:
    """List evaluations, newest first."""
    with client_of(context) as client:
        found = list(islice(client.evaluations.list(kind="trial" if trials else None), limit))
    if as_json:
        print_json([one.as_sent() for one in found])
    else:
        show_evaluations(console(), found)


def conclude_evaluation(
    client: Client,
    record: EvaluationRecord,
    *,
    detach: bool = False,
    as_json: bool = False,
    failed: bool = False,
    fail_under: float | None = None,
) -> None:
    """Print the id, or wait for the end and print what came of it."""
    if detach:
        print_json(record.as_sent()) if as_json else say(record.id)
        return
    progress: Console = console(error=True)
    progress.print(f"evaluation {record.id}: {counted(record.evaluation.cases, 'case')}", soft_wrap=True)
    watch_silently(client, record.id, progress)
    found = whole(client, record.id, failed)
    _print(found, as_json)
    raise typer.Exit(_code(found, fail_under))


def whole(client: Client, evaluation: str, failed: bool = False) -> Evaluation:
    """With all of its cases."""
    which = "failed" if failed else None
    first = client.evaluations.get(evaluation, cases=which)
    cases: list[CaseResult] = list(first.cases.items)
    more = first.cases.continuation
    while more is not None:
        page = client.evaluations.get(evaluation, cases=which, continuation=more).cases
        cases += page.items
        more = page.continuation
    return first.model_copy(
        update={"cases": first.cases.model_copy(update={"items": tuple(cases), "continuation": None})}
    )


def _print(found: Evaluation, as_json: bool) -> None:
    if as_json:
        print_json(found.as_sent())
    else:
        show_evaluation(console(), found)


def _code(found: Evaluation, fail_under: float | None) -> ExitCode:
    if fail_under is not None and any((one.rate or 0) < fail_under for one in found.summary.graders):
        return ExitCode.EXECUTION_FAILED
    return code_of_status(found.status) if found.is_ended else ExitCode.COMPLETED


def _target(client: Client, said: str) -> tuple[str, str]:
    """`workflow` or `agent`, and its reference. Raises `BadInput`."""
    kind, slash, reference = said.partition("/")
    if slash and kind in ("agent", "workflow"):
        return kind, reference
    name = said.partition("@")[0]
    shelves = {"workflow": client.workflows, "agent": client.agents}
    found = [word for word, shelf in shelves.items() if _is_there(shelf, name)]
    if len(found) == 1:
        return found[0], said
    if found:
        raise BadInput(f"{name!r} is a workflow and an agent.", f"Say agent/{said} or workflow/{said}.")
    raise BadInput(f"There is no workflow or agent {name!r}.", "Look with `meta-agents list workflows`, or agents.")


def _prompts(kind: str, reference: str, said: Iterable[str]) -> dict[str, Any]:
    """What `--prompt` says, as the request says it. Raises `BadInput`."""
    pairs = [one.rpartition("=") for one in said]
    if kind == "workflow":
        if any(not agent for agent, _, _ in pairs):
            raise BadInput("A workflow has several agents.", "Say whose prompt it is: --prompt AGENT=PROMPT.")
        return {"prompts": {agent: prompt for agent, _, prompt in pairs}} if pairs else {}
    if len(pairs) > 1:
        raise BadInput("An agent has one prompt.", "Give --prompt once.")
    if pairs and pairs[0][0] not in ("", reference.partition("@")[0]):
        raise BadInput(f"{reference!r} has no agent {pairs[0][0]!r}: it is one itself.", "Say --prompt PROMPT.")
    return {"prompt": pairs[0][2]} if pairs else {}


def _is_there(shelf: Any, name: str) -> Json:
    try:
        shelf.get(name)
    except ApiError as error:
        if error.status != 404:
            raise
        return False
    return True
