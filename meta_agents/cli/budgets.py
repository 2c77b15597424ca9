"""`budget`: those of the tenant, and raising that of an execution."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer
from rich.text import Text

from meta_agents.cli.context import AsJson, client_of, console, print_json, say
from meta_agents.cli.executing import Id
from meta_agents.cli.exits import BadInput
from meta_agents.cli.tables import table_of
from meta_agents.errors import ApiError
from meta_agents.live.style import clock
from meta_agents.results import Json, StandingBudget, Usage

app = typer.Typer(no_args_is_help=True, help="Caps on what agents may spend: money, tokens, model calls.")


class Period(StrEnum):
    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    TOTAL = "total"


class AtCap(StrEnum):
    PAUSE = "pause"
    FAIL = "fail"


Dollars = Annotated[str | None, typer.Option("--cost-usd", metavar="DOLLARS", help="US dollars in all.")]
Tokens = Annotated[int | None, typer.Option("--tokens", min=1, help="Tokens in all, in and out.")]
Calls = Annotated[int | None, typer.Option("--model-calls", min=1, help="Model calls in all.")]
Name = Annotated[str, typer.Argument(metavar="NAME", show_default=False)]


@app.command("raise")
def raise_one(
    context: typer.Context,
    execution: Id,
    path: Annotated[
        str, typer.Argument(metavar="PATH", help="Of the step with the budget; left out: the execution's own limits.")
    ] = "",
    cost_usd: Dollars = None,
    tokens: Tokens = None,
    model_calls: Calls = None,
    resume: Annotated[bool, typer.Option(help="Go on, if a budget has paused the execution.")] = True,
    as_json: AsJson = False,
) -> None:
    """Raise a budget of an execution to new caps; one that it had paused goes on."""
    _require_cap(cost_usd, tokens, model_calls)
    with client_of(context) as client:
        record = client.executions.raise_budget(
            execution, path, cost_usd=cost_usd, tokens=tokens, model_calls=model_calls, resume=resume
        )
    if as_json:
        print_json(record.as_sent())
        return
    say(f"{record.id}  {record.status}")
    then = "To go on: meta-agents resume" if record.status == "paused" else "Watch it: meta-agents watch"
    console(error=True).print(Text(f"{then} {record.id}"), soft_wrap=True)


@app.command("list")
def list_all(context: typer.Context, as_json: AsJson = False) -> None:
    """The tenant's budgets, and how each stands."""
    with client_of(context) as client:
        budgets = client.budgets.list()
    if as_json:
        print_json([budget.as_sent() for budget in budgets])
        return
    table = table_of("NAME", "OF", "PERIOD", "SPENT", "RESERVED", "CAP", "AT CAP", "ENDS")
    for budget in budgets:
        definition = budget.definition
        whose = f"{definition.get('scope')} {definition.get('of')}" if definition.get("of") else "tenant"
        cells = [str(definition.get("name")), whose, budget.period, _amounts(budget.spent, definition)]
        cells += [_amounts(budget.reserved, definition), _caps(definition), str(definition.get("at_cap"))]
        table.add_row(*cells, clock(budget.ends) if budget.ends else "")
    console().print(table)


@app.command("set")
def set_one(  # noqa: PLR0913 - one for each option
    context: typer.Context,
    name: Name,
    *,
    cost_usd: Dollars = None,
    tokens: Tokens = None,
    model_calls: Calls = None,
    period: Annotated[Period | None, typer.Option(help="How long it is for; month if it is new.")] = None,
    workflow: Annotated[
        str | None, typer.Option(metavar="NAME", help="Only executions of this workflow count.")
    ] = None,
    agent: Annotated[str | None, typer.Option(metavar="NAME", help="Only calls of this agent count.")] = None,
    time_zone: Annotated[str | None, typer.Option(metavar="ZONE", help="Where its periods begin; UTC if new.")] = None,
    at_cap: Annotated[AtCap | None, typer.Option(help="Pause executions, or fail steps; pause if it is new.")] = None,
    as_json: AsJson = False,
) -> None:
    """Create a budget of the tenant, or change what is given of it. Executions that waited for it go on."""
    if workflow is not None and agent is not None:
        raise BadInput("A budget is of a workflow or of an agent.", "Give --workflow or --agent, not both.")
    given: dict[str, Json] = {"cost_usd": cost_usd, "tokens": tokens, "model_calls": model_calls}
    given |= {"period": period, "time_zone": time_zone, "at_cap": at_cap}
    if workflow or agent:
        given |= {"scope": "workflow" if workflow else "agent", "of": workflow or agent}
    changes = {key: value for key, value in given.items() if value is not None}
    with client_of(context) as client:
        try:
            before: StandingBudget | None = client.budgets.get(name)
        except ApiError as error:
            if error.status != 404:
                raise
            before = None
        if before is None:
            _require_cap(cost_usd, tokens, model_calls)
        # Only over what was read: of two who change it at the same time, the second is told.
        body = {"name": name, **(before.definition if before else {}), **changes}
        stored = client.budgets.put(body, if_match=before.etag if before else None, create_only=before is None)
    if as_json:
        print_json(stored.as_sent())
    else:
        left = f"{_amounts(stored.spent, stored.definition)} of {_caps(stored.definition)}"
        say(f"{name}  {left} spent in {stored.period}")


@app.command("delete")
def delete_one(context: typer.Context, name: Name) -> None:
    """Delete a budget of the tenant. Executions that waited for it go on."""
    with client_of(context) as client:
        client.budgets.delete(name)
    say(f"deleted  budget    {name}")


def _require_cap(*caps: object) -> None:
    if all(cap is None for cap in caps):
        raise BadInput("There is no cap.", "Give --cost-usd, --tokens or --model-calls.")


def _caps(definition: dict[str, Json]) -> str:
    dollars = definition.get("cost_usd")
    told = [] if dollars is None else [f"${dollars}"]
    told += [
        f"{int(definition[key]):,} {word}"
        for key, word in (("tokens", "tokens"), ("model_calls", "calls"))
        if key in definition
    ]
    return ", ".join(told)


def _amounts(usage: Usage, definition: dict[str, Json]) -> str:
    """What was used of each that is capped."""
    told = [f"${usage.cost_usd}"] if "cost_usd" in definition else []
    if "tokens" in definition:
        told.append(f"{usage.tokens_in + usage.tokens_out:,} tokens")
    if "model_calls" in definition:
        told.append(f"{usage.model_calls:,} calls")
    return ", ".join(told)
